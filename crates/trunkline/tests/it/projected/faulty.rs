//! A read database of which one call of its owners fails, before or after it has done what it was asked for.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use futures::future::BoxFuture;
use trunkline::sql::{
    AnswerLimits, ApplyError, AskError, Batch, BatchEnd, Claimed, DatabaseError, Dialect, Generation,
    GenerationCheckpoint, Model, Parameters, Parked, QueryAnswer, ReadDatabase, Shadow, SqlQuery,
    SqliteReadDatabase, Standing, StatementFailure, Writer,
};
use trunkline_core::{Position, RecordedEvent, StoreId};

/// Which call fails.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    on: AtomicBool,
    after: AtomicBool,
    lasting: AtomicBool,
    left: AtomicI64,
}

impl Faults {
    /// The call with this number from now on fails, and no other.
    pub(super) fn fail(&self, number: i64, after: bool) {
        self.0.left.store(number, Ordering::SeqCst);
        self.0.after.store(after, Ordering::SeqCst);
        self.0.on.store(true, Ordering::SeqCst);
    }

    /// The call with this number from now on fails, and every one after it.
    pub(super) fn fail_from(&self, number: i64) {
        self.0.lasting.store(true, Ordering::SeqCst);
        self.fail(number, false);
    }

    /// No call fails any more; tells whether one has.
    pub(super) fn stop(&self) -> bool {
        self.0.on.store(false, Ordering::SeqCst);
        self.0.left.load(Ordering::SeqCst) < 0
    }

    fn call<'a, T: Send + 'a, E: From<DatabaseError> + Send + 'a>(
        &'a self,
        act: BoxFuture<'a, Result<T, E>>,
    ) -> BoxFuture<'a, Result<T, E>> {
        Box::pin(async move {
            let lasting = self.0.lasting.load(Ordering::SeqCst);
            let is_due = |left| left == 0 || lasting && left < 0;
            let fails =
                self.0.on.load(Ordering::SeqCst) && is_due(self.0.left.fetch_sub(1, Ordering::SeqCst));
            if !fails {
                return act.await;
            }
            if self.0.after.load(Ordering::SeqCst) {
                act.await?;
            }
            let (doing, reason) = ("do it".to_owned(), "told to fail".to_owned());
            Err(DatabaseError::Passing { doing, reason }.into())
        })
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

    fn dialect(&self) -> &'static dyn Dialect {
        self.inner.dialect()
    }

    fn generations(&self) -> BoxFuture<'_, Result<Vec<Generation>, DatabaseError>> {
        self.faults.call(self.inner.generations())
    }

    fn create<'a>(
        &'a self,
        model: &'a Arc<Model>,
        store: StoreId,
    ) -> BoxFuture<'a, Result<u64, DatabaseError>> {
        self.faults.call(self.inner.create(model, store))
    }

    fn open<'a>(
        &'a self,
        model: &'a Arc<Model>,
        generation: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Writer>, DatabaseError>> {
        Box::pin(async move {
            let inner = self.faults.call(self.inner.open(model, generation)).await?;
            Ok(Box::new(FaultyWriter { inner, faults: self.faults.clone() }) as Box<dyn Writer>)
        })
    }

    fn standing<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<Standing, DatabaseError>> {
        self.inner.standing(projection, generation)
    }

    fn parked<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<Vec<Parked>, DatabaseError>> {
        self.inner.parked(projection, generation)
    }

    fn claim(&self) -> BoxFuture<'_, Result<Claimed, DatabaseError>> {
        self.inner.claim()
    }

    fn pause<'a>(&'a self, projection: &'a str, paused: bool) -> BoxFuture<'a, Result<(), DatabaseError>> {
        self.inner.pause(projection, paused)
    }

    fn paused(&self) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>> {
        self.inner.paused()
    }

    fn make_live<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<(), DatabaseError>> {
        self.faults.call(self.inner.make_live(projection, generation))
    }

    fn discard<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<(), DatabaseError>> {
        self.faults.call(self.inner.discard(projection, generation))
    }

    fn drop_projection<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<(), DatabaseError>> {
        self.faults.call(self.inner.drop_projection(projection))
    }

    fn shadow<'a>(
        &'a self,
        model: &'a Arc<Model>,
        generation: u64,
        store: StoreId,
    ) -> BoxFuture<'a, Result<Box<dyn Shadow>, DatabaseError>> {
        self.inner.shadow(model, generation, store)
    }

    fn ask<'a>(
        &'a self,
        query: &'a SqlQuery,
        parameters: &'a Parameters<'_>,
        limits: &'a AnswerLimits,
    ) -> BoxFuture<'a, Result<QueryAnswer, AskError>> {
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

    fn model(&self) -> &Arc<Model> {
        self.inner.model()
    }

    fn apply(&mut self, batch: Arc<Batch>, end: BatchEnd) -> BoxFuture<'_, Result<(), ApplyError>> {
        self.faults.call(self.inner.apply(batch, end))
    }

    fn note<'a>(&'a mut self, failure: &'a str) -> BoxFuture<'a, Result<(), ApplyError>> {
        self.faults.call(self.inner.note(failure))
    }

    fn park<'a>(
        &'a mut self,
        event: &'a RecordedEvent,
        failure: &'a StatementFailure,
    ) -> BoxFuture<'a, Result<(), ApplyError>> {
        self.faults.call(self.inner.park(event, failure))
    }

    fn retry(&mut self, position: Position, batch: Arc<Batch>) -> BoxFuture<'_, Result<(), ApplyError>> {
        self.faults.call(self.inner.retry(position, batch))
    }

    fn forget(&mut self, position: Position) -> BoxFuture<'_, Result<bool, ApplyError>> {
        self.faults.call(self.inner.forget(position))
    }

    fn rewind(&mut self, to: Option<BatchEnd>) -> BoxFuture<'_, Result<(), ApplyError>> {
        self.faults.call(self.inner.rewind(to))
    }

    fn empty(&mut self) -> BoxFuture<'_, Result<(), ApplyError>> {
        self.faults.call(self.inner.empty())
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.inner.close()
    }
}
