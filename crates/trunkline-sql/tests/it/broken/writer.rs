//! A writer that has a fault.

use std::sync::Arc;

use futures::future::BoxFuture;
use trunkline_core::{NewEvent, Position, RecordedEvent};
use trunkline_sql::{
    ApplyError, Batch, BatchEnd, DatabaseError, GenerationCheckpoint, Model, ReadDatabase as _,
    SqliteReadDatabase, StatementFailure, Writer,
};

use super::database::{Shared, between_steps};
use super::fault::Fault;

#[derive(Debug)]
pub(super) struct BrokenWriter {
    pub(super) inner: Box<dyn Writer>,
    pub(super) database: Arc<SqliteReadDatabase>,
    pub(super) shared: Arc<Shared>,
    pub(super) fault: Fault,
    /// What it says of its checkpoint, where that is another one.
    pub(super) said: Option<GenerationCheckpoint>,
}

fn place(checkpoint: &GenerationCheckpoint) -> Option<BatchEnd> {
    checkpoint.event_id.map(|event_id| BatchEnd { position: checkpoint.position, event_id })
}

impl BrokenWriter {
    fn batch(&self, events: &[RecordedEvent]) -> Arc<Batch> {
        Arc::new(self.inner.model().batch(Arc::new(events.to_vec())))
    }

    /// Takes the generation again from whoever has it.
    async fn take(&mut self) -> Result<(), DatabaseError> {
        let model = Arc::clone(self.inner.model());
        self.inner = self.database.open(&model, self.inner.checkpoint().generation).await?;
        Ok(())
    }

    async fn broken_apply(&mut self, batch: Arc<Batch>, end: BatchEnd) -> Result<(), ApplyError> {
        let before = self.inner.checkpoint().clone();
        let mut events = batch.events().to_vec();
        match self.fault {
            Fault::MovesNoCheckpoint => {
                self.inner.apply(batch, end).await?;
                return self.inner.rewind(place(&before)).await;
            }
            Fault::MovesTheCheckpointAlone => events.clear(),
            Fault::AppliesOneByOne => {
                for event in &events {
                    let alone = self.batch(std::slice::from_ref(event));
                    self.inner.apply(alone, BatchEnd::event(event)).await?;
                    tokio::task::yield_now().await;
                }
                return Ok(());
            }
            Fault::AppliesBackward => {
                let other = events.iter().zip(events.iter().rev());
                events = other.map(|(event, of)| with_data(event, of, of.data_bytes())).collect();
            }
            Fault::RefusesOtherTypes => {
                let known = |event: &RecordedEvent| {
                    self.inner.model().event_types().any(|known| known == event.event_type())
                };
                if !events.iter().all(known) {
                    return Err(lasting("it knows no such events").into());
                }
            }
            Fault::TakesOneEventOfAPosition => events.dedup_by_key(|event| event.position()),
            Fault::TakesOldEvents => events.retain(|event| event.position() > before.position),
            Fault::BindsNoData => {
                let bare = |event: &RecordedEvent| with_data(event, event, "{}".into());
                events = events.iter().map(bare).collect();
            }
            _ => return self.inner.apply(batch, end).await,
        }
        let batch = self.batch(&events);
        self.inner.apply(batch, end).await
    }

    /// What comes after a batch that failed.
    async fn after_failure(
        &mut self,
        batch: &Arc<Batch>,
        end: BatchEnd,
        error: ApplyError,
    ) -> Result<(), ApplyError> {
        match (self.fault, error) {
            (Fault::AppliesHalfOfABatch, ApplyError::Failed(failure)) => {
                let events = batch.events();
                let good: Vec<_> =
                    events.iter().filter(|event| event.position() < failure.position).cloned().collect();
                if let Some(last) = good.last() {
                    let half = self.batch(&good);
                    self.inner.apply(half, BatchEnd::event(last)).await?;
                }
                Err(ApplyError::Failed(failure))
            }
            (Fault::SaysLittleOfFailures, ApplyError::Failed(mut failure)) => {
                failure.statement = None;
                Err(ApplyError::Failed(failure))
            }
            (Fault::IgnoresTheFence, ApplyError::Fenced { .. })
            | (Fault::GoesOnAfterALeftCall, ApplyError::Database(_)) => {
                self.take().await?;
                self.inner.apply(Arc::clone(batch), end).await
            }
            (_, error) => Err(error),
        }
    }
}

/// An event at the place of one, and of the type of another one.
fn with_data(at: &RecordedEvent, of: &RecordedEvent, data: bytes::Bytes) -> RecordedEvent {
    let new = NewEvent::json(of.event_type(), data).unwrap();
    let stream = of.stream().parse().unwrap();
    RecordedEvent::from_new(&new, &stream, at.position(), of.version(), of.occurred_at())
}

