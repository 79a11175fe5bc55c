//! The one place that knows which backend a DSN means, and opens it.

use std::path::Path;
use std::sync::Arc;

use indicatif::HumanBytes;
use trunkline_store::{
    BackupReport, EventStore, LogStore, LogStoreOptions, Maintain, MaintainError, MemoryStore, OpenError,
};

use crate::dsn::{Dsn, Place};
use crate::failure::Failure;
use crate::output::Output;

/// An open store.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) maintain: Arc<dyn Maintain>,
    /// What has to be closed in its own way.
    log: Option<LogStore>,
}

impl Opened {
    fn memory() -> Self {
        let store = MemoryStore::new();
        Self { store: Arc::new(store.clone()), maintain: Arc::new(store), log: None }
    }

    fn log(log: LogStore) -> Self {
        Self { store: Arc::new(log.clone()), maintain: Arc::new(log.clone()), log: Some(log) }
    }

    /// Closes the store, which confirms what was appended.
    pub(crate) async fn close(self) {
        let Self { store, maintain, log } = self;
        drop((store, maintain));
        if let Some(log) = log {
            log.close().await;
        }
    }
}

/// Opens a store for reading, also beside a process that appends to it.
pub(crate) fn for_reading(place: &Place) -> Result<Opened, Failure> {
    match &place.dsn {
        Dsn::Memory => Ok(Opened::memory()),
        Dsn::Log(path) => match LogStore::open_read_only(path) {
            Ok(log) => Ok(Opened::log(log)),
            Err(error) => Err(failed(error, place)),
        },
    }
}

/// Opens a store for appending, and makes it when there is none; says which one that is.
pub(crate) fn for_appending(place: &Place, owner: &str, output: &mut Output<'_>) -> Result<Opened, Failure> {
    let opened = match &place.dsn {
        Dsn::Memory => Opened::memory(),
        Dsn::Log(path) => {
            let options = LogStoreOptions { owner: owner.to_owned(), ..LogStoreOptions::default() };
            LogStore::open(path, options).map(Opened::log).map_err(|error| failed(error, place))?
        }
    };
    output.say(format_args!("store {place}"));
    let rolled_back = opened.log.as_ref().map_or(0, LogStore::rolled_back_bytes);
    if rolled_back > 0 {
        let bytes = HumanBytes(rolled_back);
        output.warn(format_args!("rolled back {bytes} of an append that was cut off and never acknowledged"));
    }
    Ok(opened)
}

/// Makes a store of a backup.
pub(crate) fn restore(
    from: &Path,
    place: &Place,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<BackupReport, Failure> {
    match &place.dsn {
        Dsn::Memory => Err(Failure::Maintain(MaintainError::Unsupported {
            what: "restoring",
            hint: "it is gone with the command; restore to log:PATH",
        })),
        Dsn::Log(path) => Ok(LogStore::restore(from, path, progress)?),
    }
}

fn failed(source: OpenError, place: &Place) -> Failure {
    Failure::Open { source, place: place.clone() }
}
