//! The memory backend passes the suite, by a clock that is moved and by the real time.

use std::sync::Arc;

use trunkline_queue::conformance::Fixture;
use trunkline_queue::{GroupOptions, Keep, ManualClock, MemoryQueue, MessageQueue, SystemClock};

/// Little enough that the suite reaches it.
fn keep() -> Keep {
    Keep { unread_bytes: 256 << 10, ..Keep::default() }
}

trunkline_queue::conformance!(every_promise, || {
    let clock = ManualClock::default();
    Fixture::new(MemoryQueue::with(keep(), Arc::new(clock.clone()))).with_clock(clock).with_keep(keep())
});

trunkline_queue::conformance!(every_promise_in_real_time, || {
    Fixture::new(MemoryQueue::with(keep(), Arc::new(SystemClock))).with_keep(keep())
});

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
