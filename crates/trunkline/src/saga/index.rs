//! Which sagas there are, how they stand, and when time makes something happen: derived, and made again when lost.
//!
//! A `SQLite` file beside the log, or in memory. Its rows and how far they were read commit together; commits are not
//! synced, so after a power cut it is older, and catches up from the sagas' streams.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params, params_from_iter};
use serde::Serialize;
use trunkline_core::saga::Status;
use trunkline_core::{EventId, Position, StoreId, Timestamp};

use super::SagaError;
use super::book::Key;
use super::refresh::Standing;
use crate::messages::Checkpoint;

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

/// Where the index is.
#[derive(Clone, Debug, Default)]
pub(crate) enum IndexPlace {
    /// In memory, empty at first.
    #[default]
    Memory,
    /// In a file.
    File(PathBuf),
    /// In memory, and at first what a file has that others write.
    CopyOf(PathBuf),
}

/// How many pages are copied without a pause: others may write meanwhile.
const PAGES_A_TURN: i32 = 4_096;

/// The index.
pub(super) struct Index(Mutex<Connection>);

impl Index {
    pub(super) fn open(place: &IndexPlace) -> Result<Self, SagaError> {
        match place {
            IndexPlace::Memory => Self::memory(),
            IndexPlace::File(path) => Self::in_file(path),
            IndexPlace::CopyOf(path) => Self::copy_of(path).or_else(|error| {
                // All of it can be read from the log, which takes longer.
                tracing::debug!(path = %path.display(), %error, "the index of sagas can't be copied");
                Self::memory()
            }),
        }
    }

    /// In a file; one that is no database, or a damaged one, is made anew.
    fn in_file(path: &Path) -> Result<Self, SagaError> {
        Self::at(path).or_else(|error| {
            tracing::warn!(path = %path.display(), %error, "the index of sagas can't be read and is made anew");
            for suffix in ["", "-wal", "-shm"] {
                let mut file = path.as_os_str().to_owned();
                file.push(suffix);
                // What isn't there needs not be removed, and what can't be is found by opening it.
                let _ = std::fs::remove_file(file);
            }
            Ok(Self::at(path)?)
        })
    }

    fn memory() -> Result<Self, SagaError> {
        Ok(Self::with(Connection::open_in_memory()?)?)
    }

    fn copy_of(path: &Path) -> Result<Self, rusqlite::Error> {
        let kept = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut copy = Connection::open_in_memory()?;
        Backup::new(&kept, &mut copy)?.run_to_completion(PAGES_A_TURN, Duration::from_millis(1), None)?;
        Self::with(copy)
    }

    fn at(path: &Path) -> Result<Self, rusqlite::Error> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.busy_timeout(Duration::from_secs(5))?;
        Self::with(connection)
    }

    fn with(connection: Connection) -> Result<Self, rusqlite::Error> {
        connection.execute_batch(TABLES)?;
        Ok(Self(Mutex::new(connection)))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the sagas' streams were read for it.
    pub(super) fn read_to(&self) -> Result<Option<Checkpoint>, SagaError> {
        let connection = self.connection();
        let row = connection.query_row("SELECT store, position, event_id FROM read_1", [], |row| {
            Ok(Checkpoint {
                store: StoreId::from_bytes(row.get(0)?),
                position: Position::new(row.get(1)?),
                event_id: EventId::from_bytes(row.get(2)?),
            })
        });
        Ok(row.optional()?)
    }

    /// Lets go of everything: it is of another log.
    pub(super) fn clear(&self) -> Result<(), SagaError> {
        Ok(self.connection().execute_batch("DELETE FROM sagas_1; DELETE FROM read_1;")?)
    }

    /// Puts rows in the place of older ones, and says how far was read.
    pub(super) fn put(&self, rows: &[Standing], read_to: Option<&Checkpoint>) -> Result<(), SagaError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        for (state, due) in rows {
            let Some(status) = state.status else { continue };
            let micros = Timestamp::as_micros;
            transaction
                .prepare_cached(
                    "INSERT INTO sagas_1 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                     ON CONFLICT DO UPDATE SET status = excluded.status, step = excluded.step,
                         changed = excluded.changed, due = excluded.due, reason = excluded.reason,
                         version = excluded.version
                     WHERE version <= excluded.version",
                )?
                .execute(params![
                    state.name,
                    state.id,
                    status.as_str(),
                    state.waiting.as_ref().map(|waiting| waiting.step.as_str()),
                    micros(state.started_at),
                    micros(state.changed_at),
                    due.map(micros),
                    state.stuck.as_ref().or(state.reason.as_ref()),
                    state.version.get(),
                ])?;
        }
        if let Some(Checkpoint { store, position, event_id }) = read_to {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO read_1 VALUES (1, ?1, ?2, ?3)")?
                .execute(params![store.into_bytes(), position.get(), event_id.into_bytes()])?;
        }
        Ok(transaction.commit()?)
    }

    /// Sagas that are due at a time, those first that are due the longest; at most so many.
    pub(super) fn due(&self, now: Timestamp, max: u32) -> Result<Vec<Key>, SagaError> {
        let connection = self.connection();
        let mut statement = connection
            .prepare_cached("SELECT name, id FROM sagas_1 WHERE due <= ?1 ORDER BY due LIMIT ?2")?;
        let rows =
            statement.query_map(params![now.as_micros(), max], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When the next saga is due.
    pub(super) fn next_due(&self) -> Result<Option<Timestamp>, SagaError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT min(due) FROM sagas_1 WHERE due IS NOT NULL")?;
        let micros: Option<i64> = statement.query_row([], |row| row.get(0))?;
        Ok(micros.map(Timestamp::from_micros))
    }

    /// How many there are of each name and status.
    pub(super) fn counts(&self) -> Result<Vec<(String, Status, u64)>, SagaError> {
        let connection = self.connection();
        let mut statement = connection
            .prepare_cached("SELECT name, status, count(*) FROM sagas_1 GROUP BY 1, 2 ORDER BY 1, 2")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, status(row, 1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many sagas a query is about, whatever its limit.
    pub(super) fn count(&self, query: &SagaQuery) -> Result<u64, SagaError> {
        let (condition, values) = condition(query);
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached(&format!("SELECT count(*) FROM sagas_1 WHERE {condition}"))?;
        Ok(statement.query_row(params_from_iter(values), |row| row.get(0))?)
    }

    /// Sagas by name and id.
    pub(super) fn list(&self, query: &SagaQuery) -> Result<Vec<SagaRow>, SagaError> {
        let (condition, mut values) = condition(query);
        let sql = format!("SELECT {COLUMNS} FROM sagas_1 WHERE {condition} ORDER BY name, id LIMIT ?");
        values.push(i64::from(query.limit.unwrap_or(u32::MAX)).into());
        let connection = self.connection();
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| {
            let time =
                |at: usize| row.get::<_, Option<i64>>(at).map(|micros| micros.map(Timestamp::from_micros));
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
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
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

fn status(row: &Row<'_>, at: usize) -> Result<Status, rusqlite::Error> {
    let word: String = row.get(at)?;
    let found = Status::ALL.into_iter().find(|status| status.as_str() == word);
    found.ok_or_else(|| rusqlite::Error::InvalidColumnType(at, word, rusqlite::types::Type::Text))
}
