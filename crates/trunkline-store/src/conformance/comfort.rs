//! What [`EventStoreExt`] adds.

use trunkline_core::{Position, Version};

use super::Fixture;
use super::sample::{append, several, stream};
use super::seen::{Seen, everything, everything_in};
use crate::EventStoreExt;

/// The version of a stream is that of its last event; without events it is empty.
pub async fn a_stream_has_the_version_of_its_last_event(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, several("order-2", 4)).await;
    for version in [0, 2, 4] {
        let found = store.version(&stream("order-1")).await.expect("a sound store is read");
        assert_eq!(found, Version::new(version));
        append(&*store, several("order-1", 2)).await;
    }
}

/// An event is found at its position, and nothing where no event stands.
pub async fn an_event_is_found_at_its_position(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, several("order-1", 3)).await;
    append(&*store, several("order-2", 2)).await;
    let all = everything(&*store).await;
    for event in &all {
        let found = store.event_at(event.position).await.expect("a sound store is read");
        assert_eq!(found.map(Seen::from).as_ref(), Some(event));
    }
    for nowhere in [Position::START, all[4].position.next(), Position::MAX] {
        let found = store.event_at(nowhere).await.expect("a sound store is read");
        assert_eq!(found.map(Seen::from), None);
    }
}

/// All events of a stream can be had at once.
pub async fn the_events_of_a_stream_are_had_at_once(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, several("order-1", 300)).await;
    append(&*store, several("order-2", 1)).await;
    append(&*store, several("order-1", 300)).await;
    let events = store.stream_events(&stream("order-1")).await.expect("a sound store is read");
    assert_eq!(events.len(), 600);
    let events: Vec<_> = events.into_iter().map(Seen::from).collect();
    assert!(events == everything_in(&*store, "order-1").await, "they are those that a read yields");
}
