//! The owner of a generation's file.

use std::sync::Arc;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use trunkline_core::{EventId, Position, RecordedEvent, StoreId};

use super::code::Guarded;
use super::fault::{failed, is_passing, reason};
use super::files::{Durability, Files};
use super::wal::WriteBack;
use crate::bind::{Runs, SqlValue, Unbound, Value, shortened};
use crate::text::Statement;
use crate::{
    ApplyError, Batch, BatchEnd, DatabaseError, GenerationCheckpoint, Model, Parked, Standing,
    StatementFailure, Writer,
};

/// What a generation's file has beside the projection's own tables; their names begin with `trunkline_`.
pub(super) const TABLES: &str = "
    CREATE TABLE trunkline_checkpoint (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        projection TEXT NOT NULL,
        generation INTEGER NOT NULL,
        store BLOB NOT NULL,
        position INTEGER NOT NULL,
        event_id BLOB,
        token INTEGER NOT NULL,
        failure TEXT
    );
    CREATE TABLE trunkline_parked (
        position INTEGER PRIMARY KEY,
        event_id BLOB NOT NULL,
        event_type TEXT NOT NULL,
        error TEXT NOT NULL
    );
";

/// Makes a generation's file, synced, with the projection's tables and a checkpoint at the start.
pub(super) fn create(files: &Files, model: &Model, number: u64, store: StoreId) -> Result<(), DatabaseError> {
    let name = model.name();
    let doing = || format!("create generation {number} of `{name}`");
    files.clear(name, number)?;
    let make = || {
        let mut connection = files.open(&files.generation(name, number), true, Durability::Original)?;
        fill(&mut connection, model, number, store)
    };
    make().map_err(failed(doing()))?;
    files.sync_folder()
}

/// Makes all tables of a generation, in one transaction.
fn fill(connection: &mut Connection, model: &Model, number: u64, store: StoreId) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.execute(
        "INSERT INTO trunkline_checkpoint VALUES (1, ?1, ?2, ?3, 0, NULL, 0, NULL)",
        params![model.name(), number, store.into_bytes()],
    )?;
    make_tables(&transaction, model)?;
    transaction.commit()
}

fn make_tables(connection: &Connection, model: &Model) -> rusqlite::Result<()> {
    for statement in model.schema().iter().flatten() {
        // A pragma gives a row back, which nobody reads.
        let mut prepared = connection.prepare(statement.prepared())?;
        let mut rows = prepared.raw_query();
        while rows.next()?.is_some() {}
    }
    Ok(())
}

/// Reads how a generation stands that somebody else may own.
pub(super) fn standing(files: &Files, projection: &str, number: u64) -> Result<Standing, DatabaseError> {
    let doing = format!("read the checkpoint of generation {number} of `{projection}`");
    let read = || {
        let connection = files.open_to_read(&files.generation(projection, number))?;
        let failure = connection.query_row("SELECT failure FROM trunkline_checkpoint", [], |row| row.get(0));
        let parked = connection.query_row("SELECT COUNT(*) FROM trunkline_parked", [], |row| row.get(0))?;
        Ok((read_checkpoint(&connection)?, failure.optional()?.flatten(), parked))
    };
    let (read, failure, parked) = read().map_err(failed(doing.clone()))?;
    Ok(Standing { checkpoint: found(read, &doing, projection, number)?, failure, parked })
}

/// Reads the events that were put aside in a generation that somebody else may own.
pub(super) fn parked(files: &Files, projection: &str, number: u64) -> Result<Vec<Parked>, DatabaseError> {
    let read = || {
        let connection = files.open_to_read(&files.generation(projection, number))?;
        let sql = "SELECT position, event_id, event_type, error FROM trunkline_parked ORDER BY position";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            Ok(Parked {
                position: Position::new(row.get(0)?),
                event_id: EventId::from_bytes(row.get(1)?),
                event_type: row.get(2)?,
                error: row.get(3)?,
            })
        })?;
        rows.collect::<rusqlite::Result<_>>()
    };
    read().map_err(failed(format!("list the parked events of generation {number} of `{projection}`")))
}

pub(super) fn read_checkpoint(
    connection: &Connection,
) -> rusqlite::Result<Option<(String, GenerationCheckpoint)>> {
    let sql = "SELECT projection, generation, store, position, event_id, token FROM trunkline_checkpoint";
    let read = |row: &rusqlite::Row<'_>| {
        let checkpoint = GenerationCheckpoint {
            generation: row.get(1)?,
            store: StoreId::from_bytes(row.get(2)?),
            position: Position::new(row.get(3)?),
            event_id: row.get::<_, Option<[u8; 16]>>(4)?.map(EventId::from_bytes),
            token: row.get(5)?,
        };
        Ok((row.get(0)?, checkpoint))
    };
    connection.query_row(sql, [], read).optional()
}

