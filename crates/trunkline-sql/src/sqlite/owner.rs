//! The owner of a generation's file: what its thread does.

use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use trunkline_core::{EventId, Position, RecordedEvent, StoreId};

use super::code::Guarded;
use super::dialect::SqliteDialect;
use super::fault::{failed, failed_in};
use super::files::{Durability, Files};
use super::run::run_all;
use super::tables::{drop_tables, fill, found, make_tables, read_checkpoint};
use super::wal::WriteBack;
use crate::{ApplyError, Batch, BatchEnd, DatabaseError, GenerationCheckpoint, Model};

#[derive(Debug)]
pub(super) struct Owner {
    connection: Connection,
    model: Arc<Model>,
    /// The model's statements, rendered.
    texts: Vec<String>,
    checkpoint: GenerationCheckpoint,
    guarded: Guarded,
    /// Not there where nobody else sees the file, and where there is none.
    _write_back: Option<WriteBack>,
}

impl AsMut<Self> for Owner {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

fn texts(model: &Model) -> Vec<String> {
    model.statements().iter().map(|placed| placed.statement.render(&SqliteDialect).into_text()).collect()
}

impl Owner {
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
            let write_back = files
                .are_on_disk()
                .then(|| WriteBack::begin(&mut connection, files, files.generation(name, number)));
            let write_back = write_back.transpose()?;
            Ok((connection, guarded, write_back, checkpoint))
        };
        let (connection, guarded, write_back, read) =
            take().map_err(failed_in(doing.clone(), &files.generation(name, number)))?;
        let checkpoint = found(read, &doing, name, number)?;
        let (model, texts) = (Arc::clone(model), texts(model));
        Ok(Self { connection, model, texts, checkpoint, guarded, _write_back: write_back })
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
        let (model, texts) = (Arc::clone(model), texts(model));
        Ok(Self { connection, model, texts, checkpoint, guarded, _write_back: None })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn checkpoint(&self) -> &GenerationCheckpoint {
        &self.checkpoint
    }

    fn doing(&self, what: &str) -> String {
        format!("{what} generation {} of `{}`", self.checkpoint.generation, self.model.name())
    }

    /// Does something in one transaction with moving the checkpoint, if this is still the owner.
    fn fenced<T>(
        &mut self,
        doing: &str,
        to: (Position, Option<EventId>),
        act: impl FnOnce(&Transaction<'_>, &Self) -> Result<T, ApplyError>,
    ) -> Result<T, ApplyError> {
        let doing = self.doing(doing);
        let failing = || failed(doing.clone());
        // Nothing else is begun on this connection: the borrow is shared only so that the statements can be read, too.
        let transaction =
            Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate).map_err(failing())?;
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
        let done = act(&transaction, self)?;
        transaction.commit().map_err(failing())?;
        self.checkpoint.position = to.0;
        self.checkpoint.event_id = to.1;
        Ok(done)
    }

    /// Applies a batch, and moves the checkpoint to its end.
    pub(super) fn apply(&mut self, batch: &Batch, end: BatchEnd) -> Result<(), ApplyError> {
        self.expect_own(batch);
        let places = || batch.events.iter().map(RecordedEvent::position);
        let is_after = places().all(|position| position > self.checkpoint.position);
        assert!(is_after && places().is_sorted(), "events come after the checkpoint, in order");
        let is_whole = places().next_back().is_none_or(|last| end.position >= last);
        assert!(is_whole, "a batch ends with its last event, or after it");
        self.fenced("apply events to", (end.position, Some(end.event_id)), |transaction, owner| {
            owner.run(transaction, batch)
        })
    }

    fn expect_own(&self, batch: &Batch) {
        assert!(Arc::ptr_eq(&batch.model, &self.model), "a batch is written to the model it was made for");
    }

    fn run(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), ApplyError> {
        match self.model.code() {
            Some(code) => self.guarded.apply(transaction, code, &batch.events),
            None => run_all(transaction, &self.texts, batch),
        }
    }

    /// The place of the checkpoint as it is.
    fn here(&self) -> (Position, Option<EventId>) {
        (self.checkpoint.position, self.checkpoint.event_id)
    }

    pub(super) fn note(&mut self, failure: &str) -> Result<(), ApplyError> {
        let doing = self.doing("note the failure of");
        self.fenced("note the failure of", self.here(), |transaction, _| {
            transaction
                .execute("UPDATE trunkline_checkpoint SET failure = ?1", [failure])
                .map_err(failed(doing))?;
            Ok(())
        })
    }

