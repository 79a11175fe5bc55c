//! Runs: immutable index files, checked block by block as they are used.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::{Located, Probe, filter};
use crate::bytes_at::{id_at, put, u32_at, u64_at};
use crate::disk::{Disk, DiskFile, OpenMode};
use crate::key::Key;
use crate::prefetch::prefetch;

/// Bytes before the filter.
pub(super) const HEADER_LEN: usize = 128;

/// Bytes with a checksum of their own.
pub(super) const BLOCK_LEN: usize = 16 << 10;

/// For how many keys the filter's blocks are fetched ahead: about as many as a processor fetches at the same time.
const PREFETCHED_KEYS: usize = 32;

/// How far from where a key ought to be it is looked for at first.
const SEARCH_STEP: u64 = 16;

/// How many blocks are asked of the disk when one of them is used first: it takes hardly longer than one.
const READ_TOGETHER: usize = 4;

const MAGIC: [u8; 8] = *b"TKLRUN01";
const FORMAT_VERSION: u32 = 1;
const CRC_AT: usize = 76;

/// What a run's file is called: what it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RunName {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) level: u32,
}

impl RunName {
    /// Its path in the store.
    pub(crate) fn path(&self) -> String {
        format!("{}/{:020}-{:020}-{}.run", super::FOLDER, self.first, self.last, self.level)
    }

    /// The run with this file name.
    pub(crate) fn parse(file_name: &str) -> Option<Self> {
        let mut parts = file_name.strip_suffix(".run")?.split('-');
        let name = Self {
            first: parts.next()?.parse().ok()?,
            last: parts.next()?.parse().ok()?,
            level: parts.next()?.parse().ok()?,
        };
        (parts.next().is_none() && 0 < name.first && name.first <= name.last).then_some(name)
    }

    pub(crate) fn len(&self) -> u64 {
        self.last - self.first + 1
    }
}

/// How many of everything a run has, and so where each section begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) records: u64,
    pub(super) keys: u64,
    pub(super) postings: u64,
    pub(super) filter_blocks: u64,
}

impl Layout {
    pub(super) fn new(records: u64, keys: u64, postings: u64) -> Self {
        Self { records, keys, postings, filter_blocks: filter::blocks_for(keys) }
    }

    // Each counted from the end of the header.

    pub(super) fn keys_at(&self) -> u64 {
        self.filter_blocks * filter::BLOCK_LEN as u64
    }

    pub(super) fn starts_at(&self) -> u64 {
        self.keys_at() + 8 * self.keys
    }

    pub(super) fn postings_at(&self) -> u64 {
        self.starts_at() + 4 * (self.keys + 1)
    }

    pub(super) fn offsets_at(&self) -> u64 {
        self.postings_at() + 4 * self.postings
    }

    pub(super) fn end(&self) -> u64 {
        self.offsets_at() + 4 * self.records
    }

    pub(super) fn blocks(&self) -> u64 {
        self.end().div_ceil(BLOCK_LEN as u64)
    }

    pub(super) fn file_len(&self) -> u64 {
        HEADER_LEN as u64 + self.end() + 4 * self.blocks()
    }