/// The checkpoint that was read, if it is the one that was looked for: files can be copied over one another.
pub(super) fn found(
    read: Option<(String, GenerationCheckpoint)>,
    doing: &str,
    projection: &str,
    number: u64,
) -> Result<GenerationCheckpoint, DatabaseError> {
    match read {
        Some((name, checkpoint)) if name == projection && checkpoint.generation == number => Ok(checkpoint),
        _ => Err(DatabaseError::Lasting {
            doing: doing.to_owned(),
            reason: "its file holds another generation's tables; drop it and build it again".to_owned(),
        }),
    }
}

#[derive(Debug)]
pub(super) struct SqliteWriter {
    connection: Connection,
    model: Arc<Model>,
    checkpoint: GenerationCheckpoint,
    guarded: Guarded,
    /// Not there where nobody else sees the file.
    _write_back: Option<WriteBack>,
}

impl SqliteWriter {
    /// Opens a generation, and takes it from whoever had it.
    pub(super) fn open(files: &Files, model: &Arc<Model>, number: u64) -> Result<Self, DatabaseError> {
        let name = model.name();
        let doing = format!("open generation {number} of `{name}`");
        let take = || {
            let mut connection = files.open(&files.generation(name, number), false, Durability::Derived)?;
            // Every statement of the projection, and those of this file.
            connection.set_prepared_statement_cache_capacity(model.statements().len() + 16);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute("UPDATE trunkline_checkpoint SET token = token + 1", [])?;
            let checkpoint = read_checkpoint(&transaction)?;
            transaction.commit()?;
            let guarded = Guarded::new(&mut connection)?;
            let write_back = WriteBack::begin(&mut connection, files, files.generation(name, number))?;
            Ok((connection, guarded, write_back, checkpoint))
        };
        let (connection, guarded, write_back, read) = take().map_err(failed(doing.clone()))?;
        let checkpoint = found(read, &doing, name, number)?;
        let model = Arc::clone(model);
        Ok(Self { connection, model, checkpoint, guarded, _write_back: Some(write_back) })
    }

    /// Makes a generation that nobody else sees, of this number, in a file that goes with it.
    pub(super) fn private(model: &Arc<Model>, number: u64, store: StoreId) -> Result<Self, DatabaseError> {
        let name = model.name();
        let doing = || format!("build `{name}` again out of sight");
        let make = || {
            // A name without letters is a file of SQLite's own, which it removes.
            let mut connection = Connection::open("")?;
            connection.pragma_update(None, "synchronous", "off")?;
            connection.pragma_update(None, "cache_size", -32 << 10)?;
            connection.set_prepared_statement_cache_capacity(model.statements().len() + 16);
            fill(&mut connection, model, number, store)?;
            let guarded = Guarded::new(&mut connection)?;
            let checkpoint = read_checkpoint(&connection)?;
            Ok((connection, guarded, checkpoint))
        };
        let (connection, guarded, read) = make().map_err(failed(doing()))?;
        let checkpoint = found(read, &doing(), name, number)?;
        Ok(Self { connection, model: Arc::clone(model), checkpoint, guarded, _write_back: None })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn projection(&self) -> &str {
        self.model.name()
    }

    fn doing(&self, what: &str) -> String {
        format!("{what} generation {} of `{}`", self.checkpoint.generation, self.model.name())
    }

    /// Does something in one transaction with moving the checkpoint, if this is still the owner.
    fn fenced<T>(
        &mut self,
        doing: &str,
        to: (Position, Option<EventId>),
        act: impl FnOnce(&Transaction<'_>, &Model) -> Result<T, ApplyError>,
    ) -> Result<T, ApplyError> {
        let doing = self.doing(doing);
        let failing = || failed(doing.clone());
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failing())?;
        // First, so that an owner that has lost the generation doesn't run a statement on what another has made of it.
        let changed = transaction
            .prepare_cached(
                "UPDATE trunkline_checkpoint SET position = ?1, event_id = ?2, failure = NULL
                 WHERE generation = ?3 AND position = ?4 AND token = ?5",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    to.0.get(),
                    to.1.map(EventId::into_bytes),
                    self.checkpoint.generation,
                    self.checkpoint.position.get(),
                    self.checkpoint.token
                ])
            })
            .map_err(failing())?;
        if changed != 1 {
            return Err(ApplyError::Fenced {
                projection: self.model.name().to_owned(),
                generation: self.checkpoint.generation,
            });
        }
        let done = act(&transaction, &self.model)?;
        transaction.commit().map_err(failing())?;
        self.checkpoint.position = to.0;
        self.checkpoint.event_id = to.1;
        Ok(done)
    }

    /// Applies events, whose runs may have been found before.
    fn apply_runs(
        &mut self,
        events: &[RecordedEvent],
        runs: Option<&Runs>,
        reached: BatchEnd,
    ) -> Result<(), ApplyError> {
        let places = || events.iter().map(RecordedEvent::position);
        let is_after = places().all(|position| position > self.checkpoint.position);
        assert!(is_after && places().is_sorted(), "events come after the checkpoint, in order");
        let is_whole = places().next_back().is_none_or(|last| reached.position >= last);
        assert!(is_whole, "a batch ends with its last event, or after it");
        let guarded = self.guarded.clone();
        self.fenced("apply events to", (reached.position, Some(reached.event_id)), |transaction, model| {
            match runs {
                Some(runs) if model.code().is_none() => run_all(transaction, model, events, runs),
                _ => apply(transaction, &guarded, model, events),
            }
        })
    }

    /// The place of the checkpoint as it is.
    fn here(&self) -> (Position, Option<EventId>) {
        (self.checkpoint.position, self.checkpoint.event_id)
    }
}

