//! Read databases on `SQLite`: a registry file, and beside it one file for each generation of a projection.
//!
//! ```text
//! read.db               which generations there are, and which one of each projection is live
//! read.orders.1.db      tables of `orders`, and the checkpoint of generation 1
//! read.orders.2.db      the next generation, filled beside it
//! ```
//!
//! `files` opens them, on a disk or in `memory`; `registry` is the first; `tables` are those of one of the others, whose
//! `owner` runs statements (`run`) or a program's `code` on a thread of its own (`worker`), to which a `writer` is the
//! handle; `readers` answers queries from the live ones, `shadow` compares one with what its events make, `trial` makes
//! one out of sight for tests, `wal` keeps an owner's log short, `look` opens a file without a change, `check` prepares
//! texts in memory, `clock` finds where one asks for the machine's time, `dialect` is what
//! `SQLite` takes, `fault` says what an error means.
//!
//! Beside the read models, `snapshots`, `saga_index` and `cause_index` are files of what is derived from a log, `made_anew` when they
//! can't be used; `connection_thread` is a connection that works on a thread of its own.
//!
//! **Power cuts.** Generations are in WAL mode with `synchronous=NORMAL`: commits aren't synced one by one, and
//! after a power cut the log's checksums keep a prefix of the transactions. As rows and checkpoint are one
//! transaction, what is left is older, never wrong, and the events bring it up to date again. The registry isn't
//! derived from events, so it is synced at every commit; and a generation's file is synced, with its folder, before
//! the registry names it.

mod cause_index;
mod check;
mod clock;
mod code;
mod connection_thread;
mod dialect;
mod fault;
mod files;
mod look;
mod made_anew;
mod memory;
mod owner;
mod readers;
mod registry;
mod run;
mod saga_index;
mod shadow;
mod snapshots;
mod tables;
mod trial;
mod wal;
mod worker;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use trunkline_core::StoreId;

use self::files::Files;
use self::owner::Owner;
use self::readers::Readers;
use self::registry::Registry;
use self::shadow::SqliteShadow;
use self::writer::SqliteWriter;
use crate::query::{AnswerLimits, Parameters, QueryAnswer, SqlQuery};
use crate::{
    AskError, Claimed, DatabaseError, Dialect, Generation, Model, Parked, ReadDatabase, Shadow, SqlValue,
    Standing, Writer,
};
pub use cause_index::SqliteCauseIndex;
pub use dialect::SqliteDialect;
pub use saga_index::SqliteSagaIndex;
pub use snapshots::SqliteSnapshots;
pub use trial::{TableColumns, Trial};

/// What a value, and a row, may take, stored or on its way to an answer: one statement can't fill the memory.
const VALUE_BYTES_MAX: i32 = 64 << 20;

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// How long a call waits for another process that writes, before it says that the database is busy.
    pub busy_timeout: Duration,
    /// How many connections for queries are kept open.
    pub readers_max: usize,
}

impl Default for SqliteOptions {
    /// Two seconds, since other writers hold a generation for milliseconds; eight connections.
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(2), readers_max: 8 }
    }
}

/// Read models in `SQLite` files, or in memory.
///
/// Each writer, and each shadow, has a thread of its own; everything else is done on the runtime's threads for blocking
/// calls, so that its methods are called within a Tokio runtime.
#[derive(Debug)]
pub struct SqliteReadDatabase {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    files: Files,
    // Held for single statements, on threads that may block.
    registry: Mutex<Registry>,
    readers: Readers,
}

impl SqliteReadDatabase {
    /// Opens the database with this registry file, and makes it, with its folder, when it isn't there.
    ///
    /// This blocks while the file is opened.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        Self::open_with(path, &SqliteOptions::default())
    }

    /// Opens the database with this registry file as the options say.
    pub fn open_with(path: &Path, options: &SqliteOptions) -> Result<Self, DatabaseError> {
        Self::with(Files::on_disk(path, options.busy_timeout)?, options.readers_max)
    }

    /// Opens the database with this registry file for who only looks: no file is made or changed, and no right to write is
    /// needed. Where there is none, it is empty.
    ///
    /// What would change something fails.
    pub fn look(path: &Path) -> Result<Self, DatabaseError> {
        let options = SqliteOptions::default();
        let files = Files::looked_at(path, options.busy_timeout);
        let registry = Mutex::new(Registry::look(&files)?);
        let readers = Readers::new(files.clone(), options.readers_max);
        Ok(Self { inner: Arc::new(Inner { files, registry, readers }) })
    }

    /// Makes an empty database that is only in memory: no file is written, and all is gone with the last handle.
    ///
    /// A generation has room for 1 GiB. Who reads it waits while a batch is applied, and the other way round.
    ///
    /// ```
    /// use trunkline_sql::{ReadDatabase, SqliteReadDatabase};
    /// assert_eq!(SqliteReadDatabase::memory()?.place(), "memory:");
    /// # Ok::<(), trunkline_sql::DatabaseError>(())
    /// ```
    pub fn memory() -> Result<Self, DatabaseError> {
        Self::with(Files::in_memory(), SqliteOptions::default().readers_max)
    }

    fn with(files: Files, readers_max: usize) -> Result<Self, DatabaseError> {
        let registry = Mutex::new(Registry::open(&files)?);
        let inner = Inner { readers: Readers::new(files.clone(), readers_max), files, registry };
        inner.sweep()?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The file of a generation; of one in memory, the name that `SQLite` knows it by.
    pub fn generation_path(&self, projection: &str, generation: u64) -> PathBuf {
        self.inner.files.generation(projection, generation)
    }

    /// Does what blocks, on a thread for that; it is done to its end, also when nobody waits for it any more.
    fn blocking<T: Send + 'static, E: From<DatabaseError> + Send + 'static>(
        &self,
        act: impl FnOnce(&Inner) -> Result<T, E> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, E>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || act(&inner)).await;
            done.unwrap_or_else(|error| match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => {
                    let (doing, reason) = ("use the read database".to_owned(), error.to_string());
                    Err(DatabaseError::Passing { doing, reason }.into())
                }
            })
        })
    }
}

