//! A read database of which one call of its owners fails, before or after it has done what it was asked for.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use trunkline::sql::{
    Answer, AnswerLimits, ApplyError, AskError, Batch, BatchEnd, Claim, DatabaseError, Generation,
    GenerationCheckpoint, Model, ModelProblem, Parameters, Parked, ReadDatabase, Shadow, SqlProblem,
    SqlQuery, SqliteReadDatabase, Standing, StatementFailure, Writer,
};
use trunkline_core::{Position, RecordedEvent, StoreId};

/// Which call fails.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    on: AtomicBool,
    after: AtomicBool,
    left: AtomicI64,
}

impl Faults {
    /// The call with this number from now on fails, and no other.
    pub(super) fn fail(&self, number: i64, after: bool) {
        self.0.left.store(number, Ordering::SeqCst);
        self.0.after.store(after, Ordering::SeqCst);
        self.0.on.store(true, Ordering::SeqCst);
    }

    /// No call fails any more; tells whether one has.
    pub(super) fn stop(&self) -> bool {
        self.0.on.store(false, Ordering::SeqCst);
        self.0.left.load(Ordering::SeqCst) < 0
    }

    fn call<T, E: From<DatabaseError>>(&self, act: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let fails = self.0.on.load(Ordering::SeqCst) && self.0.left.fetch_sub(1, Ordering::SeqCst) == 0;
        if !fails {
            return act();
        }
        if self.0.after.load(Ordering::SeqCst) {
            act()?;
        }
        let (doing, reason) = ("do it".to_owned(), "told to fail".to_owned());
        Err(DatabaseError::Passing { doing, reason }.into())
    }
}

#[derive(Debug)]
pub(super) struct FaultyDatabase {
    inner: SqliteReadDatabase,
    faults: Faults,
}

impl FaultyDatabase {
    pub(super) fn open(path: &Path, faults: &Faults) -> Arc<Self> {
        let inner = SqliteReadDatabase::open(path).unwrap();
        Arc::new(Self { inner, faults: faults.clone() })
    }
}

impl ReadDatabase for FaultyDatabase {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn check(&self, model: &Model) -> Vec<ModelProblem> {
        self.inner.check(model)
    }

    fn check_query(&self, models: &[&Model], query: &SqlQuery) -> Vec<SqlProblem> {
        self.inner.check_query(models, query)
    }

    fn generations(&self) -> Result<Vec<Generation>, DatabaseError> {
        self.faults.call(|| self.inner.generations())
    }

    fn create(&self, model: &Model, store: StoreId) -> Result<u64, DatabaseError> {
        self.faults.call(|| self.inner.create(model, store))
    }

    fn open(&self, model: &Arc<Model>, generation: u64) -> Result<Box<dyn Writer>, DatabaseError> {
        let inner = self.faults.call(|| self.inner.open(model, generation))?;
        Ok(Box::new(FaultyWriter { inner, faults: self.faults.clone() }))
    }

    fn standing(&self, projection: &str, generation: u64) -> Result<Standing, DatabaseError> {
        self.inner.standing(projection, generation)
    }

    fn parked(&self, projection: &str, generation: u64) -> Result<Vec<Parked>, DatabaseError> {
        self.inner.parked(projection, generation)
    }

    fn claim(&self) -> Result<Result<Box<dyn Claim>, String>, DatabaseError> {
        self.inner.claim()
    }

    fn pause(&self, projection: &str, paused: bool) -> Result<(), DatabaseError> {
        self.inner.pause(projection, paused)
    }

    fn paused(&self) -> Result<Vec<String>, DatabaseError> {
        self.inner.paused()
    }

    fn make_live(&self, projection: &str, generation: u64) -> Result<(), DatabaseError> {
        self.faults.call(|| self.inner.make_live(projection, generation))
    }

    fn discard(&self, projection: &str, generation: u64) -> Result<(), DatabaseError> {
        self.faults.call(|| self.inner.discard(projection, generation))
    }

    fn shadow(
        &self,
        model: &Arc<Model>,
        generation: u64,
        store: StoreId,
    ) -> Result<Box<dyn Shadow>, DatabaseError> {
        self.inner.shadow(model, generation, store)
    }

    fn ask(
        &self,
        query: &SqlQuery,
        parameters: &Parameters<'_>,
        limits: &AnswerLimits,
    ) -> Result<Answer, AskError> {
        self.inner.ask(query, parameters, limits)
    }
}

#[derive(Debug)]
struct FaultyWriter {
    inner: Box<dyn Writer>,
    faults: Faults,
}

impl Writer for FaultyWriter {
    fn checkpoint(&self) -> &GenerationCheckpoint {
        self.inner.checkpoint()
    }

    fn apply(&mut self, events: &[RecordedEvent], reached: BatchEnd) -> Result<(), ApplyError> {
        self.faults.call(|| self.inner.apply(events, reached))
    }

    fn apply_batch(&mut self, batch: &Batch, reached: BatchEnd) -> Result<(), ApplyError> {
        self.faults.call(|| self.inner.apply_batch(batch, reached))
    }

    fn note(&mut self, failure: &str) -> Result<(), ApplyError> {
        self.faults.call(|| self.inner.note(failure))
    }

    fn park(&mut self, event: &RecordedEvent, failure: &StatementFailure) -> Result<(), ApplyError> {
        self.faults.call(|| self.inner.park(event, failure))
    }

    fn retry(&mut self, position: Position, events: &[RecordedEvent]) -> Result<(), ApplyError> {
        self.faults.call(|| self.inner.retry(position, events))
    }

    fn forget(&mut self, position: Position) -> Result<bool, ApplyError> {
        self.faults.call(|| self.inner.forget(position))
    }

    fn rewind(&mut self, to: Option<BatchEnd>) -> Result<(), ApplyError> {
        self.faults.call(|| self.inner.rewind(to))
    }

    fn empty(&mut self) -> Result<(), ApplyError> {
        self.faults.call(|| self.inner.empty())
    }
}