impl Writer for SqliteWriter {
    fn checkpoint(&self) -> &GenerationCheckpoint {
        &self.checkpoint
    }

    fn apply(&mut self, events: &[RecordedEvent], reached: BatchEnd) -> Result<(), ApplyError> {
        self.apply_runs(events, None, reached)
    }

    fn apply_batch(&mut self, batch: &Batch, reached: BatchEnd) -> Result<(), ApplyError> {
        assert!(Arc::ptr_eq(&batch.model, &self.model), "a batch is written to the model it was made for");
        self.apply_runs(&batch.events, Some(&batch.runs), reached)
    }

    fn note(&mut self, failure: &str) -> Result<(), ApplyError> {
        let doing = self.doing("note the failure of");
        self.fenced("note the failure of", self.here(), |transaction, _| {
            transaction
                .execute("UPDATE trunkline_checkpoint SET failure = ?1", [failure])
                .map_err(failed(doing))?;
            Ok(())
        })
    }

    fn park(&mut self, event: &RecordedEvent, failure: &StatementFailure) -> Result<(), ApplyError> {
        assert!(event.position() > self.checkpoint.position, "events come after the checkpoint, in order");
        let reached = (event.position(), Some(event.event_id()));
        let doing = self.doing("park an event of");
        self.fenced("park an event of", reached, |transaction, _| {
            transaction
                .execute(
                    "INSERT INTO trunkline_parked VALUES (?1, ?2, ?3, ?4)",
                    params![
                        event.position().get(),
                        event.event_id().into_bytes(),
                        event.event_type(),
                        failure.to_string()
                    ],
                )
                .map_err(failed(doing))?;
            Ok(())
        })
    }

    fn retry(&mut self, position: Position, events: &[RecordedEvent]) -> Result<(), ApplyError> {
        let doing = self.doing("retry a parked event of");
        let guarded = self.guarded.clone();
        self.fenced("retry a parked event of", self.here(), |transaction, model| {
            if !unpark(transaction, position).map_err(failed(doing.clone()))? {
                let reason = format!("there is none at position {position}");
                return Err(DatabaseError::Lasting { doing, reason }.into());
            }
            apply(transaction, &guarded, model, events)
        })
    }

    fn forget(&mut self, position: Position) -> Result<bool, ApplyError> {
        let doing = self.doing("forget a parked event of");
        self.fenced("forget a parked event of", self.here(), |transaction, _| {
            Ok(unpark(transaction, position).map_err(failed(doing))?)
        })
    }

    fn rewind(&mut self, to: Option<BatchEnd>) -> Result<(), ApplyError> {
        let place = to.map_or((Position::START, None), |to| (to.position, Some(to.event_id)));
        assert!(place.0 <= self.checkpoint.position, "a checkpoint is put back, never on");
        let doing = self.doing("put back the checkpoint of");
        self.fenced("put back the checkpoint of", place, |transaction, _| {
            let sql = "DELETE FROM trunkline_parked WHERE position > ?1";
            transaction.execute(sql, [place.0.get()]).map_err(failed(doing))?;
            Ok(())
        })
    }

