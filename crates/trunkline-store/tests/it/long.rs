//! Scans that go on for long, which a log store has read ahead by another thread.

use std::os::unix::fs::FileExt as _;
use std::path::Path;

use futures::StreamExt;
use trunkline_core::{Append, Expected, NewEvent, Position, RecordedEvent};
use trunkline_store::{AllRead, Direction, EventStore, LogStore, LogStoreOptions, ReadError};

/// So many that there are several parts to be read ahead.
const EVENTS: u64 = 20_000;

/// How many events are appended at once.
const BATCH: u64 = 500;

async fn append(store: &LogStore, numbers: std::ops::RangeInclusive<u64>) {
    let event = |number| NewEvent::json("Counted", format!("[\"event {number:05}\"]")).unwrap();
    let append = Append::to("count-1".parse().unwrap(), Expected::Any).with_events(numbers.map(event));
    store.append(append).await.unwrap();
}

/// A store with as many events, in segments as small as may be if they are to be small.
async fn filled(folder: &Path, small: bool) -> LogStore {
    let mut options = LogStoreOptions::default();
    if small {
        options.segment_bytes = 1;
    }
    let store = LogStore::open(folder, options).unwrap();
    for first in (1..=EVENTS).step_by(BATCH as usize) {
        append(&store, first..=first + BATCH - 1).await;
    }
    store
}

fn position(event: Result<RecordedEvent, ReadError>) -> u64 {
    let event = event.unwrap();
    let number = event.position().get();
    assert_eq!(event.data(), format!("[\"event {number:05}\"]").as_bytes());
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_comes_once_in_order_however_fast_it_is_taken() {
    for small in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let store = filled(folder.path(), small).await;
        for slow in [false, true] {
            for direction in [Direction::Forward, Direction::Backward] {
                let mut read = store.read_all(AllRead { direction, ..AllRead::default() });
                let mut seen = Vec::new();
                while let Some(event) = read.next().await {
                    seen.push(position(event));
                    if slow && seen.len() % 1000 == 0 {
                        // Meanwhile what is read ahead comes to its end.
                        tokio::task::spawn_blocking(|| ()).await.unwrap();
                    }
                }
                if direction == Direction::Backward {
                    seen.reverse();
                }
                assert!(seen.into_iter().eq(1..=EVENTS), "{direction:?}, slow: {slow}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_appended_meanwhile_is_for_the_next_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path(), true).await;
    let mut read = store.read_all(AllRead::default());
    let mut seen = 0;
    while let Some(event) = read.next().await {
        seen += 1;
        assert_eq!(position(event), seen);
        if seen % 5_000 == 0 {
            append(&store, EVENTS + seen..=EVENTS + seen).await;
        }
    }
    assert_eq!(seen, EVENTS);
}

#[tokio::test]
async fn bounds_and_limits_hold() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path(), false).await;
    let (from, to) = (Position::new(77), Position::new(17_011));
    let bounded = AllRead { from, to, ..AllRead::default() };
    let seen: Vec<u64> = store.read_all(bounded.clone()).map(position).collect().await;
    assert!(seen.into_iter().eq(77..=17_011));
    let limited = AllRead { limit: Some(9_000), ..bounded };
    let seen: Vec<u64> = store.read_all(limited).map(position).collect().await;
    assert!(seen.into_iter().eq(77..9_077));
}

#[tokio::test]
async fn everything_before_damage_comes_and_then_the_damage_and_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), false).await.close().await;
    for (damaged, while_open) in
        [(9_876, false), (14_321, false), (9_876, true), (2_048, true), (2_049, true)]
    {
        let segment = folder.path().join("00000000000000000001.seg");
        let sound = std::fs::read(&segment).unwrap();
        let needle = format!("event {damaged:05}");
        let at = sound.windows(needle.len()).position(|window| window == needle.as_bytes()).unwrap();
        // Never truncated, since it is mapped.
        let file = std::fs::OpenOptions::new().write(true).open(&segment).unwrap();
        let damage = || file.write_all_at(&[sound[at] ^ 1], at as u64).unwrap();
        if !while_open {
            damage();
        }
        let store = LogStore::open_read_only(folder.path()).unwrap();
        if while_open {
            damage();
        }
        let mut seen: Vec<_> = store.read_all(AllRead::default()).collect().await;
        let last = seen.pop().unwrap();
        assert!(matches!(last, Err(ReadError::Damaged { .. })), "{last:?}");
        let seen: Vec<u64> = seen.into_iter().map(position).collect();
        // What no index has yet is found up to the last frame before the damage.
        let at_least = if while_open { damaged - 1 } else { (damaged - 1) / BATCH * BATCH };
        let count = seen.len() as u64;
        assert!((at_least..damaged).contains(&count), "{count} before {damaged}, while open: {while_open}");
        assert!(seen.into_iter().eq(1..=count));
        file.write_all_at(&sound[at..=at], at as u64).unwrap();
    }
}

#[test]
fn a_scan_needs_no_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(filled(folder.path(), false));
    let seen: Vec<u64> =
        futures::executor::block_on(store.read_all(AllRead::default()).map(position).collect());
    assert!(seen.into_iter().eq(1..=EVENTS));
}

#[test]
fn a_scan_that_outlives_its_runtime_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(filled(folder.path(), false));
    let mut read = store.read_all(AllRead::default());
    let mut seen = 0;
    runtime.block_on(async {
        while seen < 5_000 {
            seen = position(read.next().await.unwrap());
        }
    });
    drop(runtime);
    let rest: Vec<_> = futures::executor::block_on(read.collect());
    let (failed, sound): (Vec<_>, Vec<_>) = rest.into_iter().partition(Result::is_err);
    assert!(sound.into_iter().map(position).zip(seen + 1..).all(|(seen, wanted)| seen == wanted));
    let [Err(ReadError::Storage { reason })] = &failed[..] else { panic!("{failed:?}") };
    assert!(reason.contains("shut down"), "{reason}");
}

#[tokio::test]
async fn a_dropped_scan_leaves_nothing_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path(), false).await;
    for taken in [1, 2_048, 2_049, 6_000] {
        let read = store.read_all(AllRead::default());
        assert_eq!(read.take(taken).count().await, taken);
    }
    store.close().await;
    LogStore::open(folder.path(), LogStoreOptions::default()).unwrap().close().await;
}
