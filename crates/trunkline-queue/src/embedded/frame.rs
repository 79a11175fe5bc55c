//! A segment's header and its frames: what is written as one, with a checksum.

use super::codec::Malformed;

/// How many bytes a segment's header has.
pub(crate) const HEADER_LEN: u64 = 64;

/// How many bytes stand before a frame's payload.
pub(crate) const FRAME_HEADER_LEN: usize = 24;

/// Frames begin at multiples of this, so that they can be looked for.
pub(crate) const ALIGN: u64 = 8;

/// What a segment begins with; the digit is its version.
pub(crate) const MAGIC: [u8; 8] = *b"TRKLQSG2";

/// What segments began with when there were fewer kinds of changes: they are read, and no more is written to them.
pub(crate) const OLD_MAGIC: [u8; 8] = *b"TRKLQSG1";
const FRAME_MAGIC: u32 = 0x314d_5246;

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The queue's, the same in all its segments; ids are hashed with it.
    pub(crate) queue: [u8; 16],
    /// This segment's, which no other has.
    pub(crate) segment: [u8; 16],
    pub(crate) number: u32,
    /// Where the segment before ends.
    pub(crate) previous_end: u64,
    /// It is of a version that doesn't know all changes that are written today.
    pub(crate) old: bool,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_LEN as usize] {
        let mut bytes = [0; HEADER_LEN as usize];
        bytes[..8].copy_from_slice(if self.old { &OLD_MAGIC } else { &MAGIC });
        bytes[8..24].copy_from_slice(&self.queue);
        bytes[24..40].copy_from_slice(&self.segment);
        bytes[40..44].copy_from_slice(&self.number.to_le_bytes());
        bytes[44..52].copy_from_slice(&self.previous_end.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes: &[u8; HEADER_LEN as usize] =
            bytes.first_chunk().ok_or(Malformed("the file is shorter than its header"))?;
        let old = bytes[..8] == OLD_MAGIC;
        if bytes[..8] != MAGIC && !old {
            return Err(Malformed("it is no segment of a queue"));
        }
        if crc32fast::hash(&bytes[..60]).to_le_bytes() != bytes[60..] {
            return Err(Malformed("the header's checksum is wrong"));
        }
        let part = |from: usize| bytes[from..from + 16].first_chunk().copied().unwrap_or_default();
        let number = bytes[40..44].first_chunk().copied().unwrap_or_default();
        let end = bytes[44..52].first_chunk().copied().unwrap_or_default();
        Ok(Self {
            queue: part(8),
            segment: part(24),
            number: u32::from_le_bytes(number),
            previous_end: u64::from_le_bytes(end),
            old,
        })
    }
}

/// A frame that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) payload: &'a [u8],
    /// Everything before this offset was synced before the frame was written.
    pub(crate) synced: u64,
    /// Where the next frame begins.
    pub(crate) end: u64,
}

/// Makes a frame of a payload that has room for the header before it.
pub(crate) fn seal(frame: &mut Vec<u8>, segment: &[u8; 16], offset: u64, synced: u64) {
    let len = (frame.len() - FRAME_HEADER_LEN) as u32;
    frame[..4].copy_from_slice(&FRAME_MAGIC.to_le_bytes());
    frame[4..8].copy_from_slice(&len.to_le_bytes());
    frame[8..16].copy_from_slice(&synced.to_le_bytes());
    let crc = checksum(segment, offset, &frame[4..16], &frame[FRAME_HEADER_LEN..]);
    frame[16..20].copy_from_slice(&crc.to_le_bytes());
    frame.resize(frame.len().next_multiple_of(ALIGN as usize), 0);
}

/// The frame at an offset of a segment's bytes, if there is one.
pub(crate) fn find<'a>(bytes: &'a [u8], segment: &[u8; 16], offset: u64) -> Option<Frame<'a>> {
    let start = usize::try_from(offset).ok()?;
    let header: &[u8; FRAME_HEADER_LEN] = bytes.get(start..)?.first_chunk()?;
    let word = |from: usize| header[from..from + 4].first_chunk().copied().map(u32::from_le_bytes);
    if word(0)? != FRAME_MAGIC {
        return None;
    }
    let from = start + FRAME_HEADER_LEN;
    let payload = bytes.get(from..from.checked_add(word(4)? as usize)?)?;
    if checksum(segment, offset, &header[4..16], payload) != word(16)? {
        return None;
    }
    let synced = header[8..16].first_chunk().copied().map(u64::from_le_bytes)?;
    let end = ((from + payload.len()) as u64).next_multiple_of(ALIGN);
    Some(Frame { payload, synced, end })
}

/// Where the first frame begins from there on.
pub(crate) fn next_from(bytes: &[u8], segment: &[u8; 16], mut offset: u64) -> Option<u64> {
    while offset < bytes.len() as u64 {
        if find(bytes, segment, offset).is_some() {
            return Some(offset);
        }
        offset += ALIGN;
    }
    None
}

/// Over the segment's own id and the frame's place, so that no other bytes can pass for this frame.
fn checksum(segment: &[u8; 16], offset: u64, header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(segment);
    hasher.update(&offset.to_le_bytes());
    hasher.update(header);
    hasher.update(payload);
    hasher.finalize()
}

