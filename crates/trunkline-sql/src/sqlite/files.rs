//! The files of a read database, on a disk or in memory: their names, and how they are opened and removed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use trunkline_place::{
    DatabaseLock, FileLock, in_the_way_of_database, make_folder, owner_at, take_database, take_file,
};

use super::dialect::SqliteDialect;
use super::fault::{failed, failed_io, is_passing};
use super::look;
use super::made_anew;
use super::memory::{self, Memory};
use crate::{Claim, Claimed, DatabaseError, Dialect as _};

/// Where the files are.
#[derive(Clone, Debug)]
pub(super) struct Files {
    place: Place,
    busy_timeout: Duration,
    /// Whether nothing is made or changed.
    looks: bool,
}

#[derive(Clone, Debug)]
enum Place {
    /// Beside this registry.
    Disk(PathBuf),
    Memory(Arc<Memory>),
}

/// A lock on the registry, and on the file that says who has it, held as long as this lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: FileLock,
    _registry: DatabaseLock,
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
    pub(super) fn on_disk(registry: &Path, busy_timeout: Duration) -> Result<Self, DatabaseError> {
        let doing = || format!("open the read database {}", registry.display());
        if let Some(held) = in_the_way_of_database(registry).map_err(failed_io(doing()))? {
            let reason = format!("there is {held}; name another file");
            return Err(DatabaseError::Lasting { doing: doing(), reason });
        }
        let folder = folder(registry);
        make_folder(folder).map_err(failed_io(format!("make the folder {}", folder.display())))?;
        Ok(Self { place: Place::Disk(registry.to_owned()), busy_timeout, looks: false })
    }

    /// The files beside this registry, for who only looks.
    pub(super) fn looked_at(registry: &Path, busy_timeout: Duration) -> Self {
        Self { place: Place::Disk(registry.to_owned()), busy_timeout, looks: true }
    }

    /// Files that nobody else sees, and that are gone with the last of those who have them.
    pub(super) fn in_memory() -> Self {
        Self { place: Place::Memory(Memory::new()), busy_timeout: Duration::ZERO, looks: false }
    }

    pub(super) fn are_on_disk(&self) -> bool {
        matches!(self.place, Place::Disk(_))
    }

    /// Where they are, for messages.
    pub(super) fn place(&self) -> String {
        match &self.place {
            Place::Disk(registry) => format!("sqlite:{}", registry.display()),
            Place::Memory(_) => "memory:".to_owned(),
        }
    }

    /// The registry's file, or what takes its place in memory.
    pub(super) fn registry(&self) -> PathBuf {
        match &self.place {
            Place::Disk(registry) => registry.clone(),
            Place::Memory(memory) => memory.registry().into(),
        }
    }

    /// `read.db` has `read.orders.1.db` beside it; projections' names have no dots.
    pub(super) fn generation(&self, projection: &str, number: u64) -> PathBuf {
        let registry = match &self.place {
            Place::Disk(registry) => registry,
            Place::Memory(memory) => return memory.generation(projection, number).into(),
        };
        let part = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
        let stem = part(registry.file_stem()).unwrap_or_default();
        let extension = part(registry.extension()).map_or(String::new(), |extension| format!(".{extension}"));
        folder(registry).join(format!("{stem}.{projection}.{number}{extension}"))
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
        let connection = self.connect(path, flags)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        let synchronous = if durability == Durability::Original { "full" } else { "normal" };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // Pages that a batch touches again and again stay in memory: 32 MiB, as a negative number of KiB.
        connection.pragma_update(None, "cache_size", -32 << 10)?;
        Ok(connection)
    }

    /// Opens a generation for reading.
    pub(super) fn open_to_read(&self, projection: &str, number: u64) -> rusqlite::Result<Connection> {
        let path = self.generation(projection, number);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match &self.place {
            Place::Disk(_) => self.connect(&path, flags),
            Place::Memory(memory) => memory.while_kept(projection, number, || self.connect(&path, flags)),
        }
    }

    /// Opens the registry for who only looks; nothing where there is none.
    pub(super) fn look_at_registry(&self) -> rusqlite::Result<Option<Connection>> {
        let path = self.registry();
        path.exists().then(|| self.connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)).transpose()
    }

    fn connect(&self, path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
        if self.looks {
            let connection = look::open(path)?;
            connection.busy_timeout(self.busy_timeout)?;
            return Ok(connection);
        }
        let uri = if self.are_on_disk() {
            if flags.contains(OpenFlags::SQLITE_OPEN_CREATE) {
                made_anew::make_private(path);
            }
            OpenFlags::empty()
        } else {
            OpenFlags::SQLITE_OPEN_URI
        };
        let mut connection = Connection::open_with_flags(path, flags | uri)?;
        match self.place {
            Place::Disk(_) => connection.busy_timeout(self.busy_timeout)?,
            Place::Memory(_) => memory::wait_when_busy(&mut connection)?,
        }
        Ok(connection)
    }

    /// Attaches a generation for reading only, under the projection's name.
    pub(super) fn attach(
        &self,
        connection: &mut Connection,
        projection: &str,
        number: u64,
    ) -> rusqlite::Result<()> {
        let path = self.generation(projection, number);
        let text = path.to_str().ok_or_else(|| rusqlite::Error::InvalidPath(path.clone()))?;
        let sql = format!("ATTACH ?1 AS {}", SqliteDialect.quoted(projection));
        match &self.place {
            Place::Disk(_) if self.looks => {
                let name = SqliteDialect.quoted(projection);
                look::first_of(look::names(&path)?, |file| {
                    connection.execute(&sql, [file])?;
                    let read = format!("SELECT COUNT(*) FROM {name}.sqlite_schema");
                    let read = connection.query_row(&read, [], |_| Ok(()));
                    // The next name is attached in its place.
                    read.or_else(|error| connection.execute(&format!("DETACH {name}"), []).and(Err(error)))
                })?;
            }
            Place::Disk(_) => {
                let escaped = text.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
                connection.execute(&sql, [format!("file:{escaped}?mode=ro")])?;
            }
            Place::Memory(memory) => {
                memory::wait_when_busy(connection)?;
                let attach = || connection.execute(&sql, [format!("{text}&mode=ro")]);
                memory.while_kept(projection, number, attach)?;
            }
        }
        Ok(())
    }

    /// A generation as it is now, for who reads it for long: its owner goes on meanwhile.
    pub(super) fn open_as_it_is(&self, projection: &str, number: u64) -> rusqlite::Result<Connection> {
        let live = self.open_to_read(projection, number)?;
        if self.are_on_disk() {
            live.execute_batch("BEGIN")?;
            return Ok(live);
        }
        // An owner in memory would wait for who reads.
        let mut copy = Connection::open_in_memory()?;
        Backup::new(&live, &mut copy)?.run_to_completion(i32::MAX, Duration::from_millis(1), None)?;
        Ok(copy)
    }

    /// Locks the database for running its projections; who has it locked, as far as that is known, while somebody has.
    ///
    /// The lock is none of `SQLite`'s own; it ends with the process.
    pub(super) fn lock(&self) -> Result<Claimed, DatabaseError> {
        let registry = match &self.place {
            Place::Disk(registry) => registry,
            Place::Memory(memory) => {
                let held = memory.claim().map(|held| Box::new(held) as Box<dyn Claim>);
                return Ok(held.ok_or_else(|| "this process".to_owned()));
            }
        };
        let mut path = registry.clone().into_os_string();
        path.push(".lock");
        let path = Path::new(&path);
        let doing = || format!("lock {}", path.display());
        // Whoever removes the file lets nobody in; earlier versions and some systems look at nothing else.
        let Some(registry) = take_database(registry).map_err(failed_io(doing()))? else {
            return Ok(Err(owner_at(path)));
        };
        let file = take_file(path, &format!("process {}", std::process::id())).map_err(failed_io(doing()))?;
        Ok(file.map(|file| Box::new(Lock { _file: file, _registry: registry }) as Box<dyn Claim>))
    }

    /// Has a generation's file stay that was made on this connection.
    pub(super) fn keep(
        &self,
        projection: &str,
        number: u64,
        connection: Connection,
    ) -> Result<(), DatabaseError> {
        if let Place::Memory(memory) = &self.place {
            memory.keep(projection, number, connection);
            return Ok(());
        }
        drop(connection);
        self.sync_folder()
    }

    /// Syncs the folder, so that a file made in it stays.
    pub(super) fn sync_folder(&self) -> Result<(), DatabaseError> {
        let Place::Disk(registry) = &self.place else { return Ok(()) };
        let folder = folder(registry);
        let doing = || format!("sync the folder {}", folder.display());
        let opened = fs::File::open(folder).map_err(failed_io(doing()))?;
        opened.sync_all().map_err(failed_io(doing()))
    }

    /// Removes what an earlier attempt to make this generation left behind.
    pub(super) fn clear(&self, projection: &str, number: u64) -> Result<(), DatabaseError> {
        if let Place::Memory(memory) = &self.place {
            memory.let_go(projection, number);
            return Ok(());
        }
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
        if !self.are_on_disk() {
            // What is in use is gone with its last reader.
            self.clear(projection, number)?;
            return Ok(true);
        }
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

fn folder(registry: &Path) -> &Path {
    match registry.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("."),
    }
}
