//! How many sagas stand in which way.

use std::fmt;

use serde::{Deserialize, Serialize};
use trunkline::App;
use trunkline::saga::{SagaCheck, Status};

use crate::{OpsError, Verdict};

/// How many sagas stand in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct SagaCounts {
    /// On their way.
    pub running: u64,
    /// On the way back.
    pub compensating: u64,
    /// Done.
    pub completed: u64,
    /// Undone.
    pub compensated: u64,
    /// Waiting for an operator.
    pub stuck: u64,
}

/// Counts all sagas of an application.
pub async fn counts(app: &App) -> Result<SagaCounts, OpsError> {
    let mut counts = SagaCounts::default();
    for (_, status, count) in app.sagas().counts().await? {
        *match status {
            Status::Running => &mut counts.running,
            Status::Compensating => &mut counts.compensating,
            Status::Completed => &mut counts.completed,
            Status::Compensated => &mut counts.compensated,
            Status::Stuck => &mut counts.stuck,
        } += count;
    }
    Ok(counts)
}

impl From<&SagaCheck> for SagaCounts {
    fn from(check: &SagaCheck) -> Self {
        let SagaCheck { running, compensating, completed, compensated, stuck, .. } = *check;
        Self { running, compensating, completed, compensated, stuck }
    }
}

/// Whether a check of all sagas has found no problem.
pub fn verdict(check: &SagaCheck) -> Result<(), Verdict> {
    if check.is_whole() {
        return Ok(());
    }
    Err(Verdict::SagaProblems { count: check.problems.len() as u64 + check.unlisted })
}

impl fmt::Display for SagaCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { running, compensating, completed, compensated, stuck } = self;
        write!(
            f,
            "{running} running, {compensating} compensating, {completed} completed, {compensated} compensated, {stuck} stuck"
        )
    }
}
