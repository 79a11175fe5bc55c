//! Snapshots in a `SQLite` file: after a power cut it is older, or gone, and never wrong, since each row has a checksum.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use rusqlite::{Connection, OptionalExtension as _, params};
use trunkline_core::{EventId, StreamName, Version};
use trunkline_store::derived::{MemorySnapshots, Revision, STATE_BYTES_MAX, SnapshotStore, StateSnapshot};

use super::fault::is_locked;
use super::made_anew::{self, MADE_ANEW};

/// How many snapshots may wait to be written; further ones are not.
const WAITING_MAX: usize = 256;

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

/// Snapshots in a file, which may be removed at any time.
///
/// It is opened when a snapshot is first looked for or kept; one that is no database, or a damaged one, is made anew,
/// and one that another process has locked is left to that one. Where nothing can be kept, snapshots are in memory.
/// They are written by a thread of their own; dropping this waits until those that wait are written.
pub struct SqliteSnapshots {
    path: PathBuf,
    opened: OnceLock<Opened>,
}

enum Opened {
    File(SnapshotFile),
    Memory(MemorySnapshots),
}

impl SqliteSnapshots {
    /// Snapshots in this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), opened: OnceLock::new() }
    }

    fn opened(&self) -> &Opened {
        self.opened.get_or_init(|| match SnapshotFile::open(&self.path) {
            Ok(file) => Opened::File(file),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "snapshots can't be kept there; streams are read in full after a restart");
                Opened::Memory(MemorySnapshots::default())
            }
        })
    }
}

impl SnapshotStore for SqliteSnapshots {
    // A lookup takes microseconds, and doesn't wait for others: it needs no thread.
    fn find<'a>(
        &'a self,
        stream: &'a StreamName,
        revision: Revision,
    ) -> BoxFuture<'a, Option<StateSnapshot>> {
        match self.opened() {
            Opened::File(file) => ready(file.find(stream).filter(|kept| kept.revision == revision)).boxed(),
            Opened::Memory(memory) => memory.find(stream, revision),
        }
    }

    fn keep<'a>(&'a self, stream: &'a StreamName, snapshot: StateSnapshot) -> BoxFuture<'a, ()> {
        match self.opened() {
            Opened::File(file) => {
                file.offer(stream, snapshot);
                ready(()).boxed()
            }
            Opened::Memory(memory) => memory.keep(stream, snapshot),
        }
    }
}

impl fmt::Debug for SqliteSnapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSnapshots").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The file, with who reads it and who writes it.
struct SnapshotFile {
    /// Whether there is none at all, so that no look-up is needed: short streams have none. What another process keeps
    /// is seen when the file is opened next.
    is_empty: Arc<AtomicBool>,
    // Held for one lookup, which takes microseconds.
    reader: Mutex<Connection>,
    /// None once they are being dropped.
    waiting: Option<SyncSender<(StreamName, StateSnapshot)>>,
    writer: Option<JoinHandle<()>>,
}

impl SnapshotFile {
    fn open(path: &Path) -> rusqlite::Result<Self> {
        Self::at(path).or_else(|error| {
            if is_locked(&error) {
                return Err(error);
            }
            tracing::warn!(target: MADE_ANEW, path = %path.display(), %error, "the snapshots can't be read and are made anew");
            made_anew::remove(path);
            Self::at(path)
        })
    }

    fn at(path: &Path) -> rusqlite::Result<Self> {
        let (writer, reader) = (made_anew::open(path, WAIT)?, made_anew::open(path, WAIT)?);
        writer.execute(TABLE, [])?;
        Self::of(writer, reader)
    }

    /// A command waits for what is looked up, and goes on without; nobody waits for what is written.
    fn of(writer: Connection, reader: Connection) -> rusqlite::Result<Self> {
        reader.busy_timeout(Duration::ZERO)?;
        let is_empty = "SELECT NOT EXISTS (SELECT 1 FROM snapshots_1)";
        let is_empty: bool = writer.query_row(is_empty, [], |row| row.get(0))?;
        let is_empty = Arc::new(AtomicBool::new(is_empty));
        let (waiting, offered) = sync_channel(WAITING_MAX);
        let write = {
            let is_empty = Arc::clone(&is_empty);
            move || {
                for (stream, snapshot) in offered {
                    is_empty.store(false, Ordering::Relaxed);
                    if let Err(error) = write(&writer, &stream, &snapshot) {
                        tracing::warn!(%stream, %error, "a snapshot can't be written");
                    }
                }
            }
        };
        // Without a thread nothing is kept, which costs time and nothing else.
        let writer = Builder::new().name("snapshots".to_owned()).spawn(write).ok();
        Ok(Self { is_empty, reader: Mutex::new(reader), waiting: Some(waiting), writer })
    }