    fn empty(&mut self) -> Result<(), ApplyError> {
        let doing = self.doing("empty");
        // Tables are dropped in any order; that they name each other is no reason to keep one.
        self.connection.pragma_update(None, "foreign_keys", false).map_err(failed(doing.clone()))?;
        let emptied = self.fenced("empty", (Position::START, None), |transaction, model| {
            drop_tables(transaction)
                .and_then(|()| make_tables(transaction, model))
                .map_err(failed(doing.clone()))?;
            Ok(())
        });
        self.connection.pragma_update(None, "foreign_keys", true).map_err(failed(doing))?;
        emptied
    }
}

fn unpark(transaction: &Transaction<'_>, position: Position) -> rusqlite::Result<bool> {
    let sql = "DELETE FROM trunkline_parked WHERE position = ?1";
    Ok(transaction.execute(sql, [position.get()])? == 1)
}

/// Drops everything that is the projection's, and the list of parked events' contents.
fn drop_tables(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM trunkline_parked", [])?;
    // Virtual tables first: they take the tables along in which they keep their rows.
    let sql = "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view')
               AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'trunkline\\_%' ESCAPE '\\'
               ORDER BY sql NOT LIKE 'CREATE VIRTUAL%'";
    let mut statement = transaction.prepare(sql)?;
    let found: Vec<(String, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    for (kind, name) in found {
        transaction.execute_batch(&format!("DROP {kind} IF EXISTS \"{}\"", name.replace('"', "\"\"")))?;
    }
    Ok(())
}

fn apply(
    connection: &Connection,
    guarded: &Guarded,
    model: &Model,
    events: &[RecordedEvent],
) -> Result<(), ApplyError> {
    if let Some(code) = model.code() {
        return guarded.apply(connection, code, events);
    }
    run_all(connection, model, events, &Runs::of(model, events))
}

/// Runs statements, each prepared at most once.
fn run_all(
    connection: &Connection,
    model: &Model,
    events: &[RecordedEvent],
    runs: &Runs,
) -> Result<(), ApplyError> {
    let mut prepared: Vec<Option<CachedStatement<'_>>> = Vec::new();
    prepared.resize_with(model.statements().len(), || None);
    for (event, number, values) in runs.iter() {
        let statement = &model.statements()[number].statement;
        run(connection, &mut prepared[number], statement, runs, values)
            .map_err(|error| of_statement(&events[event], statement, runs, values, &error))?;
    }
    let Some(unbound) = &runs.unbound else { return Ok(()) };
    Err(of_value(&events[unbound.event], model, unbound))
}

fn run<'c>(
    connection: &'c Connection,
    prepared: &mut Option<CachedStatement<'c>>,
    statement: &Statement,
    runs: &Runs,
    values: &[Value],
) -> rusqlite::Result<()> {
    let prepared = match prepared {
        Some(prepared) => prepared,
        empty => empty.insert(connection.prepare_cached(statement.prepared())?),
    };
    for (index, value) in values.iter().enumerate() {
        prepared.raw_bind_parameter(index + 1, Bound(&runs.value(value)))?;
    }
    prepared.raw_execute()?;
    Ok(())
}

/// The failure of an event whose statement failed.
fn of_statement(
    event: &RecordedEvent,
    statement: &Statement,
    runs: &Runs,
    values: &[Value],
    error: &rusqlite::Error,
) -> ApplyError {
    let names = statement.parameters().iter().map(|parameter| format!(":{}", parameter.path));
    let parameters = names.zip(values.iter().map(|value| runs.value(value).to_string())).collect();
    ApplyError::Failed(Box::new(StatementFailure {
        position: event.position(),
        event_id: event.event_id(),
        event_type: event.event_type().to_owned(),
        statement: Some(shortened(statement.source())),
        parameters,
        error: reason(error),
        passing: is_passing(error),
    }))
}

/// The failure of an event that has no value for a parameter.
fn of_value(event: &RecordedEvent, model: &Model, unbound: &Unbound) -> ApplyError {
    let of = unbound.parameter.map(|(number, parameter)| {
        let statement = &model.statements()[number].statement;
        (statement, &statement.parameters()[parameter].path)
    });
    let error = &unbound.error;
    ApplyError::Failed(Box::new(StatementFailure {
        position: event.position(),
        event_id: event.event_id(),
        event_type: event.event_type().to_owned(),
        statement: of.map(|(statement, _)| shortened(statement.source())),
        parameters: Vec::new(),
        error: of.map_or_else(|| error.to_string(), |(_, path)| format!(":{path}: {error}")),
        passing: false,
    }))
}

