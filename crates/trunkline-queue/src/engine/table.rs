//! The messages of a topic that are kept, found by place and by id.
//!
//! Places are dense; messages that are gone leave holes, and a stretch without any message takes no memory.

use std::collections::BTreeMap;

use hashbrown::HashTable;

/// How many places one stretch has: few enough that one message that stays long holds little else.
const STRETCH: u64 = 256;

/// The ids are spread over so many tables, so that the growth of one is short.
const SHARDS: usize = 64;

/// The hash of an id, of 128 bits and keyed, so that two ids never have the same by chance or on purpose.
pub(crate) type IdHash = [u64; 2];

/// A message in its topic.
#[derive(Clone, Debug)]
pub(crate) struct Entry<B> {
    pub(crate) body: B,
    pub(crate) id: IdHash,
    /// When it was published, in microseconds.
    pub(crate) enqueued_at: i64,
    /// The hash of its key, or of its id when it has none: what partitions are made of.
    pub(crate) key: u32,
    pub(crate) bytes: u32,
    /// How many groups have not finished it.
    pub(crate) pending: u16,
    /// It has a delay, or is for one group only: groups don't come to it by going on from their last place.
    pub(crate) direct: bool,
}

#[derive(Debug)]
struct Stretch<B> {
    entries: Box<[Option<Entry<B>>]>,
    live: u64,
}

#[derive(Debug)]
pub(crate) struct Table<B> {
    stretches: BTreeMap<u64, Stretch<B>>,
    /// The first half of each id's hash, with the message's place.
    ids: Vec<HashTable<(u64, u64)>>,
    len: u64,
    bytes: u64,
}

impl<B> Table<B> {
    pub(crate) fn new() -> Self {
        let ids = std::iter::repeat_with(HashTable::new).take(SHARDS).collect();
        Self { stretches: BTreeMap::new(), ids, len: 0, bytes: 0 }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn get(&self, place: u64) -> Option<&Entry<B>> {
        self.stretches.get(&(place / STRETCH))?.entries[slot(place)].as_ref()
    }

    pub(crate) fn get_mut(&mut self, place: u64) -> Option<&mut Entry<B>> {
        self.stretches.get_mut(&(place / STRETCH))?.entries[slot(place)].as_mut()
    }

    /// The place of the message with that id.
    pub(crate) fn find(&self, id: IdHash) -> Option<u64> {
        let same = |&(hash, place): &(u64, u64)| {
            hash == id[0] && self.get(place).is_some_and(|entry| entry.id == id)
        };
        self.ids[shard(id)].find(id[0], same).map(|&(_, place)| place)
    }

    /// Puts a message in its place, which is empty.
    pub(crate) fn insert(&mut self, place: u64, entry: Entry<B>) {
        let stretch = self.stretches.entry(place / STRETCH).or_insert_with(|| Stretch {
            entries: std::iter::repeat_with(|| None).take(STRETCH as usize).collect(),
            live: 0,
        });
        let id = entry.id;
        self.bytes += u64::from(entry.bytes);
        self.len += 1;
        stretch.live += 1;
        debug_assert!(stretch.entries[slot(place)].is_none(), "a place is taken once");
        stretch.entries[slot(place)] = Some(entry);
        self.ids[shard(id)].insert_unique(id[0], (id[0], place), |&(hash, _)| hash);
    }

    pub(crate) fn remove(&mut self, place: u64) -> Option<Entry<B>> {
        let stretch = self.stretches.get_mut(&(place / STRETCH))?;
        let entry = stretch.entries[slot(place)].take()?;
        stretch.live -= 1;
        if stretch.live == 0 {
            self.stretches.remove(&(place / STRETCH));
        }
        self.len -= 1;
        self.bytes -= u64::from(entry.bytes);
        let found = self.ids[shard(entry.id)].find_entry(entry.id[0], |&(_, other)| other == place);
        if let Ok(found) = found {
            found.remove();
        }
        Some(entry)
    }

    /// The messages from a place on, in order.
    pub(crate) fn iter_from(&self, place: u64) -> impl Iterator<Item = (u64, &Entry<B>)> {
        self.stretches.range(place / STRETCH..).flat_map(move |(number, stretch)| {
            let first = number * STRETCH;
            let skip = place.saturating_sub(first) as usize;
            let places = first + skip as u64..;
            places
                .zip(stretch.entries.iter().skip(skip))
                .filter_map(|(at, entry)| Some((at, entry.as_ref()?)))
        })
    }

    /// The messages of some stretches, from one place up to another, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut Entry<B>)> {
        self.stretches.iter_mut().flat_map(|(number, stretch)| {
            let places = number * STRETCH..;
            places.zip(stretch.entries.iter_mut()).filter_map(|(at, entry)| Some((at, entry.as_mut()?)))
        })
    }
}

fn slot(place: u64) -> usize {
    (place % STRETCH) as usize
}

fn shard(id: IdHash) -> usize {
    id[1] as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(id: IdHash) -> Entry<()> {
        Entry { body: (), id, enqueued_at: 0, key: 0, bytes: 3, pending: 0, direct: false }
    }

    proptest! {
        #[test]
        fn a_table_is_a_map_by_place_and_by_id(steps in prop::collection::vec((0..600u64, any::<bool>()), 0..200)) {
            let mut table = Table::new();
            let mut model = BTreeMap::new();
            for (place, insert) in steps {
                // Ids whose first halves collide.
                let id = [place % 3, place];
                if insert && !model.contains_key(&place) {
                    table.insert(place, entry(id));
                    model.insert(place, id);
                } else {
                    prop_assert_eq!(table.remove(place).map(|entry| entry.id), model.remove(&place));
                }
                prop_assert_eq!(table.find(id), model.contains_key(&place).then_some(place));
            }
            prop_assert_eq!((table.len(), table.bytes()), (model.len() as u64, 3 * model.len() as u64));
            for from in [0, 1, 255, 256, 300] {
                let found: Vec<u64> = table.iter_from(from).map(|(place, _)| place).collect();
                let wanted: Vec<u64> = model.range(from..).map(|(place, _)| *place).collect();
                prop_assert_eq!(found, wanted);
            }
        }
    }
}
