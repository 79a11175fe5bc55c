//! The files of a read database: their names, and how they are opened and removed.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::fault::{failed, failed_io, is_passing};
use crate::{Claim, DatabaseError};

/// Where the files are.
#[derive(Clone, Debug)]
pub(super) struct Files {
    registry: PathBuf,
    busy_timeout: Duration,
}

/// A lock, held as long as this lives.
#[derive(Debug)]
pub(super) struct Lock {
    file: fs::File,
}

impl Drop for Lock {
    /// Closing the file is not enough while a child process that is just being started has a copy of it.
    fn drop(&mut self) {
        // What can't be unlocked is when this process ends.
        drop(self.file.unlock());
    }
}

impl Claim for Lock {}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// What a power cut takes is made again from the events.
    Derived,
    /// Every commit is synced.
    Original,
}

impl Files {
    /// The files beside this registry; its folder is made when it isn't there.
    pub(super) fn new(registry: &Path, busy_timeout: Duration) -> Result<Self, DatabaseError> {
        let files = Self { registry: registry.to_owned(), busy_timeout };
        fs::create_dir_all(files.folder())
            .map_err(failed_io(format!("make the folder {}", files.folder().display())))?;
        Ok(files)
    }

    pub(super) fn registry(&self) -> &Path {
        &self.registry
    }

    fn folder(&self) -> &Path {
        match self.registry.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => Path::new("."),
        }
    }

    /// `read.db` has `read.orders.1.db` beside it; projections' names have no dots.
    pub(super) fn generation(&self, projection: &str, number: u64) -> PathBuf {
        let part = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
        let stem = part(self.registry.file_stem()).unwrap_or_default();
        let extension =
            part(self.registry.extension()).map_or(String::new(), |extension| format!(".{extension}"));
        self.folder().join(format!("{stem}.{projection}.{number}{extension}"))
    }

    /// Opens a file for writing; without `create`, it must be there.
    pub(super) fn open(
        &self,
        path: &Path,
        create: bool,
        durability: Durability,
    ) -> rusqlite::Result<Connection> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        flags.set(OpenFlags::SQLITE_OPEN_CREATE, create);
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        let synchronous = if durability == Durability::Original { "full" } else { "normal" };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // Pages that a batch touches again and again stay in memory: 32 MiB, as a negative number of KiB.
        connection.pragma_update(None, "cache_size", -32 << 10)?;
        Ok(connection)
    }

    /// Opens a file for reading.
    pub(super) fn open_to_read(&self, path: &Path) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        Ok(connection)
    }

    /// Locks the database for running its projections; who has it locked, as far as that is known, while somebody has.
    ///
    /// The lock is a file of its own, since `SQLite` has its own locks on the others; it ends with the process.
    pub(super) fn lock(&self) -> Result<Result<Lock, String>, DatabaseError> {
        let mut path = self.registry.clone().into_os_string();
        path.push(".lock");
        let doing = || format!("lock {}", Path::new(&path).display());
        let file = fs::OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = file.map_err(failed_io(doing()))?;
        match file.try_lock() {
            Ok(()) => {
                // For who finds it locked; that it can't be written is no reason not to have it.
                let _ = file.set_len(0).and_then(|()| write!(file, "process {}", std::process::id()));
                Ok(Ok(Lock { file }))
            }
            Err(fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let read = file.read_to_string(&mut holder);
                let is_known = read.is_ok() && !holder.is_empty();
                Ok(Err(if is_known { holder } else { "another process".to_owned() }))
            }
            Err(fs::TryLockError::Error(error)) => Err(failed_io(doing())(error)),
        }
    }

    /// Syncs the folder, so that a file made in it stays.
    pub(super) fn sync_folder(&self) -> Result<(), DatabaseError> {
        let doing = || format!("sync the folder {}", self.folder().display());
        let folder = fs::File::open(self.folder()).map_err(failed_io(doing()))?;
        folder.sync_all().map_err(failed_io(doing()))
    }

    /// Removes what an earlier attempt to make this generation left behind.
    pub(super) fn clear(&self, projection: &str, number: u64) -> Result<(), DatabaseError> {
        let path = self.generation(projection, number);
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut name = path.clone().into_os_string();
            name.push(suffix);
            match fs::remove_file(&name) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    let doing = format!("remove {}", Path::new(&name).display());
                    return Err(failed_io(doing)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes a generation's file, unless somebody has it open; tells whether it is gone.
    ///
    /// It leaves WAL mode first, which `SQLite` allows only to the last one who has it open: were the file removed
    /// while its `-wal` is in use, a reader that had opened the one might not find the other, and see half of what
    /// was checkpointed.
    pub(super) fn remove(&self, projection: &str, number: u64) -> Result<bool, DatabaseError> {
        let path = self.generation(projection, number);
        let doing = || format!("remove {}", path.display());
        if !path.exists() {
            return Ok(true);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).map_err(failed(doing()))?;
        match connection
            .pragma_update_and_check(None, "journal_mode", "delete", |row| row.get::<_, String>(0))
        {
            Ok(mode) if mode == "delete" => {}
            Ok(_) => return Ok(false),
            Err(error) if is_passing(&error) => return Ok(false),
            // A file that is damaged has no readers to protect.
            Err(_) => {}
        }
        drop(connection);
        self.clear(projection, number)?;
        Ok(true)
    }
}
