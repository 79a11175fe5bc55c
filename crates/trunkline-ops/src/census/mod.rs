//! The census: every stored shape, counted and brought to today's.
//!
//! ```text
//! read, in order ──▶ parts of 1024 events, to each thread in turn ──▶ a `tally` of each ──▶ joined
//! ```
//!
//! Which thread has which part depends on nothing but the order of the events, and what is reported of each shape is of
//! its first event, so a census of the same store says the same whenever it is taken. `stored` is the shape of an event's
//! data, `outline` the part of it by which events are known to be alike.

mod outline;
mod stored;
mod tally;

use std::num::NonZero;
use std::thread;

use futures::StreamExt as _;
use serde::Serialize;
use tokio::sync::mpsc;
use trunkline::shapes::Shapes;
use trunkline_core::{Position, RecordedEvent, StreamName, Version};
use trunkline_store::{AllRead, EventStore, ReadError};

use self::tally::{Tally, joined};
use crate::Verdict;

/// How many events a thread gets at a time.
const PART: usize = 1024;

/// How many parts wait for a thread at most.
const WAITING: usize = 8;

/// How many threads count at most: one reads for all of them.
const THREADS_MAX: usize = 8;

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

impl Census {
    /// Whether each event reaches today's shape.
    pub fn verdict(&self) -> Result<(), Verdict> {
        match self.undecodable {
            0 => Ok(()),
            events => Err(Verdict::Undecodable { events }),
        }
    }
}

/// Counts every shape that is stored, and brings each event to today's; `progress` hears how far it has come.
pub async fn census(
    shapes: impl Into<Shapes>,
    store: &dyn EventStore,
    mut progress: impl FnMut(Position),
) -> Result<Census, ReadError> {
    let shapes = shapes.into();
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    let mut counting: Vec<Counting> = (0..threads).map(|_| Counting::start(shapes.clone())).collect();
    let mut last = Position::START;
    let mut parts = store.read_all(AllRead::default()).ready_chunks(PART);
    let mut turn = 0;
    while let Some(part) = parts.next().await {
        let part = part.into_iter().collect::<Result<Vec<RecordedEvent>, ReadError>>()?;
        last = part.last().map_or(last, RecordedEvent::position);
        counting[turn].count(part).await;
        turn = (turn + 1) % threads;
        progress(last);
    }
    progress(last);
    let mut tallies = Vec::with_capacity(threads);
    for counting in counting {
        tallies.push(counting.tally().await);
    }
    Ok(joined(tallies))
}

/// A thread that counts, or what does so without one.
struct Counting {
    /// None where there is no thread.
    parts: Option<mpsc::Sender<Vec<RecordedEvent>>>,
    counted: mpsc::Receiver<Tally>,
    tally: Tally,
}

impl Counting {
    /// It ends when its sender is dropped, also when the census is.
    fn start(shapes: Shapes) -> Self {
        let tally = Tally::new(shapes.clone());
        let (parts, mut received) = mpsc::channel::<Vec<RecordedEvent>>(WAITING);
        let (send, counted) = mpsc::channel(1);
        let count = move || {
            let mut tally = Tally::new(shapes);
            while let Some(part) = received.blocking_recv() {
                for event in &part {
                    tally.count(event);
                }
            }
            // Nobody hears it when the census was dropped.
            let _ = send.blocking_send(tally);
        };
        let thread = thread::Builder::new().name("census".to_owned()).spawn(count);
        Self { parts: thread.is_ok().then_some(parts), counted, tally }
    }

    async fn count(&mut self, part: Vec<RecordedEvent>) {
        match &self.parts {
            // It takes parts until it is dropped, unless it has panicked, which is heard of in the end.
            Some(parts) => drop(parts.send(part).await),
            None => {
                for event in &part {
                    self.tally.count(event);
                }
            }
        }
    }

    async fn tally(mut self) -> Tally {
        if self.parts.take().is_none() {
            return self.tally;
        }
        self.counted.recv().await.expect("counting does not panic")
    }
}
