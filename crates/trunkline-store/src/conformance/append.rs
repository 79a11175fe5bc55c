//! That an append is atomic, ordered, and seen at once.

use std::task::Poll;

use futures::future::poll_immediate;
use futures::poll;
use trunkline_core::{Expected, Position, Query, QueryItem, Version};

use super::Fixture;
use super::sample::{append, event, head, kind, list, one, refuse, several, stream, streams, to};
use super::seen::{collect, everything, everything_in};
use crate::{AllRead, AppendError, Direction, EventStoreExt, StreamRead, StreamsRead};

/// Either everything in a batch is stored, or nothing is.
pub async fn append_is_all_or_nothing(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, one("order-2")).await;
    let first = event("Happened");
    let batch = to("order-1", Expected::NoStream)
        .event(first.clone())
        .event(event("Happened"))
        .and_to(stream("order-2"), Expected::NoStream)
        .event(event("Happened"));
    let error = refuse(&*store, batch).await;
    assert!(matches!(error, AppendError::Conflict { .. }), "{error:?}");
    assert_eq!(everything_in(&*store, "order-1").await, []);
    assert_eq!(everything(&*store).await.len(), 1);
    // Nor does anything remember the ids of a batch that was refused.
    let appended = append(&*store, to("order-1", Expected::NoStream).event(first)).await;
    assert!(!appended.repeated, "{appended:?}");
}

/// An append answers with the version of each stream and the position of its last event.
pub async fn append_returns_the_versions_and_the_last_position(fixture: Fixture) {
    let store = fixture.store();
    let appended = append(&*store, several("order-1", 3)).await;
    assert_eq!(appended.versions, [Version::new(3)]);
    let batch = several("cart-1", 2).and_to(stream("order-1"), Expected::Any).event(event("Happened"));
    let appended = append(&*store, batch).await;
    assert_eq!(appended.versions, [Version::new(2), Version::new(4)]);
    assert!(!appended.repeated, "{appended:?}");
    let last = everything(&*store).await.pop().expect("events were appended");
    assert_eq!((last.position, last.stream.as_str()), (appended.position, "order-1"));
}

/// One batch may write to several streams, and its events are stored in its order.
pub async fn a_batch_writes_to_several_streams(fixture: Fixture) {
    let store = fixture.store();
    let batch = to("order-1", Expected::NoStream)
        .event(event("A"))
        .event(event("B"))
        .and_to(stream("cart-1"), Expected::NoStream)
        .event(event("C"))
        .and_to(stream("stock-1"), Expected::NoStream)
        .event(event("D"))
        .event(event("E"));
    let ids: Vec<_> = batch.events().map(|event| event.event_id).collect();
    append(&*store, batch).await;
    let seen = everything(&*store).await;
    assert_eq!(seen.iter().map(|event| event.event_id).collect::<Vec<_>>(), ids);
    let places: Vec<_> = seen
        .iter()
        .map(|event| (event.stream.as_str(), event.version.get(), event.event_type.as_str()))
        .collect();
    let wanted = [
        ("order-1", 1, "A"),
        ("order-1", 2, "B"),
        ("cart-1", 1, "C"),
        ("stock-1", 1, "D"),
        ("stock-1", 2, "E"),
    ];
    assert_eq!(places, wanted);
}

/// The versions of a stream are 1, 2, 3 and so on, whatever goes to other streams in between.
pub async fn versions_are_dense_from_one(fixture: Fixture) {
    let store = fixture.store();
    for count in [1, 3, 2] {
        append(&*store, several("order-1", count)).await;
        append(&*store, one("order-2")).await;
    }
    let versions: Vec<_> =
        everything_in(&*store, "order-1").await.iter().map(|event| event.version.get()).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5, 6]);
    let versions: Vec<_> =
        everything_in(&*store, "order-2").await.iter().map(|event| event.version.get()).collect();
    assert_eq!(versions, [1, 2, 3]);
}

