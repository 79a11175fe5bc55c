//! The read databases of an application: one for all, and those that single projections name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::OnceCell;
use trunkline_sql::{DatabaseError, Dialect, ReadDatabase};

use crate::place::absolute;

/// What opens a read database.
pub(crate) type Open =
    Arc<dyn Fn(&Path) -> BoxFuture<'static, Result<Arc<dyn ReadDatabase>, DatabaseError>> + Send + Sync>;

/// A kind of read database: its SQL, which is known before one is opened, and how one is.
#[derive(Clone)]
pub(crate) struct ReadBackend {
    pub(crate) dialect: &'static dyn Dialect,
    pub(crate) open: Open,
}

/// A read database, opened when it is first needed.
#[derive(Clone)]
pub(super) struct Database(Arc<Inner>);

struct Inner {
    path: PathBuf,
    backend: ReadBackend,
    opened: OnceCell<Arc<dyn ReadDatabase>>,
}

impl Database {
    fn at(path: PathBuf, backend: ReadBackend) -> Self {
        Self(Arc::new(Inner { path, backend, opened: OnceCell::new() }))
    }

    fn opened(database: Arc<dyn ReadDatabase>, backend: ReadBackend) -> Self {
        let backend = ReadBackend { dialect: database.dialect(), ..backend };
        Self(Arc::new(Inner { path: PathBuf::new(), backend, opened: OnceCell::new_with(Some(database)) }))
    }

    /// Whether it is this one.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The SQL that it takes.
    pub(super) fn dialect(&self) -> &'static dyn Dialect {
        self.0.backend.dialect
    }

    pub(super) async fn get(&self) -> Result<&Arc<dyn ReadDatabase>, DatabaseError> {
        self.0.opened.get_or_try_init(|| (self.0.backend.open)(&self.0.path)).await
    }
}

/// All read databases, each once.
pub(super) struct Databases {
    backend: ReadBackend,
    default: Database,
    /// Absolute, as those of the others.
    default_path: PathBuf,
    others: BTreeMap<PathBuf, Database>,
}

impl Databases {
    /// The database at this path, or in its place the one that a program gave.
    pub(super) fn new(path: PathBuf, given: Option<Arc<dyn ReadDatabase>>, backend: ReadBackend) -> Self {
        let default_path = absolute(&path);
        let default = match given {
            Some(given) => Database::opened(given, backend.clone()),
            None => Database::at(path, backend.clone()),
        };
        Self { backend, default, default_path, others: BTreeMap::new() }
    }

    /// The one that `read_db` names; the application's own where nothing is named.
    pub(super) fn named(&mut self, path: Option<&Path>) -> Database {
        match path {
            Some(path) if absolute(path) != self.default_path => {
                let known = self.others.entry(absolute(path));
                known.or_insert_with(|| Database::at(path.to_owned(), self.backend.clone())).clone()
            }
            _ => self.default.clone(),
        }
    }

    /// The same for who only asks: nothing where no projection keeps its rows there.
    pub(super) fn known(&self, path: Option<&Path>) -> Option<&Database> {
        match path {
            Some(path) if absolute(path) != self.default_path => self.others.get(&absolute(path)),
            _ => Some(&self.default),
        }
    }

    /// All of them, the application's own first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Database> {
        std::iter::once(&self.default).chain(self.others.values())
    }
}
