//! `check`: every mistake in an application file.

use std::io;

use clap::Args;
use trunkline::{ApplicationFile, Registered};
use trunkline_config::Diagnostic;
use trunkline_ops::{Verdict, not_loaded, world};

use crate::failure::Failure;
use crate::output::{Format, Output};
use crate::render::{Mistakes, style_for};

const EXAMPLES: &str = "\
Examples:
  trunkline check orders.tsk
  trunkline check orders.tsk --format json | jq -r '.[].message'

Syntax, values, sections and their keys, expressions, names, the hooks that @go names. With --format json, one array of code, severity, message, file, \
line, column, end_line, end_column, help; it is empty when nothing is wrong. Exit code 1 when there is an \
error; warnings are no failure. `trunkline explain CODE` says more about a mistake.";

/// Report every mistake in an application file
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,
}

impl CheckArgs {
    pub(crate) fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let Self { file } = self;
        // What a program registers isn't known here, so names that only it can resolve are warnings.
        let checked = ApplicationFile::load(&file, world(), &Registered::default())
            .map_err(|error| not_loaded(&file, error))?
            .evaluated;
        output.report(&Mistakes::of(&checked, style_for(&io::stdout())))?;
        if checked.diagnostics.is_empty() && output.format == Format::Human {
            output.say(format_args!("{file}: no mistakes"));
        }
        match checked.diagnostics.iter().filter(|diagnostic| Diagnostic::is_error(diagnostic)).count() {
            0 => Ok(()),
            errors => Err(Verdict::Mistaken { file, errors: errors as u64 }.into()),
        }
    }
}
