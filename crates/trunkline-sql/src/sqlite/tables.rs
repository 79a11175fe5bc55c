//! The tables of a generation: those of Trunkline, and those of the projection.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use trunkline_core::{EventId, Position, StoreId};

use super::dialect::SqliteDialect;
use super::fault::{failed, failed_in};
use super::files::{Durability, Files};
use crate::{DatabaseError, Dialect as _, GenerationCheckpoint, Model, Parked, Standing};

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

/// Makes a generation's file, which stays, with the projection's tables and a checkpoint at the start.
pub(super) fn create(files: &Files, model: &Model, number: u64, store: StoreId) -> Result<(), DatabaseError> {
    let name = model.name();
    let doing = || format!("create generation {number} of `{name}`");
    files.clear(name, number)?;
    let make = || {
        let mut connection = files.open(&files.generation(name, number), true, Durability::Original)?;
        fill(&mut connection, model, number, store)?;
        Ok(connection)
    };
    let connection = make().map_err(failed_in(doing(), &files.generation(name, number)))?;
    files.keep(name, number, connection)
}

/// Makes all tables of a generation, in one transaction.
pub(super) fn fill(
    connection: &mut Connection,
    model: &Model,
    number: u64,
    store: StoreId,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.execute(
        "INSERT INTO trunkline_checkpoint VALUES (1, ?1, ?2, ?3, 0, NULL, 0, NULL)",
        params![model.name(), number, store.into_bytes()],
    )?;
    make_tables(&transaction, model)?;
    transaction.commit()
}

pub(super) fn make_tables(connection: &Connection, model: &Model) -> rusqlite::Result<()> {
    for statement in model.schema().iter().flatten() {
        // A pragma gives a row back, which nobody reads.
        let mut prepared = connection.prepare(statement.source())?;
        let mut rows = prepared.raw_query();
        while rows.next()?.is_some() {}
    }
    Ok(())
}

/// Reads how a generation stands that somebody else may own.
pub(super) fn standing(files: &Files, projection: &str, number: u64) -> Result<Standing, DatabaseError> {
    let doing = format!("read the checkpoint of generation {number} of `{projection}`");
    let read = || {
        let connection = files.open_to_read(projection, number)?;
        let failure = connection.query_row("SELECT failure FROM trunkline_checkpoint", [], |row| row.get(0));
        let parked = connection.query_row("SELECT COUNT(*) FROM trunkline_parked", [], |row| row.get(0))?;
        Ok((read_checkpoint(&connection)?, failure.optional()?.flatten(), parked))
    };
    let (read, failure, parked) =
        read().map_err(failed_in(doing.clone(), &files.generation(projection, number)))?;
    Ok(Standing { checkpoint: found(read, &doing, projection, number)?, failure, parked })
}

/// Reads the events that were put aside in a generation that somebody else may own.
pub(super) fn parked(files: &Files, projection: &str, number: u64) -> Result<Vec<Parked>, DatabaseError> {
    let read = || {
        let connection = files.open_to_read(projection, number)?;
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

/// Drops everything that is the projection's, and the list of parked events' contents.
pub(super) fn drop_tables(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM trunkline_parked", [])?;
    // Virtual tables first: they take the tables along in which they keep their rows.
    let sql = "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view')
               AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'trunkline\\_%' ESCAPE '\\'
               ORDER BY sql NOT LIKE 'CREATE VIRTUAL%'";
    let mut statement = transaction.prepare(sql)?;
    let found: Vec<(String, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    for (kind, name) in found {
        transaction.execute_batch(&format!("DROP {kind} IF EXISTS {}", SqliteDialect.quoted(&name)))?;
    }
    Ok(())
}
