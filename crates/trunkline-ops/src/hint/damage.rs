//! What can be done where something stored is damaged, or is not what a part of an application knows, wherever that was met.

use trunkline::messages::{CheckpointError, RelayError};
use trunkline::saga::SagaError;
use trunkline::sql::{AskError, DatabaseError};
use trunkline::{ProjectionError, QueryError, RunError, SystemError};

use crate::{Exit, OpsError};

pub(super) fn hints(error: &OpsError) -> Vec<String> {
    match error {
        OpsError::Projection(ProjectionError::Database(DatabaseError::Damaged { remedy, .. }))
        | OpsError::Sql(AskError::Database(DatabaseError::Damaged { remedy, .. }))
        | OpsError::Query(QueryError::Damaged { remedy, .. }) => vec![remedy.clone()],
        OpsError::Saga(error) => of_sagas(error),
        OpsError::System(error) => match &**error {
            SystemError::Run(RunError::Sagas(error)) => of_sagas(error),
            SystemError::Run(RunError::Relay { source: RelayError::Checkpoint(error), .. }) => {
                of_checkpoint(error)
            }
            _ => Vec::new(),
        },
        _ if Exit::of(error) == Exit::Corrupt => of_log(),
        _ => Vec::new(),
    }
}

fn of_sagas(error: &SagaError) -> Vec<String> {
    match error {
        SagaError::Checkpoint(error) => of_checkpoint(error),
        SagaError::Read(_) | SagaError::Unreadable { .. } => of_log(),
        // The error itself says what to do.
        _ => Vec::new(),
    }
}

/// What helps where a checkpoint can't be used.
pub(super) fn of_checkpoint(error: &CheckpointError) -> Vec<String> {
    match error {
        // Without its checkpoint it would do all again, and what is new would be taken for what the lost future had.
        CheckpointError::AheadOfLog { .. } => vec![
            "see that the log is the right one; where it is an older one, `trunkline reconcile FILE` brings all that stands \
             beside it back to its history"
                .to_owned(),
        ],
        CheckpointError::Read(_) => of_log(),
        // The error itself says what to do.
        _ => Vec::new(),
    }
}

fn of_log() -> Vec<String> {
    vec!["`trunkline verify` says what is damaged and what to do".to_owned()]
}
