//! `SQLite` as an event store, tuned as one would tune it for this: one writing connection on a thread of its own
//! that takes what waits as one transaction.

mod group;

use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags, Row};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::tasks::{self, Appender};
use super::{Commit, Read, Store, Writer};
use crate::events::{Event, Stream, TYPES, customer_tag};
use crate::failure::{Failure, Result};
use crate::rounds::Round;
use group::{Request, Write};

pub(super) const NAME: &str = "sqlite";

const FILE: &str = "events.db";

/// What both connections are set to. The map covers what the files grow to, within `SQLite`'s own limit of 2 GiB.
const TUNING: &str = "
    PRAGMA cache_size = -262144;
    PRAGMA mmap_size = 2147418112;
    PRAGMA temp_store = MEMORY;
";

/// The write-ahead log is checkpointed each 64 MiB and never made shorter, so that commits overwrite space that the
/// file has already.
const DURABILITY: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 16384;
    PRAGMA journal_size_limit = -1;
    PRAGMA locking_mode = NORMAL;
    PRAGMA foreign_keys = OFF;
";

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS events (
        position INTEGER PRIMARY KEY,
        stream TEXT NOT NULL,
        version INTEGER NOT NULL,
        event_id BLOB NOT NULL,
        event_type TEXT NOT NULL,
        schema_version INTEGER NOT NULL,
        occurred_at INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL,
        metadata BLOB NOT NULL,
        data BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX IF NOT EXISTS events_by_stream ON events (stream, version);
    CREATE INDEX IF NOT EXISTS events_by_type ON events (event_type);
    CREATE TABLE IF NOT EXISTS tags (
        tag TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (tag, position)
    ) STRICT, WITHOUT ROWID;
";

/// The event's columns, in the order in which [`hand_out`] reads them.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT e.position, e.stream, e.version, e.event_id, e.event_type, e.schema_version, e.occurred_at, ",
            "e.recorded_at, e.metadata, e.data FROM ",
            $rest
        )
    };
}

pub(super) fn configuration() -> String {
    let sync = match option_env!("LIBSQLITE3_FLAGS") {
        Some(flags) if flags.contains("HAVE_FDATASYNC") => "fdatasync",
        _ => "fsync, for want of `HAVE_FDATASYNC` in the build",
    };
    format!(
        "{} (bundled), WAL, synchronous=FULL ({sync}), checkpoint each 64 MiB, WAL file kept, 256 MiB cache, \
         memory map; one writing thread takes what waits as one transaction of prepared statements; unique index \
         by stream and version, indexes by type and by tag, none by event id; writers are tasks",
        rusqlite::version(),
    )
}

fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(error: E) -> Failure {
    Failure::engine(NAME)(error)
}

#[derive(Debug)]
pub(super) struct Sqlite {
    reader: Connection,
    appender: SqliteAppender,
    thread: JoinHandle<rusqlite::Result<()>>,
    runtime: Handle,
}

pub(super) fn open(folder: &Path, runtime: &Handle) -> Result<Sqlite> {
    std::fs::create_dir_all(folder).map_err(failed)?;
    let file = folder.join(FILE);
    let writer = Connection::open(&file).map_err(failed)?;
    for batch in [TUNING, DURABILITY, SCHEMA] {
        writer.execute_batch(batch).map_err(failed)?;
    }
    let reader = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    reader.execute_batch(TUNING).map_err(failed)?;
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::spawn(move || group::run(&writer, &receiver));
    Ok(Sqlite { reader, appender: SqliteAppender(sender), thread, runtime: runtime.clone() })
}

#[derive(Clone, Debug)]
struct SqliteAppender(mpsc::Sender<Request>);

impl SqliteAppender {
    async fn send(&self, writes: Vec<Write>) -> Result<u64> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Request { writes, reply }).map_err(|_| failed("the writing thread has ended"))?;
        answer.await.map_err(failed)?.map_err(failed)
    }
}

impl Appender for SqliteAppender {
    async fn append(&self, commit: Commit) -> Result<u64> {
        let Commit { stream, seen, events } = commit;
        self.send(vec![Write { stream: stream.name(), expected: Some(seen), events }]).await
    }
}

impl Store for Sqlite {
    fn append(&mut self, writers: &mut Vec<Writer>, batch: usize, round: &Round) -> Result<u64> {
        tasks::append(&self.appender, writers, batch, round, &self.runtime)
    }

    fn load(&mut self, commit: Vec<(Stream, Vec<Event>)>) -> Result<()> {
        let write = |(stream, events): (Stream, _)| Write { stream: stream.name(), expected: None, events };
        self.runtime.block_on(self.appender.send(commit.into_iter().map(write).collect()))?;
        Ok(())
    }

    fn read(&mut self, read: Read, visit: &mut dyn FnMut(&[u8])) -> Result<u64> {
        let (sql, key) = match read {
            Read::All => (select!("events e ORDER BY e.position"), None),
            Read::Stream(stream) => {
                (select!("events e WHERE e.stream = ?1 ORDER BY e.version"), Some(stream.name()))
            }
            Read::EventType(event_type) => (
                select!("events e WHERE e.event_type = ?1 ORDER BY e.position"),
                Some(TYPES[event_type].to_owned()),
            ),
            Read::Customer(customer) => (
                select!(
                    "tags t JOIN events e ON e.position = t.position WHERE t.tag = ?1 ORDER BY t.position"
                ),
                Some(customer_tag(customer)),
            ),
        };
        let mut statement = self.reader.prepare_cached(sql).map_err(failed)?;
        let mut rows = statement.query(rusqlite::params_from_iter(key)).map_err(failed)?;
        let mut count = 0;
        while let Some(row) = rows.next().map_err(failed)? {
            hand_out(row, visit).map_err(failed)?;
            count += 1;
        }
        Ok(count)
    }

    fn index_bytes(&mut self) -> Result<u64> {
        let sql = "SELECT sum(pgsize) FROM dbstat WHERE aggregate = TRUE AND name IN \
                   ('events_by_stream', 'events_by_type', 'tags')";
        self.reader.query_one(sql, [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned).map_err(failed)
    }

    fn close(self: Box<Self>) -> Result<()> {
        let Self { reader, appender, thread, .. } = *self;
        drop(appender);
        let ended = thread.join().map_err(|_| failed("the writing thread panicked"))?;
        ended.map_err(failed)?;
        reader.close().map_err(|(_, error)| failed(error))
    }
}

/// An event as one would hand it out: borrowed from the row, every column looked at.
fn hand_out(row: &Row<'_>, visit: &mut dyn FnMut(&[u8])) -> rusqlite::Result<()> {
    struct Recorded<'a> {
        _position: i64,
        _stream: &'a str,
        _version: i64,
        _event_id: &'a [u8],
        _event_type: &'a str,
        _schema_version: i64,
        _occurred_at: i64,
        _recorded_at: i64,
        _metadata: &'a [u8],
        data: &'a [u8],
    }
    let event = Recorded {
        _position: row.get_ref(0)?.as_i64()?,
        _stream: row.get_ref(1)?.as_str()?,
        _version: row.get_ref(2)?.as_i64()?,
        _event_id: row.get_ref(3)?.as_blob()?,
        _event_type: row.get_ref(4)?.as_str()?,
        _schema_version: row.get_ref(5)?.as_i64()?,
        _occurred_at: row.get_ref(6)?.as_i64()?,
        _recorded_at: row.get_ref(7)?.as_i64()?,
        _metadata: row.get_ref(8)?.as_blob()?,
        data: row.get_ref(9)?.as_blob()?,
    };
    visit(std::hint::black_box(event).data);
    Ok(())
}
