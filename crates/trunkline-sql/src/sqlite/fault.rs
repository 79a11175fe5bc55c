//! What an error of `SQLite` means: whether it passes, and where in a text it is.

use rusqlite::{Error, ErrorCode};

use crate::DatabaseError;
use crate::text::{SqlProblem, Statement};

/// Whether the same may work later: somebody else has the lock, or the disk or the memory is full, or failed.
///
/// A disk that fails may be mounted again; who waits for it says so meanwhile.
pub(super) fn is_passing(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::OutOfMemory
                | ErrorCode::SystemIoFailure
        )
    )
}

/// The error of an operation.
pub(super) fn failed(doing: impl Into<String>) -> impl FnOnce(Error) -> DatabaseError {
    move |error| {
        let (doing, reason) = (doing.into(), reason(&error));
        if is_passing(&error) {
            DatabaseError::Passing { doing, reason }
        } else {
            DatabaseError::Lasting { doing, reason }
        }
    }
}

/// The error of an operation on files.
pub(super) fn failed_io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> DatabaseError {
    move |error| DatabaseError::Lasting { doing: doing.into(), reason: error.to_string() }
}

/// What `SQLite` says, without the statement.
pub(super) fn reason(error: &Error) -> String {
    match error {
        Error::SqlInputError { msg, .. } => msg.clone(),
        Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    }
}

/// What is wrong with a statement that could not be prepared, and where.
pub(super) fn problem(error: &Error, statement: &Statement) -> SqlProblem {
    let range = match error {
        Error::SqlInputError { offset, .. } if *offset >= 0 => {
            statement.source_range(usize::try_from(*offset).unwrap_or(0))
        }
        _ => statement.range(),
    };
    SqlProblem { range, what: reason(error), fix: None }
}
