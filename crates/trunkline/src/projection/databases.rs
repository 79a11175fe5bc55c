//! The read databases of an application: one for all, and those that single projections name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use trunkline_sql::{DatabaseError, ReadDatabase, SqliteReadDatabase};

use crate::place::absolute;

/// A read database, opened when it is first needed.
#[derive(Clone)]
pub(super) struct Database(Arc<Inner>);

struct Inner {
    path: PathBuf,
    opened: OnceLock<Arc<dyn ReadDatabase>>,
}

impl Database {
    fn at(path: PathBuf) -> Self {
        Self(Arc::new(Inner { path, opened: OnceLock::new() }))
    }

    pub(super) fn opened(database: Arc<dyn ReadDatabase>) -> Self {
        Self(Arc::new(Inner { path: PathBuf::new(), opened: OnceLock::from(database) }))
    }

    /// Whether it is this one.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn get(&self) -> Result<&Arc<dyn ReadDatabase>, DatabaseError> {
        if let Some(database) = self.0.opened.get() {
            return Ok(database);
        }
        let opened: Arc<dyn ReadDatabase> = Arc::new(SqliteReadDatabase::open(&self.0.path)?);
        Ok(self.0.opened.get_or_init(|| opened))
    }
}

/// All read databases, each once.
pub(super) struct Databases {
    default: Database,
    /// Absolute, as those of the others.
    default_path: PathBuf,
    others: BTreeMap<PathBuf, Database>,
}

impl Databases {
    /// The database at this path, or in its place the one that a program gave.
    pub(super) fn new(path: PathBuf, given: Option<Arc<dyn ReadDatabase>>) -> Self {
        let default_path = absolute(&path);
        let default = given.map_or_else(|| Database::at(path), Database::opened);
        Self { default, default_path, others: BTreeMap::new() }
    }

    /// The one that `read_db` names; the application's own where nothing is named.
    pub(super) fn named(&mut self, path: Option<&Path>) -> Database {
        match path {
            Some(path) if absolute(path) != self.default_path => {
                let known = self.others.entry(absolute(path));
                known.or_insert_with(|| Database::at(path.to_owned())).clone()
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