/// A value as `SQLite` takes it.
pub(super) struct Bound<'a>(pub(super) &'a SqlValue<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            SqlValue::Null => ValueRef::Null,
            SqlValue::Boolean(value) => ValueRef::Integer(i64::from(*value)),
            SqlValue::Integer(value) => ValueRef::Integer(*value),
            SqlValue::Real(value) => ValueRef::Real(*value),
            SqlValue::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use trunkline_core::{NewEvent, Timestamp, Version};

    use super::*;
    use crate::{Action, schema};

    fn events(from: u64, to: u64) -> Vec<RecordedEvent> {
        let event = |number| {
            let data = format!(r#"{{"id":{number},"text":"{}"}}"#, "x".repeat(1000));
            let event = NewEvent::json("Written", data).unwrap();
            let stream = "page-1".parse().unwrap();
            RecordedEvent::from_new(
                &event,
                &stream,
                Position::new(number),
                Version::new(1),
                Timestamp::default(),
            )
        };
        (from..=to).map(event).collect()
    }

    fn state(writer: &SqliteWriter) -> (i64, u64, u64) {
        let sql =
            "SELECT COUNT(*), COALESCE(MAX(id), 0), (SELECT position FROM trunkline_checkpoint) FROM page";
        writer.connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap()
    }

    fn pages() -> Arc<Model> {
        let tables = schema("CREATE TABLE page (id INTEGER PRIMARY KEY, text TEXT)").unwrap();
        let insert = Action::once("INSERT INTO page VALUES (:data.id, :data.text)").unwrap();
        Arc::new(Model::new("pages", vec![tables], vec![("Written".to_owned(), vec![insert])]).unwrap())
    }

    /// Goal: the log of a generation doesn't grow with the events, and what is in it is in the file in the end.
    #[test]
    fn the_log_is_written_back_while_its_owner_goes_on() {
        const EVENTS: u64 = 12_000;
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(&folder.path().join("read.db"), Duration::ZERO).unwrap();
        let model = pages();
        create(&files, &model, 1, StoreId::from_bytes([1; 16])).unwrap();
        let mut writer = SqliteWriter::open(&files, &model, 1).unwrap();
        for event in events(1, EVENTS) {
            writer.apply(std::slice::from_ref(&event), BatchEnd::event(&event)).unwrap();
        }
        assert_eq!(state(&writer), (EVENTS.cast_signed(), EVENTS, EVENTS));
        let path = files.generation("pages", 1);
        let log = std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
        // Two pages of 4 KiB are changed for an event, and the log may have 17,000.
        assert!(log < 17_500 * 4_120, "{log} bytes");
        drop(writer);
        let read = files.open_to_read(&path).unwrap();
        let count: u64 = read.query_row("SELECT COUNT(*) FROM page", [], |row| row.get(0)).unwrap();
        assert_eq!(count, EVENTS);
    }

    /// Goal: wherever in a batch the disk is full, rows and checkpoint stay as they were, and the same batch goes in
    /// when there is room.
    /// Method: a limit on the file's pages, one page further on each time, until the batch fits.
    #[test]
    fn a_full_disk_at_any_page_changes_nothing_and_passes() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(&folder.path().join("read.db"), Duration::ZERO).unwrap();
        let model = pages();
        create(&files, &model, 1, StoreId::from_bytes([1; 16])).unwrap();
        let mut writer = SqliteWriter::open(&files, &model, 1).unwrap();
        let first = events(1, 20);
        writer.apply(&first, BatchEnd::event(&first[19])).unwrap();
        let before = state(&writer);
        assert_eq!(before, (20, 20, 20));

        let pages: i64 = writer.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        let batch = events(21, 60);
        let mut refused = 0;
        for limit in pages.. {
            let set = |writer: &SqliteWriter, limit: i64| {
                let read = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
                writer.connection.pragma_update_and_check(None, "max_page_count", limit, read).unwrap();
            };
            set(&writer, limit);
            match writer.apply(&batch, BatchEnd::event(&batch[39])) {
                Ok(()) => break,
                Err(error) => assert!(error.is_passing(), "{error}"),
            }
            assert_eq!(state(&writer), before);
            refused += 1;
        }
        assert!(refused > 5, "only {refused} places were tried");
        assert_eq!(state(&writer), (60, 60, 60));
    }
}
