//! Which events a read yields, in which order, and where it ends.

use futures::StreamExt;
use trunkline_core::{Position, Version};

use super::Fixture;
use super::sample::{append, several, slow, stream};
use super::seen::{Seen, collect, cut, everything, everything_in};
use crate::{AllRead, Direction, EventStore, EventStream, StreamRead};

const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Backward];

/// A stream that nobody wrote to is empty, which is no error.
pub async fn a_stream_without_events_yields_none(fixture: Fixture) {
    let store = fixture.store();
    for direction in DIRECTIONS {
        let read = StreamRead { direction, ..StreamRead::default() };
        assert_eq!(collect(store.read_stream(&stream("order-1"), read)).await, []);
    }
    append(&*store, several("order-10", 2)).await;
    append(&*store, several("order-1", 1)).await;
    assert_eq!(everything_in(&*store, "order-1").await.len(), 1);
    assert_eq!(everything_in(&*store, "order-2").await, []);
}

/// An empty store has nothing to read, which is no error.
pub async fn an_empty_store_yields_nothing(fixture: Fixture) {
    let store = fixture.store();
    for direction in DIRECTIONS {
        assert_eq!(collect(store.read_all(AllRead { direction, ..AllRead::default() })).await, []);
    }
}

/// Every combination of lowest and highest version, direction and limit yields what it says.
pub async fn a_stream_is_read_within_its_bounds_either_way(fixture: Fixture) {
    let store = fixture.store();
    for _ in 0..3 {
        append(&*store, several("order-1", 2)).await;
        append(&*store, several("order-2", 1)).await;
    }
    let all = everything_in(&*store, "order-1").await;
    assert_eq!(all.len(), 6);
    let bounds: Vec<_> = (0..=8).chain([u64::MAX]).map(Version::new).collect();
    for &from in &bounds {
        for &to in &bounds {
            for direction in DIRECTIONS {
                for limit in [None, Some(0), Some(1), Some(3), Some(6), Some(u64::MAX)] {
                    let read = StreamRead { from, to, direction, limit };
                    let within = all.iter().filter(|event| from <= event.version && event.version <= to);
                    let seen = collect(store.read_stream(&stream("order-1"), read)).await;
                    assert_eq!(seen, cut(within.cloned(), direction, limit), "{read:?}");
                }
            }
        }
    }
}

/// Every combination of lowest and highest position, direction and limit yields what it says.
pub async fn the_store_is_read_within_its_bounds_either_way(fixture: Fixture) {
    let store = fixture.store();
    for name in ["order-1", "order-2", "cart-1", "order-1"] {
        append(&*store, several(name, 2)).await;
    }
    let all = everything(&*store).await;
    assert_eq!(all.len(), 8);
    let last = all[7].position;
    let mut bounds = vec![Position::START, last.next(), last.plus(100), Position::MAX];
    bounds.extend(all.iter().map(|event| event.position));
    for &from in &bounds {
        for &to in &bounds {
            for direction in DIRECTIONS {
                for limit in [None, Some(0), Some(1), Some(3), Some(8), Some(u64::MAX)] {
                    let read = AllRead { from, to, direction, limit, ..AllRead::default() };
                    let within = all.iter().filter(|event| from <= event.position && event.position <= to);
                    let wanted = cut(within.cloned(), direction, limit);
                    assert_eq!(collect(store.read_all(read.clone())).await, wanted, "{read:?}");
                }
            }
        }
    }
}

/// A read of many events yields each of them once, in order, however they are paged.
pub async fn a_long_read_skips_and_doubles_nothing(fixture: Fixture) {
    let store = fixture.store();
    let rounds = if slow() { 500 } else { 25 };
    let mut ids = Vec::new();
    for round in 0..rounds {
        for (name, count) in [("order-1", 370), ("order-2", 1 + round % 5)] {
            let batch = several(name, count);
            ids.extend(batch.events().map(|event| (name, event.event_id)));
            append(&*store, batch).await;
        }
    }
    let id = |event: &Seen| event.event_id;
    for direction in DIRECTIONS {
        let turned = |mut ids: Vec<trunkline_core::EventId>| {
            if direction == Direction::Backward {
                ids.reverse();
            }
            ids
        };
        let read = AllRead { direction, ..AllRead::default() };
        let seen: Vec<_> = collect(store.read_all(read)).await.iter().map(id).collect();
        assert_same_ids(&seen, &turned(ids.iter().map(|&(_, id)| id).collect()));
        let read = StreamRead { direction, ..StreamRead::default() };
        let seen: Vec<_> =
            collect(store.read_stream(&stream("order-1"), read)).await.iter().map(id).collect();
        let wanted = ids.iter().filter(|&&(name, _)| name == "order-1").map(|&(_, id)| id).collect();
        assert_same_ids(&seen, &turned(wanted));
    }
}

/// What comes while a stream is being read is for the next read; what came before it began is for this one.
pub async fn a_stream_read_ends_at_the_version_that_it_began_with(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, several("order-1", 3)).await;
    for direction in DIRECTIONS {
        let read = StreamRead { direction, ..StreamRead::default() };
        let read = store.read_stream(&stream("order-1"), read);
        assert_ends_where_it_began(&*store, read, |store| Box::pin(everything_in(store, "order-1"))).await;
    }
}

/// What comes while the store is being read is for the next read; what came before it began is for this one.
pub async fn a_read_of_the_store_ends_at_the_head_that_it_began_with(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, several("order-1", 3)).await;
    for direction in DIRECTIONS {
        let read = store.read_all(AllRead { direction, ..AllRead::default() });
        assert_ends_where_it_began(&*store, read, |store| Box::pin(everything(store))).await;
    }
}

/// Appends before the read's first poll, and during it, again and again.
async fn assert_ends_where_it_began(
    store: &dyn EventStore,
    mut read: EventStream,
    all: impl Fn(&dyn EventStore) -> futures::future::BoxFuture<'_, Vec<Seen>>,
) {
    // More than fits a page of any likely size.
    append(store, several("order-1", 1500)).await;
    let mut wanted: Vec<_> = all(store).await.iter().map(|event| event.event_id).collect();
    let mut seen = Vec::new();
    while let Some(event) = read.next().await {
        seen.push(event.expect("a read of a sound store succeeds").event_id());
        if seen.len() % 500 == 1 {
            append(store, several("order-1", 1)).await;
        }
    }
    if seen.first() != wanted.first() {
        wanted.reverse();
    }
    assert_same_ids(&seen, &wanted);
}

/// Asserts without printing thousands of ids.
#[track_caller]
fn assert_same_ids(seen: &[trunkline_core::EventId], wanted: &[trunkline_core::EventId]) {
    let differs = seen.iter().zip(wanted).position(|(seen, wanted)| seen != wanted);
    assert_eq!((differs, seen.len()), (None, wanted.len()), "the first that differs, and how many there are");
}
