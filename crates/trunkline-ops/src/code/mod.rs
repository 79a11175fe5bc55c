//! Codes: which one an error has, and what its page says.
//!
//! Mistakes of files have codes of their own where they are made, and an error that comes of one has the same; `codes` has
//! those of what goes wrong while an application runs. An error whose message says all there is has none.

mod codes;

use std::io;

use serde::Serialize;
use trunkline::config::{Code, Evaluated, codes as language, nearest};
use trunkline::history::HistoryError;
use trunkline::saga::SagaError;
use trunkline::sql::{AskError, DatabaseError};
use trunkline::{
    BuildError, DispatchError, FileError, OpenQueueError, ProjectionError, QueryError, codes as application,
};
use trunkline_config::Diagnostic;
use trunkline_queue::{OpenError as OpenQueue, OperateError, PublishError, StorageError as QueueStorage};
use trunkline_store::{AppendError, MaintainError, OpenError, StorageError};

use crate::import::ImportProblem;
use crate::migrate::MigrateError;
use crate::{Exit, OpsError, QueueError};

/// The code whose page explains an error.
pub(crate) fn code_of(error: &OpsError) -> Option<Code> {
    match error {
        // What is damaged is so whatever was asked for; a report that says so explains itself.
        OpsError::Verdict(_) => None,
        _ if Exit::of(error) == Exit::Corrupt => Some(codes::DAMAGED),
        OpsError::Dsn(_) => Some(application::BAD_DSN),
        OpsError::Open { source, .. } => open(source),
        OpsError::Append(error)
        | OpsError::Migrate(MigrateError::Append(error))
        | OpsError::Saga(SagaError::Append { source: error, .. }) => append(error),
        OpsError::Maintain(MaintainError::NotFound { .. }) => Some(codes::NOT_THERE),
        OpsError::Occupied { .. } | OpsError::Maintain(MaintainError::Occupied { .. }) => {
            Some(codes::OCCUPIED)
        }
        OpsError::Maintain(MaintainError::InUse { .. }) => Some(codes::IN_USE),
        OpsError::Queue(error) => queue(error),
        OpsError::Clock => Some(codes::CLOCK),
        OpsError::Threads { .. } => Some(codes::THREADS),
        OpsError::File { source, .. } if of_io(source).is_some() => of_io(source),
        OpsError::Maintain(MaintainError::Io { source, .. }) => of_io(source),
        OpsError::Projection(ProjectionError::Database(error)) | OpsError::Sql(AskError::Database(error)) => {
            of_database(error)
        }
        OpsError::Mistakes { evaluated, .. } => first(evaluated),
        OpsError::Build(error) => build(error),
        OpsError::Dispatch(error) => dispatch(error),
        OpsError::Import(error) => match &error.problem {
            ImportProblem::Failed { cause } => code_of(cause),
            ImportProblem::Line { .. } | ImportProblem::Interrupted => None,
        },
        OpsError::History(HistoryError::UnknownAggregate { .. })
        | OpsError::Saga(SagaError::UnknownName { .. })
        | OpsError::Query(QueryError::UnknownQuery { .. })
        | OpsError::Projection(ProjectionError::Unknown { .. }) => Some(codes::UNKNOWN),
        OpsError::Projection(ProjectionError::Stopped { .. } | ProjectionError::StillFails { .. }) => {
            Some(codes::PROJECTION_STOPPED)
        }
        OpsError::Restored { .. } => Some(codes::RESTORED),
        OpsError::Sql(AskError::Text(_)) => Some(application::BAD_SQL),
        OpsError::Invalid { .. }
        | OpsError::Read(_)
        | OpsError::Maintain(_)
        | OpsError::File { .. }
        | OpsError::NoEvents { .. }
        | OpsError::CommandLine { .. }
        | OpsError::CommandFile { .. }
        | OpsError::Reconcile(_)
        | OpsError::System(_)
        | OpsError::RunInterrupted { .. }
        | OpsError::Stopped { .. }
        | OpsError::Migrate(_)
        | OpsError::History(_)
        | OpsError::Saga(_)
        | OpsError::Query(_)
        | OpsError::Sql(_)
        | OpsError::Projection(_)
        | OpsError::NoCode { .. } => None,
    }
}

fn open(error: &OpenError) -> Option<Code> {
    match error {
        OpenError::NotFound { .. } => Some(codes::NOT_THERE),
        OpenError::InUse { .. } => Some(codes::IN_USE),
        OpenError::Occupied { .. } => Some(codes::OCCUPIED),
        OpenError::Io { source, .. } => of_io(source),
        _ => None,
    }
}

