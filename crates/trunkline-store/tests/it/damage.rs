//! A damaged log store is read up to the damage, and says then that it is damaged.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use trunkline_core::{Append, Expected, NewEvent, Position, Query, QueryItem};
use trunkline_store::{
    AllRead, Direction, EventStore, LogStore, LogStoreOptions, Maintain, ReadError, StreamRead, StreamsRead,
    subscribe,
};

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

/// Where the newest events can't be read, none of the older ones is the newest.
#[tokio::test]
async fn a_read_that_would_begin_in_damage_is_an_error_from_its_start() {
    let folder = tempfile::tempdir().unwrap();
    damaged_at_6(folder.path()).await;
    let store = LogStore::open_read_only(folder.path()).unwrap();
    let stream = "count-1".parse().unwrap();
    let backward = Direction::Backward;
    let counted = QueryItem::default().aggregate_type("count").into();
    let reads = [
        store.read_stream(
            &stream,
            StreamRead { direction: backward, limit: Some(1), ..StreamRead::default() },
        ),
        store.read_stream(&stream, StreamRead { direction: backward, ..StreamRead::default() }),
        store.read_all(AllRead { direction: backward, limit: Some(2), ..AllRead::default() }),
        store.read_all(AllRead { direction: backward, to: Position::new(6), ..AllRead::default() }),
        store.read_all(AllRead { direction: backward, ..AllRead::default() }.matching(counted)),
    ];
    for (number, mut read) in reads.into_iter().enumerate() {
        let first = read.next().await;
        assert!(matches!(first, Some(Err(ReadError::Damaged { .. }))), "{number}: {first:?}");
        assert!(read.next().await.is_none(), "{number}");
    }
    let known = AllRead { direction: backward, to: Position::new(5), ..AllRead::default() };
    let events: Vec<_> = store.read_all(known).collect().await;
    assert!(events.len() == 5 && events.iter().all(Result::is_ok), "{events:?}");
}

/// What is asked of the end has no other answer: how far a reader is behind, at which version a stream is.
#[tokio::test]
async fn nobody_can_tell_where_a_damaged_store_ends() {
    let folder = tempfile::tempdir().unwrap();
    damaged_at_6(folder.path()).await;
    let store = LogStore::open_read_only(folder.path()).unwrap();
    let head = store.head().await;
    assert!(matches!(head, Err(ReadError::Damaged { .. })), "{head:?}");
    let streams: Vec<_> = store.streams(StreamsRead::default()).collect().await;
    assert!(matches!(streams[0], Err(ReadError::Damaged { .. })), "{streams:?}");
}

#[tokio::test]
async fn verifying_the_newest_events_finds_the_damage() {
    let folder = tempfile::tempdir().unwrap();
    damaged_at_6(folder.path()).await;
    let store = LogStore::open_read_only(folder.path()).unwrap();
    let (all, newest) = (store.verify(&mut |_, _| {}).unwrap(), store.verify_newest(1).unwrap());
    assert_eq!(all, newest, "there is one segment");
    assert_eq!(newest.problems.len(), 1, "{newest:?}");
}
