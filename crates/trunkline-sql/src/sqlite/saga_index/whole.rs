//! Whether an index of sagas is whole: each row has a checksum, and with the rows is kept what they add up to.
//!
//! A row that was changed doesn't have its checksum, and one that the table's tree, or an index of it, no longer leads
//! to is missing in the sum.

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension as _, params};
use trunkline_core::{EventId, Position, StoreId, Timestamp};
use trunkline_store::derived::{Checkpoint, IndexedSaga};

use super::super::fault::damaged;
use super::super::made_anew::has_tables;
use super::{COLUMNS, saga};

/// Version 2; version 1 had no checksums, and is let go of: all of it is in the log.
pub(super) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS sagas_2 (
        name TEXT NOT NULL,
        id TEXT NOT NULL,
        status TEXT NOT NULL,
        step TEXT,
        started INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        due INTEGER,
        reason TEXT,
        version INTEGER NOT NULL,
        checksum INTEGER NOT NULL,
        PRIMARY KEY (name, id)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS sagas_2_due ON sagas_2 (due, name, id) WHERE due IS NOT NULL;
    CREATE INDEX IF NOT EXISTS sagas_2_status ON sagas_2 (status, name, id);
    CREATE TABLE IF NOT EXISTS total_2 (
        one INTEGER PRIMARY KEY, sagas INTEGER NOT NULL, sum INTEGER NOT NULL,
        store BLOB, position INTEGER, event_id BLOB, checksum INTEGER NOT NULL
    );
    DROP TABLE IF EXISTS sagas_1;
    DROP TABLE IF EXISTS read_1;
";

/// How many rows there are, and what their checksums add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    rows: u64,
    sum: u64,
}

impl Sum {
    pub(super) fn add(&mut self, checksum: u32) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(checksum.into());
    }

    pub(super) fn take(&mut self, checksum: u32) {
        self.rows = self.rows.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(checksum.into());
    }
}

/// What all rows add up to, and how far the log was read for them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Total {
    pub(super) sagas: Sum,
    pub(super) read_to: Option<Checkpoint>,
}

impl Total {
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT sagas, sum, store, position, event_id, checksum FROM total_2";
        let mut statement = connection.prepare_cached(sql)?;
        let found = statement.query_row([], |row| {
            let sagas = Sum { rows: row.get(0)?, sum: row.get::<_, i64>(1)?.cast_unsigned() };
            let read_to = match row.get::<_, Option<_>>(2)? {
                None => None,
                Some(store) => Some(Checkpoint {
                    store: StoreId::from_bytes(store),
                    position: Position::new(row.get(3)?),
                    event_id: EventId::from_bytes(row.get(4)?),
                }),
            };
            let total = Self { sagas, read_to };
            if total.checksum() == row.get::<_, u32>(5)? { Ok(total) } else { Err(damaged()) }
        });
        Ok(found.optional()?.unwrap_or_default())
    }

    pub(super) fn save(&self, connection: &Connection) -> rusqlite::Result<()> {
        let Self { sagas: Sum { rows, sum }, read_to } = self;
        let mut statement =
            connection.prepare_cached("INSERT OR REPLACE INTO total_2 VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)")?;
        statement.execute(params![
            rows,
            sum.cast_signed(),
            read_to.map(|read_to| read_to.store.into_bytes()),
            read_to.map(|read_to| read_to.position.get()),
            read_to.map(|read_to| read_to.event_id.into_bytes()),
            self.checksum(),
        ])?;
        Ok(())
    }

    fn checksum(&self) -> u32 {
        let mut hash = crc32fast::Hasher::new();
        hash.update(&self.sagas.rows.to_le_bytes());
        hash.update(&self.sagas.sum.to_le_bytes());
        if let Some(Checkpoint { store, position, event_id }) = self.read_to {
            hash.update(&store.into_bytes());
            hash.update(&position.get().to_le_bytes());
            hash.update(&event_id.into_bytes());
        }
        hash.finalize()
    }
}

/// Over everything that a row says, so that no part of it is taken for another.
pub(super) fn checksum(IndexedSaga { row, version }: &IndexedSaga) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    let mut text = |text: Option<&str>| {
        hash.update(&text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        hash.update(text.unwrap_or_default().as_bytes());
    };
    text(Some(&row.name));
    text(Some(&row.id));
    text(Some(row.status.as_str()));
    text(row.step.as_deref());
    text(row.reason.as_deref());
    let mut number = |number: i64| hash.update(&number.to_le_bytes());
    number(row.started_at.as_micros());
    number(row.changed_at.as_micros());
    // No time is that early.
    number(row.due.map_or(i64::MIN, Timestamp::as_micros));
    number(version.get().cast_signed());
    hash.finalize()
}

/// Of what an index of the table says of a row.
fn entry(key: &str, name: &str, id: &str) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    for text in [key, name, id] {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize()
}

/// Whether the tables are those of this version, and each row is there as it was written and in its place, in the indexes
/// too; what can't be read, or isn't what was written, may be an error instead.
pub(super) fn is_whole(connection: &Connection) -> rusqlite::Result<bool> {
    if !has_tables(connection, TABLES)? {
        return Ok(false);
    }
    let total = Total::load(connection)?;
    let (mut sagas, mut due, mut status) = (Sum::default(), Sum::default(), Sum::default());
    let mut last = None;
    let mut statement =
        connection.prepare(&format!("SELECT {COLUMNS} FROM sagas_2 NOT INDEXED ORDER BY name, id"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let found = saga(row)?;
        sagas.add(checksum(&found));
        let row = found.row;
        status.add(entry(row.status.as_str(), &row.name, &row.id));
        if let Some(at) = row.due {
            due.add(entry(&at.as_micros().to_string(), &row.name, &row.id));
        }
        let this = Some((row.name, row.id));
        if this <= last {
            return Ok(false);
        }
        last = this;
    }
    let found_due = index::<i64>(
        connection,
        "SELECT due, name, id FROM sagas_2 INDEXED BY sagas_2_due WHERE due IS NOT NULL ORDER BY due, name, id",
    )?;
    let found_status = index::<String>(
        connection,
        "SELECT status, name, id FROM sagas_2 INDEXED BY sagas_2_status ORDER BY status, name, id",
    )?;
    Ok(sagas == total.sagas && found_due == Some(due) && found_status == Some(status))
}

/// What the entries of an index of the table add up to; nothing when they are not in its order. They come as they stand
/// there: `SQLite` takes it for sorted.
fn index<K: FromSql + Ord + ToString>(connection: &Connection, sql: &str) -> rusqlite::Result<Option<Sum>> {
    let mut sum = Sum::default();
    let mut last = None;
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (key, name, id): (K, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        sum.add(entry(&key.to_string(), &name, &id));
        let this = Some((key, name, id));
        if this <= last {
            return Ok(None);
        }
        last = this;
    }
    Ok(Some(sum))
}
