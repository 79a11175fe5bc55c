//! The model: a list of events, and judging by looking at each of them.

use trunkline_core::data::is_same;
use trunkline_core::{Append, Appended, NewEvent, Position, Query, Timestamp, Version};

use super::seen::{Seen, cut};
use crate::{AllRead, AppendError, Limits, StreamInfo, StreamRead, StreamsRead, check};

/// All that a store is, put as simply as can be.
#[derive(Clone, Debug)]
pub(super) struct Model {
    events: Vec<Seen>,
    limits: Limits,
}

impl Model {
    /// The model of an empty store.
    pub(super) fn new(limits: Limits) -> Self {
        Self { events: Vec::new(), limits }
    }

    /// All events, in order.
    pub(super) fn events(&self) -> &[Seen] {
        &self.events
    }

    /// The head.
    pub(super) fn head(&self) -> Position {
        self.events.last().map_or(Position::START, |event| event.position)
    }

    /// The version of a stream.
    pub(super) fn version(&self, stream: &str) -> Version {
        Version::new(self.events.iter().filter(|event| event.stream == stream).count() as u64)
    }

    /// What an append comes to: an error, the result of a repeat, or nothing when its events are to be stored.
    pub(super) fn judge(&self, append: &Append) -> Result<Option<Appended>, AppendError> {
        check(append, self.limits)?;
        let with_id = |event: &NewEvent| self.events.iter().find(|stored| stored.event_id == event.event_id);

        let mut positions = Vec::new();
        let mut versions = Vec::new();
        let mut stored_elsewhere_or_not = false;
        for write in &append.writes {
            let mut of_stream = Vec::new();
            for event in &write.events {
                match with_id(event) {
                    Some(stored) if stored.stream == write.stream.as_str() => {
                        positions.push(stored.position);
                        of_stream.push(stored.version);
                    }
                    _ => stored_elsewhere_or_not = true,
                }
            }
            versions.extend(of_stream.into_iter().max());
        }
        if !stored_elsewhere_or_not {
            let is_other = |(event, stored): &(&NewEvent, &Seen)| {
                event.event_type.as_str() != stored.event_type || !is_same(&event.data, &stored.data)
            };
            let pairs = append.events().filter_map(|event| Some((event, with_id(event)?)));
            if let Some((_, stored)) = pairs.into_iter().find(is_other) {
                let (event_id, position) = (stored.event_id, stored.position);
                return Err(AppendError::EventIdReused { event_id, position });
            }
            let position = positions.into_iter().max().expect("an append has an event");
            return Ok(Some(Appended { versions, position, repeated: true }));
        }
        if let Some(stored) = append.events().find_map(with_id) {
            let (event_id, position) = (stored.event_id, stored.position);
            return Err(AppendError::EventIdTaken { event_id, position });
        }
        for write in &append.writes {
            let (stream, expected) = (write.stream.clone(), write.expected);
            let found = self.version(stream.as_str());
            if !expected.holds_for(found) {
                return Err(AppendError::Conflict { stream, expected, found });
            }
        }
        if let Some(command) = &append.command {
            let tag = format!("$command:{command}");
            if let Some(outcome) = self.events.iter().find(|event| event.tags.contains(&tag)) {
                return Err(AppendError::AlreadyHandled { position: outcome.position });
            }
        }
        for condition in &append.conditions {
            let mut since = self.events.iter().filter(|event| event.position > condition.after);
            if let Some(event) = since.find(|event| selects(&condition.query, event)) {
                let (name, position) = (condition.name.clone(), event.position);
                return Err(AppendError::ConditionFailed { name, position });
            }
        }
        Ok(None)
    }

    /// Takes in what a store made of an append, after asserting that it is what it should be.
    ///
    /// The positions and the times of recording are the store's to choose.
    pub(super) fn store(&mut self, append: &Append, appended: &Appended, stored: &[Seen]) {
        assert_eq!(stored.len(), append.events().count(), "as many events are stored as were appended");
        let mut stored = stored.iter();
        let mut versions = Vec::new();
        for write in &append.writes {
            for given in &write.events {
                let stored = stored.next().expect("their number was compared");
                assert!(stored.position > self.head(), "{stored:?} stands after {}", self.head());
                let mut tags: Vec<String> = given.tags.iter().map(|tag| tag.as_str().to_owned()).collect();
                if let Some(command) = &append.command {
                    let tag = format!("$command:{command}");
                    if !tags.contains(&tag) {
                        tags.push(tag);
                    }
                }
                let recorded_at: Timestamp = given.recorded_at.unwrap_or(stored.recorded_at);
                let wanted = Seen {
                    position: stored.position,
                    stream: write.stream.as_str().to_owned(),
                    version: self.version(write.stream.as_str()).next(),
                    event_id: given.event_id,
                    event_type: given.event_type.as_str().to_owned(),
                    schema_version: given.schema_version,
                    data: given.data.clone(),
                    metadata: given.metadata.as_bytes().to_vec().into(),
                    tags,
                    occurred_at: given.occurred_at.unwrap_or(recorded_at),
                    recorded_at,
                };
                assert_eq!(*stored, wanted);
                self.events.push(wanted);
            }
            versions.push(self.version(write.stream.as_str()));
        }
        assert_eq!(*appended, Appended { versions, position: self.head(), repeated: false });
    }

    /// What a read of a stream yields.
    pub(super) fn read_stream(&self, stream: &str, read: &StreamRead) -> Vec<Seen> {
        let within = self
            .events
            .iter()
            .filter(|event| event.stream == stream && read.from <= event.version && event.version <= read.to);
        cut(within.cloned(), read.direction, read.limit)
    }

    /// What a read of the store yields.
    pub(super) fn read_all(&self, read: &AllRead) -> Vec<Seen> {
        let within = self.events.iter().filter(|event| {
            read.from <= event.position && event.position <= read.to && selects(&read.query, event)
        });
        cut(within.cloned(), read.direction, read.limit)
    }

    /// Which streams are listed.
    pub(super) fn streams(&self, read: &StreamsRead) -> Vec<StreamInfo> {
        let begins = self.events.iter().filter(|event| event.version == Version::FIRST);
        let wanted = begins.filter(|first| {
            first.position > read.after
                && read.aggregate_type.as_ref().is_none_or(|wanted| wanted == first.aggregate_type())
        });
        let listed = wanted.map(|first| {
            let last = self.events.iter().rfind(|event| event.stream == first.stream);
            let last = last.expect("a stream that has a first event has a last one");
            StreamInfo {
                stream: super::sample::stream(&first.stream),
                version: last.version,
                first_position: first.position,
                last_position: last.position,
            }
        });
        listed.take(read.limit.map_or(usize::MAX, |limit| limit as usize)).collect()
    }
}

/// Whether a query selects an event, by the words of its documentation.
fn selects(query: &Query, event: &Seen) -> bool {
    let mut items = query.items.iter().map(|item| {
        let has = |tag: &str| event.tags.iter().any(|own| own == tag);
        let aggregate = item.aggregate_types.iter().any(|wanted| wanted == event.aggregate_type());
        let kind = item.event_types.iter().any(|wanted| wanted.as_str() == event.event_type);
        (aggregate || item.aggregate_types.is_empty())
            && (kind || item.event_types.is_empty())
            && item.tags.iter().all(|tag| has(tag.as_str()))
    });
    query.items.is_empty() || items.any(|matches| matches)
}
