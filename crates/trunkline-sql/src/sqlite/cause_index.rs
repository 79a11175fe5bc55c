//! The index of causes in a `SQLite` file beside the log.
//!
//! What is kept and how far the log was read commit together; commits are not synced, so after a power cut it is older,
//! and catches up from the log. Whoever asks for a cause may write it: who can't reads it as it is.
//! `kept` has the rows, each of which is known to be what was written, and the latest, when it is read.

mod kept;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use trunkline_core::Position;
use trunkline_store::derived::{CauseIndex, CauseIndexError, CauseKey, CauseQuery, Checkpoint, FoundCauses};

use super::connection_thread::ConnectionThread;
use super::fault::{is_damage, is_passing};
use super::look;
use super::made_anew::{self, MADE_ANEW, has_tables};
use kept::TABLES;

/// How long is waited for another process that has the file locked.
const WAIT: Duration = Duration::from_secs(5);

/// The index of causes on `SQLite`, which may be removed at any time.
///
/// It is opened when it is first asked, and works on a thread of its own. Where the file can't be written, it says what
/// is in it, and [`put`](CauseIndex::put) is an error.
pub struct SqliteCauseIndex {
    path: PathBuf,
    thread: ConnectionThread,
}

impl SqliteCauseIndex {
    /// In a file; one that is no database, or a damaged one, is made anew.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let (file, damaged) = (path.clone(), path.clone());
        let thread =
            ConnectionThread::new("cause-index", move || open(&file), move || give_up(&damaged, DAMAGED));
        Self { path, thread }
    }

    fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, CauseIndexError>> {
        async move {
            match self.thread.ask(ask).await {
                Ok(answer) => answer.map_err(|error| {
                    let reason = format!("{}: {error}", self.path.display());
                    // What can't be opened doesn't work when it is tried again.
                    let is_opened = error.sqlite_error_code() != Some(ErrorCode::CannotOpen);
                    CauseIndexError { reason, damaged: is_opened && is_damage(&error) }
                }),
                Err(gone) => Err(CauseIndexError { reason: gone.0, damaged: false }),
            }
        }
        .boxed()
    }
}

impl fmt::Debug for SqliteCauseIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteCauseIndex").field("path", &self.path).finish_non_exhaustive()
    }
}

impl CauseIndex for SqliteCauseIndex {
    fn read_to(&self) -> BoxFuture<'_, Result<Option<Checkpoint>, CauseIndexError>> {
        self.ask(|connection| kept::read_to(connection))
    }

    fn put(
        &self,
        after: Option<Checkpoint>,
        causes: Vec<(CauseKey, Position)>,
        read_to: Checkpoint,
    ) -> BoxFuture<'_, Result<bool, CauseIndexError>> {
        self.ask(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let put = kept::put(&transaction, after, causes, &read_to)?;
            transaction.commit()?;
            Ok(put)
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), CauseIndexError>> {
        self.ask(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch("DELETE FROM causes_1; DELETE FROM read_1;")?;
            transaction.commit()
        })
    }

    fn find(&self, query: CauseQuery) -> BoxFuture<'_, Result<FoundCauses, CauseIndexError>> {
        // What is found, and how far was read, are of one moment.
        self.ask(move |connection| kept::find(&*connection.transaction()?, &query))
    }
}

/// What is said of a file that is let go of.
const DAMAGED: &str = "a row is not what was written";

/// Opens the file to write it, or where that can't be, to read it; one that is neither is made anew.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let to_write = || {
        let connection = made_anew::open(path, WAIT)?;
        connection.execute_batch(TABLES)?;
        Ok(connection)
    };
    let whole = |opened: rusqlite::Result<Connection>| {
        opened.and_then(|connection| Ok(has_tables(&connection, TABLES)?.then_some(connection)))
    };
    let why = match whole(to_write()) {
        Ok(Some(connection)) => return Ok(connection),
        Ok(None) => "its tables are not those that were made".to_owned(),
        Err(error) if is_passing(&error) => return Err(error),
        Err(error) => match whole(look::open(path)) {
            Ok(Some(connection)) => return Ok(connection),
            _ if !path.exists() => return Err(error),
            _ => error.to_string(),
        },
    };
    give_up(path, &why);
    to_write()
}

/// Lets go of a file that is damaged, and says so.
fn give_up(path: &Path, why: &str) {
    made_anew::remove(path);
    let what = if path.exists() {
        "the index of causes is damaged and can't be removed: every event is looked at"
    } else {
        "the index of causes is damaged and is made anew from the log"
    };
    tracing::warn!(target: MADE_ANEW, path = %path.display(), why, "{what}");
}
