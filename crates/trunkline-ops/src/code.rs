//! Codes: which one an error has, and what its page says.
//!
//! Mistakes of files have codes of their own where they are made. An error that comes of one has the same; others have
//! none.

use serde::Serialize;
use trunkline::config::{Code, Evaluated, codes as language, nearest};
use trunkline::sql::AskError;
use trunkline::{BuildError, FileError, OpenQueueError, codes};
use trunkline_config::Diagnostic;

use crate::{OpsError, QueueError};

/// The code whose page explains an error.
pub(crate) fn code_of(error: &OpsError) -> Option<Code> {
    match error {
        OpsError::Dsn(_)
        | OpsError::Queue(QueueError::Place(_) | QueueError::Open(OpenQueueError::Dsn { .. }))
        | OpsError::Build(BuildError::Dsn { .. }) => Some(codes::BAD_DSN),
        OpsError::Mistakes { evaluated, .. } => first(evaluated),
        OpsError::Build(BuildError::Install(error)) => {
            error.downcast_ref().and_then(|FileError(evaluated)| first(evaluated))
        }
        OpsError::Build(BuildError::HandledTwice { .. }) => Some(codes::HANDLED_TWICE),
        OpsError::Build(BuildError::Projection { .. }) => Some(codes::BAD_PROJECTION),
        OpsError::Sql(AskError::Text(_)) => Some(codes::BAD_SQL),
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

/// Every code with its page: those of the language, and those of applications.
pub fn code_pages() -> impl Iterator<Item = CodePage> {
    let pages = language::PAGES.iter().chain(codes::PAGES);
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
