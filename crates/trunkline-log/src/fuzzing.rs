//! What the fuzzer calls: the two places where bytes from a disk are first believed.

use bytes::Bytes;

use crate::bytes_at::put;
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

/// Recovers a segment with these bytes after its header.
///
/// # Panics
///
/// When recovery finds more than there is, or its result, kept alone, is not clean.
pub fn recover_segment(frames: &[u8], synced_end: u64) {
    let header = segment::Header {
        store_id: [1; 16],
        hash_key: [2; 16],
        segment_id: [3; 16],
        number: 1,
        first_position: 1,
        capacity: (segment::HEADER_LEN + frames.len()) as u64,
        previous_end: 0,
        previous_chain: 0,
    };
    let mut bytes = header.encode();
    bytes.extend_from_slice(frames);
    let found = recover(&bytes, &header, synced_end);
    let end = usize::try_from(found.end).expect("the end of what is in memory");
    assert!((segment::HEADER_LEN..=bytes.len()).contains(&end), "{found:?}");
    // What is mended by zeros is what was found.
    bytes[end..].fill(0);
    let mended = recover(&bytes, &header, 0);
    assert_eq!((mended.end, mended.chain, mended.next_position), (found.end, found.chain, found.next_position));
    assert_eq!(mended.verdict, Verdict::Clean);
}
