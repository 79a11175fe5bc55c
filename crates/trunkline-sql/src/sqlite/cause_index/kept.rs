//! The rows of an index of causes.
//!
//! Positions are taken together by the thousand in runs, and a run's causes by some bits of their keys in 256 rows, each
//! of which is there also when it has none. So to look for a cause is to read one row of each run. A row says how far the
//! log was read for it, under a checksum: one that was changed, one that is missing, and one that an older state of the
//! file has left are all noticed where they are read, and the file need not be read in whole to trust it.

use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension as _, params};
use trunkline_core::{EventId, Position, StoreId};
use trunkline_store::Direction;
use trunkline_store::derived::{CauseKey, CauseQuery, Checkpoint, FoundCauses};

use super::super::fault::damaged;

pub(super) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS causes_1 (
        place INTEGER PRIMARY KEY, read_to INTEGER NOT NULL, entries BLOB NOT NULL, checksum INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS read_1 (
        one INTEGER PRIMARY KEY, store BLOB NOT NULL, position INTEGER NOT NULL, event_id BLOB NOT NULL,
        checksum INTEGER NOT NULL
    );
";

/// How many bits of a position are its place in its run.
const RUN_BITS: u32 = 16;

/// How many rows a run has.
const ROWS: usize = 256;

/// A key's bits, without those that say which row, and the place in the run.
const ENTRY: usize = 6;

/// How many bytes of an entry are of the key.
const BITS: usize = 4;

/// The run of a position; the first position is the first of run 0.
fn run_of(position: u64) -> u64 {
    position.saturating_sub(1) >> RUN_BITS
}

/// The positions of a run.
fn positions_of(run: u64) -> RangeInclusive<u64> {
    (run << RUN_BITS) + 1..=(run + 1) << RUN_BITS
}

/// Which row of a run has the causes of a key.
fn row_of(key: CauseKey) -> usize {
    (key.get() & 0xff) as usize
}

/// The bits of a key that stand in its entries.
fn bits_of(key: CauseKey) -> [u8; BITS] {
    let [bits @ .., _, _, _, _] = key.get().to_be_bytes();
    bits
}

/// A position's place in its run.
fn place_of(position: u64) -> [u8; ENTRY - BITS] {
    let [.., high, low] = position.saturating_sub(1).to_be_bytes();
    [high, low]
}

/// How far the log was read.
pub(super) fn read_to(connection: &Connection) -> rusqlite::Result<Option<Checkpoint>> {
    let mut statement =
        connection.prepare_cached("SELECT store, position, event_id, checksum FROM read_1")?;
    let found = statement.query_row([], |row| {
        let read_to = Checkpoint {
            store: StoreId::from_bytes(row.get(0)?),
            position: Position::new(row.get(1)?),
            event_id: EventId::from_bytes(row.get(2)?),
        };
        if checksum_of(&read_to) == row.get::<_, u32>(3)? { Ok(read_to) } else { Err(damaged()) }
    });
    found.optional().map_err(unread)
}

fn checksum_of(Checkpoint { store, position, event_id }: &Checkpoint) -> u32 {
    checksum(&[&store.into_bytes(), &position.get().to_le_bytes(), &event_id.into_bytes()])
}

fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize()
}

/// A value of another type than was written is damage, too.
fn unread(error: rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::FromSqlConversionFailure(..) => damaged(),
        other => other,
    }
}

fn place(run: u64, row: usize) -> i64 {
    (run * ROWS as u64 + row as u64).cast_signed()
}

fn row_checksum(place: i64, read_to: u64, entries: &[u8]) -> u32 {
    checksum(&[&place.to_le_bytes(), &read_to.to_le_bytes(), entries])
}

