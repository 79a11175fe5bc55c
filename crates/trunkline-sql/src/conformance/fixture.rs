//! A read database for one test, with what the suite must know about its backend.

use std::any::Any;
use std::fmt;
use std::future::{IntoFuture, Ready, ready};
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::ReadDatabase;

type Open = Box<dyn Fn() -> BoxFuture<'static, Arc<dyn ReadDatabase>> + Send + Sync>;

/// An empty read database for one test, and what sets its backend apart.
pub struct Fixture {
    // In the order in which they are dropped: a folder goes after the database in it.
    database: Option<Arc<dyn ReadDatabase>>,
    open: Option<Open>,
    endless: String,
    guards: Vec<Box<dyn Any + Send + Sync>>,
}

/// A query that never ends, in the SQL of most databases.
const ENDLESS: &str =
    "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) AS c FROM n";

impl Fixture {
    /// A database that is not durable, and that has one handle: nothing of it is left when it is dropped.
    ///
    /// ```
    /// use trunkline_sql::SqliteReadDatabase;
    /// use trunkline_sql::conformance::Fixture;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let fixture = Fixture::new(SqliteReadDatabase::memory()?);
    /// # drop(fixture);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(database: impl ReadDatabase) -> Self {
        let database: Arc<dyn ReadDatabase> = Arc::new(database);
        Self { database: Some(database), open: None, endless: ENDLESS.to_owned(), guards: Vec::new() }
    }

    /// A durable database; `open` opens it, also while it is open, as another process would.
    pub async fn durable<D, O>(open: impl Fn() -> O + Send + Sync + 'static) -> Self
    where
        D: ReadDatabase,
        O: Future<Output = D> + Send + 'static,
    {
        let open: Open = Box::new(move || {
            let opening = open();
            Box::pin(async move { Arc::new(opening.await) as Arc<dyn ReadDatabase> })
        });
        let database = Some(open().await);
        Self { database, open: Some(open), endless: ENDLESS.to_owned(), guards: Vec::new() }
    }

    /// Keeps something (a temporary folder, a server) for as long as the database is used.
    #[must_use]
    pub fn guarded_by(mut self, guard: impl Any + Send + Sync) -> Self {
        self.guards.push(Box::new(guard));
        self
    }

    /// Says which query never ends, where the usual one does.
    #[must_use]
    pub fn with_endless_query(mut self, sql: &str) -> Self {
        sql.clone_into(&mut self.endless);
        self
    }

    pub(super) fn database(&self) -> Arc<dyn ReadDatabase> {
        Arc::clone(self.database.as_ref().expect("a fixture has a database except while it is opened again"))
    }

    pub(super) fn endless(&self) -> &str {
        &self.endless
    }

    /// Another handle to the database, as another process has it; the same where there is only one.
    pub(super) async fn elsewhere(&self) -> Arc<dyn ReadDatabase> {
        match &self.open {
            Some(open) => open().await,
            None => self.database(),
        }
    }

    /// Opens a durable database again, and leaves one that isn't as it is; other handles must be gone.
    pub(super) async fn open_again(&mut self) -> Arc<dyn ReadDatabase> {
        if let Some(open) = &self.open {
            self.database = None;
            self.database = Some(open().await);
        }
        self.database()
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture")
            .field("database", &self.database)
            .field("durable", &self.open.is_some())
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
