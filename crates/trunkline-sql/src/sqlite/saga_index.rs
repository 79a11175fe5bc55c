//! The index of sagas in a `SQLite` file beside the log, or as a copy of one in memory.
//!
//! Its rows and how far they were read commit together; commits are not synced, so after a power cut it is older, and
//! catches up from the sagas' streams.
//! `SQLite` doesn't notice a bit that changes inside of a row, nor a row that its tree no longer leads to. So each row
//! has a checksum, and what all rows add up to is kept with them; `whole` checks it when the file is opened.

mod whole;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rusqlite::backup::Backup;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};
use trunkline_core::saga::Status;
use trunkline_core::{Timestamp, Version};
use trunkline_store::derived::{
    Checkpoint, IndexedSaga, SagaCount, SagaIndex, SagaIndexError, SagaKey, SagaQuery, SagaRow,
};

use super::connection_thread::ConnectionThread;
use super::fault::{bar_in_words, damaged, is_damage, is_passing};
use super::look;
use super::made_anew::{self, MADE_ANEW};
use whole::{TABLES, Total, is_whole};

/// How long is waited for another process that has the file locked.
const WAIT: Duration = Duration::from_secs(5);

/// How many pages are copied without a pause: others may write meanwhile.
const PAGES_A_TURN: i32 = 4_096;

/// What keeps an index from being used that `SQLite` finds nothing wrong with.
const NOT_WHOLE: &str = "its rows are not those that were written";

const COLUMNS: &str = "name, id, status, step, started, changed, due, reason, version, checksum";

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
        Self::opened_by(path.into(), in_file, made_anew::remove)
    }

    /// In memory, and at first what a file has that others write: nothing is written to it, and where it can't be
    /// copied, this is empty at first.
    pub fn copy_of(path: impl Into<PathBuf>) -> Self {
        // What others write is theirs to make anew.
        Self::opened_by(path.into(), copy_of, |_| ())
    }

    fn opened_by(path: PathBuf, open: fn(&Path) -> rusqlite::Result<Connection>, give_up: fn(&Path)) -> Self {
        let (file, damaged) = (path.clone(), path.clone());
        let thread = ConnectionThread::new("saga-index", move || open(&file), move || give_up(&damaged));
        Self { path, thread }
    }

    fn error(&self, error: &rusqlite::Error) -> SagaIndexError {
        let bar = bar_in_words(&self.path, error);
        let (passes, file) = (is_passing(error), self.path.display());
        let damaged = bar.is_none() && is_damage(error);
        let reason = if let Some(bar) = bar {
            format!("{file}: {bar}, then run the same again")
        } else if damaged {
            format!("{file} is damaged: {error}; run the same again, and it is made anew")
        } else {
            format!("{file}: {error}")
        };
        SagaIndexError { reason, passes, damaged }
    }

    fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, SagaIndexError>> {
        async move {
            match self.thread.ask(ask).await {
                Ok(answer) => answer.map_err(|error| self.error(&error)),
                Err(gone) => Err(SagaIndexError { reason: gone.0, passes: false, damaged: false }),
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
        self.ask(|connection| Ok(Total::load(connection)?.read_to))
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
            transaction.execute_batch("DELETE FROM sagas_2; DELETE FROM total_2;")?;
            transaction.commit()
        })
    }

    fn due(&self, now: Timestamp, max: u32) -> BoxFuture<'_, Result<Vec<SagaKey>, SagaIndexError>> {
        self.ask(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM sagas_2 WHERE due <= ?1 ORDER BY due LIMIT ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![now.as_micros(), max], saga)?;
            rows.map(|saga| saga.map(|IndexedSaga { row, .. }| (row.name, row.id))).collect()
        })
    }

    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>, SagaIndexError>> {
        self.ask(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT min(due) FROM sagas_2 WHERE due IS NOT NULL")?;
            let micros: Option<i64> = statement.query_row([], |row| row.get(0))?;
            Ok(micros.map(Timestamp::from_micros))
        })
    }

    fn list<'a>(&'a self, query: &'a SagaQuery) -> BoxFuture<'a, Result<Vec<SagaRow>, SagaIndexError>> {
        let query = query.clone();
        self.ask(move |connection| {
            let (condition, mut values) = condition(&query);
            let sql = format!("SELECT {COLUMNS} FROM sagas_2 WHERE {condition} ORDER BY name, id LIMIT ?");
            values.push(i64::from(query.limit.unwrap_or(u32::MAX)).into());
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params_from_iter(values), saga)?;
            rows.map(|saga| saga.map(|saga| saga.row)).collect()
        })
    }

    fn count<'a>(&'a self, query: &'a SagaQuery) -> BoxFuture<'a, Result<u64, SagaIndexError>> {
        let (condition, values) = condition(query);
        self.ask(move |connection| {
            let mut statement =
                connection.prepare_cached(&format!("SELECT count(*) FROM sagas_2 WHERE {condition}"))?;
            statement.query_row(params_from_iter(values), |row| row.get(0))
        })
    }

    fn counts(&self) -> BoxFuture<'_, Result<Vec<SagaCount>, SagaIndexError>> {
        self.ask(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT name, status, count(*) FROM sagas_2 GROUP BY 1, 2 ORDER BY 1, 2")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, status(row, 1)?, row.get(2)?)))?;
            rows.collect()
        })
    }
}

