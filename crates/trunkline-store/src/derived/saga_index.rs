//! Which sagas there are, how they stand, and when time makes something happen.

use std::fmt;

use futures::future::BoxFuture;
use serde::Serialize;
use trunkline_core::saga::Status;
use trunkline_core::{Timestamp, Version};

use super::Checkpoint;

/// A saga, by name and id.
pub type SagaKey = (String, String);

/// A name of sagas, a status, and how many of that name stand so.
pub type SagaCount = (String, Status, u64);

/// A saga in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SagaRow {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// How it is doing.
    pub status: Status,
    /// The step that it is at, while it is at one.
    pub step: Option<String>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When something last happened to it.
    pub changed_at: Timestamp,
    /// When time alone makes something happen.
    pub due: Option<Timestamp>,
    /// Why it failed, or is stuck.
    pub reason: Option<String>,
}

/// Which sagas to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SagaQuery {
    /// Those of this name.
    pub name: Option<String>,
    /// Those with this id.
    pub id: Option<String>,
    /// Those that stand in one of these ways; all when empty.
    pub statuses: Vec<Status>,
    /// Those to which nothing has happened since then.
    pub unchanged_since: Option<Timestamp>,
    /// Those after this one, by name and id, to go on with a list.
    pub after: Option<(String, String)>,
    /// How many at most.
    pub limit: Option<u32>,
}

impl SagaQuery {
    /// Whether it is about a saga, whatever its limit.
    pub fn selects(&self, row: &SagaRow) -> bool {
        self.name.as_ref().is_none_or(|name| *name == row.name)
            && self.id.as_ref().is_none_or(|id| *id == row.id)
            && (self.statuses.is_empty() || self.statuses.contains(&row.status))
            && self.unchanged_since.is_none_or(|since| row.changed_at <= since)
            && self.after.as_ref().is_none_or(|(name, id)| (&row.name, &row.id) > (name, id))
    }
}

/// How a saga stands at a version of its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedSaga {
    /// How it stands.
    pub row: SagaRow,
    /// The version of its stream.
    pub version: Version,
}

/// Why the index can't be read or written. It may be removed, and is made again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the index of sagas can't be used: {reason}")]
pub struct SagaIndexError {
    /// Why.
    pub reason: String,
    /// Whether that passes by itself: a full disk, another process at work.
    pub passes: bool,
    /// Whether what is kept is not what was written.
    pub damaged: bool,
}

/// How sagas stand, as far as their streams were read for it: for who lists them, and for what time makes happen.
///
/// It may be older than the streams, or empty, and catches up from [`read_to`](Self::read_to) on; it never says that
/// more was read than its rows have.
///
/// Texts are compared by their bytes.
///
/// Every sentence here is a promise with a test in `derived::conformance` (the feature `conformance` brings it).
pub trait SagaIndex: fmt::Debug + Send + Sync + 'static {
    /// How far the sagas' streams were read for it; nothing when it is new.
    fn read_to(&self) -> BoxFuture<'_, Result<Option<Checkpoint>, SagaIndexError>>;

    /// Puts rows in the place of older ones, and says how far was read, which stays as it was with `None`.
    ///
    /// - A row of an earlier version than the one that is there changes nothing; one of the same version takes its
    ///   place.
    /// - All of it is there afterwards, or nothing, and no reader ever sees a part of it.
    /// - After the place was opened again, it is there as it was at the end of one of the latest calls: with how far
    ///   was read come the rows.
    fn put(
        &self,
        sagas: Vec<IndexedSaga>,
        read_to: Option<Checkpoint>,
    ) -> BoxFuture<'_, Result<(), SagaIndexError>>;

    /// Lets go of everything, as if it were new: it is of another log.
    fn clear(&self) -> BoxFuture<'_, Result<(), SagaIndexError>>;

    /// Sagas that are due at a time or were before, those first that are due the longest; at most so many.
    fn due(&self, now: Timestamp, max: u32) -> BoxFuture<'_, Result<Vec<SagaKey>, SagaIndexError>>;

    /// When the next saga is due.
    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>, SagaIndexError>>;

    /// Sagas that a query is about, by name and id, up to its limit.
    ///
    /// Each part of the query narrows it; a time since which nothing has happened includes that time.
    fn list<'a>(&'a self, query: &'a SagaQuery) -> BoxFuture<'a, Result<Vec<SagaRow>, SagaIndexError>>;

    /// How many sagas a query is about, whatever its limit.
    fn count<'a>(&'a self, query: &'a SagaQuery) -> BoxFuture<'a, Result<u64, SagaIndexError>>;

    /// How many there are of each name and status, in the order of the names and of the words for the statuses.
    fn counts(&self) -> BoxFuture<'_, Result<Vec<SagaCount>, SagaIndexError>>;
}
