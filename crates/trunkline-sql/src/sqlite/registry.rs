//! The registry: which generations there are, and which ones readers see.

use std::collections::BTreeMap;

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::fault::{barred_in, failed, failed_in, is_damage, reason};
use super::files::{Durability, Files};
use crate::{DatabaseError, Generation, Model, State};

/// Version 1 of the registry's tables.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS projection (
        name TEXT PRIMARY KEY COLLATE NOCASE,
        last_generation INTEGER NOT NULL,
        paused INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE IF NOT EXISTS generation (
        projection TEXT NOT NULL COLLATE NOCASE REFERENCES projection,
        number INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('live', 'beside', 'dropped')),
        definition TEXT NOT NULL,
        PRIMARY KEY (projection, number)
    );
    CREATE UNIQUE INDEX IF NOT EXISTS one_live ON generation (projection) WHERE state = 'live';
";

/// The version of [`TABLES`], in `user_version`.
const VERSION: i64 = 1;

/// The live generation of each projection.
pub(super) type Live = BTreeMap<String, u64>;

#[derive(Debug)]
pub(super) struct Registry {
    connection: Connection,
    place: String,
}

impl Registry {
    pub(super) fn open(files: &Files) -> Result<Self, DatabaseError> {
        let place = if files.are_on_disk() { files.registry().display().to_string() } else { files.place() };
        let doing = || format!("open the read database {place}");
        let file = files.registry();
        let not_opened = |error| not_opened(doing(), &file, error);
        let mut connection = files.open(&files.registry(), true, Durability::Original).map_err(not_opened)?;
        let version = prepare(&mut connection).map_err(not_opened)?;
        if version != VERSION {
            let reason = if version > VERSION {
                format!("it has version {version}, and this program knows {VERSION}; use a newer one")
            } else {
                "the file holds something else; name another one".to_owned()
            };
            return Err(DatabaseError::Lasting { doing: doing(), reason });
        }
        files.sync_folder()?;
        Ok(Self { connection, place })
    }

    /// Opens the registry for who only looks; an empty one where there is none.
    pub(super) fn look(files: &Files) -> Result<Self, DatabaseError> {
        let place = files.registry().display().to_string();
        let doing = || format!("look at the read database {place}");
        let version_of =
            |connection: &Connection| connection.pragma_query_value(None, "user_version", |row| row.get(0));
        let there =
            files.look_at_registry().map_err(|error| not_opened(doing(), &files.registry(), error))?;
        let version: i64 = there
            .as_ref()
            .map(version_of)
            .transpose()
            .map_err(|error| not_opened(doing(), &files.registry(), error))?
            .unwrap_or(0);
        let connection = match there {
            Some(connection) if version == VERSION => connection,
            // It is not there, or was never finished.
            _ if version == 0 => {
                let make = || {
                    let mut empty = Connection::open_in_memory()?;
                    prepare(&mut empty)?;
                    // What would be kept in memory alone isn't taken for done.
                    empty.pragma_update(None, "query_only", true)?;
                    Ok(empty)
                };
                make().map_err(failed(doing()))?
            }
            _ => {
                let reason =
                    format!("it has version {version}, and this program knows {VERSION}; use a newer one");
                return Err(DatabaseError::Lasting { doing: doing(), reason });
            }
        };
        Ok(Self { connection, place })
    }

    fn failed(&self, doing: &str) -> impl FnOnce(rusqlite::Error) -> DatabaseError + use<> {
        self.failed_to(&format!("{doing} in the read database {}", self.place))
    }

    fn failed_to(&self, doing: &str) -> impl FnOnce(rusqlite::Error) -> DatabaseError + use<> {
        failed_to(doing.to_owned(), self.place.clone())
    }

