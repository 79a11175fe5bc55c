//! The messages of a topic that are kept, found by place and by id.
//!
//! Places are dense; messages that are gone leave holes, and a stretch without any message takes no memory.
//! Every message that waits has an entry here, so entries are small.

use std::collections::BTreeMap;

use super::ids::Ids;
use super::{Body, IdHash};

/// How many places one stretch has: few enough that one message that stays long holds little else.
const STRETCH: u64 = 256;

/// A message in its topic.
#[derive(Clone, Debug)]
pub(crate) struct Entry<B> {
    pub(crate) body: B,
    pub(crate) id: IdHash,
    /// The hash of its key, or of its id when it has none: what partitions are made of.
    pub(crate) key: u32,
    stamp: Stamp,
    /// How many groups have not finished it.
    pub(crate) pending: u16,
}

/// When a message was published, in milliseconds and rounded up, doubled; odd when the message is direct.
#[derive(Clone, Copy, Debug)]
struct Stamp([u16; 3]);

impl<B> Entry<B> {
    /// A message that was published then, in microseconds.
    ///
    /// It is *direct* when it has a delay or is for one group only: groups don't come to it by going on from
    /// their last place.
    pub(crate) fn new(body: B, id: IdHash, key: u32, enqueued_at: i64, direct: bool) -> Self {
        let millis = enqueued_at.div_euclid(1_000) + i64::from(enqueued_at.rem_euclid(1_000) > 0);
        let bits = (millis << 1 | i64::from(direct)).cast_unsigned();
        let stamp = Stamp([bits as u16, (bits >> 16) as u16, (bits >> 32) as u16]);
        Self { body, id, key, stamp, pending: 0 }
    }

    /// When it was published, in microseconds: at most a millisecond later than it was.
    pub(crate) fn enqueued_at(&self) -> i64 {
        (self.bits() >> 1) * 1_000
    }

    pub(crate) fn is_direct(&self) -> bool {
        self.bits() & 1 == 1
    }

    fn bits(&self) -> i64 {
        let [low, middle, high] = self.stamp.0;
        i64::from(high.cast_signed()) << 32 | i64::from(middle) << 16 | i64::from(low)
    }
}

#[derive(Debug)]
struct Stretch<B> {
    number: u64,
    entries: Box<[Option<Entry<B>>]>,
    live: u64,
}

#[derive(Debug)]
pub(crate) struct Table<B> {
    stretches: Vec<Stretch<B>>,
    /// Where the stretch of a number is.
    order: BTreeMap<u64, u32>,
    /// Stretches without a message, to be used again.
    free: Vec<u32>,
    /// The stretch of the latest message, and where it is.
    latest: (u64, u32),
    ids: Ids,
    len: u64,
    bytes: u64,
}

