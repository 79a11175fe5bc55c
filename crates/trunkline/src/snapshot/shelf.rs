//! Where snapshots are kept: in memory, or in a file beside the events.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params};
use trunkline_core::{EventId, StreamName, Version};

use super::{Kept, Revision};

/// How much is kept in memory; then all is let go, and made again where it is needed.
const MEMORY_BYTES_MAX: usize = 64 << 20;

/// The largest state that is kept.
const STATE_BYTES_MAX: usize = 16 << 20;

/// Keeps one snapshot for each stream. It may lose any of them, but never gives one that was not kept.
pub(super) trait Shelf: Send + Sync {
    fn find(&self, stream: &StreamName) -> Option<Kept>;

    fn keep(&self, stream: &StreamName, kept: Kept);
}

#[derive(Default)]
pub(super) struct MemoryShelf(Mutex<Held>);

#[derive(Default)]
struct Held {
    all: HashMap<StreamName, Kept>,
    bytes: usize,
}

impl Shelf for MemoryShelf {
    fn find(&self, stream: &StreamName) -> Option<Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).all.get(stream).cloned()
    }

    fn keep(&self, stream: &StreamName, kept: Kept) {
        let size = |kept: &Kept| kept.state.len() + stream.as_str().len() + 128;
        let bytes = size(&kept);
        if bytes > STATE_BYTES_MAX {
            return;
        }
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.bytes + bytes > MEMORY_BYTES_MAX {
            *held = Held::default();
        }
        let before = held.all.insert(stream.clone(), kept);
        held.bytes = held.bytes + bytes - before.as_ref().map_or(0, size);
    }
}

/// A `SQLite` file: after a power cut it is older, or gone, and never wrong, since each row has a checksum.
pub(super) struct SqliteShelf {
    /// Whether there is none at all, so that nobody needs to ask: short streams have none. What another process keeps
    /// is seen when the file is opened next.
    is_empty: AtomicBool,
    reader: Mutex<Connection>,
    writer: Mutex<Connection>,
}

/// How long is waited for another process that has the file locked, when it is opened or written.
const WAIT: Duration = Duration::from_secs(1);

const TABLE: &str = "CREATE TABLE IF NOT EXISTS snapshots_1 (
    stream TEXT PRIMARY KEY NOT NULL,
    version INTEGER NOT NULL,
    event_id BLOB NOT NULL,
    revision BLOB NOT NULL,
    state BLOB NOT NULL,
    checksum INTEGER NOT NULL
)";

impl SqliteShelf {
    /// Opens the file; one that is no database, or a damaged one, is made anew.
    ///
    /// One that another process has locked is left to that one.
    pub(super) fn open(path: &Path) -> Result<Self, rusqlite::Error> {
        Self::at(path).or_else(|error| {
            if is_locked(&error) {
                return Err(error);
            }
            tracing::warn!(path = %path.display(), %error, "the snapshots can't be read and are made anew");
            for suffix in ["", "-wal", "-shm"] {
                let mut file = path.as_os_str().to_owned();
                file.push(suffix);
                // What isn't there needs not be removed, and what can't be is found by opening it.
                let _ = std::fs::remove_file(file);
            }
            Self::at(path)
        })
    }

    fn at(path: &Path) -> Result<Self, rusqlite::Error> {
        let open = || {
            let connection = Connection::open(path)?;
            connection.busy_timeout(WAIT)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            Ok::<_, rusqlite::Error>(connection)
        };
        let (writer, reader) = (open()?, open()?);
        writer.execute(TABLE, [])?;
        Self::of(writer, reader)
    }

    /// A command waits for what is looked up, and goes on without; nobody waits for what is written.
    fn of(writer: Connection, reader: Connection) -> Result<Self, rusqlite::Error> {
        reader.busy_timeout(Duration::ZERO)?;
        let is_empty = "SELECT NOT EXISTS (SELECT 1 FROM snapshots_1)";
        let is_empty = AtomicBool::new(writer.query_row(is_empty, [], |row| row.get(0))?);
        Ok(Self { is_empty, reader: Mutex::new(reader), writer: Mutex::new(writer) })
    }

