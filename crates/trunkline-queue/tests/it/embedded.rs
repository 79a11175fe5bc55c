//! The embedded backend passes the suite, on the file system and on a disk in memory.

use std::sync::Arc;

use trunkline_log::disk::{Disk, MemoryDisk};
use trunkline_queue::conformance::Fixture;
use trunkline_queue::{EmbeddedOptions, EmbeddedQueue, Keep, ManualClock};

trunkline_queue::conformance!(every_promise_on_the_file_system, on_the_file_system);
trunkline_queue::conformance!(every_promise_on_a_disk_in_memory, on_a_disk_in_memory);
trunkline_queue::operating_conformance!(operating_on_the_file_system, on_the_file_system);
trunkline_queue::operating_conformance!(operating_on_a_disk_in_memory, on_a_disk_in_memory);

/// Little enough that the suite reaches it.
fn keep() -> Keep {
    Keep { unread_bytes: 256 << 10, ..Keep::default() }
}

fn options(clock: &ManualClock) -> EmbeddedOptions {
    let clock = Arc::new(clock.clone());
    // Smaller than by default, since the suite reopens its queues hundreds of times.
    EmbeddedOptions { keep: keep(), clock, segment_bytes: 256 << 10, ..EmbeddedOptions::default() }
}

fn on_the_file_system() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue");
    let clock = ManualClock::default();
    let queue = EmbeddedQueue::open(&path, options(&clock)).unwrap();
    let reopened = options(&clock);
    let reopen = move |old: EmbeddedQueue| {
        let (path, options) = (path.clone(), reopened.clone());
        async move {
            old.close().await;
            EmbeddedQueue::open(&path, options).unwrap()
        }
    };
    Fixture::durable(queue, reopen).with_clock(clock).with_keep(keep()).guarded_by(folder)
}

/// Segments as small as they may be, so that the suite's queues have many.
fn on_a_disk_in_memory() -> Fixture {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new());
    let clock = ManualClock::default();
    let options = EmbeddedOptions { segment_bytes: 1, ..options(&clock) };
    let queue = EmbeddedQueue::open_on(Arc::clone(&disk), options.clone()).unwrap();
    let reopen = move |old: EmbeddedQueue| {
        let (disk, options) = (Arc::clone(&disk), options.clone());
        async move {
            // Dropped, not closed: that has to do as well.
            drop(old);
            EmbeddedQueue::open_on(disk, options).unwrap()
        }
    };
    Fixture::durable(queue, reopen).with_clock(clock).with_keep(keep())
}

#[test]
fn others_see_its_numbers_from_the_moment_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(EmbeddedQueue::published_numbers(folder.path()).unwrap(), None);
    let _queue = EmbeddedQueue::open(folder.path(), EmbeddedOptions::default()).unwrap();
    let seen = EmbeddedQueue::published_numbers(folder.path()).unwrap();
    assert!(seen.is_some_and(|stats| stats.topics.is_empty()));
}
