//! Judging: whether a batch may be appended, given everything before it.
//!
//! A batch is judged against the synced records and those that are *staged*: accepted into the frame that is
//! being filled, and not synced yet. An answer that rests on a staged record must wait for the sync, whatever
//! the answer is: if the sync fails, what it rests on may never have been.

use std::sync::Arc;

use crate::batch::{Appended, Batch, Condition, Write};
use crate::cursor::{Cursor, Select};
use crate::frame::FrameBuilder;
use crate::key::{Key, KeyMap};
use crate::record::Fields;
use crate::shared::{LookupError, Shared, View};
use crate::{AppendError, ReadError};

/// What a batch comes to.
#[derive(Debug)]
pub(crate) enum Judgement {
    /// It may be appended; the version that each write's stream has before.
    Append { versions: Vec<u64> },
    /// It is answered without appending anything.
    Answer {
        answer: Result<Appended, AppendError>,
        /// Whether the answer rests on a staged record.
        on_staged: bool,
    },
}

/// The records accepted into the frame that is being filled, each by where in the frame it begins.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    starts: Vec<usize>,
    /// The last record of each stream, by the stream's key; different streams may have the same key.
    streams: KeyMap<Vec<usize>>,
    /// The key of each record's id.
    id_keys: Vec<Key>,
    /// How many of the records can be found by their ids.
    found_by_id: usize,
    /// The last record whose id has this key.
    ids: KeyMap<usize>,
    /// The records before those: different ids may have the same key.
    more_ids: Vec<(Key, usize)>,
}

impl Staged {
    pub(crate) fn clear(&mut self) {
        self.starts.clear();
        self.streams.clear();
        self.id_keys.clear();
        self.found_by_id = 0;
        self.ids.clear();
        self.more_ids.clear();
    }

    /// Adds the record that begins at this place of the frame.
    pub(crate) fn push(&mut self, start: usize, id_key: Key) {
        self.starts.push(start);
        self.id_keys.push(id_key);
    }

    /// Lets all records be found by their ids, before another batch is judged. After the last batch of a frame, often
    /// its only one, nobody looks for them.
    pub(crate) fn index_ids(&mut self) {
        for number in self.found_by_id..self.starts.len() {
            let (start, id_key) = (self.starts[number], self.id_keys[number]);
            if let Some(other) = self.ids.insert(id_key, start) {
                self.more_ids.push((id_key, other));
            }
        }
        self.found_by_id = self.starts.len();
    }

    /// Says that the record added last is the last of its stream.
    pub(crate) fn end_stream(&mut self, frame: &FrameBuilder, key: Key) {
        let Some(&last) = self.starts.last() else { return };
        let stream = frame.record(last).stream();
        let same_key = self.streams.entry(key).or_default();
        same_key.retain(|other| frame.record(*other).stream() != stream);
        same_key.push(last);
    }

    /// Where in the frame each staged record begins.
    pub(crate) fn starts(&self) -> impl Iterator<Item = usize> {
        self.starts.iter().copied()
    }

    fn last_of_stream<'a>(&self, frame: &'a FrameBuilder, key: Key, name: &[u8]) -> Option<Fields<'a>> {
        let mut records = self.streams.get(&key)?.iter().map(|start| frame.record(*start));
        records.find(|record| record.stream() == name)
    }

    fn of_id<'a>(&self, frame: &'a FrameBuilder, key: Key, id: &[u8; 16]) -> Option<Fields<'a>> {
        let last = self.ids.get(&key)?;
        let more = self.more_ids.iter().filter(|(other, _)| *other == key).map(|(_, start)| start);
        let mut records = more.chain([last]).map(|start| frame.record(*start));
        records.find(|record| record.id() == *id)
    }
}

/// Judges batches against the synced and the staged records.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) view: &'a View,
    pub(crate) staged: &'a Staged,
    pub(crate) frame: &'a FrameBuilder,
}

/// Where a record was found.
struct Found {
    position: u64,
    version: u64,
    same_stream: bool,
    same: bool,
    staged: bool,
}

