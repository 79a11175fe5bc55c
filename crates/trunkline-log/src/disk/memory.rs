//! A disk in memory that can lose power, and fail.
//!
//! It keeps two states: what programs see, and for each file the sectors that were written since its last
//! sync, with what the medium held before.
//! A crash builds the medium anew: everything that was synced, and of the rest whatever a [`CrashChoice`]
//! says, sector by sector, in any order; likewise for the names in folders.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use super::fault::{Faults, Verdict};
use super::{Disk, DiskFile, DiskLock, Fault, OpenMode, outside};

/// The smallest unit that the medium writes whole or not at all.
const SECTOR: usize = 512;

/// A disk in memory; clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
    faults: Arc<Faults>,
}

/// What happens to the writes that were not synced when the power goes.
pub enum CrashChoice<'a> {
    /// All of them reach the medium.
    KeepAll,
    /// None of them does.
    LoseAll,
    /// Asked for each sector and each name in turn: does it reach the medium?
    Each(&'a mut dyn FnMut() -> bool),
}

impl std::fmt::Debug for CrashChoice<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::KeepAll => "KeepAll",
            Self::LoseAll => "LoseAll",
            Self::Each(_) => "Each",
        })
    }
}

impl CrashChoice<'_> {
    fn keeps(&mut self) -> bool {
        match self {
            Self::KeepAll => true,
            Self::LoseAll => false,
            Self::Each(choose) => choose(),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    /// The names that programs see.
    names: BTreeMap<String, Arc<MemoryFile>>,
    /// The names on the medium.
    synced_names: BTreeMap<String, Arc<MemoryFile>>,
    locks: BTreeMap<String, String>,
    boot: u8,
}

#[derive(Debug, Default)]
struct MemoryFile {
    content: Mutex<Content>,
    faults: Arc<Faults>,
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    /// What the medium surely holds in each sector that was written since the last sync.
    unsynced: BTreeMap<usize, Vec<u8>>,
    /// The same for sectors that a failed sync gave up: some may have been written, and the system takes all of
    /// them for written, so that no later sync writes them, unless a program writes them anew.
    forgotten: BTreeMap<usize, Vec<u8>>,
    /// The length on the medium, where it differs.
    synced_len: Option<usize>,
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds this lock")
    }

    /// Lets an operation to come fail; forgets a fault set before.
    pub fn inject(&self, fault: Option<Fault>) {
        self.faults.set(fault);
    }

    /// How many operations that change something (writes, syncs, names) there have been.
    pub fn operations(&self) -> u64 {
        self.faults.operations()
    }

    /// Cuts the power and switches the machine on again: files are what reached the medium, locks are gone,
    /// and the boot id is another. Files that are still open belong to the machine before and change nothing.
    pub fn crash(&self, choice: &mut CrashChoice<'_>) {
        let mut state = self.state();
        let all: BTreeSet<String> = state.names.keys().chain(state.synced_names.keys()).cloned().collect();
        let mut names = BTreeMap::new();
        for name in all {
            let now = state.names.get(&name);
            let synced = state.synced_names.get(&name);
            let same = match (now, synced) {
                (Some(now), Some(synced)) => Arc::ptr_eq(now, synced),
                _ => false,
            };
            let survivor = if same || choice.keeps() { now } else { synced };
            if let Some(file) = survivor {
                names.insert(name, Arc::new(file.after_crash(choice, &self.faults)));
            }
        }
        state.synced_names.clone_from(&names);
        state.names = names;
        state.locks.clear();
        state.boot += 1;
        self.faults.set(None);
    }

    /// Ends the process that used this disk, without a power cut: locks are gone, but everything written
    /// stays visible, and stays unsynced where it was.
    pub fn kill(&self) {
        self.state().locks.clear();
        self.faults.set(None);
    }

    /// Flips one bit of a file, on the medium and for programs alike.
    pub fn flip_bit(&self, path: &str, offset: u64, bit: u8) {
        let file = Arc::clone(&self.state().names[path]);
        let mut content = file.content();
        content.bytes[offset as usize] ^= 1 << bit;
    }

    /// The bytes of a file as programs see them.
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        let file = Arc::clone(&self.state().names[path]);
        let content = file.content();
        content.bytes.clone()
    }
}

impl MemoryFile {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().expect("no code panics while it holds this lock")
    }

    fn after_crash(&self, choice: &mut CrashChoice<'_>, faults: &Arc<Faults>) -> Self {
        let content = self.content();
        let mut bytes = content.bytes.clone();
        let mut restore = |sector: usize, before: &[u8]| {
            let start = (sector * SECTOR).min(bytes.len());
            let end = (start + SECTOR).min(bytes.len());
            bytes[start..end].copy_from_slice(&before[..end - start]);
        };
        for (&sector, before) in &content.unsynced {
            if !choice.keeps() {
                restore(sector, before);
            }
        }
        for (&sector, before) in &content.forgotten {
            if !choice.keeps() {
                restore(sector, before);
            }
        }
        if let Some(len) = content.synced_len
            && !choice.keeps()
        {
            bytes.resize(len, 0);
        }
        let content = Mutex::new(Content { bytes, ..Content::default() });
        Self { content, faults: Arc::clone(faults) }
    }
}

