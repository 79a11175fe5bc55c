//! Writing runs: of a table in memory, and of several runs merged.

use std::io;
use std::sync::Arc;

use super::filter;
use super::run::{BLOCK_LEN, Damaged, HEADER_LEN, Layout, Run, RunName};
use super::{DamagedRun, FOLDER, Recent};
use crate::disk::{Disk, DiskFile};
use crate::key::Key;

/// Why a run was not written.
#[derive(Debug)]
pub(crate) enum WriteRunError {
    Io(io::Error),
    /// One of those that were to be merged is damaged.
    Damaged(DamagedRun),
}

impl From<io::Error> for WriteRunError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes a table that no longer grows as a run of level 0.
pub(crate) fn write_recent(
    disk: &dyn Disk,
    store_id: &[u8; 16],
    recent: &Recent,
) -> Result<Run, WriteRunError> {
    let name = RunName { first: recent.first(), last: recent.last(), level: 0 };
    let writer = std::cell::RefCell::new(None);
    recent.visit(
        |keys, postings| {
            *writer.borrow_mut() =
                Some(RunWriter::create(disk, name, Layout::new(name.len(), keys, postings))?);
            Ok::<_, io::Error>(())
        },
        |key, records| {
            let mut writer = writer.borrow_mut();
            let writer = writer.as_mut().expect("created at the start");
            writer.key(key)?;
            records.iter().try_for_each(|record| writer.posting(*record))
        },
        |offset| writer.borrow_mut().as_mut().expect("created at the start").offset(offset),
    )?;
    let writer = writer.into_inner().expect("created at the start");
    Ok(writer.finish(disk, store_id)?)
}

/// Writes runs that stand side by side as one run of the next level.
pub(crate) fn merge_runs(
    disk: &dyn Disk,
    store_id: &[u8; 16],
    runs: &[Arc<Run>],
) -> Result<Run, WriteRunError> {
    let (oldest, newest) = (&runs[0], &runs[runs.len() - 1]);
    let name = RunName { first: oldest.name.first, last: newest.name.last, level: newest.name.level + 1 };
    let mut keys = 0;
    each_merged_key(runs, |_, _| {
        keys += 1;
        Ok(())
    })?;
    let postings = runs.iter().map(|run| run.layout().postings).sum();
    let mut writer = RunWriter::create(disk, name, Layout::new(name.len(), keys, postings))?;
    each_merged_key(runs, |key, holders| {
        writer.key(key)?;
        for &(run, number) in holders {
            let shift = (run.name.first - name.first) as u32;
            let range = in_run(run, run.postings_of(number))?;
            for posting in range {
                writer.posting(shift + in_run(run, run.raw_posting(posting))?)?;
            }
        }
        Ok(())
    })?;
    for run in runs {
        for number in 0..run.name.len() {
            writer.offset(in_run(run, run.raw_offset(number))?)?;
        }
    }
    Ok(writer.finish(disk, store_id)?)
}

fn in_run<T>(run: &Arc<Run>, result: Result<T, Damaged>) -> Result<T, WriteRunError> {
    result.map_err(|Damaged| WriteRunError::Damaged(DamagedRun(Arc::clone(run))))
}

