//! Recovery: what the bytes of a segment say about where the log ends. A function of bytes, without files.

use crate::frame::{self, ALIGN, BadBody, Kind};
use crate::segment;

/// How far a segment's frames go, and what comes after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// Where the last whole frame ends.
    pub(crate) end: u64,
    /// The chain checksum there.
    pub(crate) chain: u32,
    /// The position of the next record to come.
    pub(crate) next_position: u64,
    /// Whether the last frame is confirmed by one after it, or there is none.
    pub(crate) confirmed: bool,
    /// What comes after.
    pub(crate) verdict: Verdict,
}

/// What follows the last whole frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Clean,
    /// The remains of a commit that was cut off and never acknowledged: so many bytes.
    RolledBack { bytes: u64 },
    /// What was once a whole frame.
    Corrupt {
        /// Where in the segment.
        offset: u64,
        what: String,
    },
}

/// Follows the frames of a segment.
///
/// `synced_end` is how far the segment is known to have been synced; 0 when nothing is known.
pub(crate) fn recover(bytes: &[u8], header: &segment::Header, synced_end: u64) -> Recovered {
    let mut recovered = Recovered {
        end: segment::HEADER_LEN as u64,
        chain: header.chain(),
        next_position: header.first_position,
        confirmed: true,
        verdict: Verdict::Clean,
    };
    let bad = loop {
        match next_frame(bytes, header, &recovered) {
            Ok(found) => {
                recovered.end += found.frame_len() as u64;
                recovered.chain = found.chain;
                recovered.next_position += u64::from(found.count);
                recovered.confirmed = found.kind == Kind::Confirming;
            }
            Err(bad) => break bad,
        }
    };
    let rest = bytes.get(recovered.end as usize..).unwrap_or_default();
    let corrupt = |what: String| Verdict::Corrupt { offset: recovered.end + bad.at as u64, what };
    recovered.verdict = if synced_end > recovered.end {
        corrupt(format!("{}, though the log was synced up to byte {synced_end}", bad.what))
    } else if let Some(last) = last_nonzero(rest) {
        match later_frame(rest, header, recovered.end) {
            Some(later) => corrupt(format!("{}, though a later frame follows at byte {later}", bad.what)),
            None => Verdict::RolledBack { bytes: last as u64 + 1 },
        }
    } else {
        Verdict::Clean
    };
    recovered
}

/// The frame that follows what is recovered so far, if it is whole.
fn next_frame(bytes: &[u8], header: &segment::Header, so_far: &Recovered) -> Result<frame::Header, BadBody> {
    let bad = |what| BadBody { at: 0, what };
    let rest = bytes.get(so_far.end as usize..).unwrap_or_default();
    let found = frame::Header::parse(rest, &header.segment_id, so_far.end)
        .ok_or(bad("there is no frame header here"))?;
    if found.chain_before != so_far.chain {
        return Err(bad("the frame doesn't follow from the one before it"));
    }
    if found.first_position != so_far.next_position {
        return Err(bad("the frame's position doesn't follow from the one before it"));
    }
    let frame = rest.get(..found.frame_len()).ok_or(bad("the frame reaches beyond the segment"))?;
    frame::check_body(&found, frame, &header.segment_id, |_, _| {})?;
    Ok(found)
}

/// The last byte that isn't zero. Most of a segment may be zeros still, so they are compared a page at a time.
pub(crate) fn last_nonzero(bytes: &[u8]) -> Option<usize> {
    const ZEROS: [u8; 4096] = [0; 4096];
    let page = bytes.chunks(ZEROS.len()).rposition(|page| *page != ZEROS[..page.len()])?;
    let start = page * ZEROS.len();
    let end = bytes.len().min(start + ZEROS.len());
    bytes[start..end].iter().rposition(|byte| *byte != 0).map(|at| start + at)
}

