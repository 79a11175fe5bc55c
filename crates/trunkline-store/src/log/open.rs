//! Opening a [`LogStore`].

use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use trunkline_core::SystemClock;
use trunkline_log as engine;
use trunkline_log::disk::{Disk, RealDisk};

use super::{LogStore, WAITING_KIB_MAX};
use crate::{Limits, OpenError};

/// How to open a [`LogStore`].
#[derive(Clone, Debug)]
pub struct LogStoreOptions {
    /// Limits of what is appended.
    pub limits: Limits,
    /// The size of a new segment, in bytes.
    pub segment_bytes: u64,
    /// Whether an append is synced to disk before it is acknowledged; without, only for stores to throw away.
    pub sync: bool,
    /// Who opens the store, for the error of others that want to: the command or the service. The process id is added.
    pub owner: String,
}

impl Default for LogStoreOptions {
    fn default() -> Self {
        Self { limits: Limits::default(), segment_bytes: 64 << 20, sync: true, owner: "a program".to_owned() }
    }
}

impl From<engine::OpenError> for OpenError {
    fn from(error: engine::OpenError) -> Self {
        match error {
            engine::OpenError::NotFound { folder } => Self::NotFound { path: folder },
            engine::OpenError::InUse { folder, owner } => Self::InUse { path: folder, owner },
            engine::OpenError::Occupied { folder, held } => Self::Occupied { path: folder, held },
            engine::OpenError::Corrupt { .. } => Self::Corrupt { what: error.to_string() },
            engine::OpenError::Version { file, version } => Self::Version { file, version },
            engine::OpenError::Io { act, source } => Self::Io { act, source },
            other => Self::Io { act: "open the store".to_owned(), source: std::io::Error::other(other) },
        }
    }
}

impl LogStore {
    /// Opens the store in this folder for reading and appending; makes it when there is none.
    pub fn open(path: &Path, options: LogStoreOptions) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(RealDisk::new(path)), options)
    }

    /// Opens the store on this disk, for tests that own the disk.
    pub fn open_on(disk: Arc<dyn Disk>, options: LogStoreOptions) -> Result<Self, OpenError> {
        if !SystemClock::is_set() {
            let source = std::io::Error::other("the clock shows a time before 1970; set it, then try again");
            return Err(OpenError::Io { act: "tell when something is stored".to_owned(), source });
        }
        let LogStoreOptions { limits, segment_bytes, sync, owner } = options;
        let (sender, head) = watch::channel(0);
        let log = engine::Log::open(
            disk,
            engine::Options {
                segment_bytes,
                sync,
                owner: format!("process {} ({})", std::process::id(), owner),
                on_commit: Some(Arc::new(move |position| {
                    sender.send_replace(position);
                })),
                ..engine::Options::default()
            },
        )?;
        Ok(Self::new(log, limits, head, false))
    }

    /// Opens the store in this folder for reading, also beside a process that appends to it.
    ///
    /// A store that is damaged near its end is opened up to the damage; a read that reaches it ends with an
    /// error.
    pub fn open_read_only(path: &Path) -> Result<Self, OpenError> {
        let log = engine::Log::open_read_only(Arc::new(RealDisk::new(path)))?;
        let (_, head) = watch::channel(0);
        Ok(Self::new(log, Limits::default(), head, true))
    }

    fn new(log: engine::Log, limits: Limits, head: watch::Receiver<u64>, read_only: bool) -> Self {
        let room = Arc::new(Semaphore::new(WAITING_KIB_MAX as usize));
        Self { log: Arc::new(log), limits, head, read_only, room }
    }
}
