//! Files of `SQLite` that were opened here stay open until the process ends.
//!
//! `SQLite` locks its files with locks that belong to the process: whoever closes any descriptor of such a file drops
//! all of them, those of connections in use, too.
//! So one descriptor of each file is kept, which also holds its number, so that no other file can get it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How files of `SQLite` begin: the database, and its write-ahead log but for the last bit, which is the byte order.
const DATABASE: &[u8] = b"SQLite format 3\0";
const WRITE_AHEAD: &[u8] = b"\x37\x7f\x06";

type Id = (u64, u64);

struct Kept {
    file: File,
    /// By this process, which would get it a second time.
    locked: bool,
}

static KEPT: Mutex<BTreeMap<Id, Kept>> = Mutex::new(BTreeMap::new());

fn kept() -> MutexGuard<'static, BTreeMap<Id, Kept>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A database that is locked for the one who owns it.
#[derive(Debug)]
pub struct DatabaseLock {
    id: Option<Id>,
}

impl Drop for DatabaseLock {
    fn drop(&mut self) {
        if let Some(kept) = self.id.and_then(|id| kept().get_mut(&id).map(unlocked)) {
            // What can't be unlocked is when this process ends.
            drop(kept);
        }
    }
}

fn unlocked(kept: &mut Kept) -> io::Result<()> {
    kept.locked = false;
    kept.file.unlock()
}

/// Locks a database's file, which is there, for its owner; nothing while somebody has it locked. `SQLite`'s own locks
/// are others, and readers and writers of the file are not held up.
///
/// On systems other than Linux both would be the same locks: there, everybody gets one.
pub fn take_database(path: &Path) -> io::Result<Option<DatabaseLock>> {
    if cfg!(not(target_os = "linux")) {
        return Ok(Some(DatabaseLock { id: None }));
    }
    let mut all = kept();
    let Some(id) = id(&fs::metadata(path)?) else { return Ok(Some(DatabaseLock { id: None })) };
    let kept = match all.entry(id) {
        std::collections::btree_map::Entry::Occupied(kept) => kept.into_mut(),
        std::collections::btree_map::Entry::Vacant(free) => {
            free.insert(Kept { file: File::open(path)?, locked: false })
        }
    };
    if kept.locked {
        return Ok(None);
    }
    match kept.file.try_lock() {
        Ok(()) => kept.locked = true,
        Err(fs::TryLockError::WouldBlock) => return Ok(None),
        // A file system without locks has none to be refused by.
        Err(fs::TryLockError::Error(_)) => return Ok(Some(DatabaseLock { id: None })),
    }
    Ok(Some(DatabaseLock { id: Some(id) }))
}

/// The first bytes of a file; none of a pipe or a device, which could be waited for without an end.
pub(crate) fn first_bytes(path: &Path) -> io::Result<Vec<u8>> {
    // While this is held, nobody else opens one of them here.
    let mut all = kept();
    let mut bytes = vec![0; 32];
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Ok(Vec::new());
    }
    let id = id(&metadata);
    if let Some(kept) = id.and_then(|id| all.get(&id)) {
        let read = read_start(&kept.file, &mut bytes)?;
        bytes.truncate(read);
        return Ok(bytes);
    }
    let mut file = File::open(path)?;
    bytes.clear();
    Read::by_ref(&mut file).take(32).read_to_end(&mut bytes)?;
    if let Some(id) = id
        && (bytes.starts_with(DATABASE) || bytes.starts_with(WRITE_AHEAD))
    {
        all.insert(id, Kept { file, locked: false });
    }
    Ok(bytes)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere there is none")]
fn id(metadata: &fs::Metadata) -> Option<Id> {
    use std::os::unix::fs::MetadataExt as _;

    Some((metadata.dev(), metadata.ino()))
}

/// Elsewhere locks belong to descriptors.
#[cfg(not(unix))]
fn id(_: &fs::Metadata) -> Option<Id> {
    None
}

#[cfg(unix)]
fn read_start(file: &File, bytes: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, 0)
}

#[cfg(not(unix))]
fn read_start(_: &File, _: &mut [u8]) -> io::Result<usize> {
    Ok(0)
}
