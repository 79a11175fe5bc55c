//! The memory backend: the reference that the other backends are compared with.
//!
//! `state` is everything that is stored, in vectors and maps.
//! `judge` says what an append comes to, as a pure function of the append and the state.
//! `pages` are the reads: each takes the lock for one page at a time, so that a slow reader keeps nobody
//! waiting.
//!
//! An append is judged and stored under one lock, which is all there is to its atomicity; the head is
//! announced under the same lock, so that who is woken finds what it was woken for.

mod judge;
mod maintain;
mod pages;
mod state;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;
use trunkline_core::{Append, Appended, Clock, EventId, Position, StoreId, StreamName, SystemClock};

use self::judge::{Verdict, judge};
use self::state::State;
use crate::{
    AllRead, AppendError, EventStore, EventStream, Limits, ReadError, StreamList, StreamRead, StreamsRead,
    check, tag_with_command,
};

/// An event store in memory: everything that [`EventStore`] promises, durable against nothing.
///
/// A clone is another handle to the same store.
///
/// ```
/// use trunkline_core::{Append, Expected, NewEvent, Position};
/// use trunkline_store::{EventStore, MemoryStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let append = Append::to("order-1".parse()?, Expected::NoStream)
///     .event(NewEvent::json("OrderCreated", r#"{"order_id":"1"}"#)?);
/// assert_eq!(store.append(append).await?.position, Position::FIRST);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    id: StoreId,
    limits: Limits,
    clock: Arc<dyn Clock>,
    /// Held for one append or one page of a read, never over an await.
    state: RwLock<State>,
    head: watch::Sender<Position>,
}

impl MemoryStore {
    /// An empty store with the usual limits and the system's time.
    pub fn new() -> Self {
        Self::with(Limits::default(), Arc::new(SystemClock))
    }

    /// An empty store with these limits, whose events are recorded at the time that the clock says.
    pub fn with(limits: Limits, clock: Arc<dyn Clock>) -> Self {
        let shared = Shared {
            id: StoreId::from_bytes(EventId::generate().into_bytes()),
            limits,
            clock,
            state: RwLock::default(),
            head: watch::Sender::new(Position::START),
        };
        Self { shared: Arc::new(shared) }
    }

    fn append_now(&self, mut append: Append) -> Result<Appended, AppendError> {
        check(&append, self.shared.limits)?;
        tag_with_command(&mut append);
        let mut state = self.shared.state_mut();
        match judge(&append, &state)? {
            Verdict::Repeat(appended) => Ok(appended),
            Verdict::New => {
                let appended = state.store(&append, self.shared.clock.now());
                self.shared.head.send_replace(appended.position);
                Ok(appended)
            }
        }
    }
}

impl Shared {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only the clock, which is the caller's, can panic while this is held, and it is read before anything
    /// changes: a lock that a panic has poisoned guards a state that is whole.
    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("id", &self.shared.id)
            .field("head", &self.shared.state().head())
            .finish_non_exhaustive()
    }
}

impl EventStore for MemoryStore {
    fn id(&self) -> StoreId {
        self.shared.id
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        async move { self.append_now(append) }.boxed()
    }

    fn read_stream(&self, stream: &StreamName, read: StreamRead) -> EventStream {
        pages::stream(Arc::clone(&self.shared), stream.clone(), read)
    }

    fn read_all(&self, read: AllRead) -> EventStream {
        pages::all(Arc::clone(&self.shared), read)
    }

    fn streams(&self, read: StreamsRead) -> StreamList {
        pages::streams(Arc::clone(&self.shared), read)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        async { Ok(self.shared.state().head()) }.boxed()
    }

    fn wait_beyond(&self, position: Position) -> BoxFuture<'_, Result<Position, ReadError>> {
        async move {
            let mut head = self.shared.head.subscribe();
            let beyond = head.wait_for(|&head| head > position).await;
            Ok(*beyond.expect("the store that announces the head is borrowed here"))
        }
        .boxed()
    }
}
