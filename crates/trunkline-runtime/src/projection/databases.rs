//! The read databases of an application: one for all, and those that single projections name.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::OnceCell;
use trunkline_sql::{DatabaseError, Dialect, ReadDatabase};

use crate::backend::{Access, Backends, Dsn, Place, Role};

/// A read database, opened when it is first needed; those who need it first at the same time share the opening.
#[derive(Clone)]
pub(super) struct Database(Arc<Inner>);

struct Inner {
    backends: Backends,
    access: Access,
    dsn: Dsn,
    opened: OnceCell<Arc<dyn ReadDatabase>>,
}

impl Database {
    /// The one at a place, or in its stead the one that a program gave.
    fn at(backends: &Backends, access: Access, dsn: Dsn, given: Option<Arc<dyn ReadDatabase>>) -> Self {
        let opened = OnceCell::new_with(given);
        Self(Arc::new(Inner { backends: backends.clone(), access, dsn, opened }))
    }

    /// Whether it is this one.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The SQL that it takes; none where no backend can open it.
    pub(super) fn dialect(&self) -> Option<&'static dyn Dialect> {
        match self.0.opened.get() {
            Some(opened) => Some(opened.dialect()),
            None => self.0.backends.dialect(&self.0.dsn),
        }
    }

    pub(super) async fn get(&self) -> Result<&Arc<dyn ReadDatabase>, DatabaseError> {
        let Inner { backends, access, dsn, opened } = &*self.0;
        opened.get_or_try_init(|| backends.open_read_models(dsn, *access)).await
    }
}

/// Where read models are kept, unless a projection says otherwise.
pub(crate) struct ReadModels {
    pub(crate) backends: Backends,
    /// Who only reads makes and changes nothing of them.
    pub(crate) access: Access,
    pub(crate) place: Place,
    /// What a program gave in the place's stead.
    pub(crate) given: Option<Arc<dyn ReadDatabase>>,
}

/// All read databases, each once.
pub(super) struct Databases {
    backends: Backends,
    access: Access,
    default: Database,
    /// Canonical, as those of the others.
    default_dsn: Dsn,
    others: BTreeMap<Dsn, Database>,
}

impl Databases {
    pub(super) fn new(of: ReadModels) -> Self {
        let ReadModels { backends, access, place: Place { dsn, .. }, given } = of;
        let default_dsn = backends.canonical(Role::ReadModels, &dsn);
        let default = Database::at(&backends, access, dsn, given);
        Self { backends, access, default, default_dsn, others: BTreeMap::new() }
    }

    /// The one that `read_db` names; the application's own where nothing is named.
    pub(super) fn named(&mut self, dsn: Option<&Dsn>) -> Database {
        match self.other(dsn) {
            Some((canonical, dsn)) => {
                let (backends, access) = (&self.backends, self.access);
                let other = self.others.entry(canonical);
                other.or_insert_with(|| Database::at(backends, access, dsn, None)).clone()
            }
            None => self.default.clone(),
        }
    }

    /// The same for who only asks: nothing where no projection keeps its rows there.
    pub(super) fn known(&self, dsn: Option<&Dsn>) -> Option<&Database> {
        match self.other(dsn) {
            Some((canonical, _)) => self.others.get(&canonical),
            None => Some(&self.default),
        }
    }

    /// What is named, with its canonical form before it, when it is not the application's own.
    fn other(&self, dsn: Option<&Dsn>) -> Option<(Dsn, Dsn)> {
        let dsn = dsn?;
        let canonical = self.backends.canonical(Role::ReadModels, dsn);
        (canonical != self.default_dsn).then(|| (canonical, dsn.clone()))
    }

    /// All of them, the application's own first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Database> {
        std::iter::once(&self.default).chain(self.others.values())
    }
}