impl Judge<'_> {
    /// Judges a batch: repeat first, then expected versions, then conditions.
    pub(crate) fn judge(&self, batch: &Batch) -> Result<Judgement, LookupError> {
        if let Some(judgement) = self.repeat(batch)? {
            return Ok(judgement);
        }
        let mut versions = Vec::with_capacity(batch.writes.len());
        // A refusal also rests on what was right before it: without the staged records, another would have come
        // first.
        let mut rests_on_staged = false;
        for (number, write) in batch.writes.iter().enumerate() {
            let (found, on_staged) = self.version(write)?;
            rests_on_staged |= on_staged;
            if !write.expected.holds_for(found) {
                let answer = Err(AppendError::Conflict { write: number, found });
                return Ok(Judgement::Answer { answer, on_staged: rests_on_staged });
            }
            versions.push(found);
        }
        for (number, condition) in batch.conditions.iter().enumerate() {
            if let Some((position, on_staged)) = self.first_match(condition)? {
                let answer = Err(AppendError::ConditionFailed { condition: number, position });
                return Ok(Judgement::Answer { answer, on_staged: rests_on_staged || on_staged });
            }
        }
        Ok(Judgement::Append { versions })
    }

    /// Whether the batch's ids are in the log: all of them, in their streams, and the same, and it is a repeat; only some,
    /// or elsewhere, or others, and it is refused.
    fn repeat(&self, batch: &Batch) -> Result<Option<Judgement>, LookupError> {
        let keys: Vec<Key> = batch.records.iter().map(|record| batch.keys[record.keys.start]).collect();
        let id = |number: usize| &batch.records[number].id;
        let stored = self.shared.records_of_ids(self.view, &keys, id)?;
        if stored.is_empty() && self.staged.starts.is_empty() {
            return Ok(None);
        }
        let mut found: Vec<(usize, Found)> = Vec::new();
        let mut missing = false;
        for write in &batch.writes {
            for number in write.records.clone() {
                let same = |record: Fields<'_>| {
                    batch.same.is_none_or(|same| same(&batch.fields(number).told(), &record.told()))
                };
                let found_at = |record: Fields<'_>, staged| Found {
                    position: record.position(),
                    version: record.version(),
                    same_stream: record.stream() == &*write.stream,
                    same: same(record),
                    staged,
                };
                let staged = self.staged.of_id(self.frame, keys[number], id(number));
                let stored = stored.get(&number).map(|record| found_at(record.fields(), false));
                match staged.map(|record| found_at(record, true)).or(stored) {
                    Some(record) => found.push((number, record)),
                    None => missing = true,
                }
            }
        }
        let Some((record, first)) = found.first() else { return Ok(None) };
        let on_staged = found.iter().any(|(_, record)| record.staged);
        if missing || found.iter().any(|(_, record)| !record.same_stream) {
            let answer = Err(AppendError::IdTaken { record: *record, position: first.position });
            return Ok(Some(Judgement::Answer { answer, on_staged }));
        }
        if let Some((record, other)) = found.iter().find(|(_, record)| !record.same) {
            let answer = Err(AppendError::IdReused { record: *record, position: other.position });
            return Ok(Some(Judgement::Answer { answer, on_staged }));
        }
        // Every record was found, so the records' numbers are the places in `found`.
        let newest = |write: &Write| {
            found[write.records.clone()].iter().map(|(_, record)| record.version).max().unwrap_or_default()
        };
        let versions = batch.writes.iter().map(newest).collect();
        let position = found.iter().map(|(_, record)| record.position).max().unwrap_or_default();
        let answer = Ok(Appended { versions, position, repeated: true });
        Ok(Some(Judgement::Answer { answer, on_staged }))
    }

    /// The version of a write's stream, and whether it is that of a staged record.
    fn version(&self, write: &Write) -> Result<(u64, bool), LookupError> {
        if let Some(record) = self.staged.last_of_stream(self.frame, write.key, &write.stream) {
            return Ok((record.version(), true));
        }
        let last = self.shared.last_of_stream(self.view, write.key, &write.stream)?;
        Ok((last.map_or(0, |record| record.version()), false))
    }

    /// The first record that a condition excludes, and whether it is staged.
    fn first_match(&self, condition: &Condition) -> Result<Option<(u64, bool)>, LookupError> {
        let query = &condition.query;
        let from = condition.after.saturating_add(1);
        let select = Select::Query(query.clone());
        if let Some(record) = Cursor::new(self.shared, select, from..=u64::MAX, true).next() {
            return Ok(Some((record?.position(), false)));
        }
        let mut staged = self.staged.starts().map(|start| self.frame.record(start));
        let found = staged.find(|record| record.position() >= from && query.matches(*record));
        Ok(found.map(|record| (record.position(), true)))
    }
}

/// What to answer to a batch that could not be judged.
pub(crate) fn unreadable(error: &ReadError) -> AppendError {
    AppendError::NotStored(format!("it could not be judged: {error}").into())
}
