//! How far a reader of the log has come: a place that names what it saw.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use trunkline_core::{EventId, Position, StoreId};

use crate::{EventStore, EventStoreExt, ReadError};

/// The last event that a reader of the log is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The store.
    pub store: StoreId,
    /// The event's position.
    pub position: Position,
    /// The event's id.
    pub event_id: EventId,
}

/// Why a checkpoint can't be used, or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The log is another one than the checkpoint saw: a restored backup, another store.
    #[error(
        "`{name}` has come to position {position}, where the log has {found}; \
         it stops, since it can't know what it has missed"
    )]
    AheadOfLog {
        /// Whose checkpoint it is.
        name: String,
        /// Its position.
        position: Position,
        /// What is there instead.
        found: &'static str,
    },
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is kept is not what was saved.
    #[error(
        "the checkpoint of `{name}` in {file} is damaged: {what}; put an older copy of the file back, or remove it, and \
         `{name}` begins again at the first event: what it did has the same ids, by which it is known as long as these are \
         remembered: by a log for good, by a queue only those of the newest messages that are finished"
    )]
    Damaged {
        /// Whose checkpoint it is.
        name: String,
        /// Where it is kept.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// The checkpoint could not be read or written.
    #[error("the checkpoint of `{name}` could not be {done}: {source}")]
    Storage {
        /// Whose checkpoint it is.
        name: String,
        /// What was tried: `read`, `written` or `removed`.
        done: &'static str,
        /// Whether it passes by itself: somebody makes room on a disk, a server is back.
        passes: bool,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl CheckpointError {
    /// Whether the same may be kept later, without a change of anybody's.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Storage { passes: true, .. })
    }
}

impl Checkpoint {
    /// Checks that the log still has what the checkpoint saw.
    pub async fn check(&self, name: &str, store: &dyn EventStore) -> Result<(), CheckpointError> {
        let found = match store.event_at(self.position).await? {
            _ if store.id() != self.store => "the events of another store",
            None => "no event",
            Some(event) if event.event_id() != self.event_id => "another event",
            Some(_) => return Ok(()),
        };
        Err(CheckpointError::AheadOfLog { name: name.to_owned(), position: self.position, found })
    }
}

/// Where checkpoints are kept, by name.
///
/// A checkpoint may be older than what its owner did: the owner does some of it again, which must be harmless.
/// It is never further than what its owner saved.
///
/// A name is any text without control characters; names that differ have checkpoints of their own.
///
/// Every sentence here is a promise with a test in `derived::conformance` (the feature `conformance` brings it).
pub trait Checkpoints: fmt::Debug + Send + Sync + 'static {
    /// The checkpoint of this name, when there is one.
    ///
    /// It is the one that was saved last, as it was given, also after the place was opened again.
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, CheckpointError>>;

    /// Keeps it in the place of the one before, whatever that one's position is.
    ///
    /// - Whenever this ends, the one or the other is there, and whole.
    /// - Of several that are saved at once under one name, one is there.
    /// - When the future is dropped, it may still be kept, but never after what is saved or forgotten later under
    ///   this name.
    fn save<'a>(
        &'a self,
        name: &'a str,
        checkpoint: &'a Checkpoint,
    ) -> BoxFuture<'a, Result<(), CheckpointError>>;

    /// Forgets it: its owner begins at the first event again.
    ///
    /// Where there is none, there is nothing to do.
    fn forget<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), CheckpointError>>;

    /// All that there are, by name.
    fn all(&self) -> BoxFuture<'_, Result<BTreeMap<String, Checkpoint>, CheckpointError>>;
}