    pub(super) fn generations(&self) -> Result<Vec<Generation>, DatabaseError> {
        let read = || {
            let sql =
                "SELECT projection, number, state, definition FROM generation ORDER BY projection, number";
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| {
                let state: String = row.get(2)?;
                Ok(Generation {
                    projection: row.get(0)?,
                    number: row.get(1)?,
                    state: match state.as_str() {
                        "live" => State::Live,
                        "beside" => State::Beside,
                        _ => State::Dropped,
                    },
                    definition: row.get(3)?,
                })
            })?;
            rows.collect::<rusqlite::Result<_>>()
        };
        read().map_err(self.failed("list the generations"))
    }

    pub(super) fn live(&self) -> Result<Live, DatabaseError> {
        self.named("SELECT projection, number FROM generation WHERE state = 'live'")
            .map(|rows| rows.into_iter().collect())
    }

    pub(super) fn dropped(&self) -> Result<Vec<(String, u64)>, DatabaseError> {
        self.named("SELECT projection, number FROM generation WHERE state = 'dropped'")
    }

    fn named(&self, sql: &str) -> Result<Vec<(String, u64)>, DatabaseError> {
        let read = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<_>>()
        };
        read().map_err(self.failed("list the generations"))
    }

    /// Takes the next number, has the generation made, and registers it, together or not at all.
    pub(super) fn add(
        &mut self,
        model: &Model,
        make: impl FnOnce(u64) -> Result<(), DatabaseError>,
    ) -> Result<u64, DatabaseError> {
        let doing = format!("create a generation of `{}`", model.name());
        let place = self.place.clone();
        let failing = || failed_to(doing.clone(), place.clone());
        // The lock is held while the file is made, so that no other process makes the same one.
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failing())?;
        let sql = "SELECT projection FROM generation WHERE projection = ?1
                   AND projection <> ?1 COLLATE BINARY AND state <> 'dropped'";
        let other = transaction.query_row(sql, [model.name()], |row| row.get(0)).optional();
        if let Some(other) = other.map_err(failing())? {
            let projection = model.name().to_owned();
            return Err(DatabaseError::NameDiffersByCase { projection, other });
        }
        let number: u64 = transaction
            .query_row(
                "INSERT INTO projection (name, last_generation) VALUES (?1, 1)
                 ON CONFLICT DO UPDATE SET last_generation = last_generation + 1, name = excluded.name
                 RETURNING last_generation",
                [model.name()],
                |row| row.get(0),
            )
            .map_err(failing())?;
        make(number)?;
        transaction
            .execute(
                "INSERT INTO generation SELECT ?1, ?2, CASE WHEN EXISTS
                 (SELECT 1 FROM generation WHERE projection = ?1 AND state = 'live') THEN 'beside' ELSE 'live' END, ?3",
                params![model.name(), number, model.definition()],
            )
            .map_err(failing())?;
        transaction.commit().map_err(failing())?;
        Ok(number)
    }

    /// Fails unless there is this generation, not dropped.
    pub(super) fn expect(&self, projection: &str, number: u64) -> Result<(), DatabaseError> {
        match self.state(projection, number)?.as_deref() {
            Some("live" | "beside") => Ok(()),
            _ => Err(DatabaseError::NoGeneration { projection: projection.to_owned(), generation: number }),
        }
    }

    fn state(&self, projection: &str, number: u64) -> Result<Option<String>, DatabaseError> {
        let sql = "SELECT state FROM generation WHERE projection = ?1 AND number = ?2";
        self.connection
            .query_row(sql, params![projection, number], |row| row.get(0))
            .optional()
            .map_err(self.failed("look a generation up"))
    }

    pub(super) fn make_live(&mut self, projection: &str, number: u64) -> Result<(), DatabaseError> {
        let doing = format!("make generation {number} of `{projection}` live");
        let place = self.place.clone();
        let failing = || failed_to(doing.clone(), place.clone());
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failing())?;
        transaction
            .execute(
                "UPDATE generation SET state = 'beside' WHERE projection = ?1 AND state = 'live'",
                [projection],
            )
            .map_err(failing())?;
        let changed = transaction
            .execute(
                "UPDATE generation SET state = 'live' WHERE projection = ?1 AND number = ?2 AND state = 'beside'",
                params![projection, number],
            )
            .map_err(failing())?;
        if changed == 0 {
            return Err(DatabaseError::NoGeneration {
                projection: projection.to_owned(),
                generation: number,
            });
        }
        transaction.commit().map_err(failing())
    }

    pub(super) fn pause(&self, projection: &str, paused: bool) -> Result<(), DatabaseError> {
        let sql = "INSERT INTO projection VALUES (?1, 0, ?2)
             ON CONFLICT DO UPDATE SET paused = excluded.paused, name = excluded.name";
        let done = self.connection.execute(sql, params![projection, paused]);
        done.map(|_| ()).map_err(self.failed(&format!("pause `{projection}`")))
    }

    pub(super) fn paused(&self) -> Result<Vec<String>, DatabaseError> {
        let read = || {
            let sql = "SELECT name FROM projection WHERE paused ORDER BY name";
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<_>>()
        };
        read().map_err(self.failed("list the paused projections"))
    }

    /// Marks a generation as dropped.
    pub(super) fn discard(&mut self, projection: &str, number: u64) -> Result<(), DatabaseError> {
        let (projection, generation) = (projection.to_owned(), number);
        let sql = "UPDATE generation SET state = 'dropped' WHERE projection = ?1 AND number = ?2 AND state = 'beside'";
        let changed = self
            .connection
            .execute(sql, params![projection, number])
            .map_err(self.failed(&format!("drop generation {number} of `{projection}`")))?;
        if changed == 1 {
            return Ok(());
        }
        match self.state(&projection, number)?.as_deref() {
            Some("live") => Err(DatabaseError::IsLive { projection, generation }),
            Some(_) => Ok(()),
            None => Err(DatabaseError::NoGeneration { projection, generation }),
        }
    }

    /// Marks all generations of a projection as dropped, and has it not paused; the numbers of those that were not dropped
    /// before.
    ///
    /// Its row stays, so that no number is used again.
    pub(super) fn drop_projection(&mut self, projection: &str) -> Result<Vec<u64>, DatabaseError> {
        let failing = self.failed_to(&format!("drop `{projection}`"));
        let mut dropping = || {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Exactly of this name: one that differs by case is another.
            let sql = "UPDATE generation SET state = 'dropped'
                       WHERE projection = ?1 COLLATE BINARY AND state <> 'dropped' RETURNING number";
            let mut statement = transaction.prepare(sql)?;
            let numbers = statement.query_map([projection], |row| row.get(0))?;
            let numbers = numbers.collect::<rusqlite::Result<_>>()?;
            drop(statement);
            transaction
                .execute("UPDATE projection SET paused = 0 WHERE name = ?1 COLLATE BINARY", [projection])?;
            transaction.commit()?;
            Ok(numbers)
        };
        dropping().map_err(failing)
    }

    /// Forgets a dropped generation whose file is gone.
    pub(super) fn forget(&self, projection: &str, number: u64) -> Result<(), DatabaseError> {
        let sql = "DELETE FROM generation WHERE projection = ?1 AND number = ?2 AND state = 'dropped'";
        self.connection
            .execute(sql, params![projection, number])
            .map(|_| ())
            .map_err(self.failed(&format!("forget generation {number} of `{projection}`")))
    }
}

