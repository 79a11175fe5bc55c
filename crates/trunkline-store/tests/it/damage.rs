//! A damaged log store is read up to the damage, and says then that it is damaged.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use trunkline_core::{Append, Expected, NewEvent, Position, Query};
use trunkline_store::{EventStore, LogStore, LogStoreOptions, Maintain, ReadError, subscribe};

/// A wait that takes longer than this goes on for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// A store with 9 events, each in a frame of its own, of which the one at position 6 is damaged.
async fn damaged_at_6(folder: &Path) {
    let store = LogStore::open(folder, LogStoreOptions::default()).unwrap();
    for number in 1..=9 {
        let event = NewEvent::json("Counted", format!("[\"event {number}\"]")).unwrap();
        store.append(Append::to("count-1".parse().unwrap(), Expected::Any).event(event)).await.unwrap();
    }
    store.close().await;
    let segment = folder.join("00000000000000000001.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    let needle = b"event 6";
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    bytes[at] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
}

#[tokio::test]
async fn a_subscription_ends_with_the_damage_that_it_reaches() {
    let folder = tempfile::tempdir().unwrap();
    damaged_at_6(folder.path()).await;
    let store: Arc<dyn EventStore> = Arc::new(LogStore::open_read_only(folder.path()).unwrap());
    let events = subscribe(&store, Query::all(), Position::START).collect::<Vec<_>>();
    let events = tokio::time::timeout(PATIENCE, events).await.unwrap();
    let positions: Vec<_> = events.iter().flatten().map(|event| event.position().get()).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5]);
    assert_eq!(events.len(), 6, "one error, and nothing after it");
    assert!(matches!(events[5], Err(ReadError::Damaged { .. })), "{:?}", events[5]);
}

#[tokio::test]
async fn a_wait_for_what_lies_beyond_damage_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    damaged_at_6(folder.path()).await;
    let store = LogStore::open_read_only(folder.path()).unwrap();
    assert_eq!(store.wait_beyond(Position::new(4)).await.unwrap(), Position::new(5));
    for position in [5, 6, 9, 1000] {
        let waited =
            tokio::time::timeout(PATIENCE, store.wait_beyond(Position::new(position))).await.unwrap();
        assert!(matches!(waited, Err(ReadError::Damaged { .. })), "{position}: {waited:?}");
    }
}

#[tokio::test]
async fn damage_is_counted_up_to_and_named_once() {
    let folder = tempfile::tempdir().unwrap();
    damaged_at_6(folder.path()).await;
    let store = LogStore::open_read_only(folder.path()).unwrap();
    let stats = store.stats().unwrap();
    assert_eq!(stats.events, 5);
    let damage = stats.damage.unwrap();
    let verified = store.verify(&mut |_, _| {}).unwrap();
    let problems: Vec<_> = verified.problems.iter().map(|problem| problem.what.as_str()).collect();
    assert_eq!((verified.events, problems), (5, vec![damage.as_str()]));
}

/// Without a published head of this boot, opening follows the frames itself and stops where they are damaged.
#[tokio::test]
async fn damage_beyond_what_was_recovered_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    damaged_at_6(folder.path()).await;
    std::fs::remove_file(folder.path().join("head")).unwrap();
    let store = LogStore::open_read_only(folder.path()).unwrap();
    let damage = store.stats().unwrap().damage.unwrap();
    let verified = store.verify(&mut |_, _| {}).unwrap();
    let problems: Vec<_> = verified.problems.iter().map(|problem| problem.what.as_str()).collect();
    assert_eq!((verified.events, problems), (5, vec![damage.as_str()]));
}
