//! What one commit is made of: operations that change the state at once, and messages that come into it once
//! they are synced.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use trunkline_core::Timestamp;
use trunkline_log::disk::DiskFile;

use super::STORAGE;
use super::journal::Segment;
use super::record::{Draft, Framed, MESSAGE_OVERHEAD, Place};
use crate::engine::{Addressed, Change, Engine, IdHash};
use crate::{Published, StorageError, TopicName};

/// The bytes of a message, to be read by the task that wants them.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) place: Place,
}

/// What an operation works on.
pub(crate) struct Stage<'a> {
    pub(crate) engine: &'a mut Engine<Place>,
    pub(crate) now: Timestamp,
    pub(crate) changes: Vec<Change>,
    pub(crate) drafts: Vec<(Framed, Draft)>,
    pub(crate) segments: &'a BTreeMap<u32, Segment>,
    pub(crate) stored_bytes: u64,
    ids: HashSet<(u32, IdHash)>,
    next: BTreeMap<u32, u64>,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(
        engine: &'a mut Engine<Place>,
        now: Timestamp,
        segments: &'a BTreeMap<u32, Segment>,
        stored_bytes: u64,
    ) -> Self {
        Self {
            engine,
            now,
            changes: Vec::new(),
            drafts: Vec::new(),
            segments,
            stored_bytes,
            ids: HashSet::new(),
            next: BTreeMap::new(),
        }
    }

    /// Publishes messages to a topic, once this commit is synced.
    pub(crate) fn publish(&mut self, topic: &TopicName, drafts: Vec<Draft>) -> Vec<Published> {
        let number = self.engine.open_topic(topic, &mut self.changes);
        drafts.into_iter().map(|draft| self.publish_one(number, draft, None)).collect()
    }

    pub(crate) fn publish_one(&mut self, topic: u32, draft: Draft, to: Option<Addressed>) -> Published {
        let found = self.engine.topic(topic);
        if found.is_none_or(|found| found.knows(draft.id)) || !self.ids.insert((topic, draft.id)) {
            return Published::AlreadyThere;
        }
        let next = self.next.entry(topic).or_insert_with(|| found.map_or(1, |found| found.next));
        let framed = Framed { topic, place: *next, to, moved: false };
        *next += 1;
        self.drafts.push((framed, draft));
        Published::Stored
    }

    /// Whether the topic has a message of that id, or will have after this commit.
    pub(crate) fn knows(&self, topic: &TopicName, id: IdHash) -> bool {
        let Some(number) = self.engine.topic_number(topic) else { return false };
        self.ids.contains(&(number, id)) || self.engine.topic(number).is_some_and(|topic| topic.knows(id))
    }

    pub(crate) fn body(&self, place: Place) -> Result<Body, StorageError> {
        let segment = self.segments.get(&place.segment.get());
        let file = segment.map(|segment| Arc::clone(&segment.file));
        file.map(|file| Body { file, place }).ok_or_else(|| StorageError::Damaged {
            storage: STORAGE,
            what: format!("segment {} is missing", place.segment),
        })
    }
}

/// How many bytes messages take in a frame, at most.
pub(crate) fn weight(drafts: &[Draft]) -> usize {
    drafts.iter().map(|draft| draft.encoded.len() + MESSAGE_OVERHEAD).sum()
}
