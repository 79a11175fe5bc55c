//! A database that is only in memory: files of `SQLite`'s `memdb`, which are there as long as somebody has them open.
//!
//! They have no write-ahead log. So who reads one waits for who writes it, and the other way round, for the
//! milliseconds that a batch or an answer takes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::Claim;

/// The names of `memdb` are those of the process.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// How long is waited between two looks at a file that is in use; what comes after a batch takes about as long.
const LOOKED: Duration = Duration::from_micros(100);

/// How often one looks: about two seconds.
const LOOKS_MAX: i32 = 15_000;

/// The files of one database.
pub(super) struct Memory {
    number: u64,
    // Held to put in or take out. A connection to each generation, so that it stays.
    kept: Mutex<BTreeMap<(String, u64), Connection>>,
    claimed: AtomicBool,
}

impl Memory {
    pub(super) fn new() -> Arc<Self> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { number, kept: Mutex::default(), claimed: AtomicBool::default() })
    }

    /// The name of the file that the registry is in.
    pub(super) fn registry(&self) -> String {
        format!("file:/trunkline-{}/read?vfs=memdb", self.number)
    }

    /// The name of a generation's file.
    pub(super) fn generation(&self, projection: &str, number: u64) -> String {
        format!("file:/trunkline-{}/read.{projection}.{number}?vfs=memdb", self.number)
    }

    /// Has a generation's file stay.
    pub(super) fn keep(&self, projection: &str, number: u64, connection: Connection) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert((projection.to_owned(), number), connection);
    }

    /// Opens a generation's file, which is there meanwhile; `SQLite` would make an empty one of one that has gone.
    pub(super) fn while_kept<T>(
        &self,
        projection: &str,
        number: u64,
        open: impl FnOnce() -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.contains_key(&(projection.to_owned(), number)) {
            return open();
        }
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
        Err(rusqlite::Error::SqliteFailure(code, Some("it was dropped".to_owned())))
    }

    /// Has a generation's file go, once nobody has it open.
    pub(super) fn let_go(&self, projection: &str, number: u64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(&(projection.to_owned(), number));
    }

    /// Claims the database, unless somebody has it.
    pub(super) fn claim(self: &Arc<Self>) -> Option<Held> {
        (!self.claimed.swap(true, Ordering::SeqCst)).then(|| Held(Arc::clone(self)))
    }
}

/// A claim, until this is dropped.
#[derive(Debug)]
pub(super) struct Held(Arc<Memory>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.claimed.store(false, Ordering::SeqCst);
    }
}

impl Claim for Held {}

/// Has a connection wait for who has its file in use.
#[expect(
    clippy::disallowed_methods,
    reason = "this thread may block, and nobody can tell it when the file is free"
)]
pub(super) fn wait_when_busy(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(|looks| {
        std::thread::sleep(LOOKED);
        looks < LOOKS_MAX
    }))
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("number", &self.number).finish_non_exhaustive()
    }
}