/// Why something can't be done with the registry at this place.
fn failed_to(doing: String, place: String) -> impl FnOnce(rusqlite::Error) -> DatabaseError {
    move |error| failed_in(doing, Path::new(&place))(error)
}

/// Why a registry can't be opened, and what to do where its file is damaged.
fn not_opened(doing: String, file: &Path, error: rusqlite::Error) -> DatabaseError {
    if let Some(barred) = barred_in(&doing, file, &error) {
        return barred;
    }
    if !is_damage(&error) {
        return failed(doing)(error);
    }
    let remedy = "move it away, and all read models are made anew of the events";
    let reason = format!("{}; {remedy}", reason(&error));
    let file = file.display().to_string().replace('\'', r"'\''");
    let is_plain = |character: char| character.is_alphanumeric() || "-_./+".contains(character);
    let quote = if file.chars().all(is_plain) { "" } else { "'" };
    let remedy = format!("mv {quote}{file}{quote} {quote}{file}.damaged{quote}");
    DatabaseError::Damaged { doing, reason, remedy }
}

/// Makes the tables in an empty file; the version that the file has then.
fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    let version =
        |connection: &Connection| connection.pragma_query_value(None, "user_version", |row| row.get(0));
    if version(connection)? == VERSION {
        return Ok(VERSION);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = version(&transaction)?;
    let tables: i64 = transaction.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if found != 0 || tables > 0 {
        return Ok(found);
    }
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(VERSION)
}
