//! What waits for sagas to be run, for who looks on: also when another process runs them, or none does.

use futures::StreamExt as _;
use trunkline_core::{RecordedEvent, saga};
use trunkline_store::AllRead;

use super::route::Routed;
use super::{SagaError, Sagas, states};
use crate::follow::Backlog;

/// How many events after the checkpoint are looked at.
const LOOKED_AT_MAX: u64 = 100_000;

/// How many overdue sagas are counted.
const OVERDUE_MAX: u32 = 10_000;

impl Sagas {
    /// The events that wait to have their effect on sagas, and those of sagas that wait to have their messages published;
    /// nothing is changed.
    ///
    /// A checkpoint that the log doesn't have is the error that the runner of sagas stops with.
    pub async fn backlog(&self) -> Result<Backlog, SagaError> {
        let mut backlog = Backlog::default();
        if self.routes.is_empty() {
            return Ok(backlog);
        }
        let (after, head) = (self.done().await?, self.store.head().await?);
        let read = AllRead { to: head, limit: Some(LOOKED_AT_MAX), ..AllRead::after(after) };
        let mut events = self.store.read_all(read);
        while let Some(event) = events.next().await.transpose()? {
            let waits = match saga::of_stream(event.stream()) {
                Some(_) => states::read(&event)?.transition.sends(),
                None => self.concerns_any(&event).await?,
            };
            if waits && !backlog.add(event.recorded_at()) {
                break;
            }
        }
        Ok(backlog)
    }

    /// Whether an event is for a saga that there is, or that it may start.
    async fn concerns_any(&self, event: &RecordedEvent) -> Result<bool, SagaError> {
        for Routed { name, id, begun_as, .. } in self.routes.deliver(event)?.routed {
            if self.concerned(event, name, id, begun_as).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How many sagas wait for a time that has come, up to a limit, and the longest overdue of them.
    pub async fn overdue(&self) -> Result<(u64, Option<String>), SagaError> {
        let due = self.refresh().await?.due(self.now(), OVERDUE_MAX).await?;
        Ok((due.len() as u64, due.first().map(|(name, id)| format!("{name}-{id}"))))
    }
}
