//! Everything that a memory store has stored.

use std::collections::HashMap;

use trunkline_core::{
    Append, Appended, EventId, Position, RecordedEvent, StreamName, Tag, Timestamp, Version,
};

use crate::StreamInfo;

/// The events, and where to find them.
#[derive(Default)]
pub(super) struct State {
    /// The event at position `p` is at `p - 1`.
    events: Vec<RecordedEvent>,
    /// The position of a stream's event of version `v` is at `v - 1`.
    streams: HashMap<StreamName, Vec<Position>>,
    /// The streams in the order in which they began.
    begun: Vec<StreamName>,
    by_id: HashMap<EventId, Position>,
    /// The first event with each tag: who asks for a command's outcome needs no more.
    first_with_tag: HashMap<Box<str>, Position>,
}

impl State {
    /// All events, in order.
    pub(super) fn events(&self) -> &[RecordedEvent] {
        &self.events
    }

    /// The positions of a stream's events, in order.
    pub(super) fn positions(&self, stream: &StreamName) -> &[Position] {
        self.streams.get(stream).map_or(&[], Vec::as_slice)
    }

    /// The streams in the order in which they began.
    pub(super) fn begun(&self) -> &[StreamName] {
        &self.begun
    }

    /// The position of the last event.
    pub(super) fn head(&self) -> Position {
        Position::new(self.events.len() as u64)
    }

    /// The version of a stream.
    pub(super) fn version(&self, stream: &StreamName) -> Version {
        Version::new(self.positions(stream).len() as u64)
    }

    /// The event at a position up to the head.
    pub(super) fn event(&self, position: Position) -> &RecordedEvent {
        &self.events[position.get() as usize - 1]
    }

    /// The event with an id.
    pub(super) fn with_id(&self, event_id: EventId) -> Option<&RecordedEvent> {
        self.by_id.get(&event_id).map(|&position| self.event(position))
    }

    /// The position of the first event with a tag.
    pub(super) fn first_with_tag(&self, tag: &Tag) -> Option<Position> {
        self.first_with_tag.get(tag.as_str()).copied()
    }

    /// How far a stream that has begun has come.
    pub(super) fn info(&self, stream: &StreamName) -> StreamInfo {
        let positions = self.positions(stream);
        let (Some(&first_position), Some(&last_position)) = (positions.first(), positions.last()) else {
            unreachable!("a stream begins with an event");
        };
        StreamInfo { stream: stream.clone(), version: self.version(stream), first_position, last_position }
    }

    /// Stores an append that was judged to be new.
    pub(super) fn store(&mut self, append: &Append, now: Timestamp) -> Appended {
        let mut versions = Vec::with_capacity(append.writes.len());
        for write in &append.writes {
            if self.positions(&write.stream).is_empty() {
                self.begun.push(write.stream.clone());
            }
            for event in &write.events {
                let position = self.head().next();
                let version = self.version(&write.stream).next();
                let recorded_at = event.recorded_at.unwrap_or(now);
                let recorded = RecordedEvent::from_new(event, &write.stream, position, version, recorded_at);
                self.by_id.insert(event.event_id, position);
                for tag in recorded.tags() {
                    self.first_with_tag.entry(tag.into()).or_insert(position);
                }
                self.streams.entry(write.stream.clone()).or_default().push(position);
                self.events.push(recorded);
            }
            versions.push(self.version(&write.stream));
        }
        Appended { versions, position: self.head(), repeated: false }
    }
}
