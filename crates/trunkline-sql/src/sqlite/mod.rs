//! Read databases on `SQLite`: a registry file, and beside it one file for each generation of a projection.
//!
//! ```text
//! read.db               which generations there are, and which one of each projection is live
//! read.orders.1.db      tables of `orders`, and the checkpoint of generation 1
//! read.orders.2.db      the next generation, filled beside it
//! ```
//!
//! `files` opens them, `registry` is the first, `writer` owns one of the others, `readers` answers queries from the
//! live ones, `shadow` compares one with what its events make, `trial` makes one out of sight for tests, `wal` keeps an owner's log short, `check` prepares texts in memory, `fault` says what an error means.
//!
//! Beside the read models, `snapshots` and `saga_index` are files of what is derived from a log, `made_anew` when they
//! can't be used; `connection_thread` is a connection that works on a thread of its own.
//!
//! **Power cuts.** Generations are in WAL mode with `synchronous=NORMAL`: commits aren't synced one by one, and
//! after a power cut the log's checksums keep a prefix of the transactions. As rows and checkpoint are one
//! transaction, what is left is older, never wrong, and the events bring it up to date again. The registry isn't
//! derived from events, so it is synced at every commit; and a generation's file is synced, with its folder, before
//! the registry names it.

mod check;
mod code;
mod connection_thread;
mod fault;
mod files;
mod made_anew;
mod readers;
mod registry;
mod saga_index;
mod shadow;
mod snapshots;
mod trial;
mod wal;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use trunkline_core::StoreId;

use self::files::Files;
use self::readers::Readers;
use self::registry::Registry;
use self::shadow::SqliteShadow;
use self::writer::SqliteWriter;
use crate::query::{Answer, AnswerLimits, Parameters, SqlQuery};
use crate::{
    AskError, Claim, DatabaseError, Generation, Model, ModelProblem, Parked, ReadDatabase, Shadow,
    SqlProblem, Standing, Writer,
};
pub use saga_index::SqliteSagaIndex;
pub use snapshots::SqliteSnapshots;
pub use trial::{TableColumns, Trial};

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

/// Read models in `SQLite` files.
#[derive(Debug)]
pub struct SqliteReadDatabase {
    files: Files,
    // Held for single statements; calls to a read database block anyway.
    registry: Mutex<Registry>,
    readers: Readers,
}

impl SqliteReadDatabase {
    /// Opens the database with this registry file, and makes it, with its folder, when it isn't there.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        Self::open_with(path, &SqliteOptions::default())
    }

    /// Opens the database with this registry file as the options say.
    pub fn open_with(path: &Path, options: &SqliteOptions) -> Result<Self, DatabaseError> {
        let files = Files::new(path, options.busy_timeout)?;
        let registry = Registry::open(&files)?;
        let database = Self {
            readers: Readers::new(files.clone(), options.readers_max),
            files,
            registry: Mutex::new(registry),
        };
        database.sweep()?;
        Ok(database)
    }

    /// Prepares a projection's texts as [`check`](ReadDatabase::check) does, where there is no database yet.
    pub fn check_model(model: &Model) -> Vec<ModelProblem> {
        check::model(model)
    }

    /// Prepares a query as [`check_query`](ReadDatabase::check_query) does, where there is no database yet.
    pub fn check_query_over(models: &[&Model], query: &SqlQuery) -> Vec<SqlProblem> {
        check::query(models, query)
    }

    /// The file of a generation.
    pub fn generation_path(&self, projection: &str, generation: u64) -> PathBuf {
        self.files.generation(projection, generation)
    }

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
        format!("sqlite:{}", self.files.registry().display())
    }

    fn check(&self, model: &Model) -> Vec<ModelProblem> {
        check::model(model)
    }

    fn check_query(&self, models: &[&Model], query: &SqlQuery) -> Vec<SqlProblem> {
        check::query(models, query)
    }

    fn generations(&self) -> Result<Vec<Generation>, DatabaseError> {
        self.registry().generations()
    }

    fn create(&self, model: &Model, store: StoreId) -> Result<u64, DatabaseError> {
        check_model(model)?;
        self.registry().add(model, |number| writer::create(&self.files, model, number, store))
    }

    fn open(&self, model: &Arc<Model>, generation: u64) -> Result<Box<dyn Writer>, DatabaseError> {
        check_model(model)?;
        self.registry().expect(model.name(), generation)?;
        Ok(Box::new(SqliteWriter::open(&self.files, model, generation)?))
    }

    fn standing(&self, projection: &str, generation: u64) -> Result<Standing, DatabaseError> {
        self.registry().expect(projection, generation)?;
        writer::standing(&self.files, projection, generation)
    }

    fn parked(&self, projection: &str, generation: u64) -> Result<Vec<Parked>, DatabaseError> {
        self.registry().expect(projection, generation)?;
        writer::parked(&self.files, projection, generation)
    }

    fn claim(&self) -> Result<Result<Box<dyn Claim>, String>, DatabaseError> {
        Ok(self.files.lock()?.map(|lock| Box::new(lock) as Box<dyn Claim>))
    }

    fn pause(&self, projection: &str, paused: bool) -> Result<(), DatabaseError> {
        self.registry().pause(projection, paused)
    }

    fn paused(&self) -> Result<Vec<String>, DatabaseError> {
        self.registry().paused()
    }

    fn make_live(&self, projection: &str, generation: u64) -> Result<(), DatabaseError> {
        self.registry().make_live(projection, generation)
    }

    fn discard(&self, projection: &str, generation: u64) -> Result<(), DatabaseError> {
        self.registry().discard(projection, generation)?;
        self.readers.close(projection, generation);
        self.sweep()
    }

    fn shadow(
        &self,
        model: &Arc<Model>,
        generation: u64,
        store: StoreId,
    ) -> Result<Box<dyn Shadow>, DatabaseError> {
        check_model(model)?;
        self.registry().expect(model.name(), generation)?;
        Ok(Box::new(SqliteShadow::new(&self.files, model, generation, store)?))
    }

    fn ask(
        &self,
        query: &SqlQuery,
        parameters: &Parameters<'_>,
        limits: &AnswerLimits,
    ) -> Result<Answer, AskError> {
        self.readers.ask(query, parameters, limits, || self.registry().live())
    }
}

fn check_model(model: &Model) -> Result<(), DatabaseError> {
    let problems = check::model(model);
    if problems.is_empty() {
        return Ok(());
    }
    Err(DatabaseError::Model { projection: model.name().to_owned(), problems })
}
