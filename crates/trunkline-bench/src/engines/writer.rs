//! One of the writers of an append workload: what it writes next, and what it saw.

use crate::events::{Event, Stream};
use crate::random::Random;

/// What a writer appends at once.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) stream: Stream,
    /// What [`Writer::saw`] was told of the stream; 0 before its first event.
    pub(crate) seen: u64,
    pub(crate) events: Vec<Event>,
}

/// A writer with streams of its own, so that it knows what to expect in them.
#[derive(Debug)]
pub(crate) struct Writer {
    random: Random,
    first_cart: u64,
    next_event: u64,
    /// For each of its streams, the version or the position that its engine goes by.
    seen: Vec<u64>,
}

impl Writer {
    /// Writers that share so many streams. Each `series` has streams and events of its own.
    pub(crate) fn several(count: u64, streams: u64, series: u64) -> Vec<Self> {
        let own = streams / count;
        let writer = |writer: u64| Self {
            random: Random::new(series << 32 | writer),
            first_cart: (series * streams) + writer * own,
            next_event: series << 52 | writer << 40,
            seen: vec![0; own as usize],
        };
        (0..count).map(writer).collect()
    }

    /// The next commit, to one of its streams at random.
    pub(super) fn commit(&mut self, batch: usize) -> Commit {
        let place = self.random.below(self.seen.len() as u64);
        let events = (0..batch)
            .map(|_| {
                self.next_event += 1;
                Event::of_cart(self.next_event, &mut self.random)
            })
            .collect();
        let stream = Stream::Cart(self.first_cart + place);
        Commit { stream, seen: self.seen[place as usize], events }
    }

    /// What the next commit to this stream expects.
    pub(super) fn saw(&mut self, stream: Stream, seen: u64) {
        if let Stream::Cart(cart) = stream {
            self.seen[(cart - self.first_cart) as usize] = seen;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_and_series_share_no_stream_and_no_event() {
        let mut writers = Writer::several(4, 8, 0);
        writers.extend(Writer::several(2, 8, 1));
        let mut carts = std::collections::BTreeMap::new();
        let mut ids = std::collections::BTreeSet::new();
        for (number, writer) in writers.iter_mut().enumerate() {
            for _ in 0..50 {
                let commit = writer.commit(3);
                assert_eq!(*carts.entry(commit.stream).or_insert(number), number);
                assert!(commit.events.iter().all(|event| ids.insert(event.id)));
            }
        }
    }

    #[test]
    fn a_commit_expects_what_was_seen_in_its_stream() {
        let mut writer = Writer::several(1, 1, 0).remove(0);
        let commit = writer.commit(1);
        assert_eq!(commit.seen, 0);
        writer.saw(commit.stream, 7);
        assert_eq!(writer.commit(1).seen, 7);
    }
}
