//! Going on without what is missing or damaged, which somebody has to order.

use super::frame::{self, FRAME_HEADER_LEN, HEADER_LEN, Header, Verdict};
use super::journal::segment_name;
use super::missing::Listed;
use super::record::may_number;
use super::replay::Replay;

/// What a queue was opened without, at an operator's word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Each part, in the order of the files.
    pub parts: Vec<GivenUpPart>,
}

/// A part of a queue's files that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenUpPart {
    /// A file that is missing.
    Missing {
        /// The file.
        file: String,
        /// How many messages in it were not finished, at most.
        messages: u64,
    },
    /// Bytes that are damaged.
    Damaged {
        /// The file.
        file: String,
        /// Where they begin.
        offset: u64,
        /// How many there are.
        bytes: u64,
        /// How many messages among them could be read all the same.
        saved: u64,
        /// How many messages among them could not; there may be others that nothing tells of.
        messages: u64,
    },
}

impl Repaired {
    /// How many messages are given up; what was damaged may have had others that nothing tells of.
    pub fn messages(&self) -> u64 {
        let of = |part: &GivenUpPart| match part {
            GivenUpPart::Missing { messages, .. } | GivenUpPart::Damaged { messages, .. } => *messages,
        };
        self.parts.iter().map(of).sum()
    }

    pub(super) fn missing(&mut self, listed: &Listed) {
        self.parts.push(GivenUpPart::Missing { file: segment_name(listed.number), messages: listed.live });
    }

    /// Goes on behind each damaged part of a segment's bytes, with the messages that can be read there; what the
    /// rest of them comes to.
    pub(super) fn go_on(
        &mut self,
        replay: &mut Replay,
        header: &Header,
        bytes: &[u8],
        known_end: Option<u64>,
        mut verdict: Verdict,
    ) -> Verdict {
        let whole = known_end.unwrap_or(bytes.len() as u64);
        while let Some(offset) = damaged_at(&verdict, known_end) {
            let next = frame::next_from(bytes, &header.segment, offset + frame::ALIGN);
            let end = next.unwrap_or(whole);
            let from = (offset as usize + FRAME_HEADER_LEN).min(bytes.len());
            let payload = &bytes[from..(end as usize).clamp(from, bytes.len())];
            if !replay.old && may_number(payload) {
                replay.unnumbered.get_or_insert((header.number, offset));
            }
            let (saved, messages) = replay.salvage(header.number, offset, payload);
            self.parts.push(GivenUpPart::Damaged {
                file: segment_name(header.number),
                offset,
                bytes: end - offset,
                saved,
                messages,
            });
            verdict = match next {
                Some(next) => frame::scan_from(bytes, &header.segment, next, |offset, frame| {
                    replay.frame(header.number, offset, frame)
                }),
                None => Verdict::Clean { end: whole, synced: HEADER_LEN },
            };
        }
        verdict
    }
}

/// Where the bytes are damaged that came to this, if they are.
fn damaged_at(verdict: &Verdict, known_end: Option<u64>) -> Option<u64> {
    match verdict {
        Verdict::Corrupt { offset, .. } => Some(*offset),
        Verdict::Clean { end, .. } | Verdict::RolledBack { end, .. } => {
            known_end.is_some_and(|known| *end < known).then_some(*end)
        }
    }
}