fn append(error: &AppendError) -> Option<Code> {
    match error {
        AppendError::Conflict { .. } | AppendError::ConditionFailed { .. } => Some(codes::MOVED_ON),
        AppendError::EventIdTaken { .. } | AppendError::EventIdReused { .. } => Some(codes::ID_TAKEN),
        AppendError::Storage(StorageError::NotStored { .. }) => Some(codes::NO_ROOM),
        _ => None,
    }
}

fn dispatch(error: &DispatchError) -> Option<Code> {
    match error {
        DispatchError::UnknownCommand { .. } => Some(codes::UNKNOWN),
        DispatchError::IdTaken { .. } => Some(codes::ID_TAKEN),
        DispatchError::Conflict { .. } => Some(codes::MOVED_ON),
        DispatchError::Append(error) => append(error),
        _ => None,
    }
}

fn queue(error: &QueueError) -> Option<Code> {
    match error {
        QueueError::Place(_) | QueueError::Open(OpenQueueError::Dsn { .. }) => Some(application::BAD_DSN),
        QueueError::Open(OpenQueueError::Open { source, .. }) => match source {
            OpenQueue::NotFound { .. } => Some(codes::NOT_THERE),
            OpenQueue::InUse { .. } => Some(codes::IN_USE),
            OpenQueue::Occupied { .. } => Some(codes::OCCUPIED),
            OpenQueue::Io { source, .. } => of_io(source),
            _ => None,
        },
        QueueError::Publish(PublishError::Storage(QueueStorage::NotStored { .. })) => Some(codes::NO_ROOM),
        QueueError::Operate(OperateError::NoTopic { .. } | OperateError::NoGroup { .. }) => {
            Some(codes::UNKNOWN)
        }
        QueueError::Operate(OperateError::IdTaken { .. }) => Some(codes::ID_TAKEN),
        QueueError::SagaMovedOn { .. } => Some(codes::SAGA_MOVED_ON),
        _ => None,
    }
}

fn build(error: &BuildError) -> Option<Code> {
    match error {
        BuildError::Install(error) => error.downcast_ref().and_then(|FileError(found)| first(found)),
        BuildError::Dsn { .. } => Some(application::BAD_DSN),
        BuildError::HandledTwice { .. } => Some(application::HANDLED_TWICE),
        BuildError::Projection { .. } => Some(application::BAD_PROJECTION),
        BuildError::Open { source, .. } => open(source),
        _ => None,
    }
}

/// The code of what the system says of a file.
fn of_io(error: &io::Error) -> Option<Code> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Some(codes::NO_ROOM)
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Some(codes::NOT_WRITABLE),
        _ => None,
    }
}

fn of_database(error: &DatabaseError) -> Option<Code> {
    match error {
        DatabaseError::Barred { passing: true, .. } => Some(codes::NO_ROOM),
        DatabaseError::Barred { .. } => Some(codes::NOT_WRITABLE),
        _ => None,
    }
}

/// The code of the first error of a file.
fn first(evaluated: &Evaluated) -> Option<Code> {
    evaluated.diagnostics.iter().find(|found| Diagnostic::is_error(found)).map(|found| found.code)
}

/// A code with its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CodePage {
    /// The code.
    pub code: &'static str,
    /// What it means, in a few words.
    pub title: &'static str,
    /// Its page, Markdown.
    pub page: &'static str,
}

/// Every code with its page: those of the language, those of application files, and those of what goes wrong while an
/// application runs.
pub fn code_pages() -> impl Iterator<Item = CodePage> {
    let pages = language::PAGES.iter().chain(application::PAGES).chain(codes::PAGES);
    pages.map(|(code, page)| CodePage { code: code.as_str(), title: title(page), page })
}

/// The page of a code; upper and lower case are the same.
pub fn explain(code: &str) -> Result<CodePage, OpsError> {
    let found = code_pages().find(|known| known.code.eq_ignore_ascii_case(code));
    found.ok_or_else(|| OpsError::NoCode {
        code: code.to_owned(),
        near: nearest(code, code_pages().map(|known| known.code)),
    })
}

/// What stands after the code in a page's first line.
fn title(page: &str) -> &str {
    let heading = page.lines().next().unwrap_or_default();
    heading.split_once(": ").map_or(heading, |(_, title)| title)
}
