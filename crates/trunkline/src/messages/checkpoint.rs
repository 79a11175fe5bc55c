//! How far a reader of the log has come: a place that names what it saw.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use trunkline_core::{EventId, Position, StoreId};
use trunkline_store::{EventStore, EventStoreExt, ReadError};

/// The last event that a reader of the log is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The store.
    pub store: StoreId,
    /// The event's position.
    pub position: Position,
    /// The event's id.
    pub event_id: EventId,
}

/// Why a checkpoint can't be used, or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The log is another one than the checkpoint saw: a restored backup, another store.
    #[error(
        "`{name}` has come to position {position}, where the log has {found}; \
         it stops, since it can't know what it has missed"
    )]
    AheadOfLog {
        /// Whose checkpoint it is.
        name: String,
        /// Its position.
        position: Position,
        /// What is there instead.
        found: &'static str,
    },
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The checkpoint could not be read or written.
    #[error("the checkpoint of `{name}` could not be {done}: {source}")]
    Io {
        /// Whose checkpoint it is.
        name: String,
        /// What was tried: `read`, `written` or `removed`.
        done: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl CheckpointError {
    /// Whether it passes by itself, once somebody makes room.
    pub(crate) fn passes(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, Self::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }
}

impl Checkpoint {
    /// Checks that the log still has what the checkpoint saw.
    pub async fn check(&self, name: &str, store: &dyn EventStore) -> Result<(), CheckpointError> {
        let found = match store.event_at(self.position).await? {
            _ if store.id() != self.store => "the events of another store",
            None => "no event",
            Some(event) if event.event_id() != self.event_id => "another event",
            Some(_) => return Ok(()),
        };
        Err(CheckpointError::AheadOfLog { name: name.to_owned(), position: self.position, found })
    }
}

/// Where checkpoints are kept, by name.
///
/// A checkpoint may be older than what its owner did: the owner does some of it again, which must be harmless.
pub trait Checkpoints: Send + Sync + 'static {
    /// The checkpoint of this name, when there is one.
    fn load(&self, name: &str) -> Result<Option<Checkpoint>, CheckpointError>;

    /// Keeps it in the place of the one before: afterwards the one or the other is there, and whole.
    fn save(&self, name: &str, checkpoint: &Checkpoint) -> Result<(), CheckpointError>;

    /// Forgets it: its owner begins at the first event again.
    fn forget(&self, name: &str) -> Result<(), CheckpointError>;
}

/// Checkpoints in memory.
#[derive(Debug, Default)]
pub struct MemoryCheckpoints(Mutex<BTreeMap<String, Checkpoint>>);

impl Checkpoints for MemoryCheckpoints {
    fn load(&self, name: &str) -> Result<Option<Checkpoint>, CheckpointError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.get(name).copied())
    }

    fn save(&self, name: &str, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(name.to_owned(), *checkpoint);
        Ok(())
    }

    fn forget(&self, name: &str) -> Result<(), CheckpointError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }
}

/// Checkpoints in a folder, a small file each: written beside, synced, and renamed.
#[derive(Debug)]
pub struct FileCheckpoints {
    folder: PathBuf,
}

impl FileCheckpoints {
    /// Checkpoints in this folder, which is made when something is kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// All that were kept, by name.
    pub fn all(&self) -> Result<BTreeMap<String, Checkpoint>, CheckpointError> {
        let failed =
            |source| CheckpointError::Io { name: self.folder.display().to_string(), done: "read", source };
        let files = match fs::read_dir(&self.folder) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut all = BTreeMap::new();
        for file in files {
            let file = file.map_err(failed)?.file_name();
            let name = file.to_str().and_then(|file| name_of(file.strip_suffix(".checkpoint.json")?));
            if let Some(name) = name
                && let Some(checkpoint) = self.load(&name)?
            {
                all.insert(name, checkpoint);
            }
        }
        Ok(all)
    }

    fn path(&self, name: &str, kind: &str) -> PathBuf {
        self.folder.join(format!("{}.checkpoint.{kind}", file_name(name)))
    }

    fn write(&self, name: &str, checkpoint: &Checkpoint) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let beside = self.path(name, "new");
        let mut file = File::create(&beside)?;
        serde_json::to_writer(&file, checkpoint)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(beside, self.path(name, "json"))?;
        File::open(&self.folder)?.sync_all()
    }
}

/// A name as part of a file's: what has a meaning there is written as `%` and its bytes.
fn file_name(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"$-_.".contains(&byte);
    let written = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") };
    name.bytes().map(written).collect()
}

/// The name that is written like that, if it is one.
fn name_of(file: &str) -> Option<String> {
    let mut parts = file.split('%');
    let mut name = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (byte, plain) = part.split_at_checked(2)?;
        name.push(u8::from_str_radix(byte, 16).ok()?);
        name.extend(plain.as_bytes());
    }
    String::from_utf8(name).ok()
}

impl Checkpoints for FileCheckpoints {
    fn load(&self, name: &str) -> Result<Option<Checkpoint>, CheckpointError> {
        let failed = |source| CheckpointError::Io { name: name.to_owned(), done: "read", source };
        let path = self.path(name, "json");
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
                // What is done again has the same ids, by which the queue and the log know it.
                let remedy = format!("remove {} to begin again at the first event", path.display());
                failed(io::Error::other(format!("it is none ({error}); {remedy}")))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn save(&self, name: &str, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let failed = |source| CheckpointError::Io { name: name.to_owned(), done: "written", source };
        self.write(name, checkpoint).map_err(failed)
    }

    fn forget(&self, name: &str) -> Result<(), CheckpointError> {
        let failed = |source| CheckpointError::Io { name: name.to_owned(), done: "removed", source };
        match fs::remove_file(self.path(name, "json")) {
            Ok(()) => File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(failed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }
}
