//! The one way to a disk: a small trait, so that tests own every write, sync and failure.
//!
//! A [`Disk`] is one folder; paths are relative to it, with `/` between names.

mod fault;
mod look;
mod memory;
mod real;

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

pub use trunkline_place::{Held, Kind};

pub use fault::{Fault, FaultKind};
pub use look::LookedAt;
pub use memory::{CrashChoice, MemoryDisk};
pub use real::RealDisk;

/// A folder on a disk.
pub trait Disk: fmt::Debug + Send + Sync {
    /// What people call this folder: its path.
    fn name(&self) -> String;

    /// Makes the folder `path` in this one, and this folder itself, unless they are there.
    fn create_dir(&self, path: &str) -> io::Result<()>;

    /// The names of the files in the folder `path` (`""` is this folder); none when there is no such folder.
    fn list(&self, path: &str) -> io::Result<Vec<String>>;

    /// Opens a file that is there.
    fn open(&self, path: &str, access: OpenMode) -> io::Result<Arc<dyn DiskFile>>;

    /// Makes a file, replacing what is there under that name.
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name, replacing what is there under that name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. A file that is open or mapped stays readable to those who have it.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Makes the names in the folder `path` durable: what was created, renamed and removed there.
    fn sync_dir(&self, path: &str) -> io::Result<()>;

    /// Takes the exclusive lock `path` and writes the owner's name into it; the inner error is the name of
    /// the owner that has it. Whoever removes or replaces that file lets nobody else in.
    fn lock(&self, path: &str, owner: &str) -> io::Result<Result<Box<dyn DiskLock>, String>>;

    /// Locks this folder, which is there, for who makes something in it and holds no [`lock`](Disk::lock); nothing while
    /// somebody has either.
    fn lock_folder(&self) -> io::Result<Option<Box<dyn DiskLock>>>;

    /// What is in the way of making something of this kind in this folder, or of going on with it; `alone` says that
    /// nothing else at all may be in it. Nothing is, on a disk that others can't reach.
    fn in_the_way_of(&self, kind: Kind, alone: bool) -> io::Result<Option<Held>> {
        let _ = (kind, alone);
        Ok(None)
    }

    /// Unique to this start of the machine, where the system has it.
    fn boot_id(&self) -> Option<[u8; 16]>;
}

/// A lock that is held until it is dropped, or until its process ends.
pub trait DiskLock: fmt::Debug + Send + Sync {}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Only reading.
    Read,
    /// Reading and writing.
    Write,
}

/// A file on a disk.
#[expect(clippy::len_without_is_empty, reason = "nobody asks whether a file is empty")]
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// The file's length.
    fn len(&self) -> io::Result<u64>;

    /// An offset from which on the file is known to read as zeros; its length where nothing better is known.
    ///
    /// A file that was given its length before it was filled can be told apart from its empty rest by this,
    /// without reading it.
    fn data_end(&self) -> io::Result<u64>;

    /// Changes the file's length; what is added reads as zeros and may take no space yet.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Reads bytes at an offset into the buffer and says how many there were; fewer only at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all bytes at an offset. After an error any part of them may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Waits until everything written so far survives a power cut.
    fn sync(&self) -> io::Result<()>;

    /// Locks the file for the one who writes to it; false while somebody else has it locked, also under another name.
    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }

    /// Gives the file's lock up, also while a child that is being started has a copy of its descriptor.
    fn unlock(&self) {}

    /// The whole file as it is mapped, where the disk maps files; what [`DiskFile::view`] slices.
    fn mapped(&self) -> io::Result<Option<&Bytes>>;

    /// Whether the byte at this offset can be read without waiting for the disk, as far as that can be told.
    fn is_near(&self, offset: u64) -> bool {
        let _ = offset;
        true
    }

    /// Says that these bytes are read soon, so that the disk may begin with it.
    fn will_read(&self, offset: u64, len: u64) {
        let _ = (offset, len);
    }

    /// The bytes from `offset` on, as they are now, shared where the disk can.
    ///
    /// On a real disk this is a mapping of the file at the length it had when it was first viewed: such a file
    /// is never truncated, and the bytes of a view are not written to again while it lives.
    fn view(&self, offset: u64, len: usize) -> io::Result<Bytes>;
}

/// The lock on the file that a writer writes to: it holds where the folder's can't be had, or is another folder's.
#[derive(Debug)]
pub struct WriteLock(Arc<dyn DiskFile>);

impl WriteLock {
    /// Locks a file; nothing when another writer has it.
    pub fn take(file: &Arc<dyn DiskFile>) -> io::Result<Option<Self>> {
        Ok(file.try_lock()?.then(|| Self(Arc::clone(file))))
    }
}

impl Drop for WriteLock {
    /// Closing it would not do: readers keep the file open.
    fn drop(&mut self) {
        self.0.unlock();
    }
}

/// The error for a range that lies outside a file.
fn outside(offset: u64, len: usize, file_len: u64) -> io::Error {
    let end = offset.saturating_add(len as u64);
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        format!("bytes {offset} to {end} asked of a file of {file_len} bytes"),
    )
}
