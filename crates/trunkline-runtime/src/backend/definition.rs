//! What a backend says of itself.

use std::fmt;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};
use trunkline_sql::{DatabaseError, Dialect, ReadDatabase};
use trunkline_store::derived::DerivedHome;

use super::{Access, Dsn, DsnProblem, OpenQueue, OpenQueueOptions, OpenStore, OpenStoreOptions, Role};

pub(super) type Open<O, T, E> = Arc<dyn Fn(Dsn, O) -> BoxFuture<'static, Result<T, E>> + Send + Sync>;
type Check = dyn Fn(Role, &Dsn) -> Result<(), DsnProblem> + Send + Sync;
type FindHome = dyn Fn(&Dsn, Access) -> DerivedHome + Send + Sync;
pub(super) type OpenEvents = Open<OpenStoreOptions, OpenStore, trunkline_store::OpenError>;
pub(super) type OpenMessages = Open<OpenQueueOptions, OpenQueue, trunkline_queue::OpenError>;
pub(super) type OpenReadModels = Open<(), Arc<dyn ReadDatabase>, DatabaseError>;

/// A kind of place: its schemes, and how what it keeps is opened.
///
/// What it doesn't say it doesn't offer.
///
/// ```
/// use trunkline::{App, Backend, Backends, MemoryStore, OpenStore, Opening, Role};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let papers = Backend::new(["papers"]).events(|_dsn, _options| async { Ok(OpenStore::new(MemoryStore::new())) });
/// let backends = Backends::standard().with(papers);
///
/// let place = backends.find(Role::Events, Some("papers:shelf"), None, |_| None)?;
/// let opening = Opening { events: Some(place), ..Opening::default() };
/// let app = App::builder().backends(backends).opening(opening).build().await?;
/// # app.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Backend {
    pub(super) schemes: Vec<String>,
    pub(super) check: Arc<Check>,
    pub(super) canonical: Arc<dyn Fn(&Dsn) -> Dsn + Send + Sync>,
    pub(super) events: Option<OpenEvents>,
    pub(super) messages: Option<OpenMessages>,
    pub(super) read_models: Option<(&'static dyn Dialect, OpenReadModels)>,
    pub(super) looked_at: Option<OpenReadModels>,
    pub(super) home: Arc<FindHome>,
}

impl Backend {
    /// A backend with these schemes, which offers nothing yet.
    pub fn new<S: Into<String>>(schemes: impl IntoIterator<Item = S>) -> Self {
        Self {
            schemes: schemes.into_iter().map(Into::into).collect(),
            check: Arc::new(|_, _| Ok(())),
            canonical: Arc::new(Dsn::clone),
            events: None,
            messages: None,
            read_models: None,
            looked_at: None,
            home: Arc::new(|_, _| DerivedHome::memory()),
        }
    }

    /// Looks at a DSN without opening anything; every DSN is good without.
    #[must_use]
    pub fn check(
        mut self,
        check: impl Fn(Role, &Dsn) -> Result<(), DsnProblem> + Send + Sync + 'static,
    ) -> Self {
        self.check = Arc::new(check);
        self
    }

    /// One DSN for all that mean the same place, as far as that is known without opening anything; each means a place
    /// of its own without.
    #[must_use]
    pub fn canonical(mut self, canonical: impl Fn(&Dsn) -> Dsn + Send + Sync + 'static) -> Self {
        self.canonical = Arc::new(canonical);
        self
    }

    /// It keeps events.
    #[must_use]
    pub fn events<F>(mut self, open: impl Fn(Dsn, OpenStoreOptions) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<OpenStore, trunkline_store::OpenError>> + Send + 'static,
    {
        self.events = Some(Arc::new(move |dsn, options| open(dsn, options).boxed()));
        self
    }

    /// It keeps messages.
    #[must_use]
    pub fn messages<F>(mut self, open: impl Fn(Dsn, OpenQueueOptions) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<OpenQueue, trunkline_queue::OpenError>> + Send + 'static,
    {
        self.messages = Some(Arc::new(move |dsn, options| open(dsn, options).boxed()));
        self
    }

    /// It keeps read models, and takes SQL of this dialect.
    #[must_use]
    pub fn read_models<F>(
        mut self,
        dialect: &'static dyn Dialect,
        open: impl Fn(Dsn) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Arc<dyn ReadDatabase>, DatabaseError>> + Send + 'static,
    {
        self.read_models = Some((dialect, Arc::new(move |dsn, ()| open(dsn).boxed())));
        self
    }

    /// It opens read models for who only looks in a way of its own: nothing is made or changed, and no right to write is
    /// needed. Without, they are opened as ever.
    #[must_use]
    pub fn looked_at<F>(mut self, open: impl Fn(Dsn) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Arc<dyn ReadDatabase>, DatabaseError>> + Send + 'static,
    {
        self.looked_at = Some(Arc::new(move |dsn, ()| open(dsn).boxed()));
        self
    }

    /// It has room for what is derived from its events, which is in memory without; who only reads them changes nothing
    /// there but the index of causes.
    ///
    /// Nothing is opened for it: each part opens what it needs when it is first asked.
    #[must_use]
    pub fn home(mut self, home: impl Fn(&Dsn, Access) -> DerivedHome + Send + Sync + 'static) -> Self {
        self.home = Arc::new(home);
        self
    }

    /// Whether it offers this.
    pub fn offers(&self, role: Role) -> bool {
        match role {
            Role::Events => self.events.is_some(),
            Role::Messages => self.messages.is_some(),
            Role::ReadModels => self.read_models.is_some(),
        }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offers =
            [Role::Events, Role::Messages, Role::ReadModels].into_iter().filter(|role| self.offers(*role));
        f.debug_struct("Backend")
            .field("schemes", &self.schemes)
            .field("offers", &offers.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