/// Calls `each` with every key of the runs in ascending order, and with the runs that have it, in their order,
/// each with the number that the key has there.
fn each_merged_key<'a>(
    runs: &'a [Arc<Run>],
    mut each: impl FnMut(Key, &[(&'a Arc<Run>, u64)]) -> Result<(), WriteRunError>,
) -> Result<(), WriteRunError> {
    struct Cursor<'a> {
        run: &'a Arc<Run>,
        number: u64,
        key: Option<Key>,
    }
    let key_at = |run: &Arc<Run>, number| {
        if number < run.layout().keys { in_run(run, run.key(number)).map(Some) } else { Ok(None) }
    };
    let mut cursors = Vec::with_capacity(runs.len());
    for run in runs {
        cursors.push(Cursor { run, number: 0, key: key_at(run, 0)? });
    }
    let mut holders = Vec::with_capacity(runs.len());
    while let Some(key) = cursors.iter().filter_map(|cursor| cursor.key).min() {
        holders.clear();
        for cursor in cursors.iter_mut().filter(|cursor| cursor.key == Some(key)) {
            holders.push((cursor.run, cursor.number));
            cursor.number += 1;
            cursor.key = key_at(cursor.run, cursor.number)?;
            // A run whose keys don't ascend would make this go on for ever.
            if cursor.key.is_some_and(|next| next <= key) {
                return Err(WriteRunError::Damaged(DamagedRun(Arc::clone(cursor.run))));
            }
        }
        each(key, &holders)?;
    }
    Ok(())
}

/// Writes one section of a file from its beginning to its end.
struct Section {
    file: Arc<dyn DiskFile>,
    at: u64,
    buffer: Vec<u8>,
}

/// So many bytes of the file are written at a time, from a multiple of them on, but for a section's beginning and end.
///
/// Where the system can, it keeps what is written so in one large page, and maps it so. Lookups go all over a run, and
/// then wait less for page tables.
const LARGE_PAGE_BYTES: u64 = 2 << 20;

impl Section {
    fn new(file: &Arc<dyn DiskFile>, at: u64) -> Self {
        Self { file: Arc::clone(file), at: HEADER_LEN as u64 + at, buffer: Vec::new() }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        let room = LARGE_PAGE_BYTES - self.at % LARGE_PAGE_BYTES;
        if self.buffer.len() as u64 >= room { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_at(self.at, &self.buffer)?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// A run that is being written, key by key in ascending order.
struct RunWriter {
    name: RunName,
    layout: Layout,
    file: Arc<dyn DiskFile>,
    temporary: String,
    filter: Section,
    keys: Section,
    starts: Section,
    postings: Section,
    offsets: Section,
    /// The block of the filter that keys go into now.
    block: [u8; filter::BLOCK_LEN],
    block_number: u64,
    postings_written: u32,
}

impl RunWriter {
    fn create(disk: &dyn Disk, name: RunName, layout: Layout) -> io::Result<Self> {
        let temporary = format!("{FOLDER}/{:020}-{:020}-{}.tmp", name.first, name.last, name.level);
        let file = disk.create(&temporary)?;
        file.set_len(layout.file_len())?;
        Ok(Self {
            name,
            layout,
            temporary,
            filter: Section::new(&file, 0),
            keys: Section::new(&file, layout.keys_at()),
            starts: Section::new(&file, layout.starts_at()),
            postings: Section::new(&file, layout.postings_at()),
            offsets: Section::new(&file, layout.offsets_at()),
            file,
            block: [0; filter::BLOCK_LEN],
            block_number: 0,
            postings_written: 0,
        })
    }

    fn key(&mut self, key: Key) -> io::Result<()> {
        self.fill_filter_to(filter::block_of(key, self.layout.filter_blocks))?;
        filter::insert(&mut self.block, key);
        self.keys.write(&key.to_le_bytes())?;
        self.starts.write(&self.postings_written.to_le_bytes())
    }

    fn posting(&mut self, record: u32) -> io::Result<()> {
        self.postings_written += 1;
        self.postings.write(&record.to_le_bytes())
    }

    fn offset(&mut self, offset: u32) -> io::Result<()> {
        self.offsets.write(&offset.to_le_bytes())
    }

    /// Writes the blocks of the filter before this one.
    fn fill_filter_to(&mut self, block: u64) -> io::Result<()> {
        while self.block_number < block {
            self.filter.write(&self.block)?;
            self.block = [0; filter::BLOCK_LEN];
            self.block_number += 1;
        }
        Ok(())
    }

    /// Completes the file, gives it its name and opens it.
    fn finish(mut self, disk: &dyn Disk, store_id: &[u8; 16]) -> io::Result<Run> {
        assert_eq!(u64::from(self.postings_written), self.layout.postings, "all postings were counted");
        self.starts.write(&self.postings_written.to_le_bytes())?;
        self.fill_filter_to(self.layout.filter_blocks)?;
        for section in
            [&mut self.filter, &mut self.keys, &mut self.starts, &mut self.postings, &mut self.offsets]
        {
            section.flush()?;
        }
        let mut table = Vec::with_capacity(4 * self.layout.blocks() as usize);
        let mut block = vec![0; BLOCK_LEN];
        for number in 0..self.layout.blocks() {
            let at = number * BLOCK_LEN as u64;
            let len = (self.layout.end() - at).min(BLOCK_LEN as u64) as usize;
            self.file.read_at(HEADER_LEN as u64 + at, &mut block[..len])?;
            table.extend_from_slice(&crc32fast::hash(&block[..len]).to_le_bytes());
        }
        self.file.write_at(HEADER_LEN as u64 + self.layout.end(), &table)?;
        let header = self.layout.encode_header(&self.name, store_id, crc32fast::hash(&table));
        self.file.write_at(0, &header)?;
        self.file.sync()?;
        disk.rename(&self.temporary, &self.name.path())?;
        disk.sync_dir(FOLDER)?;
        let run = Run::open(disk, self.name, store_id)?;
        run.ok_or_else(|| io::Error::other("an index file differs from what was just written to it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::MemoryDisk;

    #[test]
    fn a_section_is_written_whole_in_pieces_that_end_where_large_pages_do() {
        let header = HEADER_LEN as u64;
        for start in [0, 4, LARGE_PAGE_BYTES - header - 4, LARGE_PAGE_BYTES - header] {
            let file = MemoryDisk::new().create("section").unwrap();
            let mut section = Section::new(&file, start);
            let numbers = 0..(2 * LARGE_PAGE_BYTES / 4 + 1000) as u32;
            for number in numbers.clone() {
                section.write(&number.to_le_bytes()).unwrap();
                assert!(!section.buffer.is_empty() || section.at.is_multiple_of(LARGE_PAGE_BYTES));
            }
            section.flush().unwrap();
            let mut written = vec![0; 4 * numbers.len()];
            assert_eq!(file.read_at(header + start, &mut written).unwrap(), written.len());
            let (written, rest) = written.as_chunks::<4>();
            assert!(rest.is_empty() && written.iter().map(|bytes| u32::from_le_bytes(*bytes)).eq(numbers));
        }
    }
}
