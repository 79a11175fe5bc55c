//! What can be done where something stored is damaged, or is not what a part of an application knows, wherever that was met.

use trunkline::messages::{CheckpointError, RelayError};
use trunkline::saga::SagaError;
use trunkline::sql::{AskError, DatabaseError};
use trunkline::{ProjectionError, QueryError, RunError, SystemError};

use crate::{Exit, OpsError};

pub(super) fn hints(error: &OpsError) -> Vec<String> {
    match error {
        OpsError::Projection(ProjectionError::Database(DatabaseError::Damaged { .. }))
        | OpsError::Sql(AskError::Database(DatabaseError::Damaged { .. }))
        | OpsError::Query(QueryError::Damaged { .. }) => {
            vec!["trunkline projection rebuild FILE NAME makes the rows of a projection anew".to_owned()]
        }
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

fn of_checkpoint(error: &CheckpointError) -> Vec<String> {
    match error {
        CheckpointError::AheadOfLog { name, .. } => vec![format!(
            "see that the log is the right one; its reader begins at the first event again without the file \
                 `{name}.checkpoint.json` in the folder `.checkpoints` beside the log, and what it did is known by its ids"
        )],
        CheckpointError::Read(_) => of_log(),
        // The error itself says what to do.
        _ => Vec::new(),
    }
}

fn of_log() -> Vec<String> {
    vec!["`trunkline verify` says what is damaged and what to do".to_owned()]
}