/// What is appended later stands later.
pub async fn positions_increase_in_the_order_of_the_appends(fixture: Fixture) {
    let store = fixture.store();
    let mut ids = Vec::new();
    let mut last = Position::START;
    for name in ["order-2", "order-1", "cart-1", "order-2"] {
        let batch = several(name, 2);
        ids.extend(batch.events().map(|event| event.event_id));
        let appended = append(&*store, batch).await;
        assert!(appended.position > last, "{} follows {last}", appended.position);
        last = appended.position;
    }
    let seen = everything(&*store).await;
    assert_eq!(seen.iter().map(|event| event.event_id).collect::<Vec<_>>(), ids);
    assert!(seen.is_sorted_by(|one, next| one.position < next.position), "{seen:?}");
    assert!(seen[0].position >= Position::FIRST, "{seen:?}");
}

/// Whoever begins to read after an append was acknowledged sees all of it, whichever way.
pub async fn what_is_appended_is_read_at_once(fixture: Fixture) {
    let store = fixture.store();
    for round in 1..=20 {
        let batch = several("order-1", 2).and_to(stream("cart-1"), Expected::Any).event(event("Last"));
        let appended = append(&*store, batch).await;
        assert_eq!(head(&*store).await, appended.position);
        assert_eq!(everything(&*store).await.len(), 3 * round);
        assert_eq!(everything_in(&*store, "order-1").await.len(), 2 * round);
        let last = StreamRead { direction: Direction::Backward, limit: Some(1), ..StreamRead::default() };
        let last = collect(store.read_stream(&stream("order-1"), last)).await;
        assert_eq!(last[0].version.get(), 2 * round as u64);
        let query = Query::from(QueryItem::default().event_type(kind("Last")));
        assert_eq!(collect(store.read_all(AllRead::default().matching(query))).await.len(), round);
        assert_eq!(streams(&*store).await[1].last_position, appended.position);
        assert_eq!(list(&*store, StreamsRead { limit: Some(1), ..StreamsRead::default() }).await.len(), 1);
        let found = store.event_at(appended.position).await.expect("a sound store is read");
        assert_eq!(found.map(|event| event.version().get()), Some(round as u64));
    }
}

/// When the future of an append is dropped, all of it is stored or nothing, and appending it again tells.
pub async fn a_dropped_append_is_told_by_repeating_it(fixture: Fixture) {
    let store = fixture.store();
    let mut batches = Vec::new();
    for polls in 0..8 {
        let batch = several("order-1", 2).and_to(stream("cart-1"), Expected::Any).event(event("Happened"));
        let mut future = store.append(batch.clone());
        for _ in 0..polls {
            if let Poll::Ready(result) = poll!(&mut future) {
                result.expect("nothing stands against this append");
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(future);
        batches.push(batch);
    }
    // Never polled, or once.
    let batch = one("order-2");
    drop(store.append(batch.clone()));
    batches.push(batch);
    let batch = one("order-2");
    let _outcome = poll_immediate(store.append(batch.clone())).await;
    batches.push(batch);
    let mut ids = Vec::new();
    for batch in batches {
        ids.extend(batch.events().map(|event| event.event_id));
        let stored = everything(&*store).await;
        let has =
            |event: &trunkline_core::NewEvent| stored.iter().any(|seen| seen.event_id == event.event_id);
        let there = batch.events().filter(|event| has(event)).count();
        assert!(there == 0 || there == batch.events().count(), "{there} events of a batch are there");
        let first = append(&*store, batch.clone()).await;
        let second = append(&*store, batch).await;
        assert!(second.repeated, "{second:?}");
        assert_eq!((first.versions, first.position), (second.versions, second.position));
    }
    let mut seen: Vec<_> = everything(&*store).await.iter().map(|event| event.event_id).collect();
    seen.sort_unstable();
    ids.sort_unstable();
    assert_eq!(seen, ids, "each event is stored once");
}

/// A store has an id, the same each time it is asked, and not another store's.
pub async fn a_store_has_an_id_of_its_own(fixture: Fixture) {
    let store = fixture.store();
    let id = store.id();
    append(&*store, one("order-1")).await;
    assert_eq!(store.id(), id);
    assert_ne!(id.into_bytes(), [0; 16]);
    assert_ne!(id, crate::EventStore::id(&crate::MemoryStore::new()));
}