/// Where in the segment a frame header stands beyond the first bytes of `rest`, which begins at `offset`.
fn later_frame(rest: &[u8], header: &segment::Header, offset: u64) -> Option<u64> {
    (ALIGN..rest.len().saturating_sub(frame::HEADER_LEN - 1)).step_by(ALIGN).find_map(|at| {
        let place = offset + at as u64;
        frame::Header::parse(&rest[at..], &header.segment_id, place).map(|_| place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FrameBuilder;
    use crate::record;
    use proptest::prelude::*;

    fn header() -> segment::Header {
        segment::Header {
            store_id: [1; 16],
            hash_key: [2; 16],
            segment_id: [3; 16],
            number: 1,
            first_position: 1,
            capacity: 16384,
            previous_end: 0,
            previous_chain: 0,
        }
    }

    /// A segment with frames of so many records, and where each frame ends.
    fn segment_of(frames: &[usize]) -> (Vec<u8>, Vec<u64>) {
        let header = header();
        let mut bytes = header.encode();
        let (mut chain, mut position) = (header.chain(), 1);
        let mut ends = Vec::new();
        for &count in frames {
            let mut frame = FrameBuilder::new();
            let first = position;
            for _ in 0..count {
                let mut encoded = Vec::new();
                record::encode(&mut encoded, &[9; 16], b"a-1", std::iter::empty(), &[b"hello there"])
                    .unwrap();
                frame.push(&encoded, position, position);
                position += 1;
            }
            let (frame, next) = frame.finish(&header.segment_id, bytes.len() as u64, first, chain);
            bytes.extend_from_slice(frame);
            chain = next;
            ends.push(bytes.len() as u64);
        }
        bytes.resize(16384, 0);
        (bytes, ends)
    }

    #[test]
    fn whole_frames_are_clean() {
        let (bytes, ends) = segment_of(&[1, 3, 0]);
        let found = recover(&bytes, &header(), 0);
        assert_eq!((found.end, found.next_position), (ends[2], 5));
        assert!(found.confirmed);
        assert_eq!(found.verdict, Verdict::Clean);
    }

    #[test]
    fn a_torn_last_frame_is_rolled_back() {
        let (mut bytes, ends) = segment_of(&[2, 2]);
        bytes[ends[1] as usize - 30] ^= 1;
        let found = recover(&bytes, &header(), 0);
        assert_eq!((found.end, found.next_position), (ends[0], 3));
        assert!(matches!(found.verdict, Verdict::RolledBack { .. }), "{found:?}");
    }

    #[test]
    fn damage_before_the_tail_is_corruption() {
        for (at, what) in [(10, "header"), (60, "record")] {
            let (mut bytes, ends) = segment_of(&[2, 2, 2]);
            bytes[ends[0] as usize + at] ^= 1;
            let found = recover(&bytes, &header(), 0);
            assert_eq!(found.end, ends[0], "{what}");
            assert!(matches!(found.verdict, Verdict::Corrupt { .. }), "{what}: {found:?}");
        }
    }

    #[test]
    fn damage_to_what_was_published_is_corruption_even_at_the_end() {
        let (mut bytes, ends) = segment_of(&[2, 2]);
        bytes[ends[1] as usize - 30] ^= 1;
        let found = recover(&bytes, &header(), ends[1]);
        assert!(matches!(found.verdict, Verdict::Corrupt { .. }), "{found:?}");
        // Zeros where there was a frame are no clean end either.
        bytes[ends[0] as usize..].fill(0);
        let found = recover(&bytes, &header(), ends[1]);
        assert!(matches!(found.verdict, Verdict::Corrupt { .. }), "{found:?}");
    }

    #[test]
    fn a_frame_of_another_place_or_segment_is_no_frame() {
        let (bytes, ends) = segment_of(&[1, 1]);
        let (first, second) = (segment::HEADER_LEN..ends[0] as usize, ends[0] as usize..ends[1] as usize);
        let mut moved = bytes.clone();
        moved.copy_within(first, second.start);
        assert_eq!(recover(&moved, &header(), 0).end, ends[0]);
        let other = segment::Header { segment_id: [4; 16], ..header() };
        let mut stale = other.encode();
        stale.extend_from_slice(&bytes[segment::HEADER_LEN..]);
        let found = recover(&stale, &other, 0);
        assert_eq!(found.end, segment::HEADER_LEN as u64);
        assert!(matches!(found.verdict, Verdict::RolledBack { .. }), "{found:?}");
    }

    proptest! {
        /// Whatever one changed byte in any of the frames: every frame before it is kept, and it is either
        /// rolled back, when it is in the last frame, or reported.
        #[test]
        fn one_changed_byte_never_hides_a_frame_before_it(
            frames in proptest::collection::vec(0_usize..4, 1..6), at in 0_usize..2000, change in 1_u8..,
        ) {
            let (mut bytes, ends) = segment_of(&frames);
            let last = *ends.last().unwrap() as usize;
            let at = segment::HEADER_LEN + at % (last - segment::HEADER_LEN);
            bytes[at] ^= change;
            let hit = ends.iter().position(|end| at < *end as usize).unwrap();
            let start = if hit == 0 { segment::HEADER_LEN as u64 } else { ends[hit - 1] };
            let found = recover(&bytes, &header(), 0);
            // The four bytes after the header checksum, and the zeros at a frame's end, say nothing.
            if found.end == last as u64 {
                prop_assert_eq!(&found.verdict, &Verdict::Clean);
                let in_frame = at as u64 - start;
                prop_assert!((36..40).contains(&in_frame) || ends[hit] - (at as u64) < ALIGN as u64);
            } else {
                prop_assert_eq!(found.end, start);
                match found.verdict {
                    Verdict::RolledBack { .. } => prop_assert_eq!(hit, frames.len() - 1),
                    Verdict::Corrupt { .. } => prop_assert!(hit < frames.len() - 1),
                    Verdict::Clean => prop_assert!(false, "damage was taken for the end"),
                }
            }
        }

        #[test]
        fn any_bytes_are_recovered_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..9000), end in any::<u64>()) {
            let found = recover(&bytes, &header(), end);
            prop_assert!(found.end >= segment::HEADER_LEN as u64);
        }
    }
}
