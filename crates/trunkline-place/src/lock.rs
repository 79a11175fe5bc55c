//! Locks on a folder's own descriptor and on files, released when they are dropped or when the process ends.
//!
//! A lock on a file beside what it protects is undone by removing that file: the next one makes another file and locks
//! that. A folder can't be removed while it has files, so its own descriptor is locked too, where the system allows it.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use crate::private::new_file;
/// How often a lock file that is replaced just while it is locked is opened again.
const ATTEMPTS: u32 = 20;

/// A folder that is locked for one writer.
#[derive(Debug)]
pub struct FolderLock {
    /// Absent where the system has no locks on folders.
    folder: Option<File>,
}

/// A file that is locked for one writer.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl Drop for FolderLock {
    /// To close it would do only once nobody else has it open: a child that another thread is starting just now has a
    /// copy of it, until its own program begins.
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // What can't be unlocked is when this process ends.
            drop(folder.unlock());
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        drop(self.file.unlock());
    }
}

/// Locks a folder that is there; nothing while somebody has it locked.
///
/// Where the system or the file system has no locks on folders, everybody gets one: there, the lock file is all there is.
pub fn take_folder(path: &Path) -> io::Result<Option<FolderLock>> {
    if cfg!(not(unix)) {
        return Ok(Some(FolderLock { folder: None }));
    }
    for _ in 0..ATTEMPTS {
        let folder = File::open(path)?;
        match folder.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            // Some file systems of the network lock only what is open for writing, which a folder never is.
            Err(TryLockError::Error(_)) => return Ok(Some(FolderLock { folder: None })),
        }
        let lock = FolderLock { folder: Some(folder) };
        // Between the two calls, another folder may have taken its place.
        if lock.folder.as_ref().is_some_and(|folder| is_at(folder, path)) {
            return Ok(Some(lock));
        }
    }
    Err(io::Error::other("the folder is replaced over and over"))
}

/// Locks a file, which is made when it isn't there, and writes the owner into it; the inner error is the owner that has it.
pub fn take_file(path: &Path, owner: &str) -> io::Result<Result<FileLock, String>> {
    if path.is_dir() {
        let what = format!("{} is a folder, and has to be a file; remove it", path.display());
        return Err(io::Error::new(io::ErrorKind::IsADirectory, what));
    }
    for _ in 0..ATTEMPTS {
        let file = new_file().read(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Err(owner_in(file))),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut lock = FileLock { file };
        // One that was removed between the two calls protects nothing.
        if is_at(&lock.file, path) {
            lock.file.set_len(0)?;
            lock.file.write_all(owner.as_bytes())?;
            return Ok(Ok(lock));
        }
    }
    Err(io::Error::other(format!("{} is replaced over and over", path.display())))
}

/// Who has a folder locked, by what its lock file says; nothing while nobody has.
///
/// Nothing is written, and no right to write is needed. For the moment of the look others find the folder locked, so they
/// look twice.
pub fn folder_holder(folder: &Path, lock_file: &str) -> io::Result<Option<String>> {
    for path in [folder.to_owned(), folder.join(lock_file)] {
        // Where folders can't be opened, the lock file is all there is.
        let opened = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(_) if cfg!(not(unix)) && path == folder => continue,
            opened => opened?,
        };
        match opened.try_lock_shared() {
            Ok(()) => opened.unlock()?,
            Err(TryLockError::WouldBlock) => return Ok(Some(owner_at(&folder.join(lock_file)))),
            // Some file systems lock only what is open for writing; then nobody knows.
            Err(TryLockError::Error(_)) => {}
        }
    }
    Ok(None)
}

/// Who a lock file says has it: for who finds the thing locked.
pub fn owner_at(path: &Path) -> String {
    File::open(path).map_or_else(|_| unknown(), owner_in)
}

fn owner_in(mut file: File) -> String {
    let mut owner = String::new();
    match file.read_to_string(&mut owner) {
        Ok(_) if !owner.is_empty() => owner,
        // It has the lock, and is about to write its name; or somebody removed what it had written.
        _ => unknown(),
    }
}

fn unknown() -> String {
    "another process".to_owned()
}

/// Whether the path still leads to what is open.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let id = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let open = file.metadata().map(id);
    let there = std::fs::metadata(path).map(id);
    matches!((open, there), (Ok(open), Ok(there)) if open == there)
}

/// Elsewhere a file that is open can't be removed.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}
