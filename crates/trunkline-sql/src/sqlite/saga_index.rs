//! The index of sagas in a `SQLite` file beside the log, or as a copy of one in memory.
//!
//! Its rows and how far they were read commit together; commits are not synced, so after a power cut it is older, and
//! catches up from the sagas' streams.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rusqlite::backup::Backup;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params, params_from_iter};
use trunkline_core::saga::Status;
use trunkline_core::{EventId, Position, StoreId, Timestamp};
use trunkline_store::derived::{
    Checkpoint, IndexedSaga, SagaCount, SagaIndex, SagaIndexError, SagaKey, SagaQuery, SagaRow,
};

use super::connection_thread::ConnectionThread;
use super::fault::is_passing;
use super::made_anew;

/// How long is waited for another process that has the file locked.
const WAIT: Duration = Duration::from_secs(5);

/// How many pages are copied without a pause: others may write meanwhile.
const PAGES_A_TURN: i32 = 4_096;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS sagas_1 (
        name TEXT NOT NULL,
        id TEXT NOT NULL,
        status TEXT NOT NULL,
        step TEXT,
        started INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        due INTEGER,
        reason TEXT,
        version INTEGER NOT NULL,
        PRIMARY KEY (name, id)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS sagas_1_due ON sagas_1 (due) WHERE due IS NOT NULL;
    CREATE INDEX IF NOT EXISTS sagas_1_status ON sagas_1 (status);
    CREATE TABLE IF NOT EXISTS read_1 (one INTEGER PRIMARY KEY, store BLOB, position INTEGER, event_id BLOB);
";

const COLUMNS: &str = "name, id, status, step, started, changed, due, reason";

/// The index of sagas on `SQLite`, which may be removed at any time.
///
/// It is opened when it is first asked, and works on a thread of its own.
pub struct SqliteSagaIndex {
    path: PathBuf,
    thread: ConnectionThread,
}

impl SqliteSagaIndex {
    /// In a file; one that is no database, or a damaged one, is made anew.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::opened_by(path.into(), in_file)
    }

    /// In memory, and at first what a file has that others write: nothing is written to it, and where it can't be
    /// copied, this is empty at first.
    pub fn copy_of(path: impl Into<PathBuf>) -> Self {
        Self::opened_by(path.into(), copy_of)
    }

    fn opened_by(path: PathBuf, open: fn(&Path) -> rusqlite::Result<Connection>) -> Self {
        let file = path.clone();
        Self { path, thread: ConnectionThread::new("saga-index", move || open(&file)) }
    }

    fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, SagaIndexError>> {
        async move {
            match self.thread.ask(ask).await {
                Ok(answer) => answer.map_err(|error| SagaIndexError {
                    passes: is_passing(&error),
                    reason: error.to_string(),
                }),
                Err(gone) => Err(SagaIndexError { reason: gone.0, passes: false }),
            }
        }
        .boxed()
    }
}

impl fmt::Debug for SqliteSagaIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSagaIndex").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SagaIndex for SqliteSagaIndex {
    fn read_to(&self) -> BoxFuture<'_, Result<Option<Checkpoint>, SagaIndexError>> {
        self.ask(|connection| {
            let row = connection.query_row("SELECT store, position, event_id FROM read_1", [], |row| {
                Ok(Checkpoint {
                    store: StoreId::from_bytes(row.get(0)?),
                    position: Position::new(row.get(1)?),
                    event_id: EventId::from_bytes(row.get(2)?),
                })
            });
            row.optional()
        })
    }

    fn put(
        &self,
        sagas: Vec<IndexedSaga>,
        read_to: Option<Checkpoint>,
    ) -> BoxFuture<'_, Result<(), SagaIndexError>> {
        self.ask(move |connection| put(connection, &sagas, read_to.as_ref()))
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), SagaIndexError>> {
        self.ask(|connection| {
            let transaction = connection.transaction()?;
            transaction.execute_batch("DELETE FROM sagas_1; DELETE FROM read_1;")?;
            transaction.commit()
        })
    }

    fn due(&self, now: Timestamp, max: u32) -> BoxFuture<'_, Result<Vec<SagaKey>, SagaIndexError>> {
        self.ask(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT name, id FROM sagas_1 WHERE due <= ?1 ORDER BY due LIMIT ?2")?;
            let rows =
                statement.query_map(params![now.as_micros(), max], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
    }

    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>, SagaIndexError>> {
        self.ask(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT min(due) FROM sagas_1 WHERE due IS NOT NULL")?;
            let micros: Option<i64> = statement.query_row([], |row| row.get(0))?;
            Ok(micros.map(Timestamp::from_micros))
        })
    }

    fn list<'a>(&'a self, query: &'a SagaQuery) -> BoxFuture<'a, Result<Vec<SagaRow>, SagaIndexError>> {
        let query = query.clone();
        self.ask(move |connection| {
            let (condition, mut values) = condition(&query);
            let sql = format!("SELECT {COLUMNS} FROM sagas_1 WHERE {condition} ORDER BY name, id LIMIT ?");
            values.push(i64::from(query.limit.unwrap_or(u32::MAX)).into());
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params_from_iter(values), row)?;
            rows.collect()
        })
    }

    fn count<'a>(&'a self, query: &'a SagaQuery) -> BoxFuture<'a, Result<u64, SagaIndexError>> {
        let (condition, values) = condition(query);
        self.ask(move |connection| {
            let mut statement =
                connection.prepare_cached(&format!("SELECT count(*) FROM sagas_1 WHERE {condition}"))?;
            statement.query_row(params_from_iter(values), |row| row.get(0))
        })
    }

    fn counts(&self) -> BoxFuture<'_, Result<Vec<SagaCount>, SagaIndexError>> {
        self.ask(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT name, status, count(*) FROM sagas_1 GROUP BY 1, 2 ORDER BY 1, 2")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, status(row, 1)?, row.get(2)?)))?;
            rows.collect()
        })
    }
}

