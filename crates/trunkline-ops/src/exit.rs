//! How an operation ends: one code for each error, chosen here.
//!
//! The codes are exit codes of processes; their names stand in an error's JSON, where a server finds its status by them.

mod damage;

use std::io::ErrorKind;

use trunkline::history::HistoryError;
use trunkline::saga::SagaError;
use trunkline::{DispatchError, OpenQueueError, ProjectionError, QueryError, ReconcileError};
use trunkline_queue::{OpenError as OpenQueue, OperateError, PublishError, StorageError};
use trunkline_store::{AppendError, MaintainError, OpenError, ReadError};

use crate::import::ImportProblem;
use crate::migrate::MigrateError;
use crate::{OpsError, QueueError, Verdict};

/// How an operation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is done.
    Done,
    /// It failed, or was refused or rejected.
    Failed,
    /// What was asked for makes no sense.
    Usage,
    /// Others were first.
    Conflict,
    /// What it is about is not there.
    NotFound,
    /// Something that was stored is damaged.
    Corrupt,
    /// It was asked to stop before it was done. The code is what shells say of a process that Ctrl-C ended.
    Interrupted,
}

impl Exit {
    /// How an operation with this error ends.
    pub fn of(error: &OpsError) -> Self {
        match error {
            error if damage::is_damage(error) => Self::Corrupt,
            OpsError::Dsn(_)
            | OpsError::Invalid { .. }
            | OpsError::Migrate(MigrateError::SameStore)
            | OpsError::Query(QueryError::Parameters { .. })
            | OpsError::Reconcile(ReconcileError::Supplied)
            | OpsError::Saga(SagaError::Ambiguous { .. }) => Self::Usage,
            OpsError::Open { source: OpenError::NotFound { .. }, .. }
            | OpsError::Maintain(MaintainError::NotFound { .. })
            | OpsError::NoEvents { .. }
            | OpsError::Dispatch(DispatchError::UnknownCommand { .. })
            | OpsError::History(HistoryError::NoEvents { .. } | HistoryError::UnknownAggregate { .. })
            | OpsError::Query(QueryError::UnknownQuery { .. } | QueryError::NotFound { .. })
            | OpsError::Projection(ProjectionError::Unknown { .. } | ProjectionError::NotParked { .. })
            | OpsError::Saga(SagaError::UnknownName { .. } | SagaError::NotFound { .. })
            | OpsError::Reconcile(ReconcileError::UnknownRelay { .. })
            | OpsError::NoCode { .. } => Self::NotFound,
            OpsError::Maintain(MaintainError::Io { source, .. }) | OpsError::File { source, .. }
                if source.kind() == ErrorKind::NotFound =>
            {
                Self::NotFound
            }
            OpsError::Append(AppendError::Conflict { .. } | AppendError::ConditionFailed { .. })
            | OpsError::Migrate(
                MigrateError::Differs { .. } | MigrateError::Append(AppendError::Conflict { .. }),
            )
            | OpsError::Dispatch(DispatchError::Conflict { .. })
            | OpsError::Saga(SagaError::Append { source: AppendError::Conflict { .. }, .. }) => {
                Self::Conflict
            }
            OpsError::Open { source: OpenError::Corrupt { .. }, .. }
            | OpsError::Read(ReadError::Damaged { .. })
            | OpsError::Migrate(
                MigrateError::Read(ReadError::Damaged { .. })
                | MigrateError::ReadBack(ReadError::Damaged { .. })
                | MigrateError::NotThere { .. },
            )
            | OpsError::Dispatch(DispatchError::Read(ReadError::Damaged { .. }))
            | OpsError::History(HistoryError::Read(ReadError::Damaged { .. }))
            | OpsError::Reconcile(
                ReconcileError::Read(ReadError::Damaged { .. })
                | ReconcileError::Mark(MaintainError::Damaged { .. }),
            )
            | OpsError::Maintain(MaintainError::Damaged { .. }) => Self::Corrupt,
            OpsError::Queue(error) => Self::of_queue(error),
            OpsError::Verdict(verdict) => Self::of_verdict(verdict),
            OpsError::Import(error) => match &error.problem {
                ImportProblem::Line { .. } => Self::Failed,
                ImportProblem::Failed { cause } => Self::of(cause),
                ImportProblem::Interrupted => Self::Interrupted,
            },
            OpsError::Stopped { .. } | OpsError::RunInterrupted { .. } => Self::Interrupted,
            OpsError::Open { .. }
            | OpsError::Append(_)
            | OpsError::Read(_)
            | OpsError::Maintain(_)
            | OpsError::File { .. }
            | OpsError::Clock
            | OpsError::Threads { .. }
            | OpsError::Occupied { .. }
            | OpsError::Mistakes { .. }
            | OpsError::Build(_)
            | OpsError::Dispatch(_)
            | OpsError::CommandLine { .. }
            | OpsError::CommandFile { .. }
            | OpsError::Reconcile(_)
            | OpsError::Restored { .. }
            | OpsError::System(_)
            | OpsError::Migrate(_)
            | OpsError::History(_)
            | OpsError::Query(_)
            | OpsError::Sql(_)
            | OpsError::Projection(_)
            | OpsError::Saga(_) => Self::Failed,
        }
    }

    fn of_queue(error: &QueueError) -> Self {
        match error {
            QueueError::Place(_)
            | QueueError::Open(OpenQueueError::Dsn { .. })
            | QueueError::Publish(PublishError::Invalid { .. } | PublishError::TooLarge { .. }) => {
                Self::Usage
            }
            QueueError::Open(OpenQueueError::Open { source: OpenQueue::NotFound { .. }, .. })
            | QueueError::Operate(
                OperateError::NoTopic { .. }
                | OperateError::NoGroup { .. }
                | OperateError::NoMessage { .. }
                | OperateError::NoDeadLetter { .. },
            ) => Self::NotFound,
            QueueError::Open(OpenQueueError::Open {
                source: OpenQueue::Corrupt { .. } | OpenQueue::Missing { .. } | OpenQueue::Renumbered { .. },
                ..
            })
            | QueueError::Publish(PublishError::Storage(StorageError::Damaged { .. }))
            | QueueError::Operate(
                OperateError::Damaged { .. } | OperateError::Storage(StorageError::Damaged { .. }),
            ) => Self::Corrupt,
            QueueError::Operate(OperateError::IdTaken { .. }) | QueueError::SagaMovedOn { .. } => {
                Self::Conflict
            }
            QueueError::Open(_)
            | QueueError::Publish(_)
            | QueueError::Subscribe(_)
            | QueueError::Operate(_) => Self::Failed,
        }
    }

    fn of_verdict(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Damaged { .. } => Self::Corrupt,
            Verdict::Mistaken { .. }
            | Verdict::Rejected
            | Verdict::Unwell { .. }
            | Verdict::Scenarios { .. }
            | Verdict::Undecodable { .. }
            | Verdict::Diverged { .. }
            | Verdict::SagaProblems { .. } => Self::Failed,
        }
    }

    /// The exit code of a process.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Conflict => 3,
            Self::NotFound => 4,
            Self::Corrupt => 5,
            Self::Interrupted => 130,
        }
    }

    /// The name in an error's JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Conflict => "conflict",
            Self::NotFound => "not_found",
            Self::Corrupt => "corrupt",
            Self::Interrupted => "interrupted",
        }
    }
}
