//! A queue for one test, with what the suite must know about its backend.

use std::any::Any;
use std::fmt;
use std::future::{IntoFuture, Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::clock::later;
use crate::{Clock, Keep, ManualClock, MessageQueue, SystemClock};

/// A fresh, empty queue for one test, and what sets its backend apart.
pub struct Fixture {
    // In the order in which they are dropped: a folder goes after the queue in it.
    queue: Option<Arc<dyn MessageQueue>>,
    reopen: Option<Box<dyn Reopen>>,
    guards: Vec<Box<dyn Any + Send>>,
    clock: Option<ManualClock>,
    keep: Keep,
    keeps_leases: bool,
}

impl Fixture {
    /// A queue that is not durable: nothing of it is left when it is dropped.
    pub fn new(queue: impl MessageQueue) -> Self {
        Self {
            queue: Some(Arc::new(queue)),
            reopen: None,
            guards: Vec::new(),
            clock: None,
            keep: Keep::default(),
            keeps_leases: true,
        }
    }

    /// A durable queue that its process has; `reopen` is given the last handle to it, closes it, and opens the queue again.
    ///
    /// ```
    /// use trunkline_queue::MemoryQueue;
    /// use trunkline_queue::conformance::Fixture;
    /// // A real one would close `old`, and open the queue in the same place.
    /// let fixture = Fixture::durable(MemoryQueue::new(), |old| async move { old });
    /// # drop(fixture);
    /// ```
    pub fn durable<Q, F, O>(queue: Q, reopen: F) -> Self
    where
        Q: MessageQueue,
        F: FnMut(Q) -> O + Send + 'static,
        O: Future<Output = Q> + Send + 'static,
    {
        let queue = Arc::new(queue);
        let held = Held { queue: Some(Arc::clone(&queue)), reopen };
        Self {
            queue: Some(queue),
            reopen: Some(Box::new(held)),
            guards: Vec::new(),
            clock: None,
            keep: Keep::default(),
            keeps_leases: false,
        }
    }

    /// Says that something else than the process has the queue, a broker for one: leases last on when the queue is
    /// reopened.
    #[must_use]
    pub fn keeping_leases(mut self) -> Self {
        self.keeps_leases = true;
        self
    }

    /// Keeps something (a temporary folder, a server) for as long as the queue is used.
    #[must_use]
    pub fn guarded_by(mut self, guard: impl Any + Send) -> Self {
        self.guards.push(Box::new(guard));
        self
    }

    /// Says by which clock the queue goes, if it isn't the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: ManualClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Says for how long the queue keeps things; the default times otherwise.
    #[must_use]
    pub fn with_keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    pub(super) fn queue(&self) -> Arc<dyn MessageQueue> {
        Arc::clone(self.queue.as_ref().expect("a fixture has a queue except while it is reopened"))
    }

    pub(super) fn keep(&self) -> Keep {
        self.keep
    }

    /// The clock that the queue goes by.
    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        match &self.clock {
            Some(clock) => Arc::new(clock.clone()),
            None => Arc::new(SystemClock),
        }
    }

    /// Whether leases last on when the queue is reopened.
    pub(super) fn keeps_leases(&self) -> bool {
        self.keeps_leases
    }

    /// Whether the clock can be moved, so that a long time costs nothing.
    pub(super) fn time_is_free(&self) -> bool {
        self.clock.is_some()
    }

    /// Lets so much time pass, by the queue's clock.
    pub(super) async fn pass(&self, time: Duration) {
        match &self.clock {
            Some(clock) => clock.advance(time),
            None => SystemClock.wait_until(later(SystemClock.now(), time)).await,
        }
    }

    /// Reopens a durable queue, and leaves one that isn't as it is; other handles must be gone.
    pub(super) async fn reopen(&mut self) -> Arc<dyn MessageQueue> {
        if let Some(reopen) = &mut self.reopen {
            self.queue = None;
            self.queue = Some(reopen.reopen().await);
        }
        self.queue()
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture")
            .field("queue", &self.queue)
            .field("durable", &self.reopen.is_some())
            .field("clock", &self.clock)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// So that what makes a fixture may do so at once or asynchronously.
impl IntoFuture for Fixture {
    type Output = Self;
    type IntoFuture = Ready<Self>;

    fn into_future(self) -> Ready<Self> {
        ready(self)
    }
}

/// Closes a queue and opens it again; forgets the backend's type.
trait Reopen: Send {
    fn reopen(&mut self) -> BoxFuture<'_, Arc<dyn MessageQueue>>;
}

struct Held<Q, F> {
    queue: Option<Arc<Q>>,
    reopen: F,
}

impl<Q, F, O> Reopen for Held<Q, F>
where
    Q: MessageQueue,
    F: FnMut(Q) -> O + Send,
    O: Future<Output = Q> + Send,
{
    fn reopen(&mut self) -> BoxFuture<'_, Arc<dyn MessageQueue>> {
        Box::pin(async move {
            let old = self.queue.take().and_then(Arc::into_inner);
            let old = old.expect("a test holds nothing else of a queue that it reopens");
            let queue = Arc::new((self.reopen)(old).await);
            self.queue = Some(Arc::clone(&queue));
            queue as Arc<dyn MessageQueue>
        })
    }
}