/// The entries of a row for which the log was read to this position of its run.
fn entries(connection: &Connection, run: u64, row: usize, read_to: u64) -> rusqlite::Result<Vec<u8>> {
    let place = place(run, row);
    let sql = "SELECT read_to, entries, checksum FROM causes_1 WHERE place = ?1";
    let found = connection.prepare_cached(sql)?.query_row([place], |row| {
        Ok((row.get::<_, u64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, u32>(2)?))
    });
    match found.optional().map_err(unread)? {
        Some((to, entries, checksum))
            if to == read_to
                && checksum == row_checksum(place, to, &entries)
                && entries.len().is_multiple_of(ENTRY) =>
        {
            Ok(entries)
        }
        _ => Err(damaged()),
    }
}

/// Goes on, if the log was read to `after`, and this goes further.
pub(super) fn put(
    connection: &Connection,
    after: Option<Checkpoint>,
    mut causes: Vec<(CauseKey, Position)>,
    read_to: &Checkpoint,
) -> rusqlite::Result<bool> {
    let (done, to) = (after.map_or(0, |after| after.position.get()), read_to.position.get());
    if self::read_to(connection)? != after || to <= done {
        return Ok(false);
    }
    // A row's entries stand in the order of their positions.
    causes.sort_unstable_by_key(|(_, position)| *position);
    let mut causes = causes.into_iter().peekable();
    for run in run_of(done + 1)..=run_of(to) {
        let positions = positions_of(run);
        let (first, last) = (*positions.start(), *positions.end());
        let mut rows: Vec<Vec<u8>> = vec![Vec::new(); ROWS];
        if done >= first {
            for (row, kept) in rows.iter_mut().enumerate() {
                *kept = entries(connection, run, row, done)?;
            }
        }
        while let Some((key, position)) = causes.next_if(|(_, position)| position.get() <= last) {
            let row = &mut rows[row_of(key)];
            row.extend(bits_of(key));
            row.extend(place_of(position.get()));
        }
        let to = to.min(last);
        let mut statement =
            connection.prepare_cached("INSERT OR REPLACE INTO causes_1 VALUES (?1, ?2, ?3, ?4)")?;
        for (row, entries) in rows.into_iter().enumerate() {
            let place = place(run, row);
            let checksum = row_checksum(place, to, &entries);
            statement.execute(params![place, to, entries, checksum])?;
        }
    }
    let mut statement =
        connection.prepare_cached("INSERT OR REPLACE INTO read_1 VALUES (1, ?1, ?2, ?3, ?4)")?;
    let Checkpoint { store, event_id, .. } = read_to;
    statement.execute(params![store.into_bytes(), to, event_id.into_bytes(), checksum_of(read_to)])?;
    Ok(true)
}

/// Where events of a cause stand, and maybe others whose keys have the same bits.
pub(super) fn find(connection: &Connection, query: &CauseQuery) -> rusqlite::Result<FoundCauses> {
    let mut found = FoundCauses { positions: Vec::new(), read_to: read_to(connection)? };
    let end = found.read_to.map_or(0, |read_to| read_to.position.get());
    let (from, to) = (query.from.get().max(1), query.to.get().min(end));
    if from > to {
        return Ok(found);
    }
    let runs = run_of(from)..=run_of(to);
    let mut runs: Box<dyn Iterator<Item = u64>> = match query.direction {
        Direction::Forward => Box::new(runs),
        Direction::Backward => Box::new(runs.rev()),
    };
    while found.positions.len() < query.limit
        && let Some(run) = runs.next()
    {
        let positions = positions_of(run);
        let entries = entries(connection, run, row_of(query.key), end.min(*positions.end()))?;
        let wanted = bits_of(query.key);
        let of_key = entries.chunks_exact(ENTRY).filter_map(|entry| match entry.split_first_chunk() {
            Some((bits, [high, low])) if *bits == wanted => {
                Some(positions.start() + u64::from(u16::from_be_bytes([*high, *low])))
            }
            _ => None,
        });
        let mut of_key: Vec<u64> = of_key.filter(|position| (from..=to).contains(position)).collect();
        // Two causes of one event may have the same bits.
        of_key.dedup();
        if query.direction == Direction::Backward {
            of_key.reverse();
        }
        let room = query.limit - found.positions.len();
        found.positions.extend(of_key.into_iter().take(room).map(Position::new));
    }
    Ok(found)
}