    pub(super) fn park(&mut self, event: &RecordedEvent, failure: &str) -> Result<(), ApplyError> {
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
                        failure
                    ],
                )
                .map_err(failed(doing))?;
            Ok(())
        })
    }

    pub(super) fn retry(&mut self, position: Position, batch: &Batch) -> Result<(), ApplyError> {
        self.expect_own(batch);
        let doing = self.doing("retry a parked event of");
        self.fenced("retry a parked event of", self.here(), |transaction, owner| {
            if !unpark(transaction, position).map_err(failed(doing.clone()))? {
                let reason = format!("there is none at position {position}");
                return Err(DatabaseError::Lasting { doing, reason }.into());
            }
            owner.run(transaction, batch)
        })
    }

    pub(super) fn forget(&mut self, position: Position) -> Result<bool, ApplyError> {
        let doing = self.doing("forget a parked event of");
        self.fenced("forget a parked event of", self.here(), |transaction, _| {
            Ok(unpark(transaction, position).map_err(failed(doing))?)
        })
    }

    pub(super) fn rewind(&mut self, to: Option<BatchEnd>) -> Result<(), ApplyError> {
        let place = to.map_or((Position::START, None), |to| (to.position, Some(to.event_id)));
        assert!(place.0 <= self.checkpoint.position, "a checkpoint is put back, never on");
        let doing = self.doing("put back the checkpoint of");
        self.fenced("put back the checkpoint of", place, |transaction, _| {
            let sql = "DELETE FROM trunkline_parked WHERE position > ?1";
            transaction.execute(sql, [place.0.get()]).map_err(failed(doing))?;
            Ok(())
        })
    }

    pub(super) fn empty(&mut self) -> Result<(), ApplyError> {
        let doing = self.doing("empty");
        // Tables are dropped in any order; that they name each other is no reason to keep one.
        self.connection.pragma_update(None, "foreign_keys", false).map_err(failed(doing.clone()))?;
        let emptied = self.fenced("empty", (Position::START, None), |transaction, owner| {
            drop_tables(transaction)
                .and_then(|()| make_tables(transaction, &owner.model))
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use trunkline_core::{NewEvent, Timestamp, Version};

    use super::super::tables;
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

    fn apply(writer: &mut Owner, events: &[RecordedEvent]) -> Result<(), ApplyError> {
        let batch = writer.model.batch(Arc::new(events.to_vec()));
        writer.apply(&batch, BatchEnd::event(&events[events.len() - 1]))
    }

    fn state(writer: &Owner) -> (i64, u64, u64) {
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
        let files = Files::on_disk(&folder.path().join("read.db"), Duration::ZERO).unwrap();
        let model = pages();
        tables::create(&files, &model, 1, StoreId::from_bytes([1; 16])).unwrap();
        let mut writer = Owner::open(&files, &model, 1).unwrap();
        for event in events(1, EVENTS) {
            apply(&mut writer, std::slice::from_ref(&event)).unwrap();
        }
        assert_eq!(state(&writer), (EVENTS.cast_signed(), EVENTS, EVENTS));
        let path = files.generation("pages", 1);
        let log = std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
        // Two pages of 4 KiB are changed for an event, and the log may have 17,000.
        assert!(log < 17_500 * 4_120, "{log} bytes");
        drop(writer);
        let read = files.open_to_read("pages", 1).unwrap();
        let count: u64 = read.query_row("SELECT COUNT(*) FROM page", [], |row| row.get(0)).unwrap();
        assert_eq!(count, EVENTS);
    }

    /// Goal: wherever in a batch the disk is full, rows and checkpoint stay as they were, and the same batch goes in
    /// when there is room.
    /// Method: a limit on the file's pages, one page further on each time, until the batch fits.
    #[test]
    fn a_full_disk_at_any_page_changes_nothing_and_passes() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::on_disk(&folder.path().join("read.db"), Duration::ZERO).unwrap();
        let model = pages();
        tables::create(&files, &model, 1, StoreId::from_bytes([1; 16])).unwrap();
        let mut writer = Owner::open(&files, &model, 1).unwrap();
        let first = events(1, 20);
        apply(&mut writer, &first).unwrap();
        let before = state(&writer);
        assert_eq!(before, (20, 20, 20));

        let pages: i64 = writer.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        let batch = events(21, 60);
        let mut refused = 0;
        for limit in pages.. {
            let set = |writer: &Owner, limit: i64| {
                let read = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
                writer.connection.pragma_update_and_check(None, "max_page_count", limit, read).unwrap();
            };
            set(&writer, limit);
            match apply(&mut writer, &batch) {
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