    fn find(&self, stream: &StreamName) -> Option<StateSnapshot> {
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

    fn read(&self, stream: &StreamName) -> rusqlite::Result<Option<StateSnapshot>> {
        let connection = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = connection.prepare_cached(
            "SELECT version, event_id, revision, state, checksum FROM snapshots_1 WHERE stream = ?1",
        )?;
        let row = statement.query_row([stream.as_str()], |row| {
            let kept = StateSnapshot {
                version: Version::new(row.get(0)?),
                event_id: EventId::from_bytes(row.get(1)?),
                revision: Revision::from_bytes(row.get(2)?),
                state: Bytes::from(row.get::<_, Vec<u8>>(3)?),
            };
            Ok((kept, row.get::<_, u32>(4)?))
        });
        Ok(row.optional()?.filter(|(kept, sum)| checksum(stream, kept) == *sum).map(|(kept, _)| kept))
    }

    /// Keeps it some time soon, or not at all when too many wait.
    fn offer(&self, stream: &StreamName, snapshot: StateSnapshot) {
        if snapshot.state.len() <= STATE_BYTES_MAX
            && let Some(waiting) = &self.waiting
        {
            let _ = waiting.try_send((stream.clone(), snapshot));
        }
    }
}

/// What waits is still written.
impl Drop for SnapshotFile {
    fn drop(&mut self) {
        drop(self.waiting.take());
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has kept less than it might have.
            let _ = writer.join();
        }
    }
}

fn write(connection: &Connection, stream: &StreamName, snapshot: &StateSnapshot) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO snapshots_1 (stream, version, event_id, revision, state, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    statement.execute(params![
        stream.as_str(),
        snapshot.version.get(),
        snapshot.event_id.into_bytes(),
        snapshot.revision.into_bytes(),
        &snapshot.state[..],
        checksum(stream, snapshot)
    ])?;
    Ok(())
}

/// Over everything that the row says, so that no part of one row is taken for a part of another.
fn checksum(stream: &StreamName, snapshot: &StateSnapshot) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    hash.update(stream.as_str().as_bytes());
    hash.update(&[0]);
    hash.update(&snapshot.version.get().to_le_bytes());
    hash.update(&snapshot.event_id.into_bytes());
    hash.update(&snapshot.revision.into_bytes());
    hash.update(&snapshot.state);
    hash.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> StateSnapshot {
        StateSnapshot {
            revision: Revision::of("x"),
            version: Version::new(3),
            event_id: EventId::from_bytes([7; 16]),
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
        write(&other, &stream, &kept()).unwrap();
        let file = SnapshotFile::of(open(), open()).unwrap();
        assert_eq!(file.find(&stream), Some(kept()));
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let begun = std::time::Instant::now();
        assert_eq!(file.find(&stream), None);
        assert!(begun.elapsed() < WAIT / 4, "{:?}", begun.elapsed());
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(file.find(&stream), Some(kept()), "it was not lost");
    }

    #[test]
    fn a_file_that_another_process_has_locked_is_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, stream) = (folder.path().join("snapshots"), "till-1".parse().unwrap());
        let file = SnapshotFile::open(&path).unwrap();
        file.offer(&stream, kept());
        drop(file);
        let other = Connection::open(&path).unwrap();
        other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
        assert!(SnapshotFile::open(&path).is_err());
        other.execute_batch("COMMIT").unwrap();
        drop(other);
        assert_eq!(SnapshotFile::open(&path).unwrap().find(&stream), Some(kept()));
    }

    #[test]
    fn what_a_row_says_is_told_from_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let (path, stream) = (folder.path().join("snapshots"), "till-1".parse().unwrap());
        let harms = ["state = X'32'", "version = 2", "stream = 'till-2'", "revision = zeroblob(16)"];
        for harm in harms {
            let file = SnapshotFile::open(&path).unwrap();
            file.offer(&stream, kept());
            drop(file);
            let changed = Connection::open(&path).unwrap();
            assert_eq!(changed.execute(&format!("UPDATE snapshots_1 SET {harm}"), []).unwrap(), 1);
            let file = SnapshotFile::open(&path).unwrap();
            assert_eq!(file.find(&stream), None, "{harm}");
            assert_eq!(file.find(&"till-2".parse().unwrap()), None, "{harm}");
            changed.execute("DELETE FROM snapshots_1", []).unwrap();
        }
    }
}
