//! The disk itself: bare writes, each followed by one `fdatasync`.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::FallocateFlags;

use crate::failure::{Failure, Result};
use crate::rounds::Round;

/// The sizes with which Trunkline's log prepares space: files, how far zeros are written ahead, and from which
/// commit size on they aren't.
const FILE_BYTES: u64 = 64 << 20;
const ZEROED_AHEAD: u64 = 1 << 20;
const ZEROED_COMMIT_BYTES_MAX: u64 = 128 << 10;

/// How much space the smallest writes go round in.
const OVERWRITTEN_BYTES: u64 = 16 << 20;

/// A page, the least that a disk writes.
const PAGE: u64 = 4 << 10;

pub(super) fn configuration() -> String {
    format!(
        "pwrite and fdatasync from one thread; append-1x1: 4 KiB over space that was written before; else the \
         bytes of the largest commit the workload can make, into new files of {} MiB, where up to {} KiB zeros are \
         written {} MiB ahead inside the timing, and larger ones go into holes, as Trunkline does both",
        FILE_BYTES >> 20,
        ZEROED_COMMIT_BYTES_MAX >> 10,
        ZEROED_AHEAD >> 20,
    )
}

/// What the space is like that a write goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// Written before, outside the timing.
    Written,
    /// Zeros written ahead of it, inside the timing.
    Zeroed,
    /// Allocated for the whole file, inside the timing.
    Allocated,
    /// The file is long enough, and no more.
    Holes,
}

impl Space {
    pub(crate) const ALL: [Self; 4] = [Self::Written, Self::Zeroed, Self::Allocated, Self::Holes];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Zeroed => "zeroed",
            Self::Allocated => "allocated",
            Self::Holes => "holes",
        }
    }

    /// The kind that Trunkline puts a commit of this size into.
    pub(crate) fn of_commit(bytes: u64) -> Self {
        if bytes > ZEROED_COMMIT_BYTES_MAX { Self::Holes } else { Self::Zeroed }
    }
}

/// A writer of commits that knows only bytes.
#[derive(Debug)]
pub(crate) struct Floor {
    folder: PathBuf,
    space: Space,
    commit: Vec<u8>,
    file: Option<File>,
    files: u64,
    /// Where the next commit goes, and how far the space is prepared.
    end: u64,
    prepared: u64,
}

impl Floor {
    /// A writer of commits of so many bytes in this folder.
    pub(crate) fn new(folder: &Path, space: Space, bytes: u64) -> Result<Self> {
        let commit = (0..bytes).map(|at| (at % 251) as u8).collect();
        let mut floor =
            Self { folder: folder.to_owned(), space, commit, file: None, files: 0, end: 0, prepared: 0 };
        if space == Space::Written {
            let file = floor.create(OVERWRITTEN_BYTES.max(bytes))?;
            zero(&file, 0, OVERWRITTEN_BYTES.max(bytes)).map_err(Failure::io("write zeros"))?;
            file.sync_all().map_err(Failure::io("sync the zeros"))?;
            floor.file = Some(file);
        }
        Ok(floor)
    }

    /// The writer that `append-1x1` is compared with: one page, over space that was written before.
    pub(crate) fn one_page(folder: &Path) -> Result<Self> {
        Self::new(folder, Space::Written, PAGE)
    }

    pub(crate) fn commit_bytes(&self) -> u64 {
        self.commit.len() as u64
    }

    /// Writes commits until the round is over; returns how many.
    pub(crate) fn run(&mut self, round: &Round) -> Result<u64> {
        let mut commits = 0;
        while round.goes_on() {
            self.write()?;
            commits += 1;
        }
        Ok(commits)
    }

    fn write(&mut self) -> Result<()> {
        let bytes = self.commit.len() as u64;
        let capacity = if self.space == Space::Written { OVERWRITTEN_BYTES } else { FILE_BYTES };
        if self.end + bytes > capacity {
            self.end = 0;
            self.prepared = 0;
            if self.space != Space::Written {
                self.file = None;
            }
        }
        let file = match self.file.take() {
            Some(file) => file,
            None => self.create(FILE_BYTES)?,
        };
        let written = self.write_to(&file);
        self.file = Some(file);
        written.map_err(Failure::io("write and sync"))
    }

    fn write_to(&mut self, file: &File) -> std::io::Result<()> {
        let end = self.end + self.commit.len() as u64;
        if self.space == Space::Zeroed && end > self.prepared {
            let until = (end + ZEROED_AHEAD).min(FILE_BYTES);
            zero(file, self.prepared, until)?;
            self.prepared = until;
        }
        file.write_all_at(&self.commit, self.end)?;
        file.sync_data()?;
        self.end = end;
        Ok(())
    }

    /// A new file under a durable name.
    fn create(&mut self, bytes: u64) -> Result<File> {
        self.files += 1;
        let path = self.folder.join(format!("{:06}", self.files));
        let create = || {
            let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
            if self.space == Space::Allocated {
                rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes)?;
            } else {
                file.set_len(bytes)?;
            }
            file.sync_all()?;
            File::open(&self.folder)?.sync_all()?;
            Ok(file)
        };
        create().map_err(Failure::io(format!("make {}", path.display())))
    }
}

fn zero(file: &File, from: u64, to: u64) -> std::io::Result<()> {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    let mut at = from;
    while at < to {
        let count = (to - at).min(ZEROS.len() as u64);
        file.write_all_at(&ZEROS[..count as usize], at)?;
        at += count;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn commits_are_written_into_every_kind_of_space() {
        let scratch = Scratch::new_in(&std::env::temp_dir().join("trunkline-bench-disk-test")).unwrap();
        for space in Space::ALL {
            let folder = scratch.subfolder(space.as_str()).unwrap();
            let mut floor = Floor::new(&folder, space, 100 << 10).unwrap();
            for _ in 0..3 {
                floor.write().unwrap();
            }
            let mut found = vec![0; floor.commit.len()];
            floor.file.as_ref().unwrap().read_exact_at(&mut found, floor.end - floor.commit_bytes()).unwrap();
            assert_eq!(found, floor.commit, "{space:?}");
        }
    }

    #[test]
    fn large_commits_are_not_written_twice() {
        assert_eq!(Space::of_commit(500), Space::Zeroed);
        assert_eq!(Space::of_commit(500 << 10), Space::Holes);
    }
}