fn in_file(path: &Path) -> rusqlite::Result<Connection> {
    let open = || {
        let mut connection = with_tables(made_anew::open(path, WAIT)?)?;
        // What is looked at is of one moment, whoever writes meanwhile.
        let whole = is_whole(&*connection.transaction()?)?;
        Ok((connection, whole))
    };
    match open() {
        Ok((connection, true)) => Ok(connection),
        Err(error) if is_passing(&error) => Err(error),
        found => {
            let why = found.err().map_or_else(|| NOT_WHOLE.to_owned(), |error| error.to_string());
            tracing::warn!(
                target: MADE_ANEW,
                path = %path.display(),
                why,
                "the index of sagas is damaged and is made anew from the log"
            );
            made_anew::remove(path);
            open().map(|(connection, _)| connection)
        }
    }
}

fn copy_of(path: &Path) -> rusqlite::Result<Connection> {
    let copy = || {
        let kept = look::open(path)?;
        let mut copy = Connection::open_in_memory()?;
        Backup::new(&kept, &mut copy)?.run_to_completion(PAGES_A_TURN, Duration::from_millis(1), None)?;
        let copy = with_tables(copy)?;
        let whole = is_whole(&copy)?;
        Ok::<_, rusqlite::Error>((copy, whole))
    };
    // Without one, all of it is read from the log, which takes longer.
    let why = match copy() {
        Ok((copy, true)) => return Ok(copy),
        Ok((_, false)) => NOT_WHOLE.to_owned(),
        Err(error) if path.exists() && !is_passing(&error) => error.to_string(),
        Err(error) => {
            tracing::debug!(path = %path.display(), %error, "the index of sagas can't be copied");
            return with_tables(Connection::open_in_memory()?);
        }
    };
    tracing::warn!(
        target: MADE_ANEW,
        path = %path.display(),
        why,
        "the index of sagas is damaged and is not used; the next process that runs sagas makes it anew"
    );
    with_tables(Connection::open_in_memory()?)
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
    let mut total = Total::load(&transaction)?;
    for saga in sagas {
        let IndexedSaga { row, version } = saga;
        let there = transaction
            .prepare_cached("SELECT version, checksum FROM sagas_2 WHERE name = ?1 AND id = ?2")?
            .query_row([&row.name, &row.id], |there| Ok((there.get::<_, u64>(0)?, there.get(1)?)))
            .optional()?;
        match there {
            Some((newer, _)) if newer > version.get() => continue,
            Some((_, checksum)) => total.sagas.take(checksum),
            None => {}
        }
        let (micros, checksum) = (Timestamp::as_micros, whole::checksum(saga));
        total.sagas.add(checksum);
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO sagas_2 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
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
                checksum,
            ])?;
    }
    total.read_to = read_to.copied().or(total.read_to);
    total.save(&transaction)?;
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

/// A saga, if its row is what was written.
fn saga(row: &Row<'_>) -> rusqlite::Result<IndexedSaga> {
    let time = |at: usize| row.get::<_, Option<i64>>(at).map(|micros| micros.map(Timestamp::from_micros));
    let saga = IndexedSaga {
        row: SagaRow {
            name: row.get(0)?,
            id: row.get(1)?,
            status: status(row, 2)?,
            step: row.get(3)?,
            started_at: time(4)?.unwrap_or_default(),
            changed_at: time(5)?.unwrap_or_default(),
            due: time(6)?,
            reason: row.get(7)?,
        },
        version: Version::new(row.get(8)?),
    };
    if whole::checksum(&saga) == row.get::<_, u32>(9)? { Ok(saga) } else { Err(damaged()) }
}

fn status(row: &Row<'_>, at: usize) -> rusqlite::Result<Status> {
    let word: String = row.get(at)?;
    let found = Status::ALL.into_iter().find(|status| status.as_str() == word);
    found.ok_or_else(|| rusqlite::Error::InvalidColumnType(at, word, rusqlite::types::Type::Text))
}
