//! Opening a file of `SQLite` for who only looks: nothing beside it is made, and nothing of it changes.
//!
//! `SQLite` itself makes the files of its write-ahead log when it reads, unless it is told otherwise.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// The names under which a file may be opened, the first that works: without a change, or beside its writer.
pub(super) fn names(path: &Path) -> rusqlite::Result<Vec<String>> {
    let text = path.to_str().ok_or_else(|| rusqlite::Error::InvalidPath(path.to_owned()))?;
    let escaped = text.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    let length = |suffix: &str| fs::metadata(format!("{text}{suffix}")).map(|file| file.len()).ok();
    let read_only = format!("file:{escaped}?mode=ro");
    Ok(match (length("-shm"), length("-wal")) {
        // Whoever had it open is gone, or writes to it now; the index of its log is read, or made in memory.
        (Some(_), _) => vec![format!("{read_only}&readonly_shm=1"), read_only],
        // All of it is in the file.
        (None, None | Some(0)) => vec![format!("{read_only}&immutable=1")],
        // A copy without the index of its log.
        (None, Some(_)) => vec![read_only],
    })
}

/// Opens a file that is there.
pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    first_of(names(path)?, |name| {
        let connection = Connection::open_with_flags(name, flags)?;
        // Nothing is read before it is asked for.
        connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    })
}

/// What comes of the first name that works, or the last error.
pub(super) fn first_of<T>(
    names: Vec<String>,
    mut open: impl FnMut(&str) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let mut came = Err(rusqlite::Error::QueryReturnedNoRows);
    for name in names {
        came = open(&name);
        if came.is_ok() {
            break;
        }
    }
    came
}
