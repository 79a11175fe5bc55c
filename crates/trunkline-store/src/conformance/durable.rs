//! That what was acknowledged is there after the store was reopened.
//!
//! A store that isn't durable is not reopened, and so must merely show the same again.

use std::sync::Arc;

use futures::future::join_all;
use trunkline_core::{Expected, Position, Query, QueryItem};

use super::Fixture;
use super::query::{fill, queries};
use super::sample::{append, assert_refused, command, event, head, one, several, stream, streams, tag, to};
use super::seen::{collect, everything, everything_in};
use crate::{AllRead, AppendError, EventStore};

/// Every acknowledged event is there, unchanged, in order, once, and found by everything it is found by.
pub async fn what_was_acknowledged_is_there_after_reopening(mut fixture: Fixture) {
    let store = fixture.store();
    fill(&*store).await;
    append(&*store, several("order-1", 300)).await;
    let before = view(&*store).await;
    drop(store);
    let mut last = before;
    for _ in 0..3 {
        let store = fixture.reopen().await;
        assert!(last == view(&*store).await, "a reopened store shows what it showed before");
        append(&*store, several("order-1", 2)).await;
        append(&*store, one("order-9")).await;
        last = view(&*store).await;
    }
}

/// What many writers had acknowledged at the same time is there.
pub async fn what_was_acknowledged_to_many_is_there_after_reopening(mut fixture: Fixture) {
    let store = fixture.store();
    let writers = (0..16).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for _ in 0..10 {
                let batch = several(&format!("order-{}", writer % 5), 1 + writer % 3);
                let ids: Vec<_> = batch.events().map(|event| event.event_id).collect();
                acknowledged.push((append(&*store, batch).await.position, ids));
            }
            acknowledged
        })
    });
    let mut acknowledged: Vec<_> =
        join_all(writers).await.into_iter().flat_map(|done| done.expect("no writer panics")).collect();
    acknowledged.sort_unstable();
    let wanted: Vec<_> = acknowledged.into_iter().flat_map(|(_, ids)| ids).collect();
    drop(store);
    let store = fixture.reopen().await;
    let seen: Vec<_> = everything(&*store).await.iter().map(|event| event.event_id).collect();
    assert!(seen == wanted, "{} events of {} are there", seen.len(), wanted.len());
}

/// Repeats, ids, versions, commands and conditions are judged as if the store had never been closed.
pub async fn a_reopened_store_judges_as_before(mut fixture: Fixture) {
    let store = fixture.store();
    let given = event("Happened").tag(tag("seat:1"));
    let batch = to("order-1", Expected::NoStream).event(given.clone()).for_command(command("7"));
    let first = append(&*store, batch.clone()).await;
    append(&*store, one("order-1")).await;
    drop(store);
    let store = fixture.reopen().await;

    let repeated = append(&*store, batch).await;
    assert!(repeated.repeated, "{repeated:?}");
    assert_eq!((repeated.versions, repeated.position), (first.versions, first.position));
    let taken = AppendError::EventIdTaken { event_id: given.event_id, position: first.position };
    assert_refused(&*store, to("order-2", Expected::Any).event(given), &taken).await;
    let stale = to("order-1", Expected::At(trunkline_core::Version::FIRST)).event(event("Happened"));
    let conflict = AppendError::Conflict {
        stream: stream("order-1"),
        expected: Expected::At(trunkline_core::Version::FIRST),
        found: trunkline_core::Version::new(2),
    };
    assert_refused(&*store, stale, &conflict).await;
    let handled = AppendError::AlreadyHandled { position: first.position };
    assert_refused(&*store, one("order-2").for_command(command("7")), &handled).await;
    let seat = Query::from(QueryItem::default().tag(tag("seat:1")));
    let failed =
        AppendError::ConditionFailed { name: "the seat is free".to_owned(), position: first.position };
    let wants_seat = |after| one("order-2").unless("the seat is free", seat.clone(), after);
    assert_refused(&*store, wants_seat(Position::START), &failed).await;
    append(&*store, wants_seat(first.position)).await;
    let next = append(&*store, one("order-1")).await;
    assert_eq!(next.versions[0].get(), 3);
}

/// A store is the same store ever after.
pub async fn the_id_of_a_store_is_the_same_ever_after(mut fixture: Fixture) {
    let id = fixture.store().id();
    for _ in 0..3 {
        let store = fixture.reopen().await;
        assert_eq!(store.id(), id);
        append(&*store, one("order-1")).await;
    }
}

/// Everything that a reader can see of a store.
async fn view(store: &dyn EventStore) -> impl PartialEq + use<> {
    let mut filtered = Vec::new();
    for query in queries() {
        filtered.push(collect(store.read_all(AllRead::default().matching(query))).await);
    }
    let mut by_stream = Vec::new();
    let streams = streams(store).await;
    for info in &streams {
        by_stream.push(everything_in(store, info.stream.as_str()).await);
    }
    (everything(store).await, filtered, by_stream, streams, head(store).await)
}
