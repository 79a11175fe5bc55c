//! Migration: a new store that has every event of an old one in its present shape.
//!
//! ```text
//! old store ─▶ upcast, check ─▶ stream by rule ─▶ the next events ─▶ there already: compare
//!  (is read)      (`carry`)         (`rule`)                         else: append, read back, compare (`target`)
//! ```
//!
//! What is written follows from the old store, the links and the rule alone, event ids included. So nothing has to be
//! remembered of how far it came: each run begins at the first event, and compares what is there with what should be,
//! which is a read of both; where the new store ends, it appends. After a kill at any moment, or when the old store
//! has grown, the same is run again; a store that holds something else is found out before anything is written.
//!
//! Every event that was written is read back and compared before it is counted. `report` is what a run says.

mod carry;
mod report;
mod rule;
mod target;

use std::fmt;

use futures::StreamExt as _;
use serde::Serialize;
use trunkline_core::{EventId, Position, RecordedEvent, StreamName, Version};
use trunkline_store::{AllRead, AppendError, EventStore, EventStream, ReadError};

pub use report::{Events, MigrationReport, ShapeLine, StreamsLine};
pub use rule::{InvalidRule, StreamRule};

use crate::shapes::Shapes;
use carry::{Carried, command_of};
use report::{Seen, Tally};
use target::Target;

/// How many events are carried at a time, at least; all of one command's are.
const BATCH_EVENTS: usize = 4096;

/// How many bytes of data a batch has, at most, but for its last command's.
const BATCH_BYTES: usize = 16 << 20;

/// What the streams of sagas begin with.
const SAGAS: &str = "$saga.";

/// What becomes of the events of a store.
#[derive(Debug)]
pub struct Migration<'a> {
    shapes: Shapes<'a>,
    streams: Option<StreamRule>,
}

/// Where an event is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredAt {
    /// Its place in the store.
    pub position: Position,
    /// Its stream.
    pub stream: StreamName,
    /// Its place there.
    pub version: Version,
    /// Its id.
    pub event_id: EventId,
    /// Its type.
    pub event_type: String,
    /// The version of its shape.
    pub schema_version: u32,
}

/// Why a migration ended before its end. Whatever it was, what the new store has by then is the beginning of the whole,
/// and with the cause remedied the same can be run again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// A store can't be migrated to itself.
    #[error("both are the same store")]
    SameStore,
    /// An event doesn't reach today's shape, or has no stream there.
    #[error("{at} can't be migrated: {reason}")]
    Stopped {
        /// The event.
        at: StoredAt,
        /// Why.
        reason: String,
    },
    /// The new store has something else than the migration writes.
    #[error(
        "the new store's event at position {position} is not what becomes of {of}: its {what} is another"
    )]
    Differs {
        /// Its place in the new store.
        position: Position,
        /// The event of the old store that belongs there.
        of: StoredAt,
        /// In what they differ.
        what: &'static str,
    },
    /// An event is not there although the new store has said that it stored it.
    #[error("what becomes of {of} was appended to the new store, and is not there")]
    NotThere {
        /// The event of the old store.
        of: StoredAt,
    },
    /// The old store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The new store could not be read.
    #[error("the new store: {0}")]
    ReadBack(ReadError),
    /// The new store did not take events.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl<'a> Migration<'a> {
    /// The migration to the shapes that a file declares, or that an application knows.
    pub fn new(shapes: impl Into<Shapes<'a>>) -> Self {
        Self { shapes: shapes.into(), streams: None }
    }

    /// The same, with streams by a rule.
    #[must_use]
    pub fn streams(mut self, rule: StreamRule) -> Self {
        self.streams = Some(rule);
        self
    }

    /// Makes the new store have what becomes of the old one's events; `progress` hears the last position that was
    /// dealt with.
    ///
    /// The new store may be empty, or have the beginning of the whole from an earlier run.
    pub async fn run(
        &self,
        from: &dyn EventStore,
        to: &dyn EventStore,
        mut progress: impl FnMut(Position),
    ) -> Result<MigrationReport, MigrateError> {
        if from.id() == to.id() {
            return Err(MigrateError::SameStore);
        }
        let mut source = Source::new(from);
        let mut target = Target::new(to);
        let mut tally = Tally::default();
        let mut batch = source.batch(self, &mut tally).await?;
        while !batch.is_empty() || !source.is_at_end() {
            // The next events are read while these are synced.
            let put = target.put(&batch);
            let read = source.batch(self, &mut tally);
            let (put, read) = futures::join!(put, read);
            put?;
            batch = read?;
            progress(source.position());
            // Stores that never wait would leave no room to notice a request to stop.
            tokio::task::yield_now().await;
        }
        let head = to.head().await.map_err(MigrateError::ReadBack)?;
        let beyond = Some(head).filter(|head| *head > target.position());
        let (written, outcomes) = (target.written, tally.outcomes);
        let (shapes, streams) = tally.lines();
        Ok(MigrationReport {
            from: source.seen.told(from.id()),
            to: target.seen.told(to.id()),
            written,
            outcomes,
            beyond,
            shapes,
            streams,
        })
    }
}

