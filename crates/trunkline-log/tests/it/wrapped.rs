//! A memory disk that says what is about to happen, so that a test can refuse it or do something in between.

use std::fmt;
use std::io;
use std::sync::Arc;

use trunkline_log::disk::{Disk, DiskFile, DiskLock, MemoryDisk, OpenMode};

/// What happens on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call<'a> {
    /// This file is about to be made.
    Create(&'a str),
    /// A folder has been listed.
    Listed,
    /// A file has been opened.
    Opened,
}

/// Called with what happens; its error becomes the operation's.
type Hook = dyn Fn(Call<'_>) -> io::Result<()> + Send + Sync;

/// A memory disk with a hook.
#[derive(Clone)]
pub(crate) struct Wrapped {
    disk: MemoryDisk,
    hook: Arc<Hook>,
}

impl Wrapped {
    pub(crate) fn new(
        disk: &MemoryDisk,
        hook: impl Fn(Call<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { disk: disk.clone(), hook: Arc::new(hook) }
    }
}

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wrapped").finish_non_exhaustive()
    }
}

impl Disk for Wrapped {
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        (self.hook)(Call::Create(path))?;
        self.disk.create(path)
    }

    fn name(&self) -> String {
        self.disk.name()
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.disk.create_dir(path)
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let files = self.disk.list(path)?;
        (self.hook)(Call::Listed)?;
        Ok(files)
    }

    fn open(&self, path: &str, access: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.disk.open(path, access)?;
        (self.hook)(Call::Opened)?;
        Ok(file)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.disk.sync_dir(path)
    }

    fn lock(&self, path: &str, owner: &str) -> io::Result<Result<Box<dyn DiskLock>, String>> {
        self.disk.lock(path, owner)
    }

    fn lock_folder(&self) -> io::Result<Option<Box<dyn DiskLock>>> {
        self.disk.lock_folder()
    }

    fn boot_id(&self) -> Option<[u8; 16]> {
        self.disk.boot_id()
    }
}