fn lasting(reason: &str) -> DatabaseError {
    DatabaseError::Lasting { doing: "do it".to_owned(), reason: reason.to_owned() }
}

#[deny(clippy::missing_trait_methods)]
impl Writer for BrokenWriter {
    fn checkpoint(&self) -> &GenerationCheckpoint {
        self.said.as_ref().unwrap_or_else(|| self.inner.checkpoint())
    }

    fn model(&self) -> &Arc<Model> {
        self.inner.model()
    }

    fn apply(&mut self, batch: Arc<Batch>, end: BatchEnd) -> BoxFuture<'_, Result<(), ApplyError>> {
        Box::pin(async move {
            let noted = match self.fault {
                Fault::KeepsNotes => {
                    let (name, number) = (self.model().name().to_owned(), self.checkpoint().generation);
                    self.database.standing(&name, number).await?.failure
                }
                _ => None,
            };
            match self.broken_apply(Arc::clone(&batch), end).await {
                Ok(()) => {}
                Err(error) => self.after_failure(&batch, end, error).await?,
            }
            if let Some(noted) = noted {
                self.inner.note(&noted).await?;
            }
            Ok(())
        })
    }

    fn note<'a>(&'a mut self, failure: &'a str) -> BoxFuture<'a, Result<(), ApplyError>> {
        self.inner.note(failure)
    }

    fn park<'a>(
        &'a mut self,
        event: &'a RecordedEvent,
        failure: &'a StatementFailure,
    ) -> BoxFuture<'a, Result<(), ApplyError>> {
        Box::pin(async move {
            let before = self.inner.checkpoint().clone();
            match self.fault {
                Fault::ParksNothing => {
                    let none = self.batch(&[]);
                    self.inner.apply(none, BatchEnd::event(event)).await
                }
                Fault::ParksOldEvents if event.position() <= before.position => Ok(()),
                _ => {
                    self.inner.park(event, failure).await?;
                    self.said = (self.fault == Fault::ParksBehindItsCheckpoint).then_some(before);
                    Ok(())
                }
            }
        })
    }

    fn retry(&mut self, position: Position, batch: Arc<Batch>) -> BoxFuture<'_, Result<(), ApplyError>> {
        Box::pin(async move {
            if self.fault == Fault::RetriesWithoutRows {
                return self.inner.forget(position).await.map(drop);
            }
            let retried = self.inner.retry(position, batch).await;
            if retried.is_err() && self.fault == Fault::ForgetsWhatItRetriedInVain {
                self.inner.forget(position).await?;
            }
            retried
        })
    }

    fn forget(&mut self, position: Position) -> BoxFuture<'_, Result<bool, ApplyError>> {
        Box::pin(async move {
            let forgotten = self.inner.forget(position).await?;
            Ok(forgotten || self.fault == Fault::ForgetsAlways)
        })
    }

    fn rewind(&mut self, to: Option<BatchEnd>) -> BoxFuture<'_, Result<(), ApplyError>> {
        Box::pin(async move {
            let position = self.inner.checkpoint().position;
            match (self.fault, to) {
                (Fault::KeepsParkedWhenPutBack, _) => {
                    let (name, number) = (self.model().name().to_owned(), self.checkpoint().generation);
                    let parked = self.database.parked(&name, number).await?;
                    *self.shared.parked.lock().unwrap() = parked;
                    self.inner.rewind(to).await
                }
                (Fault::EmptiesWhenPutBack, Some(to)) => {
                    self.inner.empty().await?;
                    let none = self.batch(&[]);
                    self.inner.apply(none, to).await
                }
                (Fault::PutsForward, Some(to)) if to.position > position => {
                    let none = self.batch(&[]);
                    self.inner.apply(none, to).await
                }
                _ => self.inner.rewind(to).await,
            }
        })
    }

    fn empty(&mut self) -> BoxFuture<'_, Result<(), ApplyError>> {
        Box::pin(async move {
            let before = place(self.inner.checkpoint());
            match self.fault {
                Fault::EmptiesNothing => self.inner.rewind(None).await,
                Fault::EmptiesInTwoSteps => {
                    self.inner.rewind(None).await?;
                    between_steps().await;
                    self.inner.empty().await
                }
                Fault::EmptiesWithoutTheCheckpoint => {
                    self.inner.empty().await?;
                    let none = self.batch(&[]);
                    match before {
                        Some(before) => self.inner.apply(none, before).await,
                        None => Ok(()),
                    }
                }
                _ => self.inner.empty().await,
            }
        })
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        if self.fault == Fault::HoldsWhatItClosed {
            let shared = Arc::clone(&self.shared);
            return Box::pin(async move { shared.held.lock().unwrap().push(self.inner) });
        }
        self.inner.close()
    }
}
