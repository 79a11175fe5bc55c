//! Where the message of an id is: five bytes and a little for each, and no pause when there are millions.
//!
//! A hash table that doubles moves everything that it has at once.
//! So there are many small ones, and they become more one by one as messages come: each step splits one of them
//! in two, in turn (linear hashing).
//! The tables have handles only; who asks knows the id that a handle stands for.

use hashbrown::HashTable;

/// The hash of an id, of 96 bits and keyed, so that two ids never have the same by chance or on purpose.
pub(crate) type IdHash = [u32; 3];

/// How many handles a table has on average when one is split: together with what is uneven, they fit into a
/// table of 2,048 slots.
const SHARD: usize = 1_500;

#[derive(Debug)]
pub(crate) struct Ids {
    shards: Vec<HashTable<u32>>,
    len: usize,
}

impl Ids {
    pub(crate) fn new() -> Self {
        Self { shards: vec![HashTable::new()], len: 0 }
    }

    /// The tables of so many ids, which `each` hands out: as often as it is asked, and always the same.
    ///
    /// In no order, each id would go to memory that the processor's caches don't have, millions of times. So they
    /// are put in the order of the tables first; a part at a time, since that takes memory too.
    #[cfg(feature = "embedded")]
    pub(crate) fn of(len: usize, each: impl Fn(&mut dyn FnMut(IdHash, u32))) -> Self {
        const PARTS: usize = 8;
        let count = len.div_ceil(SHARD).max(1).next_power_of_two();
        let mut shards = vec![HashTable::new(); count];
        let mut part: Vec<(IdHash, u32)> = Vec::with_capacity(len / PARTS + len / 64);
        for number in 0..PARTS {
            part.clear();
            each(&mut |id, handle| {
                if shard(id, count) % PARTS == number {
                    part.push((id, handle));
                }
            });
            part.sort_unstable_by_key(|(id, _)| shard(*id, count));
            for ids in part.chunk_by(|(one, _), (other, _)| shard(*one, count) == shard(*other, count)) {
                let mut table = HashTable::with_capacity(ids.len());
                for (id, handle) in ids {
                    table.insert_unique(hash(*id), *handle, |_| unreachable!("there is room"));
                }
                shards[shard(ids[0].0, count)] = table;
            }
        }
        Self { shards, len }
    }

    /// The handle of the id, among those that could be its own.
    pub(crate) fn find(&self, id: IdHash, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        self.shards[shard(id, self.shards.len())].find(hash(id), |&handle| is(handle)).copied()
    }

    /// Notes the handle of an id; `id_of` says the id of any handle that was noted before.
    pub(crate) fn insert(&mut self, id: IdHash, handle: u32, id_of: impl Fn(u32) -> IdHash) {
        if self.len >= SHARD * self.shards.len() {
            self.split(&id_of);
        }
        let number = shard(id, self.shards.len());
        self.shards[number].insert_unique(hash(id), handle, |&handle| hash(id_of(handle)));
        self.len += 1;
    }

    /// Forgets the handle of an id.
    pub(crate) fn remove(&mut self, id: IdHash, handle: u32, id_of: impl Fn(u32) -> IdHash) {
        let number = shard(id, self.shards.len());
        let shard = &mut self.shards[number];
        let Ok(found) = shard.find_entry(hash(id), |&other| other == handle) else { return };
        found.remove();
        self.len -= 1;
        // What millions took is given back when they are gone.
        if shard.len() < shard.capacity() / 8 {
            shard.shrink_to(2 * shard.len(), |&handle| hash(id_of(handle)));
        }
    }

    /// Splits the table whose turn it is: those of its handles that belong to the new one move there.
    fn split(&mut self, id_of: &impl Fn(u32) -> IdHash) {
        let new = self.shards.len();
        let old = new - (1 << new.ilog2());
        let handles = std::mem::take(&mut self.shards[old]);
        self.shards.push(HashTable::new());
        for handle in handles {
            let id = id_of(handle);
            let number = shard(id, self.shards.len());
            self.shards[number].insert_unique(hash(id), handle, |&handle| hash(id_of(handle)));
        }
    }
}

/// Which of so many tables an id belongs to.
fn shard(id: IdHash, count: usize) -> usize {
    let mask = count.next_power_of_two() - 1;
    let number = id[2] as usize & mask;
    if number < count { number } else { number & (mask >> 1) }
}

/// What a table spreads its handles by.
fn hash(id: IdHash) -> u64 {
    u64::from(id[0]) << 32 | u64::from(id[1])
}
