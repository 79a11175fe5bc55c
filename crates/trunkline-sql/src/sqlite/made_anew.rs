//! Files of what is derived: one that can't be used is made anew.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use trunkline_place::new_file;

/// The target of what is told when something derived was damaged and is made anew: whoever listens to nothing else shows
/// these to its user.
pub(super) const MADE_ANEW: &str = "trunkline::made_anew";

/// Removes a database's files, whatever they are.
pub(super) fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        // What isn't there needs not be removed, and what can't be is found by opening it.
        let _ = std::fs::remove_file(file);
    }
}

/// Makes a database's file, if it isn't there, such that nobody but its owner can read it; the files that `SQLite` puts
/// beside it get the same rights.
pub(super) fn make_private(path: &Path) {
    // What can't be made is found by opening it. One that is there is not opened: closing it would drop the locks that
    // this process has on it.
    let _ = new_file().create_new(true).open(path);
}

/// Opens a file whose commits are not synced one by one: after a power cut it is older.
pub(super) fn open(path: &Path, wait: Duration) -> rusqlite::Result<Connection> {
    make_private(path);
    let connection = Connection::open(path)?;
    connection.busy_timeout(wait)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// Whether the tables and indexes are those that this makes, and no others.
pub(super) fn has_tables(connection: &Connection, tables: &str) -> rusqlite::Result<bool> {
    let made = Connection::open_in_memory()?;
    made.execute_batch(tables)?;
    Ok(schema(connection)? == schema(&made)?)
}

fn schema(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}