    pub(super) fn encode_header(&self, name: &RunName, store_id: &[u8; 16], table_crc: u32) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_LEN];
        put(&mut bytes, 0, &MAGIC);
        put(&mut bytes, 8, &FORMAT_VERSION.to_le_bytes());
        put(&mut bytes, 12, &name.level.to_le_bytes());
        put(&mut bytes, 16, store_id);
        put(&mut bytes, 32, &name.first.to_le_bytes());
        put(&mut bytes, 40, &name.last.to_le_bytes());
        put(&mut bytes, 48, &self.keys.to_le_bytes());
        put(&mut bytes, 56, &self.postings.to_le_bytes());
        put(&mut bytes, 64, &self.filter_blocks.to_le_bytes());
        put(&mut bytes, 72, &table_crc.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..CRC_AT]);
        put(&mut bytes, CRC_AT, &crc.to_le_bytes());
        bytes
    }

    /// What the header says, if it is that of this run and the file has the length that follows.
    fn parse(bytes: &[u8], name: &RunName, store_id: &[u8; 16], file_len: u64) -> Option<(Self, u32)> {
        if bytes.len() < HEADER_LEN
            || bytes[..8] != MAGIC
            || crc32fast::hash(&bytes[..CRC_AT]) != u32_at(bytes, CRC_AT)
            || u32_at(bytes, 8) != FORMAT_VERSION
        {
            return None;
        }
        let named = RunName { first: u64_at(bytes, 32), last: u64_at(bytes, 40), level: u32_at(bytes, 12) };
        let layout = Self {
            records: name.len(),
            keys: u64_at(bytes, 48),
            postings: u64_at(bytes, 56),
            filter_blocks: u64_at(bytes, 64),
        };
        let fits = named == *name && id_at(bytes, 16) == *store_id && layout.file_len() == file_len;
        fits.then_some((layout, u32_at(bytes, 72)))
    }
}

/// An index file.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) name: RunName,
    layout: Layout,
    file: Arc<dyn DiskFile>,
    /// What lies between the header and the table of checksums.
    body: Bytes,
    table: Bytes,
    /// A bit for each block that has been checked.
    checked: Box<[AtomicU64]>,
}

/// Bytes of a run are not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

