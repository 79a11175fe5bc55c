//! The newest records' index, in memory.

use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::chains::{Chains, NONE};
use super::{Located, Probe};
use crate::key::Key;
use crate::prefetch::prefetch;

/// The index of records from one position on, in memory.
///
/// Readers hold its lock for single lookups, the writer while it adds what one frame brought.
#[derive(Debug)]
pub(crate) struct Recent {
    first: u64,
    tables: RwLock<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    /// For each key, its newest entry.
    chains: Chains,
    entries: Vec<Entry>,
    /// Where in its segment each record begins.
    offsets: Vec<u32>,
}

/// A record of a key, and the key's entry before it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The record's position less the first.
    record: u32,
    older: u32,
}

/// How many keys ahead is fetched what is known of them, where many are gone through.
const PREFETCHED_KEYS: usize = 16;

/// Adds records to a [`Recent`] while it is locked.
#[derive(Debug)]
pub(crate) struct Adding<'a> {
    tables: RwLockWriteGuard<'a, Tables>,
}

impl Recent {
    /// An empty index of records from this position on.
    pub(crate) fn new(first: u64) -> Self {
        Self { first, tables: RwLock::default() }
    }

    /// An empty index of the records that come after another one's, with room for as much.
    pub(crate) fn after(before: &Self) -> Self {
        let (first, before) = (before.last() + 1, before.tables());
        let tables = Tables {
            chains: Chains::with_room_for(before.chains.len()),
            entries: Vec::with_capacity(before.entries.len()),
            offsets: Vec::with_capacity(before.offsets.len()),
        };
        Self { first, tables: RwLock::new(tables) }
    }

    fn tables(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().expect("no code panics while it holds this lock")
    }

    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The last position; before the first while there is none.
    pub(crate) fn last(&self) -> u64 {
        self.first + self.len() - 1
    }

    /// How many records there are.
    pub(crate) fn len(&self) -> u64 {
        self.tables().offsets.len() as u64
    }

    /// Locks the index to add records.
    pub(crate) fn add(&self) -> Adding<'_> {
        Adding { tables: self.tables.write().expect("no code panics while it holds this lock") }
    }

    /// Finds out where records begin, by their positions.
    pub(crate) fn locate(&self, records: &mut [Located]) {
        let tables = self.tables();
        for record in records {
            record.offset = u64::from(tables.offsets[(record.position - self.first) as usize]);
        }
    }

    /// The key's newest position.
    pub(crate) fn newest(&self, key: Key) -> Option<u64> {
        let newest = self.tables().chain(key).next()?;
        Some(self.first + u64::from(newest))
    }

    /// The numbers of those keys that are there.
    pub(crate) fn contained(&self, keys: &[Probe]) -> Vec<usize> {
        let tables = self.tables();
        let contained = keys.iter().enumerate().filter(|(number, probe)| {
            if let Some(soon) = keys.get(number + PREFETCHED_KEYS) {
                tables.chains.prefetch(soon.key);
            }
            tables.chains.get(probe.key).is_some()
        });
        contained.map(|(number, _)| number).collect()
    }

    /// The key's positions from `from` on, ascending.
    pub(crate) fn postings(&self, key: Key, from: u64) -> Vec<u64> {
        let tables = self.tables();
        let mut found: Vec<u64> = tables
            .chain(key)
            .map(|record| self.first + u64::from(record))
            .take_while(|position| *position >= from)
            .collect();
        found.reverse();
        found
    }

    /// All keys, ascending, each with its records less the first position, ascending; and the offsets.
    pub(crate) fn visit<E>(
        &self,
        start: impl FnOnce(u64, u64) -> Result<(), E>,
        mut each_key: impl FnMut(Key, &[u32]) -> Result<(), E>,
        mut each_offset: impl FnMut(u32) -> Result<(), E>,
    ) -> Result<(), E> {
        let tables = self.tables();
        let mut keys: Vec<(Key, u32)> = tables.chains.iter().map(|chain| (chain.key, chain.newest)).collect();
        keys.sort_unstable();
        start(keys.len() as u64, tables.entries.len() as u64)?;
        let mut records = Vec::new();
        for (number, (key, newest)) in keys.iter().copied().enumerate() {
            // The entries stand in the order of the records, not of the keys.
            if let Some((_, soon)) = keys.get(number + PREFETCHED_KEYS) {
                prefetch(&tables.entries[*soon as usize..=*soon as usize]);
            }
            records.clear();
            records.extend(tables.chain_from(newest));
            records.reverse();
            each_key(key, &records)?;
        }
        tables.offsets.iter().try_for_each(|offset| each_offset(*offset))
    }
}

impl Tables {
    /// The key's records, newest first.
    fn chain(&self, key: Key) -> impl Iterator<Item = u32> {
        self.chain_from(self.chains.get(key).map_or(NONE, |chain| chain.newest))
    }

    fn chain_from(&self, newest: u32) -> impl Iterator<Item = u32> {
        let mut next = newest;
        std::iter::from_fn(move || {
            let entry = *self.entries.get(next as usize)?;
            next = entry.older;
            Some(entry.record)
        })
    }
}

impl Adding<'_> {
    /// Adds the next record, with where it begins; its keys follow with [`Adding::key`].
    pub(crate) fn record(&mut self, offset: u64) {
        self.tables.offsets.push(u32::try_from(offset).expect("segments are below 4 GiB"));
    }

    /// Has fetched what is needed to add a key.
    pub(crate) fn prefetch(&self, key: Key) {
        self.tables.chains.prefetch(key);
    }

    /// Adds a key of the record added last. The same key twice is one.
    pub(crate) fn key(&mut self, key: Key) {
        let tables = &mut *self.tables;
        let record = (tables.offsets.len() - 1) as u32;
        let entry = tables.entries.len() as u32;
        let chain = tables.chains.get_or_begin(key);
        if chain.record == record {
            return;
        }
        tables.entries.push(Entry { record, older: chain.newest });
        (chain.newest, chain.record) = (entry, record);
    }
}
