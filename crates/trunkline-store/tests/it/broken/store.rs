//! A memory store in a wrapper that has a fault.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use trunkline_core::{Append, Appended, EventId, ManualClock, Position, StoreId, StreamName};
use trunkline_store::conformance::Fixture;
use trunkline_store::{
    AllRead, AppendError, EventStore, EventStream, Limits, MemoryStore, ReadError, StreamList, StreamRead,
    StreamsRead,
};

use super::fault::Fault;

/// A memory store with a fault.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) store: MemoryStore,
    pub(super) fault: Fault,
    pub(super) count: AtomicU64,
}

/// A fixture with a fault.
pub(super) fn broken(fault: Fault) -> Fixture {
    let store = match fault {
        Fault::RefusesLargeData => with_limit(100_000),
        Fault::TakesLargerData => with_limit(16 << 20),
        _ => MemoryStore::new(),
    };
    let store = Broken { store, fault, count: AtomicU64::new(0) };
    Fixture::durable(store, |old| async move { old.reopened().await })
}

fn with_limit(event_data_bytes_max: usize) -> MemoryStore {
    MemoryStore::with(Limits { event_data_bytes_max }, Arc::new(ManualClock::default()))
}

impl Broken {
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// Counts what the fault wants to be counted, from 1.
    pub(super) fn count(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Waits until anything comes.
    async fn wait_once(&self, position: Position) -> Result<Position, ReadError> {
        let head = self.store.head().await?;
        if head > position { Ok(head) } else { self.store.wait_beyond(head).await }
    }
}

#[deny(clippy::missing_trait_methods)]
impl EventStore for Broken {
    fn id(&self) -> StoreId {
        match self.fault {
            Fault::HasAnotherIdEachTime => StoreId::from_bytes(EventId::generate().into_bytes()),
            _ => self.store.id(),
        }
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        self.broken_append(append).boxed()
    }

    fn read_stream(&self, stream: &StreamName, read: StreamRead) -> EventStream {
        self.broken_read_stream(stream, read)
    }

    fn read_all(&self, read: AllRead) -> EventStream {
        self.broken_read_all(read)
    }

    fn streams(&self, read: StreamsRead) -> StreamList {
        self.broken_list(read)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        let ahead = u64::from(self.has(Fault::HasAHeadAhead));
        self.store.head().map_ok(move |head| head.plus(ahead)).boxed()
    }

    fn wait_beyond(&self, position: Position) -> BoxFuture<'_, Result<Position, ReadError>> {
        match self.fault {
            Fault::WaitsForNothing => self.store.head(),
            Fault::WaitsNotForTheHead => {
                self.store.wait_beyond(position).map_ok(move |_| position.next()).boxed()
            }
            Fault::WakesOnce => self.wait_once(position).boxed(),
            _ => self.store.wait_beyond(position),
        }
    }
}