impl Run {
    /// Opens a run; `None` when its file is damaged or not what its name says.
    pub(crate) fn open(disk: &dyn Disk, name: RunName, store_id: &[u8; 16]) -> io::Result<Option<Self>> {
        let file = disk.open(&name.path(), OpenMode::Read)?;
        let file_len = file.len()?;
        if file_len < HEADER_LEN as u64 {
            return Ok(None);
        }
        let header = file.view(0, HEADER_LEN)?;
        let Some((layout, table_crc)) = Layout::parse(&header, &name, store_id, file_len) else {
            return Ok(None);
        };
        let body_end = HEADER_LEN as u64 + layout.end();
        let table = file.view(body_end, 4 * layout.blocks() as usize)?;
        if crc32fast::hash(&table) != table_crc {
            return Ok(None);
        }
        let body = match file.mapped()? {
            // Of a mapping, nothing is read before it is looked at.
            Some(map) if map.len() as u64 >= body_end => map.slice(HEADER_LEN..body_end as usize),
            _ => file.view(HEADER_LEN as u64, layout.end() as usize)?,
        };
        let checked = (0..layout.blocks().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Some(Self { name, layout, file, body, table, checked }))
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// The bytes of the file.
    pub(crate) fn file_len(&self) -> u64 {
        self.layout.file_len()
    }

    /// Bytes that lie in one block, which is checked first if it never was.
    #[inline]
    fn bytes(&self, at: u64, len: usize) -> Result<&[u8], Damaged> {
        let (start, block) = (at as usize, at as usize / BLOCK_LEN);
        let bytes = self.body.get(start..start + len).ok_or(Damaged)?;
        if self.checked[block / 64].load(Ordering::Relaxed) & 1 << (block % 64) == 0 {
            self.check_block(block)?;
        }
        Ok(bytes)
    }

    #[cold]
    fn check_block(&self, block: usize) -> Result<(), Damaged> {
        let near = block - block % READ_TOGETHER;
        self.file.will_read((HEADER_LEN + near * BLOCK_LEN) as u64, (READ_TOGETHER * BLOCK_LEN) as u64);
        let end = self.body.len().min((block + 1) * BLOCK_LEN);
        let crc = crc32fast::hash(&self.body[block * BLOCK_LEN..end]);
        if crc != u32_at(&self.table, 4 * block) {
            return Err(Damaged);
        }
        self.checked[block / 64].fetch_or(1 << (block % 64), Ordering::Relaxed);
        Ok(())
    }

    fn u32(&self, at: u64) -> Result<u32, Damaged> {
        Ok(u32_at(self.bytes(at, 4)?, 0))
    }

    pub(super) fn key(&self, number: u64) -> Result<Key, Damaged> {
        Ok(u64_at(self.bytes(self.layout.keys_at() + 8 * number, 8)?, 0))
    }

    /// Which postings belong to the key with this number.
    pub(super) fn postings_of(&self, number: u64) -> Result<Range<usize>, Damaged> {
        let at = self.layout.starts_at() + 4 * number;
        let range = self.u32(at)? as usize..self.u32(at + 4)? as usize;
        if range.start <= range.end && range.end as u64 <= self.layout.postings {
            Ok(range)
        } else {
            Err(Damaged)
        }
    }

    /// The posting with this number, as it is stored: less the first position.
    pub(super) fn raw_posting(&self, number: usize) -> Result<u32, Damaged> {
        self.u32(self.layout.postings_at() + 4 * number as u64)
    }

    /// Where in its segment the record with this number begins.
    pub(super) fn raw_offset(&self, number: u64) -> Result<u32, Damaged> {
        self.u32(self.layout.offsets_at() + 4 * number)
    }

    /// The position of the posting with this number.
    pub(crate) fn posting(&self, number: usize) -> Result<u64, Damaged> {
        let position = self.name.first + u64::from(self.raw_posting(number)?);
        if position <= self.name.last { Ok(position) } else { Err(Damaged) }
    }

    /// Finds out where records begin, by their positions. Those of a scan stand in one block mostly, which is
    /// looked after once.
    pub(crate) fn locate(&self, records: &mut [Located]) -> Result<(), Damaged> {
        let mut checked = None;
        for record in records {
            let at = self.layout.offsets_at() + 4 * (record.position - self.name.first);
            let block = at as usize / BLOCK_LEN;
            if checked != Some(block) {
                self.bytes(at, 4)?;
                checked = Some(block);
            }
            record.offset = u64::from(u32_at(&self.body, at as usize));
        }
        Ok(())
    }

    /// The numbers of those keys that are there.
    ///
    /// The filter's blocks for many keys are fetched side by side, where one after the other would each be waited
    /// for.
    pub(crate) fn contained(&self, keys: &[Probe]) -> Result<Vec<usize>, Damaged> {
        let fetch = |probe: &Probe| self.prefetch_filter(probe.key);
        keys.iter().take(PREFETCHED_KEYS).for_each(fetch);
        let mut contained = Vec::new();
        for (number, probe) in keys.iter().enumerate() {
            if let Some(soon) = keys.get(number + PREFETCHED_KEYS) {
                fetch(soon);
            }
            if self.may_contain(probe)? {
                contained.push(number);
            }
        }
        self.retain_found(&mut contained, keys)?;
        Ok(contained)
    }

    /// Takes out the numbers of those keys that the filter let through and that are not there. What is looked at for
    /// each is fetched side by side too.
    fn retain_found(&self, numbers: &mut Vec<usize>, keys: &[Probe]) -> Result<(), Damaged> {
        for number in &*numbers {
            self.prefetch_keys_at(self.guess(keys[*number].key));
        }
        let guesses: Vec<u64> = numbers
            .iter()
            .map(|number| {
                let guess = self.better_guess(keys[*number].key)?;
                self.prefetch_keys_at(guess);
                Ok(guess)
            })
            .collect::<Result<_, _>>()?;
        let mut found = Vec::new();
        for (number, guess) in numbers.iter().zip(guesses) {
            if self.find_near(guess, keys[*number].key)?.is_some() {
                found.push(*number);
            }
        }
        *numbers = found;
        Ok(())
    }

    /// Has fetched the keys around this number.
    fn prefetch_keys_at(&self, number: u64) {
        let keys = number.saturating_sub(SEARCH_STEP)..(number + SEARCH_STEP).min(self.layout.keys);
        let at = |number: u64| (self.layout.keys_at() + 8 * number) as usize;
        prefetch(self.body.get(at(keys.start)..at(keys.end)).unwrap_or_default());
    }

    /// Whether the key may be there.
    #[inline]
    fn may_contain(&self, probe: &Probe) -> Result<bool, Damaged> {
        let block = filter::block_of(probe.key, self.layout.filter_blocks);
        let block = self.bytes(block * filter::BLOCK_LEN as u64, filter::BLOCK_LEN)?;
        Ok(probe.may_be_in(block.try_into().expect("that many bytes were asked for")))
    }

    /// Has fetched what says whether the key may be there.
    pub(crate) fn prefetch_filter(&self, key: Key) {
        let start = filter::block_of(key, self.layout.filter_blocks) as usize * filter::BLOCK_LEN;
        prefetch(self.body.get(start..start + filter::BLOCK_LEN).unwrap_or_default());
    }

    /// Has fetched what says where these records begin.
    pub(crate) fn prefetch_offsets(&self, records: &[Located]) {
        for record in records {
            let at = (self.layout.offsets_at() + 4 * (record.position - self.name.first)) as usize;
            prefetch(self.body.get(at..at + 4).unwrap_or_default());
        }
    }

    /// Which postings belong to a key; an empty range when it isn't there.
    pub(crate) fn postings(&self, key: Key) -> Result<Range<usize>, Damaged> {
        if !self.may_contain(&Probe::new(key))? {
            return Ok(0..0);
        }
        match self.find(key)? {
            Some(number) => self.postings_of(number),
            None => Ok(0..0),
        }
    }

    /// The number of a key.
    fn find(&self, key: Key) -> Result<Option<u64>, Damaged> {
        self.find_near(self.better_guess(key)?, key)
    }

    /// How many keys there are on average in such a part of all possible ones.
    fn keys_within(&self, distance: Key) -> u64 {
        ((u128::from(distance) * u128::from(self.layout.keys)) >> 64) as u64
    }

    /// Which number a key ought to have: keys are spread evenly.
    fn guess(&self, key: Key) -> u64 {
        self.keys_within(key)
    }

    /// Which number a key ought to have as seen from the key that the first guess finds, which is nearer than the first.
    fn better_guess(&self, key: Key) -> Result<u64, Damaged> {
        let (guess, keys) = (self.guess(key), self.layout.keys);
        if guess >= keys {
            return Ok(guess);
        }
        let there = self.key(guess)?;
        Ok(if there > key {
            guess.saturating_sub(self.keys_within(there - key))
        } else {
            (guess + self.keys_within(key - there)).min(keys - 1)
        })
    }

    /// The number of a key that ought to be near this one.
    fn find_near(&self, guess: u64, key: Key) -> Result<Option<u64>, Damaged> {
        let keys = self.layout.keys;
        let (mut low, mut high) = (guess, guess);
        let mut step = SEARCH_STEP;
        while low > 0 && self.key(low)? > key {
            low = low.saturating_sub(step);
            step *= 2;
        }
        step = SEARCH_STEP;
        while high < keys && self.key(high)? < key {
            high = (high + step).min(keys);
            step *= 2;
        }
        high = (high + 1).min(keys);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.key(middle)?.cmp(&key) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Ok(Some(middle)),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    /// Checks every block.
    pub(crate) fn check(&self) -> Result<(), Damaged> {
        (0..self.layout.blocks()).try_for_each(|block| self.bytes(block * BLOCK_LEN as u64, 1).map(|_| ()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_says_what_a_run_covers() {
        let name = RunName { first: 1, last: 65_536, level: 0 };
        assert_eq!(RunName::parse(name.path().strip_prefix("index/").unwrap()), Some(name));
        for bad in ["1-2.run", "2-1-0.run", "0-1-0.run", "1-2-0-0.run", "1-2-0.tmp", "x-2-0.run"] {
            assert_eq!(RunName::parse(bad), None, "{bad}");
        }
    }
}
