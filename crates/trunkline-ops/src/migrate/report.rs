//! What a migration did, in numbers that can be checked from outside.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use trunkline_core::json::AsJson;
use trunkline_core::{EventId, Position, RecordedEvent, StoreId};

use super::carry::Carried;
use super::checkpoints::CheckpointLine;

/// What a migration did. All of it is counted anew on each run, also what was there already.
#[derive(Debug, Serialize)]
pub struct MigrationReport {
    /// What was read.
    pub from: Events,
    /// What the new store has of it.
    pub to: Events,
    /// How many of the new store's events this run has written; the others were there.
    pub written: u64,
    /// How many of the new store's events only keep the answer of a command whose own events are others now.
    pub outcomes: u64,
    /// How far the new store reaches beyond the migration: what was appended to it since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond: Option<Position>,
    /// Where the readers of the old store are whose checkpoints were given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checkpoints: Vec<CheckpointLine>,
    /// Every stored type and version, and what became of its events: `read` is the sum of `unchanged`, `changed`,
    /// `split` and `dropped`.
    pub shapes: Vec<ShapeLine>,
    /// From which aggregate type to which the events went.
    pub streams: Vec<StreamsLine>,
}

/// The events of a store, or the first of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Events {
    /// The store's id.
    pub store: StoreId,
    /// How many.
    pub events: u64,
    /// The position of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Position>,
    /// The position of the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Position>,
    /// The id of the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_event_id: Option<EventId>,
    /// SHA-256 of the lines that `trunkline export` writes of them.
    pub sha256: String,
}

/// What became of the events of a type and version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ShapeLine {
    /// The type.
    pub event_type: String,
    /// The version that it was stored in.
    pub schema_version: u32,
    /// How many were read.
    pub read: u64,
    /// How many are of today's shape.
    pub unchanged: u64,
    /// How many are one event of another shape.
    pub changed: u64,
    /// How many are several events.
    pub split: u64,
    /// How many are no event any more.
    pub dropped: u64,
    /// How many events of which types and versions there are for them.
    pub becomes: BTreeMap<String, u64>,
}

/// From where to where events went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StreamsLine {
    /// The aggregate type that they were stored under.
    pub from: String,
    /// The one that they are under in the new store.
    pub to: String,
    /// How many.
    pub events: u64,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Unchanged,
    Changed,
    Split,
    Dropped,
}

/// What was read, counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    shapes: Shapes,
    streams: BTreeMap<(String, String), u64>,
    pub(super) outcomes: u64,
}

impl Tally {
    /// Counts an event and those that it became.
    pub(super) fn count(&mut self, event: &RecordedEvent, fate: Fate, carried: &[Carried]) {
        let line = line(&mut self.shapes, event.event_type(), event.schema_version());
        line.read += 1;
        *match fate {
            Fate::Unchanged => &mut line.unchanged,
            Fate::Changed => &mut line.changed,
            Fate::Split => &mut line.split,
            Fate::Dropped => &mut line.dropped,
        } += 1;
        for Carried { stream, event: new, .. } in carried {
            let becomes = format!("{} {}", new.event_type, new.schema_version);
            *line.becomes.entry(becomes).or_default() += 1;
            let route = (event.aggregate_type().to_owned(), stream.aggregate_type().to_owned());
            *self.streams.entry(route).or_default() += 1;
        }
    }

    pub(super) fn lines(self) -> (Vec<ShapeLine>, Vec<StreamsLine>) {
        let shapes = self.shapes.into_values().flat_map(BTreeMap::into_values).collect();
        let streams = self.streams.into_iter().map(|((from, to), events)| StreamsLine { from, to, events });
        (shapes, streams.collect())
    }
}

type Shapes = BTreeMap<String, BTreeMap<u32, ShapeLine>>;

fn line<'a>(shapes: &'a mut Shapes, event_type: &str, schema_version: u32) -> &'a mut ShapeLine {
    // Mostly it is there, and then no text is made.
    if !shapes.contains_key(event_type) {
        shapes.insert(event_type.to_owned(), BTreeMap::new());
    }
    let versions = shapes.get_mut(event_type).expect("put there above");
    versions.entry(schema_version).or_insert_with(|| ShapeLine {
        event_type: event_type.to_owned(),
        schema_version,
        ..ShapeLine::default()
    })
}

/// The events that went by, as far as the report counts them.
pub(super) struct Seen {
    pub(super) events: u64,
    pub(super) first: Option<Position>,
    pub(super) last: Option<(Position, EventId)>,
    hash: Sha256,
    line: Vec<u8>,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self { events: 0, first: None, last: None, hash: Sha256::new(), line: Vec::new() }
    }

    pub(super) fn see(&mut self, event: &RecordedEvent) {
        self.events += 1;
        self.first.get_or_insert(event.position());
        self.last = Some((event.position(), event.event_id()));
        self.line.clear();
        serde_json::to_writer(&mut self.line, &AsJson(event)).expect("texts and numbers always serialize");
        self.line.push(b'\n');
        self.hash.update(&self.line);
    }

    pub(super) fn report(self, store: StoreId) -> Events {
        let (last, last_event_id) = self.last.unzip();
        let mut sha256 = String::with_capacity(64);
        for byte in self.hash.finalize() {
            write!(sha256, "{byte:02x}").expect("a text takes everything");
        }
        Events { store, events: self.events, first: self.first, last, last_event_id, sha256 }
    }
}
