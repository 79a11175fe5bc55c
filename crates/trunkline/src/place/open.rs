//! The one place that knows which backend a DSN means, and opens it.

use std::fmt;
use std::sync::Arc;

use trunkline_store::{EventStore, LogStore, LogStoreOptions, Maintain, MemoryStore, OpenError};

use super::Dsn;

/// An open event store.
pub struct OpenStore {
    /// To append and read.
    pub store: Arc<dyn EventStore>,
    /// To look after it.
    pub maintain: Arc<dyn Maintain>,
    /// What has to be closed in its own way.
    log: Option<LogStore>,
}

impl OpenStore {
    /// Opens the store for appending, and makes it when there is none.
    pub fn for_appending(dsn: &Dsn, options: LogStoreOptions) -> Result<Self, OpenError> {
        match dsn {
            Dsn::Memory => Ok(Self::memory()),
            Dsn::Log(path) => LogStore::open(path, options).map(Self::log),
        }
    }

    /// Opens the store for reading, also beside a process that appends to it.
    pub fn for_reading(dsn: &Dsn) -> Result<Self, OpenError> {
        match dsn {
            Dsn::Memory => Ok(Self::memory()),
            Dsn::Log(path) => LogStore::open_read_only(path).map(Self::log),
        }
    }

    fn memory() -> Self {
        let store = MemoryStore::new();
        Self { store: Arc::new(store.clone()), maintain: Arc::new(store), log: None }
    }

    fn log(log: LogStore) -> Self {
        Self { store: Arc::new(log.clone()), maintain: Arc::new(log.clone()), log: Some(log) }
    }

    /// How many bytes of a commit that was cut off were rolled back when the store was opened.
    pub fn rolled_back_bytes(&self) -> u64 {
        self.log.as_ref().map_or(0, LogStore::rolled_back_bytes)
    }

    /// Closes the store, which confirms what was appended.
    pub async fn close(self) {
        let Self { store, maintain, log } = self;
        drop((store, maintain));
        if let Some(log) = log {
            log.close().await;
        }
    }
}

impl fmt::Debug for OpenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStore").field("store", &self.store).finish_non_exhaustive()
    }
}
