//! The memory backend passes the suite, and can be looked at.

use std::path::Path;
use std::sync::Arc;

use trunkline_core::{Append, Expected, ManualClock, NewEvent, Timestamp};
use trunkline_store::conformance::Fixture;
use trunkline_store::{EventStore, EventStoreExt, Limits, Maintain, MaintainError, MemoryStore, StoreStats};

trunkline_store::conformance!(every_promise, || Fixture::new(MemoryStore::new()));

trunkline_store::conformance!(every_promise_with_other_limits, || async {
    let limits = Limits { event_data_bytes_max: 4 << 20 };
    Fixture::new(MemoryStore::with(limits, Arc::new(ManualClock::default()))).with_limits(limits)
});

#[tokio::test]
async fn events_are_recorded_at_the_time_that_the_clock_says() {
    let now = Timestamp::from_micros(1_291_192_000_123_456);
    let store = MemoryStore::with(Limits::default(), Arc::new(ManualClock::at(now)));
    store.append(append()).await.unwrap();
    let events = store.stream_events(&"order-1".parse().unwrap()).await.unwrap();
    assert_eq!((events[0].recorded_at(), events[0].occurred_at()), (now, now));
}

#[tokio::test]
async fn a_clone_is_the_same_store() {
    let store = MemoryStore::new();
    store.clone().append(append()).await.unwrap();
    assert_eq!(store.head().await.unwrap().get(), 2);
    assert_eq!(store.id(), store.clone().id());
}

#[tokio::test]
async fn a_memory_store_is_counted_and_verified() {
    let store = MemoryStore::new();
    store.append(append()).await.unwrap();
    let stats = store.stats().unwrap();
    let bytes =
        2 * ("order-1".len() + "OrderCreated".len() + "sku:1".len() + "{}".len() + "[1]".len()) as u64;
    let wanted = StoreStats {
        events: 2,
        segments: 0,
        event_bytes: bytes,
        index_bytes: 0,
        index_runs: 0,
        damage: None,
    };
    assert_eq!(stats, wanted);
    let mut told = Vec::new();
    let report = store.verify(&mut |done, all| told.push((done, all))).unwrap();
    assert_eq!((report.events, report.streams, report.problems), (2, 1, vec![]));
    assert_eq!(told, [(1, 2), (2, 2)]);
}

#[test]
fn a_memory_store_is_not_backed_up() {
    let error = MemoryStore::new().backup(Path::new("backup"), &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, MaintainError::Unsupported { .. }), "{error:?}");
    assert!(error.to_string().starts_with("a backup is not possible with this kind of store: "), "{error}");
}

fn append() -> Append {
    let event = || NewEvent::json("OrderCreated", "[1]").unwrap().tag("sku:1".parse().unwrap());
    Append::to("order-1".parse().unwrap(), Expected::Any).event(event()).event(event())
}
