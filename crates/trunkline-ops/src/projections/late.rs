//! Which of the projections that a query reads have not all that happened in their rows, and why.

use std::fmt;

use serde::Serialize;
use trunkline::sql::SqlQuery;
use trunkline::{App, Position, ProjectionState, ProjectionStatus};

use crate::OpsError;
use crate::words::counted;

/// A projection whose rows are not what all events make them.
#[derive(Clone, Debug, Serialize)]
pub struct LateProjection {
    /// Its name.
    pub projection: String,
    /// What it is doing.
    pub state: ProjectionState,
    /// How far its rows have come.
    pub position: Position,
    /// How far the store has come.
    pub head: Position,
    /// How many events of its own come after that, as far as they are counted.
    pub events_behind: u64,
    /// Whether there are more than those.
    pub and_more: bool,
    /// Events that were put aside.
    pub parked: u64,
    /// Whether statements have made its rows that are no longer those of the file.
    pub changed: bool,
    /// Why it doesn't go on.
    pub error: Option<String>,
}

/// The late ones of the projections that a query reads. One that has come to `goal` is not late because of what comes
/// after that.
pub async fn late(app: &App, query: &SqlQuery, goal: Position) -> Result<Vec<LateProjection>, OpsError> {
    let projections = app.projections();
    let all = projections.status().await?;
    let late = all.into_iter().filter_map(|status| LateProjection::of(status, goal));
    Ok(late.filter(|late| projections.is_read_by(&late.projection, query)).collect())
}

impl LateProjection {
    fn of(status: ProjectionStatus, goal: Position) -> Option<Self> {
        let is_late = status.state == ProjectionState::Paused
            || status.error.is_some()
            || status.changed
            || status.parked > 0
            || status.backlog.events > 0 && status.position < goal;
        is_late.then_some(Self {
            projection: status.name,
            state: status.state,
            position: status.position,
            head: status.head,
            events_behind: status.backlog.events,
            and_more: status.backlog.and_more,
            parked: status.parked,
            changed: status.changed,
            error: status.error,
        })
    }
}

/// In words, as `doctor` says it.
impl fmt::Display for LateProjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { projection, position, .. } = self;
        let more = if self.and_more { "more than " } else { "" };
        let behind = format!("{more}{} behind", counted(self.events_behind, "event"));
        write!(f, "projection {projection} ")?;
        match self.state {
            ProjectionState::Paused => write!(f, "is paused at position {position}, {behind}")?,
            ProjectionState::Stopped => write!(f, "has stopped at position {position}, {behind}")?,
            _ if self.events_behind > 0 => write!(f, "is at position {position}, {behind}")?,
            _ => write!(f, "is at position {position}")?,
        }
        if self.changed {
            f.write_str("; its statements have changed since its rows were made")?;
        }
        if self.parked > 0 {
            write!(f, "; {} put aside", counted(self.parked, "event"))?;
        }
        match &self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}
