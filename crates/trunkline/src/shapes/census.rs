//! The census: every stored shape, counted and brought to today's.

use std::collections::HashMap;

use futures::StreamExt as _;
use serde::Serialize;
use trunkline_core::{Position, RecordedEvent, StreamName, Version};
use trunkline_store::{AllRead, EventStore, ReadError};

use super::{Shapes, stored};
use crate::file::SYSTEM_NAMES;

/// How many shapes are told apart; data whose fields are named by data has as many as it has events.
const SHAPES_MAX: usize = 10_000;

/// How many positions are between two words about the progress.
const SAID_EVERY: u64 = 4096;

/// What is stored.
#[derive(Debug, Serialize)]
pub struct Census {
    /// How many events were looked at; Trunkline's own are not.
    pub events: u64,
    /// How many of them don't reach today's shape.
    pub undecodable: u64,
    /// Every shape, in the order of its first event.
    pub shapes: Vec<CensusLine>,
}

/// A stored shape.
#[derive(Debug, Serialize)]
pub struct CensusLine {
    /// The type.
    pub event_type: String,
    /// The version that it was stored in.
    pub schema_version: u32,
    /// Its fields with their kinds, `name: kind` sorted by name, or what the data is instead of an object.
    pub shape: String,
    /// How many events have it.
    pub count: u64,
    /// The first of them.
    pub first: Position,
    /// What they are today, as far as they reach it: types and versions.
    pub today: Vec<String>,
    /// The first of them that doesn't reach today's shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecodable: Option<Undecodable>,
}

/// An event that doesn't reach today's shape.
#[derive(Debug, Serialize)]
pub struct Undecodable {
    /// Its place in the store.
    pub position: Position,
    /// Its stream.
    pub stream: StreamName,
    /// Its place there.
    pub version: Version,
    /// Why.
    pub reason: String,
    /// How many of its shape don't.
    pub count: u64,
}

/// Counts every shape that is stored, and brings each event to today's; `progress` hears how far it has come.
pub async fn census<'a>(
    shapes: impl Into<Shapes<'a>>,
    store: &dyn EventStore,
    mut progress: impl FnMut(Position),
) -> Result<Census, ReadError> {
    let mut counter = Counter::new(shapes.into());
    let mut last = Position::START;
    let mut events = store.read_all(AllRead::default());
    while let Some(event) = events.next().await.transpose()? {
        last = event.position();
        if last.get().is_multiple_of(SAID_EVERY) {
            progress(last);
        }
        if !event.event_type().starts_with(SYSTEM_NAMES) {
            counter.count(&event);
        }
    }
    progress(last);
    Ok(counter.told())
}

/// What was counted so far.
struct Counter<'a> {
    shapes: Shapes<'a>,
    events: u64,
    lines: Vec<Line>,
    places: HashMap<(String, u32, String), usize>,
    /// Places by marks, which cost less to make than words.
    marked: HashMap<Vec<u8>, usize>,
    marks: Vec<u8>,
}

/// A stored shape, of which nothing is in words yet.
struct Line {
    count: u64,
    first: Position,
    today: Vec<(String, u32)>,
    undecodable: Option<Undecodable>,
}

impl<'a> Counter<'a> {
    fn new(shapes: Shapes<'a>) -> Self {
        let (lines, places) = (Vec::new(), HashMap::new());
        Self { shapes, events: 0, lines, places, marked: HashMap::new(), marks: Vec::new() }
    }

    fn count(&mut self, event: &RecordedEvent) {
        self.events += 1;
        let at = self.place(event);
        let line = &mut self.lines[at];
        line.count += 1;
        let reached = self.shapes.today(event.clone(), |event| {
            let is_it = |(event_type, version): &(String, u32)| {
                (event_type.as_str(), *version) == (event.event_type(), event.schema_version())
            };
            if !line.today.iter().any(is_it) {
                line.today.push((event.event_type().to_owned(), event.schema_version()));
            }
        });
        if let Err(reason) = reached {
            let failed = line.undecodable.get_or_insert_with(|| Undecodable {
                position: event.position(),
                stream: event.stream_name(),
                version: event.version(),
                reason,
                count: 0,
            });
            failed.count += 1;
        }
    }

    /// The place of the line of an event.
    fn place(&mut self, event: &RecordedEvent) -> usize {
        self.marks.clear();
        self.marks.extend_from_slice(&event.schema_version().to_le_bytes());
        self.marks.extend_from_slice(event.event_type().as_bytes());
        self.marks.push(0);
        stored::mark(event.data(), &mut self.marks);
        if let Some(&at) = self.marked.get(&self.marks) {
            return at;
        }
        let named = |shape| (event.event_type().to_owned(), event.schema_version(), shape);
        let mut key = named(stored::said(event.data()));
        if self.places.len() >= SHAPES_MAX && !self.places.contains_key(&key) {
            key = named("others".to_owned());
        }
        let lines = &mut self.lines;
        let at = *self.places.entry(key).or_insert_with(|| {
            lines.push(Line { count: 0, first: event.position(), today: Vec::new(), undecodable: None });
            lines.len() - 1
        });
        if self.marked.len() < SHAPES_MAX {
            self.marked.insert(self.marks.clone(), at);
        }
        at
    }

    fn told(mut self) -> Census {
        let mut places: Vec<_> = self.places.into_iter().collect();
        places.sort_unstable_by_key(|(_, at)| *at);
        let lines = places.into_iter().zip(self.lines.drain(..));
        let shapes: Vec<CensusLine> = lines
            .map(|(((event_type, schema_version, shape), _), line)| CensusLine {
                event_type,
                schema_version,
                shape,
                count: line.count,
                first: line.first,
                today: line.today.iter().map(|(name, version)| format!("{name} {version}")).collect(),
                undecodable: line.undecodable,
            })
            .collect();
        let failed = shapes.iter().filter_map(|line| line.undecodable.as_ref());
        Census { events: self.events, undecodable: failed.map(|failed| failed.count).sum(), shapes }
    }
}