    fn read(&self, stream: &StreamName) -> Result<Option<Kept>, rusqlite::Error> {
        let connection = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = connection.prepare_cached(
            "SELECT version, event_id, revision, state, checksum FROM snapshots_1 WHERE stream = ?1",
        )?;
        let row = statement.query_row([stream.as_str()], |row| {
            let kept = Kept {
                version: Version::new(row.get(0)?),
                event_id: EventId::from_bytes(row.get(1)?),
                revision: Revision(row.get(2)?),
                state: Bytes::from(row.get::<_, Vec<u8>>(3)?),
            };
            Ok((kept, row.get::<_, u32>(4)?))
        });
        Ok(row.optional()?.filter(|(kept, sum)| checksum(stream, kept) == *sum).map(|(kept, _)| kept))
    }

    fn write(&self, stream: &StreamName, kept: &Kept) -> Result<(), rusqlite::Error> {
        self.is_empty.store(false, Ordering::Relaxed);
        let connection = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = connection.prepare_cached(
            "INSERT OR REPLACE INTO snapshots_1 (stream, version, event_id, revision, state, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        statement.execute(params![
            stream.as_str(),
            kept.version.get(),
            kept.event_id.into_bytes(),
            kept.revision.0,
            &kept.state[..],
            checksum(stream, kept)
        ])?;
        Ok(())
    }
}

impl Shelf for SqliteShelf {
    fn find(&self, stream: &StreamName) -> Option<Kept> {
        if self.is_empty.load(Ordering::Relaxed) {
            return None;
        }
        self.read(stream).unwrap_or_else(|error| {
            if is_locked(&error) {
                tracing::debug!(%stream, "the snapshots are locked; the stream is read in full");
                return None;
            }
            tracing::warn!(%stream, %error, "a snapshot can't be read; the stream is read in full");
            None
        })
    }

    fn keep(&self, stream: &StreamName, kept: Kept) {
        if kept.state.len() <= STATE_BYTES_MAX
            && let Err(error) = self.write(stream, &kept)
        {
            tracing::warn!(%stream, %error, "a snapshot can't be written");
        }
    }
}

impl fmt::Debug for SqliteShelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteShelf")
    }
}

/// Whether another process has the file at the moment.
fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Over everything that the row says, so that no part of one row is taken for a part of another.
fn checksum(stream: &StreamName, kept: &Kept) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    hash.update(stream.as_str().as_bytes());
    hash.update(&[0]);
    hash.update(&kept.version.get().to_le_bytes());
    hash.update(&kept.event_id.into_bytes());
    hash.update(&kept.revision.0);
    hash.update(&kept.state);
    hash.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept {
        let event_id = EventId::from_bytes([7; 16]);
        Kept {
            revision: Revision::of("x"),
            version: Version::new(3),
            event_id,
            state: Bytes::from_static(b"1"),
        }
    }

    #[test]
    fn a_lookup_does_not_wait_for_who_has_the_file_locked() {
        let folder = tempfile::tempdir().unwrap();
        let (path, stream) = (folder.path().join("snapshots"), "till-1".parse().unwrap());
        // Without a WAL, which not every file system can have, a writer locks readers out.
        let open = || {
            let connection = Connection::open(&path).unwrap();
            connection.busy_timeout(WAIT).unwrap();
            connection
        };
        let other = open();
        other.execute(TABLE, []).unwrap();
        let shelf = SqliteShelf::of(open(), open()).unwrap();
        shelf.keep(&stream, kept());
        assert_eq!(shelf.find(&stream), Some(kept()));
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let begun = std::time::Instant::now();
        assert_eq!(shelf.find(&stream), None);
        assert!(begun.elapsed() < WAIT / 4, "{:?}", begun.elapsed());
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(shelf.find(&stream), Some(kept()), "it was not lost");
    }

    #[test]
    fn a_file_that_another_process_has_locked_is_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, stream) = (folder.path().join("snapshots"), "till-1".parse().unwrap());
        SqliteShelf::open(&path).unwrap().keep(&stream, kept());
        let other = Connection::open(&path).unwrap();
        other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
        assert!(SqliteShelf::open(&path).is_err());
        other.execute_batch("COMMIT").unwrap();
        drop(other);
        assert_eq!(SqliteShelf::open(&path).unwrap().find(&stream), Some(kept()));
    }
}
