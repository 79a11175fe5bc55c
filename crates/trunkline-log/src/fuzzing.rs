//! What the fuzzer calls: the two places where bytes from a disk are first believed.

use bytes::Bytes;

use crate::bytes_at::{put, u16_at};
use crate::frame::FrameBuilder;
use crate::recover::{Verdict, recover};
use crate::{Record, record, segment};

/// Parses a record of these bytes, and goes over all that it says.
///
/// # Panics
///
/// When the record says something that is not in the bytes.
pub fn parse_record(bytes: &[u8]) {
    walk_record(bytes);
    // Few bytes have the right checksum; with it, the lengths inside are believed.
    let mut bytes = bytes.to_vec();
    if bytes.len() >= record::HEADER_LEN {
        let len = bytes.len() as u32;
        put(&mut bytes, 4, &len.to_le_bytes());
        let crc = crc32fast::hash(&bytes[4..]);
        put(&mut bytes, 0, &crc.to_le_bytes());
        walk_record(&bytes);
    }
}

fn walk_record(bytes: &[u8]) {
    let Some(record) = Record::parse(Bytes::copy_from_slice(bytes)) else { return };
    let labels: usize = record.labels().map(|(label, _)| 4 + label.text.len()).sum();
    let parts = record::HEADER_LEN + record.stream().len() + labels + record.body_range().len();
    assert_eq!(parts, bytes.len(), "the parts of a record are the whole of it");
}

/// Recovers a segment with these bytes after its header; and one with whole frames, changed as the bytes say:
/// each three of them are a place and what is changed there.
///
/// # Panics
///
/// When recovery finds more than there is, or its result, kept alone, is not clean.
pub fn recover_segment(input: &[u8], synced_end: u64) {
    let capacity = segment::HEADER_LEN + input.len().max(4096);
    let header = segment::Header {
        store_id: [1; 16],
        hash_key: [2; 16],
        segment_id: [3; 16],
        number: 1,
        first_position: 1,
        capacity: capacity as u64,
        previous_end: 0,
        previous_chain: 0,
    };
    let mut bytes = header.encode();
    bytes.extend_from_slice(input);
    check_recovery(bytes, &header, synced_end);

    let mut bytes = whole_frames(&header);
    bytes.resize(capacity, 0);
    for change in input.chunks_exact(3) {
        let at = usize::from(u16_at(change, 0)) % (bytes.len() - segment::HEADER_LEN);
        bytes[segment::HEADER_LEN + at] ^= change[2];
    }
    check_recovery(bytes, &header, synced_end);
}

/// A segment with three frames of records and one that confirms them.
fn whole_frames(header: &segment::Header) -> Vec<u8> {
    let mut bytes = header.encode();
    let (mut chain, mut position) = (header.chain(), header.first_position);
    for count in [1, 3, 2, 0] {
        let mut frame = FrameBuilder::new();
        let first = position;
        for _ in 0..count {
            let mut encoded = Vec::new();
            record::encode(&mut encoded, &[9; 16], b"a-1", std::iter::empty(), &[b"hello"])
                .expect("nothing in it is too long");
            frame.push(&encoded, position, position);
            position += 1;
        }
        let (frame, next) = frame.finish(&header.segment_id, bytes.len() as u64, first, chain);
        bytes.extend_from_slice(frame);
        chain = next;
    }
    bytes
}

fn check_recovery(mut bytes: Vec<u8>, header: &segment::Header, synced_end: u64) {
    let found = recover(&bytes, header, synced_end);
    let end = usize::try_from(found.end).expect("the end of what is in memory");
    assert!((segment::HEADER_LEN..=bytes.len()).contains(&end), "{found:?}");
    // Mended by zeros, it is what was found.
    bytes[end..].fill(0);
    let mended = recover(&bytes, header, 0);
    assert_eq!(
        (mended.end, mended.chain, mended.next_position),
        (found.end, found.chain, found.next_position)
    );
    assert_eq!(mended.verdict, Verdict::Clean);
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_the_fuzzer_calls_accepts_plain_inputs() {
        super::parse_record(&[0; 100]);
        super::recover_segment(&[], 0);
        super::recover_segment(&[44; 3000], 5000);
    }
}