/// What a segment's bytes are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Frames up to this offset, and nothing after them; everything before `synced` was synced.
    Clean { end: u64, synced: u64 },
    /// Frames up to this offset, then so many bytes of frames that were cut off and not synced.
    RolledBack { end: u64, synced: u64, bytes: u64 },
    /// What was synced is not what it was.
    Corrupt { offset: u64, what: &'static str },
}

/// Looks at a segment's bytes, and hands each frame with its offset to `each`, until one is refused.
///
/// Frames that were not synced may have reached the disk in any part and any order when the power went. So what
/// is no frame is damage only when a later frame says that it was synced by then.
pub(crate) fn scan(
    bytes: &[u8],
    segment: &[u8; 16],
    each: impl FnMut(u64, Frame<'_>) -> Result<(), Malformed>,
) -> Verdict {
    scan_from(bytes, segment, HEADER_LEN, each)
}

/// The same, from a frame on.
pub(crate) fn scan_from(
    bytes: &[u8],
    segment: &[u8; 16],
    first: u64,
    mut each: impl FnMut(u64, Frame<'_>) -> Result<(), Malformed>,
) -> Verdict {
    let (mut offset, mut synced) = (first, HEADER_LEN);
    while let Some(frame) = find(bytes, segment, offset) {
        synced = synced.max(frame.synced);
        if let Err(Malformed(what)) = each(offset, frame) {
            return Verdict::Corrupt { offset, what };
        }
        offset = frame.end;
    }
    let end = offset;
    let rest = &bytes[bytes.len().min(end as usize)..];
    let Some(last) = rest.iter().rposition(|byte| *byte != 0) else { return Verdict::Clean { end, synced } };
    let mut later = end + ALIGN;
    while later < end + last as u64 {
        match find(bytes, segment, later) {
            Some(frame) if frame.synced > end => {
                return Verdict::Corrupt { offset: end, what: "a frame that was synced is damaged" };
            }
            Some(frame) => later = frame.end,
            None => later += ALIGN,
        }
    }
    Verdict::RolledBack { end, synced, bytes: last as u64 + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: [u8; 16] = [9; 16];

    /// A segment of frames, each of a payload and whether everything before it was synced.
    fn segment(frames: &[(&[u8], bool)]) -> (Vec<u8>, Vec<u64>) {
        let (mut bytes, mut starts, mut synced) = (vec![0; HEADER_LEN as usize], Vec::new(), HEADER_LEN);
        for (payload, sync) in frames {
            let offset = bytes.len() as u64;
            if *sync {
                synced = offset;
            }
            let mut frame = vec![0; FRAME_HEADER_LEN];
            frame.extend_from_slice(payload);
            seal(&mut frame, &SEGMENT, offset, synced);
            starts.push(offset);
            bytes.extend(frame);
        }
        bytes.resize(bytes.len() + 256, 0);
        (bytes, starts)
    }

    #[test]
    fn whole_frames_are_clean() {
        let (bytes, starts) = segment(&[(b"one", true), (b"", true), (b"three", false)]);
        let mut seen = Vec::new();
        let verdict = scan(&bytes, &SEGMENT, |offset, frame| {
            seen.push((offset, frame.payload.to_vec()));
            Ok(())
        });
        assert_eq!(verdict, Verdict::Clean { end: bytes.len() as u64 - 256, synced: starts[1] });
        assert_eq!(seen.iter().map(|(_, payload)| payload.len()).collect::<Vec<_>>(), [3, 0, 5]);
    }

    #[test]
    fn a_frame_that_was_not_synced_is_rolled_back_with_all_after_it() {
        let (mut bytes, starts) =
            segment(&[(b"one", true), (b"two", true), (b"three", false), (b"four", false)]);
        bytes[starts[2] as usize + FRAME_HEADER_LEN] ^= 1;
        let verdict = scan(&bytes, &SEGMENT, |_, _| Ok(()));
        assert!(matches!(verdict, Verdict::RolledBack { end, .. } if end == starts[2]), "{verdict:?}");
    }

    #[test]
    fn a_frame_that_was_synced_is_not_rolled_back() {
        let (mut bytes, starts) = segment(&[(b"one", true), (b"two", true), (b"three", true)]);
        bytes[starts[1] as usize + FRAME_HEADER_LEN] ^= 1;
        let verdict = scan(&bytes, &SEGMENT, |_, _| Ok(()));
        assert!(matches!(verdict, Verdict::Corrupt { offset, .. } if offset == starts[1]), "{verdict:?}");
    }

    #[test]
    fn a_frame_elsewhere_or_of_another_segment_is_none() {
        let (bytes, starts) = segment(&[(b"one", true)]);
        assert!(find(&bytes, &SEGMENT, starts[0]).is_some());
        assert!(find(&bytes, &[8; 16], starts[0]).is_none());
        assert!(find(&bytes[8..], &SEGMENT, starts[0] - 8).is_none());
    }

    #[test]
    fn a_header_is_read_back_or_refused() {
        let header =
            Header { queue: [1; 16], segment: SEGMENT, number: 7, previous_end: 1 << 40, old: false };
        let mut bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Ok(header));
        for at in 0..HEADER_LEN as usize {
            bytes[at] ^= 1;
            assert!(Header::decode(&bytes).is_err(), "byte {at}");
            bytes[at] ^= 1;
        }
    }
}
