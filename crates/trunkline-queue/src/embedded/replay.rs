//! The frames of a journal, or what indexes have instead, on their way into the state.

use std::num::NonZeroU32;

use super::OpenError;
use super::codec::Malformed;
use super::frame::{FRAME_HEADER_LEN, Frame};
use super::index::{self, Index, Indexed, index_name};
use super::journal::segment_name;
use super::record::{Framed, Place, Record, index_message, read, read_messages};
use crate::check::IdHasher;
use crate::engine::{Change, Engine};

/// The frames of a journal on their way into the state.
pub(super) struct Replay {
    pub(super) engine: Engine<Place>,
    pub(super) hasher: IdHasher,
    /// These are segments from before the state, whose changes are in it.
    pub(super) old: bool,
    /// Of the segment whose frames these are.
    pub(super) index: Index,
    /// The first damaged frame that may have had a change on which the numbers of later topics and groups rest.
    pub(super) unnumbered: Option<(u32, u64)>,
    /// The first frame after it in which a topic or a group begins, or is named that has not begun.
    pub(super) misnumbered: Option<(u32, u64)>,
}

impl Replay {
    /// From here on changes count.
    pub(super) fn finish_old(&mut self) {
        if std::mem::take(&mut self.old) {
            self.engine.restored();
        }
    }

    pub(super) fn frame(&mut self, segment: u32, offset: u64, frame: Frame<'_>) -> Result<(), Malformed> {
        let place = (segment, offset);
        let segment = NonZeroU32::new(segment).ok_or(Malformed("segments are numbered from 1"))?;
        read(frame.payload, |record| {
            match record {
                Record::Change(_) if self.old => {}
                Record::Change(change) => {
                    if self.unnumbered.is_some() && self.rests_on_lost(&change) {
                        self.misnumbered.get_or_insert(place);
                    }
                    self.engine.apply(&change);
                }
                Record::Message { framed, encoded, at } => {
                    self.framed(segment, offset as usize + FRAME_HEADER_LEN + at, framed, encoded)?;
                }
            }
            Ok(())
        })
    }

    /// That a topic or a group would have the number of another, since one that may have begun before it is lost.
    pub(super) fn refuse_misnumbered(&self) -> Result<(), OpenError> {
        let (Some((segment, offset)), Some((later, at))) = (self.unnumbered, self.misnumbered) else {
            return Ok(());
        };
        let later = format!("{} at byte {at}", segment_name(later));
        Err(OpenError::Renumbered { file: segment_name(segment), offset, later })
    }

    /// Whether the change rests on numbers that may be others than those here: a topic or a group begins, or it names one
    /// that has not.
    ///
    /// That there is one of that name here says nothing: it may have lost the name, or be gone, by what is lost.
    fn rests_on_lost(&self, change: &Change) -> bool {
        let has_begun = |topic: u32, group: Option<u32>| {
            let topic = self.engine.topic(topic);
            topic.is_some_and(|topic| group.is_none_or(|group| (group as usize) < topic.groups.len()))
        };
        match change {
            Change::Topic { .. } | Change::Subscribe { .. } => true,
            Change::Unsubscribe { topic, group }
            | Change::Forget { topic, group }
            | Change::Lease { topic, group, .. }
            | Change::Extend { topic, group, .. }
            | Change::Ack { topic, group, .. }
            | Change::Retry { topic, group, .. }
            | Change::Dead { topic, group, .. }
            | Change::RetryNow { topic, group, .. }
            | Change::OnDead { topic, group, .. }
            | Change::Adopt { topic, from: group, .. } => !has_begun(*topic, Some(*group)),
            Change::Purge { topic, group, .. } => !has_begun(*topic, *group),
            Change::Trim { topic, .. } | Change::RenameTopic { topic, .. } => !has_begun(*topic, None),
            Change::Decide { .. } | Change::Lapse { .. } | Change::Reopened => false,
        }
    }

    /// The messages of a frame that is damaged, each of which has a checksum of its own; its changes have none, and
    /// are left out. How many messages there are, and how many can't be read.
    pub(super) fn salvage(&mut self, segment: u32, offset: u64, payload: &[u8]) -> (u64, u64) {
        let Some(segment) = NonZeroU32::new(segment) else { return (0, 0) };
        let mut saved = 0;
        let lost = read_messages(payload, |framed, encoded, at| {
            self.framed(segment, offset as usize + FRAME_HEADER_LEN + at, framed, encoded)?;
            saved += 1;
            Ok(())
        });
        (saved, lost)
    }

    /// A message that stands there in its segment.
    fn framed(
        &mut self,
        segment: NonZeroU32,
        at: usize,
        framed: Framed,
        encoded: &[u8],
    ) -> Result<(), Malformed> {
        let place = Place { segment, offset: at as u32, len: encoded.len() as u32 };
        let message = index_message(self.hasher, framed, place, encoded)?;
        self.index.add(&message);
        self.message(&message)
    }

    /// What a segment's index has instead of its frames.
    pub(super) fn index(&mut self, segment: u32, bytes: &[u8]) -> Result<(), OpenError> {
        let read = match NonZeroU32::new(segment) {
            Some(segment) => index::read(bytes, segment, |message| self.message(message)),
            None => Err(Malformed("segments are numbered from 1")),
        };
        read.map_err(|Malformed(what)| OpenError::corrupt(&index_name(segment), 0, what))
    }

    fn message(&mut self, message: &Indexed) -> Result<(), Malformed> {
        let Indexed { framed, body, due, .. } = message;
        let Some(topic) = self.engine.topic(framed.topic) else {
            if self.unnumbered.is_some() {
                self.misnumbered.get_or_insert((body.segment.get(), u64::from(body.offset)));
            }
            return Err(Malformed("a message belongs to no topic"));
        };
        let next = topic.next;
        // A copy is younger than what it is a copy of, which may be gone.
        if framed.moved && (self.engine.move_body(framed.topic, framed.place, *body) || !self.old) {
            return Ok(());
        }
        if self.old {
            self.engine.restore(framed.topic, framed.place, message.entry(), *due, framed.to);
        } else if framed.place >= next {
            self.engine.publish(framed.topic, framed.place, message.entry(), *due, framed.to);
        }
        Ok(())
    }
}