impl DiskFile for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.content().bytes.len() as u64)
    }

    fn data_end(&self) -> io::Result<u64> {
        self.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.faults.change(0)?.whole()?;
        let mut content = self.content();
        let before = content.bytes.len();
        content.synced_len.get_or_insert(before);
        content.bytes.resize(len as usize, 0);
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let content = self.content();
        let Some(rest) = content.bytes.get(offset as usize..) else { return Ok(0) };
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let verdict = self.faults.change(bytes.len())?;
        let (bytes, error) = match verdict {
            Verdict::Whole => (bytes, None),
            Verdict::Part(count, error) => (&bytes[..count], Some(error)),
        };
        let mut content = self.content();
        let (start, end) = (offset as usize, offset as usize + bytes.len());
        if end > content.bytes.len() {
            let before = content.bytes.len();
            content.synced_len.get_or_insert(before);
            content.bytes.resize(end, 0);
        }
        for sector in start / SECTOR..end.div_ceil(SECTOR) {
            let at = sector * SECTOR;
            let mut before = content.bytes[at..(at + SECTOR).min(content.bytes.len())].to_vec();
            before.resize(SECTOR, 0);
            let before = content.forgotten.remove(&sector).unwrap_or(before);
            content.unsynced.entry(sector).or_insert(before);
        }
        content.bytes[start..end].copy_from_slice(bytes);
        error.map_or(Ok(()), Err)
    }

    fn sync(&self) -> io::Result<()> {
        let verdict = self.faults.sync();
        let mut content = self.content();
        if verdict.is_err() {
            let given_up = std::mem::take(&mut content.unsynced);
            content.forgotten.extend(given_up);
            return verdict;
        }
        content.unsynced.clear();
        content.synced_len = None;
        Ok(())
    }

    fn mapped(&self) -> io::Result<Option<&Bytes>> {
        Ok(None)
    }

    fn view(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let content = self.content();
        let start = offset as usize;
        match content.bytes.get(start..start.saturating_add(len)) {
            Some(bytes) => Ok(Bytes::copy_from_slice(bytes)),
            None => Err(outside(offset, len, content.bytes.len() as u64)),
        }
    }
}

impl Disk for MemoryDisk {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn create_dir(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let state = self.state();
        let inside = |name: &str| match (path, name.rsplit_once('/')) {
            ("", None) => Some(name.to_owned()),
            (_, Some((folder, file))) if folder == path => Some(file.to_owned()),
            _ => None,
        };
        Ok(state.names.keys().filter_map(|name| inside(name)).collect())
    }

    fn open(&self, path: &str, _: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        match self.state().names.get(path) {
            Some(file) => Ok(Arc::<MemoryFile>::clone(file)),
            None => Err(io::Error::new(io::ErrorKind::NotFound, format!("no file {path}"))),
        }
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.faults.change(0)?.whole()?;
        let file = Arc::new(MemoryFile { faults: Arc::clone(&self.faults), ..MemoryFile::default() });
        self.state().names.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.faults.change(0)?.whole()?;
        let mut state = self.state();
        let file = state
            .names
            .remove(from)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no file {from}")))?;
        state.names.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.faults.change(0)?.whole()?;
        match self.state().names.remove(path) {
            Some(_) => Ok(()),
            None => Err(io::Error::new(io::ErrorKind::NotFound, format!("no file {path}"))),
        }
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.faults.sync()?;
        let mut state = self.state();
        let inside = |name: &str| name.rsplit_once('/').map_or("", |(folder, _)| folder) == path;
        let now: Vec<_> = state.names.iter().filter(|(name, _)| inside(name)).map(clone_entry).collect();
        state.synced_names.retain(|name, _| !inside(name));
        state.synced_names.extend(now);
        Ok(())
    }

    fn lock(&self, path: &str, owner: &str) -> io::Result<Result<Box<dyn DiskLock>, String>> {
        let mut state = self.state();
        // This disk is one folder, which one has at a time, as on a real one.
        if let Some(owner) = state.locks.values().next() {
            return Ok(Err(owner.clone()));
        }
        state.locks.insert(path.to_owned(), owner.to_owned());
        Ok(Ok(Box::new(MemoryLock { disk: self.clone(), path: path.to_owned(), boot: state.boot })))
    }

    fn lock_folder(&self) -> io::Result<Option<Box<dyn DiskLock>>> {
        Ok(self.lock("", "another process")?.ok())
    }

    fn boot_id(&self) -> Option<[u8; 16]> {
        Some([self.state().boot + 1; 16])
    }
}

fn clone_entry((name, file): (&String, &Arc<MemoryFile>)) -> (String, Arc<MemoryFile>) {
    (name.clone(), Arc::clone(file))
}

#[derive(Debug)]
struct MemoryLock {
    disk: MemoryDisk,
    path: String,
    boot: u8,
}

impl DiskLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        // After a crash the name may be locked by a process of the next boot.
        if state.boot == self.boot {
            state.locks.remove(&self.path);
        }
    }
}
