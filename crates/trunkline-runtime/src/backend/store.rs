//! An open event store, and how it is opened.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use trunkline_store::{EventStore, Limits, Maintain, OpenError};

use super::{DsnError, Place};

/// What a store is opened for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Append and read; the store is made when there is none.
    #[default]
    Append,
    /// Read, also beside a process that appends.
    Read,
}

/// How an event store is opened.
///
/// A backend takes what it has a use for.
#[derive(Clone, Debug)]
pub struct OpenStoreOptions {
    /// What it is opened for.
    pub access: Access,
    /// Who opens it, as the error of others says that want to.
    pub owner: String,
    /// The size of a file of it, in bytes; none for the backend's own.
    pub segment_bytes: Option<u64>,
    /// Whether an append is on disk before it is acknowledged; without, only for stores to throw away.
    pub sync: bool,
    /// Limits of what is appended.
    pub limits: Limits,
}

impl Default for OpenStoreOptions {
    fn default() -> Self {
        Self {
            access: Access::Append,
            owner: "a program".to_owned(),
            segment_bytes: None,
            sync: true,
            limits: Limits::default(),
        }
    }
}

/// What closes something in its own way.
pub(super) type Close = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send + Sync>;

/// An open event store.
pub struct OpenStore {
    /// To append and read.
    pub store: Arc<dyn EventStore>,
    /// To look after it.
    pub maintain: Arc<dyn Maintain>,
    rolled_back_bytes: u64,
    close: Option<Close>,
}

/// Why an event store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenStoreError {
    /// This program has no backend for its place.
    #[error("{error}; {}", .error.hint())]
    Dsn {
        /// Why.
        error: DsnError,
    },
    /// It could not be opened.
    #[error("the event store {place} can't be opened: {source}")]
    Open {
        /// Which store, and what named it.
        place: Box<Place>,
        /// Why.
        source: OpenError,
    },
}

impl OpenStore {
    /// A store that needs nothing when it is closed.
    pub fn new(store: impl EventStore + Maintain + Clone) -> Self {
        Self { store: Arc::new(store.clone()), maintain: Arc::new(store), rolled_back_bytes: 0, close: None }
    }

    /// How many bytes were rolled back when it was opened.
    #[must_use]
    pub fn with_rolled_back(mut self, bytes: u64) -> Self {
        self.rolled_back_bytes = bytes;
        self
    }

    /// What is done to close it.
    #[must_use]
    pub fn closed_by<F>(mut self, close: impl FnOnce() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.close = Some(Box::new(move || Box::pin(close())));
        self
    }

    /// How many bytes of a commit that was cut off were rolled back when the store was opened.
    pub fn rolled_back_bytes(&self) -> u64 {
        self.rolled_back_bytes
    }

    /// Closes the store, which confirms what was appended.
    pub async fn close(self) {
        let Self { store, maintain, close, .. } = self;
        drop((store, maintain));
        if let Some(close) = close {
            close().await;
        }
    }
}

impl fmt::Debug for OpenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStore").field("store", &self.store).finish_non_exhaustive()
    }
}
