//! A folder as it is, for who only looks: what would be written is kept in memory, and gone with the look.
//!
//! What opens a folder may mend, remove and write files; over this disk all of it takes place without a change to the
//! folder, and without the right to write there.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use trunkline_place::{Held, Kind, folder_holder};

use super::{Disk, DiskFile, DiskLock, MemoryDisk, OpenMode, RealDisk};

/// A folder that is only looked at: reads are those of the folder, and what is written is in memory.
///
/// ```
/// use trunkline_log::disk::{Disk as _, LookedAt, OpenMode};
///
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("a"), "before")?;
/// let disk = LookedAt::new(folder.path());
/// let file = disk.open("a", OpenMode::Write)?;
/// file.write_at(0, b"BE")?;
/// let mut read = [0; 6];
/// file.read_at(0, &mut read)?;
/// assert_eq!(&read, b"BEfore");
/// assert_eq!(std::fs::read(folder.path().join("a"))?, b"before");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct LookedAt {
    path: PathBuf,
    there: RealDisk,
    /// What was made since.
    made: MemoryDisk,
    // Held for a look at it, never while a file is read.
    names: Mutex<Names>,
}

#[derive(Debug, Default)]
struct Names {
    /// Files that were opened, so that all who have one see the same changes.
    opened: BTreeMap<String, Arc<LookedAtFile>>,
    /// Files that were removed or replaced.
    gone: BTreeSet<String>,
}

impl LookedAt {
    /// The folder at this path.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            there: RealDisk::new(path),
            made: MemoryDisk::new(),
            names: Mutex::default(),
        }
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for LookedAt {
    fn name(&self) -> String {
        self.there.name()
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.made.create_dir(path)
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let mut names: BTreeSet<String> = self.there.list(path)?.into_iter().collect();
        if path.is_empty() {
            let gone = &self.names().gone;
            names.retain(|name| !gone.contains(name));
        }
        names.extend(self.made.list(path)?);
        Ok(names.into_iter().collect())
    }

    fn open(&self, path: &str, access: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        match self.made.open(path, access) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            made => return made,
        }
        let mut names = self.names();
        if names.gone.contains(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if let Some(file) = names.opened.get(path) {
            return Ok(Arc::clone(file) as Arc<dyn DiskFile>);
        }
        let there = self.there.open(path, OpenMode::Read)?;
        let file = Arc::new(LookedAtFile { there, copy: OnceLock::new() });
        names.opened.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut names = self.names();
        names.gone.insert(path.to_owned());
        names.opened.remove(path);
        self.made.create(path)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        // What is renamed was made a moment before: files are written beside, and named when they are whole.
        self.made.rename(from, to)?;
        let mut names = self.names();
        names.gone.insert(to.to_owned());
        names.opened.remove(to);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut names = self.names();
        names.opened.remove(path);
        let is_known = names.gone.insert(path.to_owned());
        match self.made.remove(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_known => Ok(()),
            removed => removed,
        }
    }

    fn sync_dir(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    /// Not taken: whoever looks keeps nobody out. What somebody has is not looked at, since it changes meanwhile.
    fn lock(&self, path: &str, _: &str) -> io::Result<Result<Box<dyn DiskLock>, String>> {
        Ok(match folder_holder(&self.path, path)? {
            Some(owner) => Err(owner),
            None => Ok(Box::new(NoLock)),
        })
    }

    fn lock_folder(&self) -> io::Result<Option<Box<dyn DiskLock>>> {
        Ok(Some(Box::new(NoLock)))
    }

    fn in_the_way_of(&self, kind: Kind, alone: bool) -> io::Result<Option<Held>> {
        self.there.in_the_way_of(kind, alone)
    }

    fn boot_id(&self) -> Option<[u8; 16]> {
        self.there.boot_id()
    }
}

#[derive(Debug)]
struct NoLock;

impl DiskLock for NoLock {}

/// A file that is only looked at; a copy of it takes its place when it is written to.
#[derive(Debug)]
struct LookedAtFile {
    there: Arc<dyn DiskFile>,
    copy: OnceLock<Arc<dyn DiskFile>>,
}

impl LookedAtFile {
    fn now(&self) -> &Arc<dyn DiskFile> {
        self.copy.get().unwrap_or(&self.there)
    }

    /// The copy, made when it is first needed.
    fn copy(&self) -> io::Result<&Arc<dyn DiskFile>> {
        if let Some(copy) = self.copy.get() {
            return Ok(copy);
        }
        let mut bytes = vec![0; usize::try_from(self.there.data_end()?).map_err(io::Error::other)?];
        let read = self.there.read_at(0, &mut bytes)?;
        let copy = MemoryDisk::new().create("copy")?;
        copy.set_len(self.there.len()?)?;
        copy.write_at(0, &bytes[..read])?;
        Ok(self.copy.get_or_init(|| copy))
    }
}

impl DiskFile for LookedAtFile {
    fn len(&self) -> io::Result<u64> {
        self.now().len()
    }

    fn data_end(&self) -> io::Result<u64> {
        self.now().data_end()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.copy()?.set_len(len)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.now().read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.copy()?.write_at(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn mapped(&self) -> io::Result<Option<&Bytes>> {
        Ok(None)
    }

    fn view(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.now().view(offset, len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(disk: &LookedAt, name: &str) -> String {
        let file = disk.open(name, OpenMode::Read).unwrap();
        let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
        file.read_at(0, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Goal: whoever writes sees what they wrote, under every name, and the folder stays as it was.
    #[test]
    fn changes_are_seen_here_and_not_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let disk = LookedAt::new(folder.path());
        let held = disk.open("a", OpenMode::Read).unwrap();
        disk.open("a", OpenMode::Write).unwrap().write_at(1, b"!").unwrap();
        assert_eq!((text(&disk, "a").as_str(), held.len().unwrap()), ("a!", 2));
        disk.remove("b").unwrap();
        assert!(disk.open("b", OpenMode::Read).is_err());
        disk.create("new.tmp").unwrap().write_at(0, b"new").unwrap();
        disk.rename("new.tmp", "c").unwrap();
        assert_eq!(text(&disk, "c"), "new");
        assert_eq!(disk.list("").unwrap(), ["a", "c"]);
        disk.create("a").unwrap();
        assert_eq!(text(&disk, "a"), "");
        for name in ["a", "b", "c"] {
            assert_eq!(std::fs::read_to_string(folder.path().join(name)).unwrap(), name);
        }
    }

    #[test]
    fn what_somebody_has_is_not_looked_at_and_a_look_keeps_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let real = RealDisk::new(folder.path());
        let looked = LookedAt::new(folder.path()).lock("lock", "who looks").unwrap();
        let lock = real.lock("lock", "who has it").unwrap().unwrap();
        assert_eq!(
            LookedAt::new(folder.path()).lock("lock", "who looks").unwrap().unwrap_err(),
            "who has it"
        );
        drop((looked, lock));
        assert!(LookedAt::new(folder.path()).lock("lock", "who looks").unwrap().is_ok());
    }
}
