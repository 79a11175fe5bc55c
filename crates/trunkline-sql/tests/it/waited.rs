//! A database and its writers whose calls are waited for, so that a test reads as it is said.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use tokio::runtime::Runtime;
use trunkline_core::{Position, RecordedEvent, StoreId};
use trunkline_sql::{
    AnswerLimits, ApplyError, AskError, BatchEnd, Claimed, DatabaseError, Generation, GenerationCheckpoint,
    Model, Parameters, Parked, QueryAnswer, ReadDatabase, SqlQuery, SqliteOptions, SqliteReadDatabase,
    Standing, StatementFailure, Writer,
};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// Waits for a future, on whatever thread this is.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// A database.
#[derive(Debug)]
pub(crate) struct Database(pub(crate) SqliteReadDatabase);

impl Database {
    pub(crate) fn open(path: &Path) -> Result<Self, DatabaseError> {
        SqliteReadDatabase::open(path).map(Self)
    }

    pub(crate) fn open_with(path: &Path, options: &SqliteOptions) -> Result<Self, DatabaseError> {
        SqliteReadDatabase::open_with(path, options).map(Self)
    }

    pub(crate) fn generation_path(&self, projection: &str, number: u64) -> PathBuf {
        self.0.generation_path(projection, number)
    }

    pub(crate) fn generations(&self) -> Result<Vec<Generation>, DatabaseError> {
        wait(self.0.generations())
    }

    pub(crate) fn create(&self, model: &Arc<Model>, store: StoreId) -> Result<u64, DatabaseError> {
        wait(self.0.create(model, store))
    }

    pub(crate) fn open_writer(&self, model: &Arc<Model>, number: u64) -> Result<Owner, DatabaseError> {
        wait(self.0.open(model, number)).map(|writer| Owner(Some(writer)))
    }

    pub(crate) fn standing(&self, projection: &str, number: u64) -> Result<Standing, DatabaseError> {
        wait(self.0.standing(projection, number))
    }

    pub(crate) fn parked(&self, projection: &str, number: u64) -> Result<Vec<Parked>, DatabaseError> {
        wait(self.0.parked(projection, number))
    }

    pub(crate) fn claim(&self) -> Result<Claimed, DatabaseError> {
        wait(self.0.claim())
    }

    pub(crate) fn pause(&self, projection: &str, paused: bool) -> Result<(), DatabaseError> {
        wait(self.0.pause(projection, paused))
    }

    pub(crate) fn paused(&self) -> Result<Vec<String>, DatabaseError> {
        wait(self.0.paused())
    }

    pub(crate) fn make_live(&self, projection: &str, number: u64) -> Result<(), DatabaseError> {
        wait(self.0.make_live(projection, number))
    }

    pub(crate) fn discard(&self, projection: &str, number: u64) -> Result<(), DatabaseError> {
        wait(self.0.discard(projection, number))
    }

    pub(crate) fn ask(
        &self,
        query: &SqlQuery,
        parameters: &Parameters<'_>,
        limits: &AnswerLimits,
    ) -> Result<QueryAnswer, AskError> {
        wait(self.0.ask(query, parameters, limits))
    }
}

/// A writer, closed when it is dropped.
#[derive(Debug)]
pub(crate) struct Owner(Option<Box<dyn Writer>>);

impl Owner {
    fn writer(&mut self) -> &mut dyn Writer {
        &mut **self.0.as_mut().unwrap()
    }

    pub(crate) fn checkpoint(&self) -> &GenerationCheckpoint {
        self.0.as_ref().unwrap().checkpoint()
    }

    pub(crate) fn apply(&mut self, events: &[RecordedEvent], end: BatchEnd) -> Result<(), ApplyError> {
        let batch = self.writer().model().batch(Arc::new(events.to_vec()));
        wait(self.writer().apply(Arc::new(batch), end))
    }

    pub(crate) fn note(&mut self, failure: &str) -> Result<(), ApplyError> {
        wait(self.writer().note(failure))
    }

    pub(crate) fn park(
        &mut self,
        event: &RecordedEvent,
        failure: &StatementFailure,
    ) -> Result<(), ApplyError> {
        wait(self.writer().park(event, failure))
    }

    pub(crate) fn retry(&mut self, position: Position, events: &[RecordedEvent]) -> Result<(), ApplyError> {
        let batch = self.writer().model().batch(Arc::new(events.to_vec()));
        wait(self.writer().retry(position, Arc::new(batch)))
    }

    pub(crate) fn forget(&mut self, position: Position) -> Result<bool, ApplyError> {
        wait(self.writer().forget(position))
    }

    pub(crate) fn rewind(&mut self, to: Option<BatchEnd>) -> Result<(), ApplyError> {
        wait(self.writer().rewind(to))
    }

    pub(crate) fn empty(&mut self) -> Result<(), ApplyError> {
        wait(self.writer().empty())
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(writer) = self.0.take() {
            wait(writer.close());
        }
    }
}
