//! For programs: diagnostics as one array, and the tree of values.

use serde_json::{Value as Json, json};

use crate::diagnostic::Diagnostic;
use crate::source::Sources;
use crate::value::Node;

/// One array of objects with `code`, `severity`, `message`, `file`, `line`, `column`, `end_line`, `end_column` and
/// `help` (text or null). Lines and columns count from 1, columns in characters, ends are exclusive.
pub fn diagnostics_to_json(diagnostics: &[Diagnostic], sources: &Sources) -> Json {
    diagnostics.iter().map(|diagnostic| one(diagnostic, sources)).collect()
}

/// The tree: secrets are `"***"`, hooks `{"$go": name}`, invalid values null; keys in the order of the file.
pub fn tree_to_json(root: &Node) -> String {
    // Keys are text and nothing else in the tree can fail to be written.
    serde_json::to_string(root).unwrap_or_default()
}

fn one(diagnostic: &Diagnostic, sources: &Sources) -> Json {
    let span = diagnostic.span();
    let location = sources.locate(span);
    json!({
        "code": diagnostic.code.as_str(),
        "severity": diagnostic.severity.as_str(),
        "message": sources.hidden.masked(&diagnostic.message),
        "file": sources.name(span.file),
        "line": location.line,
        "column": location.column,
        "end_line": location.end_line,
        "end_column": location.end_column,
        "help": diagnostic.fix.as_ref().or(diagnostic.note.as_ref()).map(|help| sources.hidden.masked(help)),
    })
}
