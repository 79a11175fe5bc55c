//! Which records were read since the log was opened, and so are in memory most likely.

use std::ops::RangeInclusive;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::index::Located;

/// How many records' marks are kept together: 16 KiB of them.
const CHUNK_RECORDS: u64 = 1 << 17;

/// How many such chunks there may be: it bounds the memory, to 16 MiB for 134 million records. Of what has no
/// room, the disk is asked each time.
const CHUNKS_MAX: u64 = 1 << 10;

/// Marks of records that were read.
///
/// They only say whether the disk need be asked ahead. A record is verified each time it is read: what was found
/// right once may have left memory since, and come back damaged.
#[derive(Debug)]
pub(crate) struct Seen {
    /// A chunk's place is its number modulo their count; the first to come keeps it.
    chunks: Box<[OnceLock<Chunk>]>,
}

#[derive(Debug)]
struct Chunk {
    number: u64,
    marks: Box<[AtomicU64]>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { chunks: (0..CHUNKS_MAX).map(|_| OnceLock::new()).collect() }
    }
}

impl Seen {
    fn place(&self, position: u64) -> (u64, &OnceLock<Chunk>) {
        let number = position / CHUNK_RECORDS;
        (number, &self.chunks[(number % CHUNKS_MAX) as usize])
    }

    /// Whether the record at this position is marked.
    pub(crate) fn contains(&self, position: u64) -> bool {
        let (number, place) = self.place(position);
        place.get().is_some_and(|chunk| {
            let (word, bit) = mark(position);
            chunk.number == number && chunk.marks[word].load(Ordering::Relaxed) & bit != 0
        })
    }

    /// Marks records that were read.
    pub(crate) fn note(&self, records: &[Located]) {
        // Those that stand one after the other are marked together.
        for stretch in records.chunk_by(|one, other| one.position.abs_diff(other.position) == 1) {
            let (first, last) = (stretch[0].position, stretch[stretch.len() - 1].position);
            self.insert(first.min(last)..=first.max(last));
        }
    }

    /// Marks the records at these positions, if there is room.
    pub(crate) fn insert(&self, positions: RangeInclusive<u64>) {
        let (mut first, last) = (*positions.start(), *positions.end());
        while first <= last {
            // A word of marks at a time.
            let until = last.min(first | 63);
            let (word, _) = mark(first);
            let marks = (u64::MAX << (first % 64)) & (u64::MAX >> (63 - until % 64));
            let (number, place) = self.place(first);
            let new =
                || Chunk { number, marks: (0..CHUNK_RECORDS / 64).map(|_| AtomicU64::new(0)).collect() };
            let chunk = place.get_or_init(new);
            // To write what is there already would take the mark's memory away from other readers.
            if chunk.number == number && chunk.marks[word].load(Ordering::Relaxed) & marks != marks {
                chunk.marks[word].fetch_or(marks, Ordering::Relaxed);
            }
            first = until + 1;
        }
    }
}

/// The word and the bit of a position in its chunk.
fn mark(position: u64) -> (usize, u64) {
    ((position % CHUNK_RECORDS / 64) as usize, 1 << (position % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_and_nothing_else_is_found_again() {
        let seen = Seen::default();
        let marked = [1, 63, 64, CHUNK_RECORDS - 1, CHUNK_RECORDS, 5 * CHUNK_RECORDS + 7];
        for position in marked {
            seen.insert(position..=position);
        }
        for position in marked.iter().flat_map(|position| [position - 1, *position, position + 1]) {
            assert_eq!(seen.contains(position), marked.contains(&position), "{position}");
        }
    }

    #[test]
    fn a_stretch_is_marked_as_its_positions_are_one_by_one() {
        for (first, last) in
            [(1, 1), (3, 62), (3, 63), (0, 64), (63, 200), (CHUNK_RECORDS - 70, CHUNK_RECORDS + 3)]
        {
            let seen = Seen::default();
            seen.insert(first..=last);
            for position in 0..=CHUNK_RECORDS + 70 {
                assert_eq!(seen.contains(position), (first..=last).contains(&position), "{position}");
            }
        }
    }

    #[test]
    fn what_has_no_room_is_not_taken_for_marked() {
        let seen = Seen::default();
        let far = 7 + CHUNK_RECORDS * CHUNKS_MAX;
        seen.insert(7..=7);
        assert!(!seen.contains(far));
        seen.insert(far..=far);
        assert!(!seen.contains(far) && seen.contains(7));
    }
}
