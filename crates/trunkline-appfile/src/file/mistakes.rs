//! What is wrong with a file, as one error.

use std::fmt;

use trunkline_config::Evaluated;

/// Why a file can't be installed: its mistakes, a line each.
#[derive(Debug, thiserror::Error)]
#[error("{}", Mistakes(.0))]
pub struct FileError(pub Box<Evaluated>);

/// The mistakes of a file, a line each.
struct Mistakes<'a>(&'a Evaluated);

impl fmt::Display for Mistakes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mistakes = self.0.diagnostics.iter().filter(|found| found.is_error());
        f.write_str("the application file has mistakes")?;
        for mistake in mistakes {
            let file = self.0.sources.name(mistake.span().file);
            write!(f, "\n  {file} {}", mistake.line(&self.0.sources))?;
        }
        Ok(())
    }
}
