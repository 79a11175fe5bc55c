//! Exit codes: each failure has one, chosen here.

use std::io::ErrorKind;
use std::process::ExitCode;

use trunkline::history::HistoryError;
use trunkline::migrate::MigrateError;
use trunkline::saga::SagaError;
use trunkline::{DispatchError, ProjectionError, QueryError};
use trunkline_store::{AppendError, MaintainError, OpenError, ReadError};

use crate::failure::Failure;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Failed,
    Usage,
    Conflict,
    NotFound,
    Corrupt,
    /// As shells say it of a process that Ctrl-C ended.
    Interrupted,
}

/// The codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    done
  1    failed, refused or rejected
  2    the command line is wrong
  3    conflict: someone else appended first
  4    not found: no such store, stream, queue, topic, dead letter, file, backup, command, query,
       projection, saga, row or code
  5    corrupt: the store, the queue, or the backup, is damaged
  130  interrupted before it was done";

impl Exit {
    /// How a command with this failure ends.
    pub(crate) fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Dsn(_)
            | Failure::Usage { .. }
            | Failure::Migrate(MigrateError::SameStore)
            | Failure::Query(QueryError::Parameters { .. })
            | Failure::Saga(SagaError::Ambiguous { .. }) => Self::Usage,
            Failure::Open { source: OpenError::NotFound { .. }, .. }
            | Failure::Maintain(MaintainError::NotFound { .. })
            | Failure::NoEvents { .. }
            | Failure::Dispatch(DispatchError::UnknownCommand { .. })
            | Failure::History(HistoryError::NoEvents { .. } | HistoryError::UnknownAggregate { .. })
            | Failure::Query(QueryError::UnknownQuery { .. } | QueryError::NotFound { .. })
            | Failure::Projection(ProjectionError::Unknown { .. } | ProjectionError::NotParked { .. })
            | Failure::Saga(SagaError::UnknownName { .. } | SagaError::NotFound { .. })
            | Failure::NoCode { .. } => Self::NotFound,
            Failure::Maintain(MaintainError::Io { source, .. }) | Failure::File { source, .. }
                if source.kind() == ErrorKind::NotFound =>
            {
                Self::NotFound
            }
            Failure::Append(AppendError::Conflict { .. } | AppendError::ConditionFailed { .. })
            | Failure::Migrate(
                MigrateError::Differs { .. } | MigrateError::Append(AppendError::Conflict { .. }),
            )
            | Failure::Dispatch(DispatchError::Conflict { .. })
            | Failure::Saga(SagaError::Append { source: AppendError::Conflict { .. }, .. }) => Self::Conflict,
            Failure::Open { source: OpenError::Corrupt { .. }, .. }
            | Failure::Read(ReadError::Damaged { .. })
            | Failure::Migrate(
                MigrateError::Read(ReadError::Damaged { .. })
                | MigrateError::ReadBack(ReadError::Damaged { .. })
                | MigrateError::NotThere { .. },
            )
            | Failure::Dispatch(DispatchError::Read(ReadError::Damaged { .. }))
            | Failure::History(HistoryError::Read(ReadError::Damaged { .. }))
            | Failure::Projection(ProjectionError::Read(ReadError::Damaged { .. }))
            | Failure::Saga(SagaError::Read(ReadError::Damaged { .. }) | SagaError::Unreadable { .. })
            | Failure::Maintain(MaintainError::Damaged { .. })
            | Failure::Problems { .. } => Self::Corrupt,
            Failure::Queue(failure) => failure.exit(),
            Failure::ImportFailed { cause, .. } => Self::of(cause),
            Failure::Interrupted { .. } | Failure::Stopped { .. } | Failure::RunInterrupted { .. } => {
                Self::Interrupted
            }
            // Whoever read the output has seen enough: `| head`.
            Failure::Output(error) if error.kind() == ErrorKind::BrokenPipe => Self::Done,
            Failure::Open { .. }
            | Failure::Append(_)
            | Failure::Read(_)
            | Failure::Maintain(_)
            | Failure::File { .. }
            | Failure::ImportStopped { .. }
            | Failure::Mistakes { .. }
            | Failure::Build(_)
            | Failure::Dispatch(_)
            | Failure::Rejected
            | Failure::CommandLine { .. }
            | Failure::System(_)
            | Failure::Unwell { .. }
            | Failure::Scenarios { .. }
            | Failure::Undecodable { .. }
            | Failure::Migrate(_)
            | Failure::History(_)
            | Failure::Query(_)
            | Failure::Sql(_)
            | Failure::Projection(_)
            | Failure::Diverged { .. }
            | Failure::Saga(_)
            | Failure::SagaProblems { .. }
            | Failure::Output(_) => Self::Failed,
        }
    }

    pub(crate) fn code(self) -> u8 {
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

    /// The code's name in an error's JSON.
    pub(crate) fn name(self) -> &'static str {
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

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
