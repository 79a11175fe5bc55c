//! Frames: what one sync makes durable, chained to all that came before.

use std::ops::Range;

use crate::bytes_at::{put, u32_at, u64_at};
use crate::record;

/// Bytes of a frame before its records.
pub(crate) const HEADER_LEN: usize = 40;

/// Frames begin at multiples of this.
pub(crate) const ALIGN: usize = 8;

const MAGIC: [u8; 4] = *b"TKF1";

mod at {
    pub(super) const KIND: usize = 4;
    pub(super) const FIRST: usize = 8;
    pub(super) const COUNT: usize = 16;
    pub(super) const BODY_LEN: usize = 20;
    pub(super) const CHAIN_BEFORE: usize = 24;
    pub(super) const CHAIN: usize = 28;
    pub(super) const CHECK: usize = 32;
}

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It has records.
    Records,
    /// It has none, and says that the frame before it was synced.
    Confirming,
}

/// The header of a frame whose header checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) first_position: u64,
    pub(crate) count: u32,
    pub(crate) body_len: u32,
    pub(crate) chain_before: u32,
    pub(crate) chain: u32,
}

impl Header {
    /// The whole frame's length, with the zeros at its end.
    pub(crate) fn frame_len(&self) -> usize {
        (HEADER_LEN + self.body_len as usize).next_multiple_of(ALIGN)
    }

    /// The header at this offset of the segment, if there is one that belongs there.
    pub(crate) fn parse(bytes: &[u8], segment_id: &[u8; 16], offset: u64) -> Option<Self> {
        let bytes = bytes.get(..HEADER_LEN)?;
        if bytes[..4] != MAGIC || u32_at(bytes, at::CHECK) != header_check(bytes, segment_id, offset) {
            return None;
        }
        let kind = match bytes[at::KIND] {
            1 => Kind::Records,
            2 => Kind::Confirming,
            _ => return None,
        };
        Some(Self {
            kind,
            first_position: u64_at(bytes, at::FIRST),
            count: u32_at(bytes, at::COUNT),
            body_len: u32_at(bytes, at::BODY_LEN),
            chain_before: u32_at(bytes, at::CHAIN_BEFORE),
            chain: u32_at(bytes, at::CHAIN),
        })
    }
}

fn header_check(header: &[u8], segment_id: &[u8; 16], offset: u64) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(segment_id);
    crc.update(&offset.to_le_bytes());
    crc.update(&header[..at::CHECK]);
    crc.finalize()
}

fn chain(header: &[u8], segment_id: &[u8; 16], record_crcs: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(segment_id);
    crc.update(&header[..at::CHAIN]);
    crc.update(record_crcs);
    crc.finalize()
}

/// A frame that is being filled.
#[derive(Debug)]
pub(crate) struct FrameBuilder {
    bytes: Vec<u8>,
    crcs: Vec<u8>,
    count: u32,
}

impl FrameBuilder {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; HEADER_LEN], crcs: Vec::new(), count: 0 }
    }

    /// Makes room for the next frame, and keeps no more memory than ordinary frames need.
    pub(crate) fn clear(&mut self) {
        self.bytes.truncate(HEADER_LEN);
        self.bytes.shrink_to(KEPT_BYTES);
        self.crcs.clear();
        self.count = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many records it holds.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Takes in encoded records, which stand in their buffer after room for a frame's header, and says how much further
    /// on they stand in the frame. Each is then given its place by [`FrameBuilder::place`], in their order.
    ///
    /// Many records are not copied: their buffer becomes the frame's, and the frame's is left in its stead.
    pub(crate) fn take(&mut self, records: &mut Vec<u8>) -> usize {
        let start = self.bytes.len();
        if start == HEADER_LEN && records.len() >= TAKEN_WHOLE_BYTES_MIN {
            std::mem::swap(&mut self.bytes, records);
        } else {
            self.bytes.extend_from_slice(&records[HEADER_LEN..]);
        }
        start - HEADER_LEN
    }

    /// Gives the next of the records taken in, which stands there, its place in the log.
    pub(crate) fn place(&mut self, record: Range<usize>, position: u64, version: u64) {
        let crc = record::finish(&mut self.bytes[record], position, version);
        self.crcs.extend_from_slice(&crc.to_le_bytes());
        self.count += 1;
    }

    /// Adds one encoded record, copied, at its place in the log.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn push(&mut self, encoded: &[u8], position: u64, version: u64) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(encoded);
        self.place(start..self.bytes.len(), position, version);
    }

    /// The record that begins at this place of the frame.
    pub(crate) fn record(&self, start: usize) -> record::Fields<'_> {
        let len = record::len_of(&self.bytes[start..]).expect("the frame holds whole records");
        record::Fields::of(&self.bytes[start..start + len])
    }

    /// The frame's length once it is finished.
    pub(crate) fn frame_len(&self) -> usize {
        self.bytes.len().next_multiple_of(ALIGN)
    }

    /// Completes the frame for its place and returns its bytes and its chain checksum.
    pub(crate) fn finish(
        &mut self,
        segment_id: &[u8; 16],
        offset: u64,
        first_position: u64,
        chain_before: u32,
    ) -> (&[u8], u32) {
        let body_len = self.bytes.len() - HEADER_LEN;
        self.bytes.resize(self.frame_len(), 0);
        let kind = if self.count == 0 { 2 } else { 1 };
        let header = &mut self.bytes[..HEADER_LEN];
        put(header, 0, &MAGIC);
        header[at::KIND] = kind;
        put(header, at::FIRST, &first_position.to_le_bytes());
        put(header, at::COUNT, &self.count.to_le_bytes());
        put(header, at::BODY_LEN, &(body_len as u32).to_le_bytes());
        put(header, at::CHAIN_BEFORE, &chain_before.to_le_bytes());
        let chain = chain(header, segment_id, &self.crcs);
        put(header, at::CHAIN, &chain.to_le_bytes());
        let check = header_check(header, segment_id, offset);
        put(header, at::CHECK, &check.to_le_bytes());
        (&self.bytes, chain)
    }
}

