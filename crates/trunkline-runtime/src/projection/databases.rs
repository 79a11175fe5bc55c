//! The read databases of an application: one for all, and those that single projections name.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::OnceCell;
use trunkline_sql::{DatabaseError, Dialect, ReadDatabase};

use crate::backend::{Access, Backends, Dsn, Place, Role};

/// What an application may do with read models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It makes and changes them.
    Writes,
    /// It does where it can, and else answers from what is there, on a disk that is full or read-only, or another user's.
    AsFarAsAllowed,
    /// It makes and changes nothing.
    Looks,
}

impl Reach {
    async fn open(self, backends: &Backends, dsn: &Dsn) -> Result<Arc<dyn ReadDatabase>, DatabaseError> {
        if self == Self::Looks {
            return backends.open_read_models(dsn, Access::Read).await;
        }
        match backends.open_read_models(dsn, Access::Append).await {
            Err(barred @ DatabaseError::Barred { .. }) if self == Self::AsFarAsAllowed => {
                backends.open_read_models(dsn, Access::Read).await.map_err(|_| barred)
            }
            opened => opened,
        }
    }
}

/// A read database, opened when it is first needed; those who need it first at the same time share the opening.
#[derive(Clone)]
pub(super) struct Database(Arc<Inner>);

struct Inner {
    backends: Backends,
    reach: Reach,
    dsn: Dsn,
    opened: OnceCell<Arc<dyn ReadDatabase>>,
}

impl Database {
    /// The one at a place, or in its stead the one that a program gave.
    fn at(backends: &Backends, reach: Reach, dsn: Dsn, given: Option<Arc<dyn ReadDatabase>>) -> Self {
        let opened = OnceCell::new_with(given);
        Self(Arc::new(Inner { backends: backends.clone(), reach, dsn, opened }))
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
        let Inner { backends, reach, dsn, opened } = &*self.0;
        opened.get_or_try_init(|| reach.open(backends, dsn)).await
    }
}

/// Where read models are kept, unless a projection says otherwise.
pub(crate) struct ReadModels {
    pub(crate) backends: Backends,
    pub(crate) reach: Reach,
    pub(crate) place: Place,
    /// What a program gave in the place's stead.
    pub(crate) given: Option<Arc<dyn ReadDatabase>>,
}

/// All read databases, each once.
pub(super) struct Databases {
    backends: Backends,
    reach: Reach,
    default: Database,
    /// Canonical, as those of the others.
    default_dsn: Dsn,
    others: BTreeMap<Dsn, Database>,
}

impl Databases {
    pub(super) fn new(of: ReadModels) -> Self {
        let ReadModels { backends, reach, place: Place { dsn, .. }, given } = of;
        let default_dsn = backends.canonical(Role::ReadModels, &dsn);
        let default = Database::at(&backends, reach, dsn, given);
        Self { backends, reach, default, default_dsn, others: BTreeMap::new() }
    }

    /// The one that `read_db` names; the application's own where nothing is named.
    pub(super) fn named(&mut self, dsn: Option<&Dsn>) -> Database {
        match self.other(dsn) {
            Some((canonical, dsn)) => {
                let (backends, reach) = (&self.backends, self.reach);
                let other = self.others.entry(canonical);
                other.or_insert_with(|| Database::at(backends, reach, dsn, None)).clone()
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
