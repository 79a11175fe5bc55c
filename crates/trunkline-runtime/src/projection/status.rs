//! How the projections of an application stand, whoever runs them.

use trunkline_core::{Clock, Position};
use trunkline_store::{AllRead, EventStore, ReadError};

use super::progress::{ProjectionState, ProjectionStatus};
use super::target::Kept;
use super::{ProjectionError, Projections};

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
            let (kept, unread) = match standing.map(|standing| standing.kept).transpose() {
                Ok(kept) => (kept, None),
                Err(error) => (None, Some(error.to_string())),
            };
            let position = kept.as_ref().map_or(Position::START, Kept::position);
            let (lag_seconds, unread) = match lag(&*self.store, &*self.clock, position, head).await {
                Ok(lag) => (Some(lag), unread),
                Err(error) => (None, unread.or_else(|| Some(error.to_string()))),
            };
            let here = one.progress.standing();
            let noted = kept.as_ref().and_then(|kept| kept.failure.clone());
            let state = match here.state {
                _ if is_paused => ProjectionState::Paused,
                ProjectionState::Idle if noted.is_some() => ProjectionState::Stopped,
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
                error: here.error.map(|error| error.to_string()).or(noted).or(unread),
            });
        }
        Ok(all)
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
    let first = futures::StreamExt::next(&mut read).await.transpose()?;
    let now = clock.now();
    let since = first.map_or(0, |first| now.as_micros() - first.recorded_at().as_micros());
    Ok(since.max(0) as f64 / 1e6)
}
