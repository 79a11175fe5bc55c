//! Whether what a part of an application ended with is that something stored is damaged, however deep that is said.

use trunkline::messages::{CheckpointError, RelayError};
use trunkline::saga::SagaError;
use trunkline::sql::{AskError, DatabaseError};
use trunkline::{ProjectionError, QueryError, RunError, SystemError};
use trunkline_store::{MaintainError, ReadError};

use crate::OpsError;
use crate::migrate::MigrateError;

/// Whether something that was stored is damaged.
pub(super) fn is_damage(error: &OpsError) -> bool {
    match error {
        OpsError::Saga(error) => of_sagas(error),
        OpsError::Projection(ProjectionError::Read(error)) => of_log(error),
        OpsError::Query(QueryError::Damaged { .. }) => true,
        OpsError::Projection(ProjectionError::Database(error)) | OpsError::Sql(AskError::Database(error)) => {
            of_database(error)
        }
        OpsError::Migrate(MigrateError::Checkpoint(error)) => of_checkpoint(error),
        OpsError::System(error) => match &**error {
            SystemError::Run(RunError::Sagas(error)) => of_sagas(error),
            SystemError::Run(RunError::Relay { source, .. }) => of_relay(source),
            SystemError::Run(RunError::Mark(error)) => matches!(error, MaintainError::Damaged { .. }),
            _ => false,
        },
        _ => false,
    }
}

fn of_sagas(error: &SagaError) -> bool {
    match error {
        SagaError::Index(error) => error.damaged,
        SagaError::Checkpoint(error) => of_checkpoint(error),
        SagaError::Read(error) => of_log(error),
        SagaError::Unreadable { .. } => true,
        _ => false,
    }
}

fn of_relay(error: &RelayError) -> bool {
    match error {
        RelayError::Checkpoint(error) => of_checkpoint(error),
        RelayError::Read(error) => of_log(error),
        _ => false,
    }
}

fn of_checkpoint(error: &CheckpointError) -> bool {
    match error {
        CheckpointError::Damaged { .. } => true,
        CheckpointError::Read(error) => of_log(error),
        _ => false,
    }
}

fn of_log(error: &ReadError) -> bool {
    matches!(error, ReadError::Damaged { .. })
}

fn of_database(error: &DatabaseError) -> bool {
    matches!(error, DatabaseError::Damaged { .. })
}
