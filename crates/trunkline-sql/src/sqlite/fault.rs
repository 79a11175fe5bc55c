//! What an error of `SQLite` means: whether it passes, and where in a text it is.

use std::io::{self, ErrorKind};
use std::path::Path;

use rusqlite::{Error, ErrorCode as Code};
use trunkline_place::barred_from_writing;

use crate::DatabaseError;
use crate::text::{Rendered, SqlProblem};

/// Whether the same may work later: somebody else has the lock, or the disk or the memory is full, or failed.
///
/// A disk that fails may be mounted again; who waits for it says so meanwhile.
pub(super) fn is_passing(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            Code::DatabaseBusy
                | Code::DatabaseLocked
                | Code::DiskFull
                | Code::OutOfMemory
                | Code::SystemIoFailure
        )
    )
}

/// Whether another process has the file at the moment.
pub(super) fn is_locked(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(Code::DatabaseBusy | Code::DatabaseLocked))
}

/// How one goes on elsewhere, whatever is wrong with the place.
const ELSEWHERE: &str = "or go on elsewhere, where all rows are made anew of the events: READ_DB_DSN=sqlite:PATH, or \
    READ_DB_DSN=memory: for as long as a process lives (where the application file has `dsn` in [read_db], that)";

/// What makes the rows of a projection anew; its name is put there by who knows it.
const REBUILD: &str = "trunkline projection rebuild FILE NAME makes its rows anew of the events";

/// The error of an operation.
pub(super) fn failed(doing: impl Into<String>) -> impl FnOnce(Error) -> DatabaseError {
    move |error| {
        let (doing, reason) = (doing.into(), reason(&error));
        match error.sqlite_error_code() {
            Some(Code::DiskFull) => barred(doing, &reason, ErrorKind::StorageFull),
            // A disk that can't be written at all is found where the file is known.
            Some(Code::ReadOnly) => barred(doing, &reason, ErrorKind::PermissionDenied),
            _ if is_passing(&error) => DatabaseError::Passing { doing, reason },
            _ if is_damage(&error) => {
                let words =
                    "its rows are made of the events, and a rebuild of the projection makes them anew";
                let reason = format!("{reason}; {words}");
                DatabaseError::Damaged { doing, reason, remedy: REBUILD.to_owned() }
            }
            _ => DatabaseError::Lasting { doing, reason },
        }
    }
}

/// The error of an operation on this file, which is named where it is damaged, with what bars this process from writing
/// it.
pub(super) fn failed_in(doing: impl Into<String>, file: &Path) -> impl FnOnce(Error) -> DatabaseError {
    move |error| {
        let doing = doing.into();
        if let Some(found) = barred_in(&doing, file, &error) {
            return found;
        }
        let file = file.display().to_string();
        match failed(doing)(error) {
            // Some errors name it themselves.
            DatabaseError::Damaged { doing, reason, remedy } if !reason.contains(&file) => {
                DatabaseError::Damaged { doing, reason: format!("{file}: {reason}"), remedy }
            }
            other => other,
        }
    }
}

/// What bars this process from writing this file, when an error may come of that: `SQLite` says not more than that it
/// couldn't open or write it.
pub(super) fn barred_in(doing: &str, file: &Path, error: &Error) -> Option<DatabaseError> {
    let bar = bar(file, error)?;
    Some(barred(doing.to_owned(), &format!("{}: {bar}", file.display()), bar.kind()))
}

/// What bars this process from writing this file, with the remedy, in words.
pub(super) fn bar_in_words(file: &Path, error: &Error) -> Option<String> {
    let bar = bar(file, error)?;
    Some(format!("{bar}; {}", remedy(bar.kind()).0))
}

fn bar(file: &Path, error: &Error) -> Option<io::Error> {
    let of_writing =
        [Code::CannotOpen, Code::ReadOnly, Code::SystemIoFailure, Code::DiskFull, Code::PermissionDenied];
    error.sqlite_error_code().filter(|code| of_writing.contains(code))?;
    barred_from_writing(file)
}

/// The error where a process can't write, with the remedy for what bars it.
fn barred(doing: String, what: &str, bar: ErrorKind) -> DatabaseError {
    let (remedy, passing) = remedy(bar);
    DatabaseError::Barred {
        doing,
        reason: format!("{what}; {remedy} and run the same again, {ELSEWHERE}"),
        passing,
    }
}

/// What helps against what bars a process, and whether it may pass without anybody's doing here.
fn remedy(bar: ErrorKind) -> (&'static str, bool) {
    match bar {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ("make room there", true),
        ErrorKind::FileTooLarge => ("raise the limit of the size of files, see `ulimit -f`", true),
        ErrorKind::IsADirectory => ("move that folder away", false),
        ErrorKind::ReadOnlyFilesystem => ("have the disk mounted for writing", false),
        ErrorKind::PermissionDenied => {
            ("have the right to write there, as the user that `ls -l` shows", false)
        }
        _ => ("correct that", false),
    }
}

/// Whether the file is not what was written, or not there.
pub(super) fn is_damage(error: &Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(Code::DatabaseCorrupt | Code::NotADatabase | Code::CannotOpen))
        // Our tables are made with the file.
        || reason(error).starts_with("no such table: trunkline_")
}

/// What is not as it was written, as `SQLite` says it of a page.
pub(super) fn damaged() -> Error {
    let what = "a row is not what was written".to_owned();
    Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), Some(what))
}

/// The error of an operation on files.
pub(super) fn failed_io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> DatabaseError {
    move |error| match error.kind() {
        kind @ (ErrorKind::StorageFull
        | ErrorKind::QuotaExceeded
        | ErrorKind::FileTooLarge
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::PermissionDenied) => barred(doing.into(), &error.to_string(), kind),
        _ => DatabaseError::Lasting { doing: doing.into(), reason: error.to_string() },
    }
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