fn in_file(path: &Path) -> rusqlite::Result<Connection> {
    let open = || with_tables(made_anew::open(path, WAIT)?);
    open().or_else(|error| {
        tracing::warn!(path = %path.display(), %error, "the index of sagas can't be read and is made anew");
        made_anew::remove(path);
        open()
    })
}

fn copy_of(path: &Path) -> rusqlite::Result<Connection> {
    let copy = || {
        let kept = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut copy = Connection::open_in_memory()?;
        Backup::new(&kept, &mut copy)?.run_to_completion(PAGES_A_TURN, Duration::from_millis(1), None)?;
        with_tables(copy)
    };
    copy().or_else(|error| {
        // All of it can be read from the log, which takes longer.
        tracing::debug!(path = %path.display(), %error, "the index of sagas can't be copied");
        with_tables(Connection::open_in_memory()?)
    })
}

fn with_tables(connection: Connection) -> rusqlite::Result<Connection> {
    connection.execute_batch(TABLES)?;
    Ok(connection)
}

fn put(
    connection: &mut Connection,
    sagas: &[IndexedSaga],
    read_to: Option<&Checkpoint>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for IndexedSaga { row, version } in sagas {
        let micros = Timestamp::as_micros;
        transaction
            .prepare_cached(
                "INSERT INTO sagas_1 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT DO UPDATE SET status = excluded.status, step = excluded.step,
                     started = excluded.started, changed = excluded.changed, due = excluded.due,
                     reason = excluded.reason, version = excluded.version
                 WHERE version <= excluded.version",
            )?
            .execute(params![
                row.name,
                row.id,
                row.status.as_str(),
                row.step,
                micros(row.started_at),
                micros(row.changed_at),
                row.due.map(micros),
                row.reason,
                version.get(),
            ])?;
    }
    if let Some(Checkpoint { store, position, event_id }) = read_to {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO read_1 VALUES (1, ?1, ?2, ?3)")?
            .execute(params![store.into_bytes(), position.get(), event_id.into_bytes()])?;
    }
    transaction.commit()
}

/// What a query asks of a row, and the values in it.
fn condition(query: &SagaQuery) -> (String, Vec<Sql>) {
    let mut sql = "true".to_owned();
    let mut values: Vec<Sql> = Vec::new();
    let mut and = |condition: &str, new: Vec<Sql>| {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.extend(new);
    };
    if let Some(name) = &query.name {
        and("name = ?", vec![name.clone().into()]);
    }
    if let Some(id) = &query.id {
        and("id = ?", vec![id.clone().into()]);
    }
    if !query.statuses.is_empty() {
        let marks = vec!["?"; query.statuses.len()].join(", ");
        let statuses = query.statuses.iter().map(|status| status.as_str().to_owned().into()).collect();
        and(&format!("status IN ({marks})"), statuses);
    }
    if let Some(since) = query.unchanged_since {
        and("changed <= ?", vec![since.as_micros().into()]);
    }
    if let Some((name, id)) = &query.after {
        and("(name, id) > (?, ?)", vec![name.clone().into(), id.clone().into()]);
    }
    (sql, values)
}

fn row(row: &Row<'_>) -> rusqlite::Result<SagaRow> {
    let time = |at: usize| row.get::<_, Option<i64>>(at).map(|micros| micros.map(Timestamp::from_micros));
    Ok(SagaRow {
        name: row.get(0)?,
        id: row.get(1)?,
        status: status(row, 2)?,
        step: row.get(3)?,
        started_at: time(4)?.unwrap_or_default(),
        changed_at: time(5)?.unwrap_or_default(),
        due: time(6)?,
        reason: row.get(7)?,
    })
}

fn status(row: &Row<'_>, at: usize) -> rusqlite::Result<Status> {
    let word: String = row.get(at)?;
    let found = Status::ALL.into_iter().find(|status| status.as_str() == word);
    found.ok_or_else(|| rusqlite::Error::InvalidColumnType(at, word, rusqlite::types::Type::Text))
}