/// The old store, read command by command.
struct Source {
    events: EventStream,
    /// Of the next command, or of none.
    next: Option<RecordedEvent>,
    /// Whether `events` has ended.
    ended: bool,
    seen: Seen,
    /// How many events there are for the new store.
    carried: u64,
}

impl Source {
    fn new(store: &dyn EventStore) -> Self {
        let events = store.read_all(AllRead::default());
        Self { events, next: None, ended: false, seen: Seen::new(), carried: 0 }
    }

    fn is_at_end(&self) -> bool {
        self.ended && self.next.is_none()
    }

    fn position(&self) -> Position {
        self.seen.last.map_or(Position::START, |(position, _)| position)
    }

    /// What becomes of the next events; it may be nothing before the end.
    async fn batch(
        &mut self,
        migration: &Migration<'_>,
        tally: &mut Tally,
    ) -> Result<Vec<Carried>, MigrateError> {
        let mut batch = Vec::new();
        let (mut events, mut bytes) = (0, 0);
        while events < BATCH_EVENTS && bytes < BATCH_BYTES {
            let group = self.group().await?;
            if group.is_empty() {
                break;
            }
            self.keep_places(&group)?;
            events += group.len();
            bytes += group.iter().map(|event| event.data().len()).sum::<usize>();
            let carried = migration.carry(&group, tally)?;
            self.carried += carried.len() as u64;
            batch.extend(carried);
        }
        Ok(batch)
    }

    /// A saga's events name the positions of what caused them: they can only be copied where these stay.
    fn keep_places(&self, group: &[RecordedEvent]) -> Result<(), MigrateError> {
        match group.first() {
            Some(event)
                if event.stream().starts_with(SAGAS) && event.position().get() != self.carried + 1 =>
            {
                let reason =
                    "it names places in the old store, and they are others in the new one".to_owned();
                Err(MigrateError::Stopped { at: StoredAt::of(event), reason })
            }
            _ => Ok(()),
        }
    }

    /// The next event, with those that follow it and are of the same command: one append has stored them, one after
    /// the other. Nothing at the end.
    async fn group(&mut self) -> Result<Vec<RecordedEvent>, MigrateError> {
        let mut group: Vec<RecordedEvent> = self.next.take().into_iter().collect();
        while !self.ended {
            let Some(event) = self.events.next().await.transpose()? else {
                self.ended = true;
                break;
            };
            self.seen.see(&event);
            let is_next = match group.first() {
                None => false,
                Some(first) => command_of(first).is_none_or(|command| command_of(&event) != Some(command)),
            };
            if is_next {
                self.next = Some(event);
                break;
            }
            group.push(event);
        }
        Ok(group)
    }
}

impl StoredAt {
    fn of(event: &RecordedEvent) -> Self {
        Self {
            position: event.position(),
            stream: event.stream_name(),
            version: event.version(),
            event_id: event.event_id(),
            event_type: event.event_type().to_owned(),
            schema_version: event.schema_version(),
        }
    }
}

impl fmt::Display for StoredAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, stream, version, event_type, schema_version, .. } = self;
        write!(f, "{event_type} {schema_version} at position {position} ({stream} version {version})")
    }
}
