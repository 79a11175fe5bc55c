//! What a projection's events are applied to, as the runner needs it: rows of a read database, or state of the program's
//! own.

use std::sync::Arc;

use futures::future::BoxFuture;
use trunkline_core::{Position, RecordedEvent, StoreId};
use trunkline_sql::{ApplyError, Batch, BatchEnd, DatabaseError, StatementFailure};

use super::ProjectionError;
use crate::messages::Checkpoint;

/// A target, which may not be open yet.
pub(super) trait Target: Send + Sync {
    /// How it stands, changing nothing; nothing before it was first begun.
    fn standing(&self) -> BoxFuture<'_, Result<Option<Standing>, DatabaseError>>;

    /// Opens it for applying events of this store, and takes it from whoever had it.
    fn begin(&self, store: StoreId, how: Begin) -> BoxFuture<'_, Result<Box<dyn Begun>, ProjectionError>>;
}

/// How a target is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// Go on where it stands; anew where what was applied is no longer right, and the projection says so.
    GoOn,
    /// The same, but never anew.
    InPlace,
    /// Beside what readers see.
    Anew,
}

/// How a target stands.
pub(super) struct Standing {
    /// The generation that readers see.
    pub(super) generation: u64,
    /// Whether what was applied was applied otherwise than it would be now.
    pub(super) is_changed: bool,
    /// The rest, or why it can't be read.
    pub(super) kept: Result<Kept, DatabaseError>,
}

/// What a target keeps beside what was applied.
pub(super) struct Kept {
    /// The last event; none at the start.
    pub(super) last: Option<Checkpoint>,
    /// Why it doesn't come further.
    pub(super) failure: Option<String>,
    /// How many events were put aside.
    pub(super) parked: u64,
}

impl Kept {
    pub(super) fn position(&self) -> Position {
        self.last.map_or(Position::START, |last| last.position)
    }
}

/// What events are applied to, with its checkpoint.
pub(super) trait Fill: Send {
    /// The last event that was applied or passed over; none at the start.
    fn last(&self) -> Option<Checkpoint>;

    /// Applies a batch and moves the checkpoint to its end, as [`trunkline_sql::Writer::apply`] says it.
    fn apply(&mut self, batch: Arc<Batch>, end: BatchEnd) -> BoxFuture<'_, Result<(), ApplyError>>;

    /// Puts a failing event aside, and moves the checkpoint to it.
    fn park<'a>(
        &'a mut self,
        event: &'a RecordedEvent,
        failure: &'a StatementFailure,
    ) -> BoxFuture<'a, Result<(), ApplyError>>;

    /// Notes why it doesn't come further, where there is a place for that.
    fn note<'a>(&'a mut self, failure: &'a str) -> BoxFuture<'a, Result<(), ApplyError>>;
}

/// A target that was opened.
pub(super) trait Begun: Fill {
    /// Whether all events are applied anew.
    fn is_anew(&self) -> bool;

    /// Whether readers see something else until it is shown.
    fn is_hidden(&self) -> bool;

    /// Has readers see it, and drops what they saw before.
    fn show(&mut self) -> BoxFuture<'_, Result<(), DatabaseError>>;

    /// Puts the checkpoint back; what was applied stays.
    fn put_back(&mut self, to: Option<BatchEnd>) -> BoxFuture<'_, Result<(), ApplyError>>;

    /// Makes it as it is before the first event.
    fn empty(&mut self) -> BoxFuture<'_, Result<(), ApplyError>>;

    /// Gives it up; when this ends, nothing of it is held open.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}
