//! A store for one test, with what the suite must know about its backend.

use std::any::Any;
use std::fmt;
use std::future::{IntoFuture, Ready, ready};
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::{EventStore, Limits};

/// A fresh, empty store for one test, and what sets its backend apart.
///
/// ```
/// use trunkline_store::conformance::Fixture;
/// use trunkline_store::{Limits, MemoryStore};
/// let fixture = Fixture::new(MemoryStore::new()).with_limits(Limits::default());
/// # drop(fixture);
/// ```
pub struct Fixture {
    // In the order in which they are dropped: a folder goes after the store in it.
    store: Option<Arc<dyn EventStore>>,
    reopen: Option<Box<dyn Reopen>>,
    guards: Vec<Box<dyn Any + Send>>,
    limits: Limits,
}

impl Fixture {
    /// A store that is not durable: nothing of it is left when it is dropped.
    pub fn new(store: impl EventStore) -> Self {
        Self { store: Some(Arc::new(store)), reopen: None, guards: Vec::new(), limits: Limits::default() }
    }

    /// A durable store; `reopen` is given the last handle to it, closes it, and opens the store again.
    ///
    /// ```
    /// use trunkline_store::MemoryStore;
    /// use trunkline_store::conformance::Fixture;
    /// // A real one would say: old.close().await; LogStore::open(&path, LogStoreOptions::default())
    /// let fixture = Fixture::durable(MemoryStore::new(), |old| async move { old });
    /// # drop(fixture);
    /// ```
    pub fn durable<S, F, O>(store: S, reopen: F) -> Self
    where
        S: EventStore,
        F: FnMut(S) -> O + Send + 'static,
        O: Future<Output = S> + Send + 'static,
    {
        let store = Arc::new(store);
        let held = Held { store: Some(Arc::clone(&store)), reopen };
        Self {
            store: Some(store),
            reopen: Some(Box::new(held)),
            guards: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// Keeps something (a temporary folder, a server) for as long as the store is used.
    #[must_use]
    pub fn guarded_by(mut self, guard: impl Any + Send) -> Self {
        self.guards.push(Box::new(guard));
        self
    }

    /// Says with which limits the store was made; the default ones otherwise.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub(super) fn store(&self) -> Arc<dyn EventStore> {
        Arc::clone(self.store.as_ref().expect("a fixture has a store except while it is reopened"))
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Reopens a durable store, and leaves one that isn't as it is; other handles must be gone.
    pub(super) async fn reopen(&mut self) -> Arc<dyn EventStore> {
        if let Some(reopen) = &mut self.reopen {
            self.store = None;
            self.store = Some(reopen.reopen().await);
        }
        self.store()
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture")
            .field("store", &self.store)
            .field("durable", &self.reopen.is_some())
            .field("limits", &self.limits)
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

/// Closes a store and opens it again; forgets the backend's type.
trait Reopen: Send {
    fn reopen(&mut self) -> BoxFuture<'_, Arc<dyn EventStore>>;
}

struct Held<S, F> {
    store: Option<Arc<S>>,
    reopen: F,
}

impl<S, F, O> Reopen for Held<S, F>
where
    S: EventStore,
    F: FnMut(S) -> O + Send,
    O: Future<Output = S> + Send,
{
    fn reopen(&mut self) -> BoxFuture<'_, Arc<dyn EventStore>> {
        Box::pin(async move {
            let old = self.store.take().and_then(Arc::into_inner);
            let old = old.expect("a test holds nothing else of a store that it reopens");
            let store = Arc::new((self.reopen)(old).await);
            self.store = Some(Arc::clone(&store));
            store as Arc<dyn EventStore>
        })
    }
}
