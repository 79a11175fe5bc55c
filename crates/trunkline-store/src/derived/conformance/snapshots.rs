//! The promises of [`SnapshotStore`].

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use trunkline_core::{EventId, StreamName, Version};

use super::TestPlace;
use crate::derived::{Revision, STATE_BYTES_MAX, SnapshotStore, StateSnapshot};

/// Makes a module with a test of every promise of [`SnapshotStore`], for one backend.
#[macro_export]
macro_rules! snapshots_conformance {
    ($name:ident, $make:expr $(,)?) => {
        mod $name {
            use super::*;

            $crate::__snapshots_promises!(tests $make);
        }
    };
}

/// The one list of tests.
#[doc(hidden)]
#[macro_export]
macro_rules! __snapshots_promises {
    ($form:ident $($make:expr)?) => {
        $crate::__derived_each! {
            $form snapshots ($($make)?)
            a_stream_without_a_snapshot_has_none
            what_is_kept_is_found_as_it_was_kept
            a_snapshot_takes_the_place_of_the_former_one
            a_snapshot_of_another_revision_is_not_given
            streams_have_snapshots_of_their_own
            what_is_too_large_is_never_kept
            after_opening_again_a_snapshot_is_as_it_was_kept_or_gone
            whatever_is_found_was_kept_while_many_keep
        }
    };
}

/// Every promise's name, for those who want to see that they test all of them.
pub const PROMISES: &[&str] = crate::__snapshots_promises!(names);

/// How long a test waits for what is promised to come soon; long, for busy machines.
const SOON: Duration = Duration::from_secs(10);

fn stream(name: &str) -> StreamName {
    StreamName::system(name).expect("the suite's streams have names")
}

fn revision() -> Revision {
    Revision::of("the suite")
}

/// A snapshot that says of itself where it is from.
fn snapshot(name: &str, version: u64) -> StateSnapshot {
    StateSnapshot {
        revision: revision(),
        version: Version::new(version),
        event_id: EventId::from_cloudevent(name, &version.to_string()),
        state: Bytes::from(format!("{name} at {version}")),
    }
}

