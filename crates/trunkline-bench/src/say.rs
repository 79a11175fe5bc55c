//! Talk to the user on standard error; what was measured goes to standard output.

use std::io::Write;

/// One line. Where nobody can be told, the run goes on all the same.
pub(crate) fn say(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}
