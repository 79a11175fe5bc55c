//! What an error of `SQLite` means: whether it passes, and where in a text it is.

use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::DatabaseError;
use crate::text::{Rendered, SqlProblem};

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

/// Whether another process has the file at the moment.
pub(super) fn is_locked(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// The error of an operation.
pub(super) fn failed(doing: impl Into<String>) -> impl FnOnce(Error) -> DatabaseError {
    move |error| {
        let (doing, reason) = (doing.into(), reason(&error));
        if is_passing(&error) {
            DatabaseError::Passing { doing, reason }
        } else if is_damage(&error) {
            let remedy = "its rows are made of the events, and a rebuild of the projection makes them anew";
            DatabaseError::Damaged { doing, reason: format!("{reason}; {remedy}") }
        } else {
            DatabaseError::Lasting { doing, reason }
        }
    }
}

/// The error of an operation on this file, which is named where it is damaged.
pub(super) fn failed_in(doing: impl Into<String>, file: &Path) -> impl FnOnce(Error) -> DatabaseError {
    let file = file.display().to_string();
    move |error| match failed(doing)(error) {
        // Some errors name it themselves.
        DatabaseError::Damaged { doing, reason } if !reason.contains(&file) => {
            DatabaseError::Damaged { doing, reason: format!("{file}: {reason}") }
        }
        other => other,
    }
}

/// Whether the file is not what was written, or not there.
pub(super) fn is_damage(error: &Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::CannotOpen))
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
pub(super) fn problem(error: &Error, rendered: &Rendered<'_>) -> SqlProblem {
    let what = reason(error);
    let told = match error {
        Error::SqlInputError { offset, .. } => {
            usize::try_from(*offset).ok().map(|at| rendered.source_range(at))
        }
        _ => None,
    };
    let statement = rendered.statement();
    // Not every message comes with a place; those about names can be looked for.
    let range =
        told.or_else(|| statement.range_of(missing_name(&what)?.1)).unwrap_or_else(|| statement.range());
    SqlProblem { range, what, fix: None }
}

/// What a message says is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Table,
    Column,
}

/// The name that a message says is missing, without what stands before its dots.
pub(super) fn missing_name(message: &str) -> Option<(Missing, &str)> {
    let after = |start: &str| message.find(start).map(|at| &message[at + start.len()..]);
    let column = || after("no such column: ").or_else(|| after("has no column named "));
    let (missing, name) = match after("no such table: ") {
        Some(name) => (Missing::Table, name),
        None => (Missing::Column, column()?),
    };
    Some((missing, name.rsplit('.').next().unwrap_or(name)))
}
