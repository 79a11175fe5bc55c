//! The list of streams.

use trunkline_core::{Position, Version};

use super::Fixture;
use super::sample::{append, list, one, several, stream, streams};
use crate::{EventStore, StreamInfo, StreamsRead};

/// Streams are listed in the order in which they began, each with how far it has come.
pub async fn streams_are_listed_in_the_order_in_which_they_began(fixture: Fixture) {
    let store = fixture.store();
    assert_eq!(streams(&*store).await, []);
    let mut wanted: Vec<StreamInfo> = Vec::new();
    for (name, count) in
        [("order-2", 1), ("order-1", 3), ("$saga.a-1", 1), ("order-2", 2), ("cart-1", 1), ("order-1", 1)]
    {
        let position = append(&*store, several(name, count)).await.position;
        if let Some(info) = wanted.iter_mut().find(|info| info.stream == stream(name)) {
            info.version = info.version.plus(count as u64);
            info.last_position = position;
        } else {
            let seen = super::seen::everything_in(&*store, name).await;
            wanted.push(StreamInfo {
                stream: stream(name),
                version: Version::new(count as u64),
                first_position: seen[0].position,
                last_position: position,
            });
        }
        assert_eq!(streams(&*store).await, wanted);
    }
}

/// Who has a part of the list goes on after the first position of its last stream.
pub async fn a_list_of_streams_goes_on_after_a_position(fixture: Fixture) {
    let store = fixture.store();
    for number in 0..7 {
        append(&*store, several(&format!("order-{number}"), 2)).await;
        append(&*store, one("order-0")).await;
    }
    let all = streams(&*store).await;
    assert_eq!(all.len(), 7);
    let mut listed = Vec::new();
    let mut after = Position::START;
    for wanted in [3, 3, 1, 0] {
        let page = list(&*store, StreamsRead { after, limit: Some(3), ..StreamsRead::default() }).await;
        assert_eq!(page.len(), wanted);
        after = page.last().map_or(after, |info| info.first_position);
        listed.extend(page);
    }
    assert_eq!(listed, all);
    assert_eq!(list(&*store, StreamsRead { limit: Some(0), ..StreamsRead::default() }).await, []);
    assert_eq!(list(&*store, StreamsRead { after: Position::MAX, ..StreamsRead::default() }).await, []);
}

/// Who asks for the streams of an aggregate type gets those and no others.
pub async fn the_streams_of_one_aggregate_type_are_listed(fixture: Fixture) {
    let store = fixture.store();
    for name in ["order-1", "orders-1", "cart-1", "order-2", "$order-1", "order-3-4"] {
        append(&*store, one(name)).await;
    }
    let read = |aggregate_type: &str| StreamsRead {
        aggregate_type: Some(aggregate_type.to_owned()),
        ..StreamsRead::default()
    };
    assert_eq!(names(&*store, read("order")).await, ["order-1", "order-2", "order-3-4"]);
    assert_eq!(names(&*store, read("$order")).await, ["$order-1"]);
    for other in ["ord", "order-3", "Order", ""] {
        assert_eq!(names(&*store, read(other)).await, [""; 0]);
    }
    let first = list(&*store, StreamsRead { limit: Some(1), ..read("order") }).await;
    let after = first[0].first_position;
    assert_eq!(names(&*store, StreamsRead { after, limit: Some(1), ..read("order") }).await, ["order-2"]);
}

/// A list of very many streams has each of them once.
pub async fn a_long_list_of_streams_is_complete(fixture: Fixture) {
    let store = fixture.store();
    let mut wanted = Vec::new();
    for page in 0..10 {
        let first = one(&format!("order-{page}"));
        let batch = (1..100).fold(first, |batch, number| {
            batch
                .and_to(stream(&format!("order-{page}-{number}")), trunkline_core::Expected::NoStream)
                .event(super::sample::event("Happened"))
        });
        wanted.extend(batch.writes.iter().map(|write| write.stream.as_str().to_owned()));
        append(&*store, batch).await;
    }
    assert_eq!(names(&*store, StreamsRead::default()).await, wanted);
}

async fn names(store: &dyn EventStore, read: StreamsRead) -> Vec<String> {
    list(store, read).await.iter().map(|info| info.stream.as_str().to_owned()).collect()
}
