//! The memory backend passes the suite, by a clock that is moved and by the real time.

use std::sync::Arc;

use trunkline_queue::conformance::Fixture;
use trunkline_queue::{GroupOptions, Keep, ManualClock, MemoryQueue, MessageQueue, SystemClock};

/// Little enough that the suite reaches it.
fn keep() -> Keep {
    Keep { unread_bytes: 256 << 10, ..Keep::default() }
}

fn by_a_clock() -> Fixture {
    let clock = ManualClock::default();
    Fixture::new(MemoryQueue::with(keep(), Arc::new(clock.clone()))).with_clock(clock).with_keep(keep())
}

fn in_real_time() -> Fixture {
    Fixture::new(MemoryQueue::with(keep(), Arc::new(SystemClock))).with_keep(keep())
}

trunkline_queue::conformance!(every_promise, by_a_clock);
trunkline_queue::conformance!(every_promise_in_real_time, in_real_time);
trunkline_queue::operating_conformance!(operating, by_a_clock);
trunkline_queue::operating_conformance!(operating_in_real_time, in_real_time);

#[tokio::test]
async fn a_clone_is_the_same_queue() {
    let queue = MemoryQueue::with(keep(), Arc::new(SystemClock));
    let subscribe = async |queue: &MemoryQueue| {
        queue
            .subscribe("orders".parse().unwrap(), "mail".parse().unwrap(), GroupOptions::default())
            .await
            .unwrap()
    };
    assert!(subscribe(&queue.clone()).await);
    assert!(!subscribe(&queue).await);
}
