//! How the projections of an application stand, whoever runs them.

use futures::StreamExt as _;
use trunkline_core::{Clock, Position};
use trunkline_store::{AllRead, EventStore, ReadError};

use super::progress::{ProjectionState, ProjectionStatus};
use super::runner;
use super::set::One;
use super::target::Kept;
use super::{OnChange, ProjectionError, Projections};
use crate::follow::{Backlog, Wanted};

impl Projections {
    /// How the projections stand, also when another process runs them.
    pub async fn status(&self) -> Result<Vec<ProjectionStatus>, ProjectionError> {
        if self.all.is_empty() {
            return Ok(Vec::new());
        }
        let head = self.store.head().await?;
        let mut all = Vec::new();
        for (name, one) in &self.all {
            let (standing, is_paused) = (one.target.standing().await?, one.is_paused().await?);
            let generation = standing.as_ref().map(|standing| standing.generation);
            let changed = standing.as_ref().is_some_and(|standing| standing.is_changed);
            // An error of one is in its own status, and doesn't hide the others.
            let (kept, unread, is_lost) = match standing.map(|standing| standing.kept).transpose() {
                Ok(kept) => (kept, None, false),
                // Its rows can't be read any more: others are made of the events.
                Err(error) => (None, Some(error.to_string()), !error.is_passing()),
            };
            let position = kept.as_ref().map_or(Position::START, Kept::position);
            let (lag_seconds, unread) = match lag(&*self.store, &*self.clock, position, head).await {
                Ok(lag) => (Some(lag), unread),
                Err(error) => (None, unread.or_else(|| Some(error.to_string()))),
            };
            // What the runner would stop with, said before it is run.
            let last = kept.as_ref().and_then(|kept| kept.last);
            let (misplaced, unread) = match runner::check(name, &*self.store, last).await {
                Ok(()) => (None, unread),
                // It would be tried again.
                Err(error) if error.is_passing() => (None, unread.or_else(|| Some(error.to_string()))),
                Err(error) => (Some(error), unread),
            };
            let is_of_other_events = matches!(
                misplaced,
                Some(ProjectionError::AheadOfLog { .. } | ProjectionError::OtherStore { .. })
            );
            let waits = changed && one.definition.on_change == OnChange::Stop;
            let needs_rebuild = is_of_other_events || waits || is_lost;
            let (backlog, unread) = match self.backlog(one, position, head).await {
                Ok(backlog) => (backlog, unread),
                Err(error) => (Backlog::default(), unread.or_else(|| Some(error.to_string()))),
            };
            let here = one.progress.standing();
            let noted = kept.as_ref().and_then(|kept| kept.failure.clone());
            let state = match here.state {
                _ if is_paused => ProjectionState::Paused,
                ProjectionState::Idle if noted.is_some() || misplaced.is_some() => ProjectionState::Stopped,
                state => state,
            };
            all.push(ProjectionStatus {
                name: name.clone(),
                state,
                generation,
                position,
                head,
                lag_events: head.get().saturating_sub(position.get()),
                lag_seconds,
                rate: one.progress.rate(),
                parked: kept.map_or(0, |kept| kept.parked),
                changed,
                needs_rebuild,
                backlog,
                error: here.error.or(misplaced).map(|error| error.to_string()).or(noted).or(unread),
            });
        }
        Ok(all)
    }

    /// The events after a position that a projection has statements for.
    async fn backlog(&self, one: &One, after: Position, head: Position) -> Result<Backlog, ReadError> {
        let mut backlog = Backlog::default();
        let wanted = Wanted::types(one.types.iter().cloned());
        if wanted.is_empty() || after >= head {
            return Ok(backlog);
        }
        let mut events =
            self.store.read_all(AllRead { to: head, ..AllRead::after(after) }.matching(wanted.query()));
        while let Some(event) = events.next().await.transpose()? {
            if !backlog.add(event.recorded_at()) {
                break;
            }
        }
        Ok(backlog)
    }
}

/// How long ago the first event after a position was recorded, in seconds.
#[expect(clippy::cast_precision_loss, reason = "a lag is no exact number")]
pub(super) async fn lag(
    store: &dyn EventStore,
    clock: &dyn Clock,
    position: Position,
    head: Position,
) -> Result<f64, ReadError> {
    if position >= head {
        return Ok(0.0);
    }
    let mut read = store.read_all(AllRead { limit: Some(1), ..AllRead::after(position) });
    let first = read.next().await.transpose()?;
    let now = clock.now();
    let since = first.map_or(0, |first| now.as_micros() - first.recorded_at().as_micros());
    Ok(since.max(0) as f64 / 1e6)
}
