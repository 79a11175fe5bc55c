//! `config`: what an application file means.

use std::io;

use clap::Args;
use serde_json::json;
use trunkline_config::report::tree_to_json;
use trunkline_config::{Diagnostic, load};
use trunkline_ops::{OpsError, not_loaded, world};

use crate::failure::Failure;
use crate::output::{Format, Output};
use crate::render::{Mistakes, style_for};

const EXAMPLES: &str = "\
Examples:
  trunkline config orders.tsk
  trunkline config orders.tsk | jq .event_store.dsn

In either format, one object: every value as it came out, a secret as \"***\", a hook as {\"$go\":\"NAME\"}. A file \
with errors is not printed, since a part could be taken for the whole; with --format json, the error then has \
them as mistakes, each as `check` prints it.";

/// Print what an application file, or any other .tsk file, means, as JSON
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConfigArgs {
    /// The file
    #[arg(value_name = "FILE")]
    file: String,
}

impl ConfigArgs {
    pub(crate) fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let Self { file } = self;
        let evaluated = load(&file, world()).map_err(|error| not_loaded(&file, error))?;
        let mistakes = Mistakes::of(&evaluated, style_for(&io::stderr()));
        match evaluated.diagnostics.iter().filter(|diagnostic| Diagnostic::is_error(diagnostic)).count() {
            0 if evaluated.diagnostics.is_empty() => {}
            0 if output.format == Format::Human => output.say(&mistakes),
            0 => output.say(json!({ "warnings": mistakes.listed() })),
            _ => return Err(OpsError::Mistakes { file, evaluated: Box::new(evaluated) }.into()),
        }
        writeln!(output.data(), "{}", tree_to_json(&evaluated.shown())).map_err(Failure::Output)
    }
}
