//! The keys of a table in memory, each with its newest entry.

use crate::key::Key;
use crate::prefetch::prefetch;

/// No entry, and no record.
pub(super) const NONE: u32 = u32::MAX;

/// How many slots there are at first.
const SLOTS_MIN: usize = 16;

/// What a table in memory knows of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    pub(super) key: Key,
    /// The number of its newest entry.
    pub(super) newest: u32,
    /// The record of that entry.
    pub(super) record: u32,
}

/// A free slot: it has no entry, whatever its key.
const FREE: Chain = Chain { key: 0, newest: NONE, record: NONE };

/// A chain for each key, in the slot that the key's lowest bits say, or in the next that was free.
///
/// A map of one's own, because most of what is asked of it is not in the processor's caches: a chain is found with one
/// look at memory, and many can be fetched before the first is looked at.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// A power of two, of which a quarter is free at least; or none.
    slots: Vec<Chain>,
    len: usize,
}

impl Chains {
    /// Room for so many keys.
    pub(super) fn with_room_for(keys: usize) -> Self {
        let slots = (keys + keys / 3 + 1).next_power_of_two().max(SLOTS_MIN);
        Self { slots: vec![FREE; slots], len: 0 }
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Has fetched what is looked at first for a key.
    #[inline]
    pub(super) fn prefetch(&self, key: Key) {
        let slot = key as usize & self.slots.len().wrapping_sub(1);
        prefetch(self.slots.get(slot..=slot).unwrap_or_default());
    }

    /// The chain of a key, if it has one.
    #[inline]
    pub(super) fn get(&self, key: Key) -> Option<&Chain> {
        let chain = self.slots.get(self.slot(key)?)?;
        (chain.newest != NONE).then_some(chain)
    }

    /// The chain of a key, which is one without an entry where there was none: it has to be given one.
    #[inline]
    pub(super) fn get_or_begin(&mut self, key: Key) -> &mut Chain {
        if self.slots.len() * 3 <= self.len * 4 {
            self.grow();
        }
        let slot = self.slot(key).expect("there are slots");
        let chain = &mut self.slots[slot];
        if chain.newest == NONE {
            chain.key = key;
            self.len += 1;
        }
        chain
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Chain> {
        self.slots.iter().filter(|chain| chain.newest != NONE)
    }

    /// The key's slot, or the free one where it would be; `None` only where there are no slots.
    #[inline]
    fn slot(&self, key: Key) -> Option<usize> {
        let last = self.slots.len().checked_sub(1)?;
        let mut slot = key as usize & last;
        while self.slots[slot].newest != NONE && self.slots[slot].key != key {
            slot = (slot + 1) & last;
        }
        Some(slot)
    }

    #[cold]
    fn grow(&mut self) {
        let slots = vec![FREE; (2 * self.slots.len()).max(SLOTS_MIN)];
        let before = std::mem::replace(&mut self.slots, slots);
        for chain in before.into_iter().filter(|chain| chain.newest != NONE) {
            let slot = self.slot(chain.key).expect("there are slots");
            self.slots[slot] = chain;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn chains_are_found_whatever_their_keys_have_in_common() {
        // Of each slot many, and those around the end of the slots.
        let keys: Vec<Key> = (0..3000).map(|number| ((number % 7) << 60) | ((number / 5) * 977)).collect();
        let mut wanted = BTreeMap::new();
        let mut chains = Chains::default();
        assert!(chains.get(0).is_none());
        for (number, key) in keys.iter().enumerate() {
            let number = number as u32;
            let chain = chains.get_or_begin(*key);
            assert_eq!(chain.newest, wanted.get(key).copied().unwrap_or(NONE));
            (chain.newest, chain.record) = (number, number);
            wanted.insert(*key, number);
        }
        assert_eq!(chains.len(), wanted.len());
        for (key, newest) in &wanted {
            assert_eq!(chains.get(*key).map(|chain| (chain.key, chain.newest)), Some((*key, *newest)));
            assert!(chains.get(key | (1 << 59)).is_none());
        }
        let mut all: Vec<_> = chains.iter().map(|chain| (chain.key, chain.newest)).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(wanted));
    }

    #[test]
    fn room_that_was_made_is_enough() {
        let mut chains = Chains::with_room_for(1000);
        let slots = chains.slots.len();
        for key in 0..1000 {
            chains.get_or_begin(key).newest = 0;
        }
        assert_eq!(chains.slots.len(), slots);
    }
}