impl Inner {
    fn registry(&self) -> MutexGuard<'_, Registry> {
        // A registry is a connection; a call that panicked left its transaction to be rolled back.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes the files of dropped generations that nobody reads any more.
    fn sweep(&self) -> Result<(), DatabaseError> {
        let registry = self.registry();
        for (projection, number) in registry.dropped()? {
            if self.files.remove(&projection, number)? {
                registry.forget(&projection, number)?;
            }
        }
        Ok(())
    }
}

impl ReadDatabase for SqliteReadDatabase {
    fn place(&self) -> String {
        self.inner.files.place()
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &SqliteDialect
    }

    fn generations(&self) -> BoxFuture<'_, Result<Vec<Generation>, DatabaseError>> {
        self.blocking(|inner| inner.registry().generations())
    }

    fn create<'a>(
        &'a self,
        model: &'a Arc<Model>,
        store: StoreId,
    ) -> BoxFuture<'a, Result<u64, DatabaseError>> {
        let model = Arc::clone(model);
        self.blocking(move |inner| {
            check_model(&model)?;
            inner.registry().add(&model, |number| tables::create(&inner.files, &model, number, store))
        })
    }

    fn open<'a>(
        &'a self,
        model: &'a Arc<Model>,
        generation: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Writer>, DatabaseError>> {
        Box::pin(async move {
            let (inner, of) = (Arc::clone(&self.inner), Arc::clone(model));
            let open = move || {
                check_model(&of)?;
                inner.registry().expect(of.name(), generation)?;
                let opened = Owner::open(&inner.files, &of, generation);
                opened.map_err(|error| error.of_projection(of.name()))
            };
            Ok(Box::new(SqliteWriter::begin(model, open).await?) as Box<dyn Writer>)
        })
    }

    fn standing<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<Standing, DatabaseError>> {
        let projection = projection.to_owned();
        self.blocking(move |inner| {
            inner.registry().expect(&projection, generation)?;
            let found = tables::standing(&inner.files, &projection, generation);
            found.map_err(|error| error.of_projection(&projection))
        })
    }

    fn parked<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<Vec<Parked>, DatabaseError>> {
        let projection = projection.to_owned();
        self.blocking(move |inner| {
            inner.registry().expect(&projection, generation)?;
            let found = tables::parked(&inner.files, &projection, generation);
            found.map_err(|error| error.of_projection(&projection))
        })
    }

    fn claim(&self) -> BoxFuture<'_, Result<Claimed, DatabaseError>> {
        self.blocking(|inner| inner.files.lock())
    }

    fn pause<'a>(&'a self, projection: &'a str, paused: bool) -> BoxFuture<'a, Result<(), DatabaseError>> {
        let projection = projection.to_owned();
        self.blocking(move |inner| inner.registry().pause(&projection, paused))
    }

    fn paused(&self) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>> {
        self.blocking(|inner| inner.registry().paused())
    }

    fn make_live<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<(), DatabaseError>> {
        let projection = projection.to_owned();
        self.blocking(move |inner| inner.registry().make_live(&projection, generation))
    }

    fn discard<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<(), DatabaseError>> {
        let projection = projection.to_owned();
        self.blocking(move |inner| {
            inner.registry().discard(&projection, generation)?;
            inner.readers.close(&projection, generation);
            inner.sweep()
        })
    }

    fn drop_projection<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<(), DatabaseError>> {
        let projection = projection.to_owned();
        self.blocking(move |inner| {
            for number in inner.registry().drop_projection(&projection)? {
                inner.readers.close(&projection, number);
            }
            inner.sweep()
        })
    }

    fn shadow<'a>(
        &'a self,
        model: &'a Arc<Model>,
        generation: u64,
        store: StoreId,
    ) -> BoxFuture<'a, Result<Box<dyn Shadow>, DatabaseError>> {
        Box::pin(async move {
            let of = Arc::clone(model);
            let check = move |inner: &Inner| {
                check_model(&of)?;
                inner.registry().expect(of.name(), generation)
            };
            self.blocking(check).await?;
            let shadow = SqliteShadow::begin(&self.inner.files, model, generation, store).await;
            let shadow = shadow.map_err(|error| error.of_projection(model.name()))?;
            Ok(Box::new(shadow) as Box<dyn Shadow>)
        })
    }

    fn ask<'a>(
        &'a self,
        query: &'a SqlQuery,
        parameters: &'a Parameters<'_>,
        limits: &'a AnswerLimits,
    ) -> BoxFuture<'a, Result<QueryAnswer, AskError>> {
        // What waits for a thread is not the query's time.
        let values = query
            .values(parameters)
            .map(|values| values.into_iter().map(SqlValue::into_owned).collect::<Vec<_>>());
        let (query, limits) = (query.clone(), limits.clone());
        self.blocking(move |inner| inner.readers.ask(&query, &values?, &limits, || inner.registry().live()))
    }
}

fn check_model(model: &Model) -> Result<(), DatabaseError> {
    let problems = check::model(model);
    if problems.is_empty() {
        return Ok(());
    }
    Err(DatabaseError::Model { projection: model.name().to_owned(), problems })
}
