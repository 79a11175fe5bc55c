//! What wakes those who wait for messages of a group: a new message, or the time when the next one is due.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, watch};
use trunkline_core::Timestamp;

use crate::Clock;

/// The bell of one group.
#[derive(Debug)]
pub(crate) struct Bell {
    arrived: Notify,
    /// When something is due next, in microseconds; never later than it is.
    due: watch::Sender<i64>,
}

impl Bell {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { arrived: Notify::new(), due: watch::Sender::new(i64::MAX) })
    }

    /// One message can be handed out: wakes one who waits, or the next who will.
    pub(crate) fn message(&self) {
        self.arrived.notify_one();
    }

    /// Something is due then: those who wait don't sleep longer.
    pub(crate) fn due(&self, micros: i64) {
        self.due.send_if_modified(|due| {
            let earlier = micros < *due;
            if earlier {
                *due = micros;
            }
            earlier
        });
    }

    /// What is due next is due then, perhaps later than was announced.
    pub(crate) fn next_due(&self, micros: i64) {
        self.due.send_if_modified(|due| {
            let earlier = micros < *due;
            *due = micros;
            earlier
        });
    }

    /// The group is gone, or the queue is: everybody has to look again.
    pub(crate) fn everybody(&self) {
        self.due.send_replace(i64::MIN);
    }

    /// Begins to wait for the bell: what rings from now on is not missed.
    pub(crate) fn ring<'a>(&'a self, clock: &'a dyn Clock) -> Ring<'a> {
        let mut arrived = Box::pin(self.arrived.notified());
        // Else two messages that arrive before anybody waits would wake one only.
        arrived.as_mut().enable();
        Ring { arrived, clock, due: self.due.subscribe() }
    }
}

/// A wait that has begun.
pub(crate) struct Ring<'a> {
    arrived: Pin<Box<Notified<'a>>>,
    clock: &'a dyn Clock,
    due: watch::Receiver<i64>,
}

impl Ring<'_> {
    /// Comes to an end when there may be something to hand out.
    pub(crate) async fn wait(mut self) {
        let due = *self.due.borrow();
        let time = async {
            if due == i64::MAX {
                std::future::pending::<()>().await;
            }
            self.clock.wait_until(Timestamp::from_micros(due)).await;
        };
        tokio::select! {
            () = self.arrived => {}
            _ = self.due.changed() => {}
            () = time => {}
        }
    }
}