/// Waits until a stream's snapshot is this one.
async fn kept(store: &dyn SnapshotStore, name: &str, expected: &StateSnapshot) {
    let (stream, mut found) = (stream(name), None);
    let look = async {
        while found.as_ref() != Some(expected) {
            found = store.find(&stream, expected.revision).await;
            let other = found.as_ref().filter(|found| found.version == expected.version);
            assert!(other.is_none_or(|found| found == expected), "{name}: it is not as it was kept");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let in_time = tokio::time::timeout(SOON, look).await.is_ok();
    let of = |snapshot: &StateSnapshot| (snapshot.version, snapshot.event_id, snapshot.state.len());
    assert!(in_time, "{name}: expected {:?}, found {:?}", of(expected), found.as_ref().map(of));
}

async fn keep(store: &dyn SnapshotStore, name: &str, snapshot: &StateSnapshot) {
    store.keep(&stream(name), snapshot.clone()).await;
}

/// Nothing is made up.
pub async fn a_stream_without_a_snapshot_has_none(place: TestPlace<dyn SnapshotStore>) {
    let store = place.open();
    assert_eq!(store.find(&stream("till-1"), revision()).await, None);
    keep(&*store, "till-2", &snapshot("till-2", 1)).await;
    kept(&*store, "till-2", &snapshot("till-2", 1)).await;
    assert_eq!(store.find(&stream("till-1"), revision()).await, None);
}

/// To the byte, whatever the bytes are.
pub async fn what_is_kept_is_found_as_it_was_kept(place: TestPlace<dyn SnapshotStore>) {
    let store = place.open();
    let states = [Vec::new(), (0..=255).collect(), vec![0; 1 << 20], b"{\"sum\": 1}\n".to_vec()];
    for (version, state) in ((1 << 40)..).zip(states) {
        let snapshot = StateSnapshot { state: state.into(), ..snapshot("till-1", version) };
        keep(&*store, "till-1", &snapshot).await;
        kept(&*store, "till-1", &snapshot).await;
    }
}

/// Whichever version it is of, and for good.
pub async fn a_snapshot_takes_the_place_of_the_former_one(place: TestPlace<dyn SnapshotStore>) {
    let store = place.open();
    for version in [100, 200, 150] {
        keep(&*store, "till-1", &snapshot("till-1", version)).await;
        kept(&*store, "till-1", &snapshot("till-1", version)).await;
    }
    for _ in 0..20 {
        assert_eq!(store.find(&stream("till-1"), revision()).await, Some(snapshot("till-1", 150)));
    }
}

/// What made a state says what it means.
pub async fn a_snapshot_of_another_revision_is_not_given(place: TestPlace<dyn SnapshotStore>) {
    let store = place.open();
    let other = Revision::of("another");
    keep(&*store, "till-1", &snapshot("till-1", 1)).await;
    kept(&*store, "till-1", &snapshot("till-1", 1)).await;
    assert_eq!(store.find(&stream("till-1"), other).await, None);
    let later = StateSnapshot { revision: other, ..snapshot("till-1", 2) };
    keep(&*store, "till-1", &later).await;
    kept(&*store, "till-1", &later).await;
    let found = store.find(&stream("till-1"), revision()).await;
    assert!(found.is_none_or(|found| found == snapshot("till-1", 1)));
}

/// Also when their names are alike.
pub async fn streams_have_snapshots_of_their_own(place: TestPlace<dyn SnapshotStore>) {
    let store = place.open();
    let names = ["till-1", "till-11", "till-1-1", "Till-1", "till-1 ", "tïll-1", "ti'll-1", "till-%"];
    for name in names {
        keep(&*store, name, &snapshot(name, 1)).await;
    }
    for name in names {
        kept(&*store, name, &snapshot(name, 1)).await;
    }
}

/// Reading the events again takes less.
pub async fn what_is_too_large_is_never_kept(place: TestPlace<dyn SnapshotStore>) {
    let store = place.open();
    let large = StateSnapshot { state: vec![7; STATE_BYTES_MAX + 1].into(), ..snapshot("till-1", 1) };
    keep(&*store, "till-1", &large).await;
    keep(&*store, "till-2", &snapshot("till-2", 1)).await;
    kept(&*store, "till-2", &snapshot("till-2", 1)).await;
    assert!(store.find(&stream("till-1"), revision()).await.is_none());
}

/// A place that can't be opened again is read once more.
pub async fn after_opening_again_a_snapshot_is_as_it_was_kept_or_gone(place: TestPlace<dyn SnapshotStore>) {
    let store = place.open();
    for version in [1, 2] {
        keep(&*store, "till-1", &snapshot("till-1", version)).await;
        kept(&*store, "till-1", &snapshot("till-1", version)).await;
    }
    drop(store);
    let store = place.open();
    let found = store.find(&stream("till-1"), revision()).await;
    assert!(found.is_none_or(|found| found == snapshot("till-1", 2)));
    assert_eq!(store.find(&stream("till-2"), revision()).await, None);
    keep(&*store, "till-1", &snapshot("till-1", 3)).await;
    kept(&*store, "till-1", &snapshot("till-1", 3)).await;
}

/// No part of one is taken for a part of another.
pub async fn whatever_is_found_was_kept_while_many_keep(place: TestPlace<dyn SnapshotStore>) {
    let store = place.open();
    let work = (0..8).map(|n: u64| {
        let store = Arc::clone(&store);
        let name = format!("till-{}", n % 4);
        tokio::spawn(async move {
            for version in 1..=100 {
                keep(&*store, &name, &snapshot(&name, version)).await;
                tokio::task::yield_now().await;
                if let Some(found) = store.find(&stream(&name), revision()).await {
                    assert_eq!(found, snapshot(&name, found.version.get()), "{name}");
                }
            }
        })
    });
    for worked in join_all(work).await {
        worked.expect("whatever is found was kept");
    }
}
