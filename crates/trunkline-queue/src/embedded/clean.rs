//! Giving back the space of finished messages: segments without others go, and what is left in one with few of them moves.

use std::num::NonZeroU32;

use super::frame::{self, ALIGN, FRAME_HEADER_LEN, HEADER_LEN};
use super::index::Indexed;
use super::journal::read_all;
use super::record::{Framed, Place, index_message, put_message, read_messages};
use super::writer::{Writer, describe};
use crate::check::IdHasher;

/// Messages on their way out of a segment.
struct Moving {
    frame: Vec<u8>,
    /// Each as it was, and where it is in the frame.
    messages: Vec<(Indexed, usize)>,
}

impl Writer {
    /// Removes segments without a message that is still wanted, and moves messages out of one with few of them.
    pub(super) fn clean(&mut self) {
        self.journal.remove_finished(self.state);
        let (all, live) = self.journal.sizes();
        if all <= 2 * live + 4 * self.journal.segment_bytes {
            return;
        }
        let worst = self
            .journal
            .segments
            .range(..self.state.min(self.journal.last))
            .filter(|(_, segment)| segment.live > 0 && !segment.stuck && 2 * segment.live_bytes < segment.end)
            .min_by_key(|(_, segment)| segment.live_bytes)
            .map(|(number, _)| *number);
        let Some(number) = worst else { return };
        if let Err(what) = self.empty(number) {
            tracing::warn!(number, what, "a segment could not be emptied");
        }
    }

    /// Writes the messages of a segment anew, at the end of the journal. One that has messages left then, which can't be
    /// read, is not tried again before the queue is opened again.
    fn empty(&mut self, number: u32) -> Result<(), String> {
        let moving = self.live_messages(number).inspect_err(|_| self.is_stuck(number))?;
        if !moving.messages.is_empty() {
            self.move_here(number, moving)?;
        }
        if self.journal.segments.get(&number).is_some_and(|segment| segment.live > 0) {
            self.is_stuck(number);
            return Err("some of its messages can't be read; what else it had is elsewhere now".to_owned());
        }
        Ok(())
    }

    fn is_stuck(&mut self, number: u32) {
        if let Some(segment) = self.journal.segments.get_mut(&number) {
            segment.stuck = true;
        }
    }

    /// The messages of a segment that are not finished, but for those that are damaged.
    fn live_messages(&self, number: u32) -> Result<Moving, String> {
        let mut moving = Moving { frame: vec![0; FRAME_HEADER_LEN], messages: Vec::new() };
        let (Some(segment), Some(from)) = (self.journal.segments.get(&number), NonZeroU32::new(number))
        else {
            return Ok(moving);
        };
        let bytes = read_all(&*segment.file).map_err(|error| error.to_string())?;
        let bytes = &bytes[..(segment.end as usize).min(bytes.len())];
        let (id, end) = (&segment.header.segment, bytes.len() as u64);
        let hasher = IdHasher::from_bytes(self.journal.queue);
        let mut offset = HEADER_LEN;
        while offset < end {
            let next = match frame::find(bytes, id, offset) {
                Some(found) => found.end,
                // Each message has a checksum of its own, and whole frames may follow.
                None => frame::next_from(bytes, id, offset + ALIGN).unwrap_or(end),
            };
            let start = (offset as usize + FRAME_HEADER_LEN).min(bytes.len());
            let payload = &bytes[start..(next as usize).clamp(start, bytes.len())];
            read_messages(payload, |framed, encoded, at| {
                let old = Place { segment: from, offset: (start + at) as u32, len: encoded.len() as u32 };
                if self.engine.is_at(framed.topic, framed.place, &old) {
                    let framed = Framed { moved: true, ..framed };
                    let message = index_message(hasher, framed, old, encoded)?;
                    moving.messages.push((message, put_message(&mut moving.frame, &framed, encoded)));
                }
                Ok(())
            });
            offset = next;
        }
        Ok(moving)
    }

    /// Appends a frame of messages that a segment has, each of which is there from then on.
    fn move_here(&mut self, number: u32, Moving { frame, messages }: Moving) -> Result<(), String> {
        if self.journal.room() < frame.len() + self.reserve() {
            self.rotate(frame.len() + self.reserve()).map_err(|error| error.to_string())?;
        }
        self.since_state += frame.len() as u64;
        let written = self.journal.append(frame).and_then(|at| self.journal.sync().map(|()| at));
        let (segment, at) = match written {
            Ok(at) => at,
            Err(error) => {
                self.poison(&describe(&error));
                return Err(error.to_string());
            }
        };
        for (old, offset) in messages {
            let offset = at as usize + offset - FRAME_HEADER_LEN;
            let body = Place { segment, offset: offset as u32, ..old.body };
            self.journal.drop_message(old.body);
            self.journal.add(&Indexed { body, ..old });
            self.engine.move_body(old.framed.topic, old.framed.place, body);
        }
        if let Some(old) = self.journal.segments.get_mut(&number) {
            old.kept_for = segment.get();
        }
        Ok(())
    }
}