impl<B: Body> Table<B> {
    pub(crate) fn new() -> Self {
        Self {
            stretches: Vec::new(),
            order: BTreeMap::new(),
            free: Vec::new(),
            latest: (u64::MAX, 0),
            ids: Ids::new(),
            len: 0,
            bytes: 0,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn get(&self, place: u64) -> Option<&Entry<B>> {
        let index = *self.order.get(&(place / STRETCH))?;
        self.stretches[index as usize].entries[slot(place)].as_ref()
    }

    pub(crate) fn get_mut(&mut self, place: u64) -> Option<&mut Entry<B>> {
        let index = *self.order.get(&(place / STRETCH))?;
        self.stretches[index as usize].entries[slot(place)].as_mut()
    }

    /// The place of the message with that id.
    pub(crate) fn find(&self, id: IdHash) -> Option<u64> {
        let handle = self.ids.find(id, |handle| id_of(&self.stretches, handle) == id)?;
        let stretch = &self.stretches[handle as usize / STRETCH as usize];
        Some(stretch.number * STRETCH + u64::from(handle) % STRETCH)
    }

    /// Puts a message in its place, which is empty.
    pub(crate) fn insert(&mut self, place: u64, entry: Entry<B>) {
        let id = entry.id;
        let index = self.restore(place, entry);
        let Self { stretches, ids, .. } = self;
        ids.insert(id, handle(index, place), |handle| id_of(stretches, handle));
    }

    /// Puts a message in its place, and leaves it to [`Table::find_all`] that it is found by its id; where its
    /// stretch is.
    pub(crate) fn restore(&mut self, place: u64, entry: Entry<B>) -> u32 {
        let number = place / STRETCH;
        let index = match self.latest {
            (latest, index) if latest == number => index,
            _ => self.order.get(&number).copied().unwrap_or_else(|| self.begin(number)),
        };
        self.latest = (number, index);
        let stretch = &mut self.stretches[index as usize];
        self.bytes += u64::from(entry.body.bytes());
        self.len += 1;
        stretch.live += 1;
        debug_assert!(stretch.entries[slot(place)].is_none(), "a place is taken once");
        stretch.entries[slot(place)] = Some(entry);
        index
    }

    /// From now on all messages are found by their ids.
    #[cfg(feature = "embedded")]
    pub(crate) fn find_all(&mut self) {
        let stretches = &self.stretches;
        self.ids = Ids::of(self.len as usize, |each| {
            for (index, stretch) in (0..).zip(stretches) {
                for (slot, entry) in (0..).zip(&stretch.entries) {
                    if let Some(entry) = entry {
                        each(entry.id, handle(index, slot));
                    }
                }
            }
        });
    }

    pub(crate) fn remove(&mut self, place: u64) -> Option<Entry<B>> {
        let number = place / STRETCH;
        let index = *self.order.get(&number)?;
        let Self { stretches, ids, .. } = self;
        let entry = stretches[index as usize].entries[slot(place)].clone()?;
        ids.remove(entry.id, handle(index, place), |handle| id_of(stretches, handle));
        let stretch = &mut stretches[index as usize];
        stretch.entries[slot(place)] = None;
        stretch.live -= 1;
        if stretch.live == 0 {
            stretch.entries = Box::default();
            self.latest = (u64::MAX, 0);
            self.order.remove(&number);
            self.free.push(index);
        }
        self.len -= 1;
        self.bytes -= u64::from(entry.body.bytes());
        Some(entry)
    }

    /// A stretch of that number, without messages.
    fn begin(&mut self, number: u64) -> u32 {
        let entries = std::iter::repeat_with(|| None).take(STRETCH as usize).collect();
        let stretch = Stretch { number, entries, live: 0 };
        let index = if let Some(index) = self.free.pop() {
            self.stretches[index as usize] = stretch;
            index
        } else {
            self.stretches.push(stretch);
            self.stretches.len() as u32 - 1
        };
        self.order.insert(number, index);
        index
    }

    /// The messages from a place on, in order.
    pub(crate) fn iter_from(&self, place: u64) -> impl Iterator<Item = (u64, &Entry<B>)> {
        self.order.range(place / STRETCH..).flat_map(move |(number, index)| {
            let first = number * STRETCH;
            let skip = place.saturating_sub(first) as usize;
            let places = first + skip as u64..;
            places
                .zip(self.stretches[*index as usize].entries.iter().skip(skip))
                .filter_map(|(at, entry)| Some((at, entry.as_ref()?)))
        })
    }

    /// All messages, in any order, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut Entry<B>)> {
        self.stretches.iter_mut().flat_map(|stretch| {
            let places = stretch.number * STRETCH..;
            places.zip(stretch.entries.iter_mut()).filter_map(|(at, entry)| Some((at, entry.as_mut()?)))
        })
    }
}

fn slot(place: u64) -> usize {
    (place % STRETCH) as usize
}

/// What ids are found by: where the stretch is, and the place in it.
fn handle(index: u32, place: u64) -> u32 {
    index * STRETCH as u32 + slot(place) as u32
}

/// The id of the message of a handle. A handle is forgotten before its message is gone.
fn id_of<B>(stretches: &[Stretch<B>], handle: u32) -> IdHash {
    let stretch = &stretches[handle as usize / STRETCH as usize];
    stretch.entries[handle as usize % STRETCH as usize].as_ref().map_or([0; 3], |entry| entry.id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Body for () {
        fn bytes(&self) -> u32 {
            3
        }
    }

    fn entry(id: IdHash) -> Entry<()> {
        Entry::new((), id, 0, 0, false)
    }

    #[test]
    #[cfg(feature = "embedded")]
    fn an_entry_is_small() {
        assert_eq!(size_of::<Option<Entry<crate::embedded::Place>>>(), 36);
    }

    #[test]
    fn an_entry_knows_when_it_was_published_to_the_millisecond() {
        for (micros, rounded) in
            [(0, 0), (1, 1_000), (1_000, 1_000), (-1, 0), (-1_001, -1_000), (1 << 55, (1 << 55) + 32)]
        {
            for direct in [false, true] {
                let entry = Entry::new((), [0; 3], 0, micros, direct);
                assert_eq!((entry.enqueued_at(), entry.is_direct()), (rounded, direct));
            }
        }
    }

    /// The tables of ids become more and fewer, and every message is found all the while.
    #[test]
    fn many_messages_are_found_while_they_come_and_go() {
        let mut table = Table::new();
        let id = |place: u64| [place as u32 / 3, 7, (place as u32).wrapping_mul(0x9E37_79B9)];
        for place in 0..20_000 {
            table.insert(place, entry(id(place)));
            if place % 2 == 0 {
                table.remove(place / 2).unwrap();
            }
            if place % 1_000 == 0 {
                for place in 0..place + 10 {
                    let there = table.get(place).is_some();
                    assert_eq!(table.find(id(place)), there.then_some(place));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_table_is_a_map_by_place_and_by_id(steps in prop::collection::vec((0..600u64, any::<bool>()), 0..200)) {
            let mut table = Table::new();
            let mut model = BTreeMap::new();
            for (place, insert) in steps {
                // Ids whose first halves collide.
                let id = [0, place as u32 % 3, place as u32];
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
