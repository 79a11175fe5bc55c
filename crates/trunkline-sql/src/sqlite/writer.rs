//! The handle to the thread that owns a generation.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use trunkline_core::{Position, RecordedEvent};

use super::owner::Owner;
use super::worker::Worker;
use crate::{
    ApplyError, Batch, BatchEnd, DatabaseError, GenerationCheckpoint, Model, StatementFailure, Writer,
};

/// The owner of a generation, on a thread that has it among what it has.
pub(super) struct SqliteWriter<S> {
    worker: Worker<S>,
    model: Arc<Model>,
    checkpoint: GenerationCheckpoint,
    /// A call was begun, and nobody has waited for its end.
    unfinished: bool,
}

impl<S: AsMut<Owner> + 'static> SqliteWriter<S> {
    /// Begins a thread that opens a generation.
    pub(super) async fn begin(
        model: &Arc<Model>,
        open: impl FnOnce() -> Result<S, DatabaseError> + Send + 'static,
    ) -> Result<Self, DatabaseError> {
        let worker = Worker::begin(format!("writer of {}", model.name()), open).await?;
        let read = worker.call(|state| state.as_mut().checkpoint().clone()).await;
        let checkpoint = read.ok_or_else(|| ended(model.name()))?;
        Ok(Self { worker, model: Arc::clone(model), checkpoint, unfinished: false })
    }

    /// The thread.
    pub(super) fn worker(&self) -> &Worker<S> {
        &self.worker
    }

    pub(super) async fn end(self) {
        self.worker.end().await;
    }

    async fn call<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Owner) -> Result<T, ApplyError> + Send + 'static,
    ) -> Result<T, ApplyError> {
        if self.unfinished {
            return Err(ended(self.model.name()).into());
        }
        // Until it has ended, nobody knows where the generation stands.
        self.unfinished = true;
        let called = self.worker.call(|state| {
            let owner = state.as_mut();
            let acted = act(owner);
            (acted, owner.checkpoint().position, owner.checkpoint().event_id)
        });
        let (acted, position, event_id) = called.await.ok_or_else(|| ended(self.model.name()))?;
        (self.checkpoint.position, self.checkpoint.event_id) = (position, event_id);
        self.unfinished = false;
        acted
    }
}

/// What a writer says that doesn't know where its generation stands.
pub(super) fn ended(projection: &str) -> DatabaseError {
    DatabaseError::Lasting {
        doing: format!("change a generation of `{projection}`"),
        reason: "a call before this one was left half-way; open the generation again".to_owned(),
    }
}

impl<S: AsMut<Owner> + 'static> Writer for SqliteWriter<S> {
    fn checkpoint(&self) -> &GenerationCheckpoint {
        &self.checkpoint
    }

    fn model(&self) -> &Arc<Model> {
        &self.model
    }

    fn apply(&mut self, batch: Arc<Batch>, end: BatchEnd) -> BoxFuture<'_, Result<(), ApplyError>> {
        Box::pin(self.call(move |owner| owner.apply(&batch, end)))
    }

    fn note<'a>(&'a mut self, failure: &'a str) -> BoxFuture<'a, Result<(), ApplyError>> {
        let failure = failure.to_owned();
        Box::pin(self.call(move |owner| owner.note(&failure)))
    }

    fn park<'a>(
        &'a mut self,
        event: &'a RecordedEvent,
        failure: &'a StatementFailure,
    ) -> BoxFuture<'a, Result<(), ApplyError>> {
        let (event, failure) = (event.clone(), failure.to_string());
        Box::pin(self.call(move |owner| owner.park(&event, &failure)))
    }

    fn retry(&mut self, position: Position, batch: Arc<Batch>) -> BoxFuture<'_, Result<(), ApplyError>> {
        Box::pin(self.call(move |owner| owner.retry(position, &batch)))
    }

    fn forget(&mut self, position: Position) -> BoxFuture<'_, Result<bool, ApplyError>> {
        Box::pin(self.call(move |owner| owner.forget(position)))
    }

    fn rewind(&mut self, to: Option<BatchEnd>) -> BoxFuture<'_, Result<(), ApplyError>> {
        Box::pin(self.call(move |owner| owner.rewind(to)))
    }

    fn empty(&mut self) -> BoxFuture<'_, Result<(), ApplyError>> {
        Box::pin(self.call(Owner::empty))
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.end())
    }
}

impl<S> fmt::Debug for SqliteWriter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteWriter")
            .field("projection", &self.model.name())
            .field("checkpoint", &self.checkpoint)
            .finish_non_exhaustive()
    }
}
