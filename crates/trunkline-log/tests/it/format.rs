//! Format 1 read as `docs/format/log-v1.md` states it, without any of the log's own code.

use std::ops::Range;

/// Bytes of a segment before its first frame.
pub(crate) const SEGMENT_HEADER: usize = 4096;

/// Bytes of that header that mean something; the others are unused.
pub(crate) const SEGMENT_HEADER_USED: usize = 104;

pub(crate) fn number<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + N].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A frame in a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Where it stands, with the zeros at its end.
    pub(crate) bytes: Range<usize>,
    pub(crate) confirming: bool,
    pub(crate) first_position: u64,
    pub(crate) records: u64,
    pub(crate) chain_before: u64,
    pub(crate) chain: u64,
    /// Where its last record ends.
    pub(crate) body_end: usize,
}

impl Frame {
    /// Whether a byte of the segment is one that the frame's checksums cover, or are.
    pub(crate) fn covers(&self, at: usize) -> bool {
        let unused_in_header = self.bytes.start + 36..self.bytes.start + 40;
        (self.bytes.start..self.body_end).contains(&at) && !unused_in_header.contains(&at)
    }
}

/// The frames of a whole segment.
pub(crate) fn frames(segment: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut start = SEGMENT_HEADER;
    while segment.get(start..start + 4) == Some(b"TKF1") {
        let body_end = start + 40 + number::<4>(segment, start + 20) as usize;
        let end = body_end.next_multiple_of(8);
        frames.push(Frame {
            bytes: start..end,
            confirming: segment[start + 4] == 2,
            first_position: number::<8>(segment, start + 8),
            records: number::<4>(segment, start + 16),
            chain_before: number::<4>(segment, start + 24),
            chain: number::<4>(segment, start + 28),
            body_end,
        });
        start = end;
    }
    frames
}