/// From so many bytes on, records that come first are not copied into the frame. With fewer, a copy costs less than that
/// the frame grows out of a buffer which had room for just those.
const TAKEN_WHOLE_BYTES_MIN: usize = 128 << 10;

/// How much of a frame's buffer is kept for the next one, in bytes.
const KEPT_BYTES: usize = 4 << 20;

/// What is wrong with a frame whose header is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadBody {
    /// Where in the frame the first record that isn't right begins.
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

/// Checks a frame's records and chain checksum; calls `each` with the place in the frame and the bytes of
/// every record.
pub(crate) fn check_body(
    header: &Header,
    frame: &[u8],
    segment_id: &[u8; 16],
    mut each: impl FnMut(usize, &[u8]),
) -> Result<(), BadBody> {
    let body = &frame[..HEADER_LEN + header.body_len as usize];
    let mut crcs = Vec::with_capacity(header.count as usize * 4);
    let mut start = HEADER_LEN;
    for number in 0..u64::from(header.count) {
        let bad = |what| BadBody { at: start, what };
        let rest = &body[start..];
        let len = record::len_of(rest).ok_or(bad("no record begins here"))?;
        let bytes = rest.get(..len).ok_or(bad("a record reaches beyond its frame"))?;
        let crc = record::check(bytes).ok_or(bad("a record's checksum is wrong"))?;
        if record::Fields::of(bytes).position() != header.first_position + number {
            return Err(bad("a record is out of order"));
        }
        crcs.extend_from_slice(&crc.to_le_bytes());
        each(start, bytes);
        start += len;
    }
    if start != body.len() {
        return Err(BadBody { at: start, what: "the frame has more than its records" });
    }
    if chain(&frame[..HEADER_LEN], segment_id, &crcs) != header.chain {
        return Err(BadBody { at: 0, what: "the frame's checksum is wrong" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records of these many bytes each, after room for a frame's header, and where they stand.
    fn encoded(count: usize, body_len: usize) -> (Vec<u8>, Vec<Range<usize>>) {
        let mut bytes = vec![0; HEADER_LEN];
        let records = (0..count).map(|number| {
            let start = bytes.len();
            let body = vec![number as u8; body_len];
            record::encode(&mut bytes, &[7; 16], b"order-1", std::iter::empty(), &[&body]).unwrap();
            start..bytes.len()
        });
        let records = records.collect();
        (bytes, records)
    }

    #[test]
    fn records_make_the_same_frame_whether_they_are_copied_or_not() {
        let mut frame = FrameBuilder::new();
        // Frames of many records, few, and both; then again, in the buffers that the others left.
        for counts in [&[300][..], &[3], &[3, 300], &[300, 300], &[300, 3], &[1]] {
            frame.clear();
            let mut copied = FrameBuilder::new();
            for count in counts {
                let (mut bytes, records) = encoded(*count, 500);
                for record in &records {
                    let position = u64::from(copied.count()) + 1;
                    copied.push(&bytes[record.clone()], position, position);
                }
                let shift = frame.take(&mut bytes);
                for record in records {
                    let position = u64::from(frame.count()) + 1;
                    frame.place(record.start + shift..record.end + shift, position, position);
                }
            }
            let (bytes, _) = frame.finish(&[1; 16], 4096, 1, 9);
            assert_eq!(bytes, copied.finish(&[1; 16], 4096, 1, 9).0, "{counts:?}");
            let header = Header::parse(bytes, &[1; 16], 4096).unwrap();
            assert_eq!(check_body(&header, bytes, &[1; 16], |_, _| {}), Ok(()));
        }
    }
}
