//! Migration: a new store that has every event of an old one in its present shape.
//!
//! ```text
//! old store ─▶ upcast, check ─▶ stream by rule ─▶ the next events ─▶ there already: compare
//! (`source`)      (`carry`)         (`rule`)                         else: append, read back, compare (`target`)
//! ```
//!
//! What a saga's event names of the store (`cause`), and what `checkpoints` name, becomes the place where it is in the
//! new one; `places` knows that.
//!
//! What is written follows from the old store, the links and the rule alone, event ids included. So nothing has to be
//! remembered of how far it came: each run begins at the first event, and compares what is there with what should be,
//! which is a read of both; where the new store ends, it appends. After a kill at any moment, or when the old store
//! has grown, the same is run again; a store that holds something else is found out before anything is written.
//!
//! Every event that was written is read back and compared before it is counted. `report` is what a run says.

mod carry;
mod cause;
mod checkpoints;
mod places;
mod report;
mod source;
mod target;

use std::fmt;

use serde::Serialize;
use trunkline::messages::{Checkpoint, CheckpointError};
use trunkline::shapes::Shapes;
use trunkline_core::{EventId, Position, RecordedEvent, StreamName, Version};
use trunkline_store::{AppendError, EventStore, ReadError};

pub use checkpoints::CheckpointLine;
pub use report::{Events, MigrationReport, ShapeLine, StreamsLine};

use crate::StreamRule;
use report::Tally;
use source::Source;
use target::Target;

/// What becomes of the events of a store.
#[derive(Debug)]
pub struct Migration {
    shapes: Shapes,
    streams: Option<StreamRule>,
    checkpoints: Vec<(String, Checkpoint)>,
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
pub enum MigrateError {
    /// A store can't be migrated to itself.
    #[error("both are the same store")]
    SameStore,
    /// An event doesn't reach today's shape, or has no stream there.
    #[error("{at} can't be migrated: {reason}")]
    Stopped {
        /// The event.
        at: Box<StoredAt>,
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
        of: Box<StoredAt>,
        /// In what they differ.
        what: &'static str,
    },
    /// An event is not there although the new store acknowledged it.
    #[error("what becomes of {of} was appended to the new store, and is not there")]
    NotThere {
        /// The event of the old store.
        of: StoredAt,
    },
    /// The event of the old store that a checkpoint names can't be found.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
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

impl Migration {
    /// The migration to the shapes that a file declares, or that an application knows.
    pub fn new(shapes: impl Into<Shapes>) -> Self {
        Self { shapes: shapes.into(), streams: None, checkpoints: Vec::new() }
    }

    /// The same, with streams by a rule.
    #[must_use]
    pub fn streams(mut self, rule: StreamRule) -> Self {
        self.streams = Some(rule);
        self
    }

    /// The same, with checkpoints of readers of the old store, whose places in the new one the report says: read before
    /// the migration is run, so that the old store has what they name.
    #[must_use]
    pub fn checkpoints(mut self, checkpoints: impl IntoIterator<Item = (String, Checkpoint)>) -> Self {
        self.checkpoints.extend(checkpoints);
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
        let mut source = Source::new(self, from);
        let mut target = Target::new(to);
        let mut tally = Tally::default();
        let mut batch = source.batch(&mut tally).await?;
        while !batch.is_empty() || !source.is_at_end() {
            // The next events are read while these are synced.
            let put = target.put(&batch);
            let read = source.batch(&mut tally);
            let (put, read) = futures::join!(put, read);
            put?;
            batch = read?;
            progress(source.position());
            // Stores that never wait would leave no room to notice a request to stop.
            tokio::task::yield_now().await;
        }
        let checkpoints = self.moved_checkpoints(from, to, &source).await?;
        let head = to.head().await.map_err(MigrateError::ReadBack)?;
        let beyond = Some(head).filter(|head| *head > target.position());
        let (written, outcomes) = (target.written, tally.outcomes);
        let (shapes, streams) = tally.lines();
        Ok(MigrationReport {
            from: source.seen.report(from.id()),
            to: target.seen.report(to.id()),
            written,
            outcomes,
            beyond,
            checkpoints,
            shapes,
            streams,
        })
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
