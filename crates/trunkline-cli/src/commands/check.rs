//! `check`: every mistake in an application file.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;
use trunkline::saga::Lacking;
use trunkline::{ApplicationFile, Registered};
use trunkline_config::Diagnostic;
use trunkline_ops::sagas::lacking;
use trunkline_ops::{Exit, Verdict, not_loaded, world};

use super::query::open_app;
use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::output::{Format, Output, Report};
use crate::render::{Mistakes, counted, one_line, style_for};

const EXAMPLES: &str = "\
Examples:
  trunkline check orders.tsk
  trunkline check orders.tsk --format json | jq -r '.[].message'
  trunkline check orders.tsk --data

Syntax, values, sections and their keys, expressions, names, the hooks that @go names. With --format json, one array of code, severity, message, file, \
line, column, end_line, end_column, help; it is empty when nothing is wrong. Exit code 1 when there is an \
error; warnings are no failure. `trunkline explain CODE` says more about a mistake.

With --data, the sagas that are under way are looked at too: those that wait for a step, an event or a command that the \
file doesn't name will be held when it runs. That says before anything happens what a new file does to them; nothing is \
changed, and it works beside the process that runs the old one. With --format json, one object then: mistakes (the \
array), in_flight (each with saga, what, remedy, sagas: how many, held: how many are already). Exit code 1 when there \
are any.";

/// Report every mistake in an application file
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    /// Look at what is under way in the store too: what the file does to it
    #[arg(long)]
    data: bool,

    #[command(flatten)]
    store: StoreArgs,
}

/// The mistakes of a file, and what it does to what is under way.
#[derive(Serialize)]
struct WithData {
    mistakes: Mistakes,
    in_flight: Vec<Lacking>,
}

impl CheckArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let Self { file, data, store } = self;
        if store.given().is_some() && !data {
            return Err(Failure::usage("--store is for --data", "add --data, or leave --store out"));
        }
        // What a program registers isn't known here, so names that only it can resolve are warnings.
        let checked = ApplicationFile::load(&file, world(), &Registered::default())
            .map_err(|error| not_loaded(&file, error))?
            .evaluated;
        let errors = checked.diagnostics.iter().filter(|found| Diagnostic::is_error(found)).count();
        let in_flight =
            if data && errors == 0 { in_flight(&file, &store, output).await? } else { Vec::new() };
        let needing: u64 = in_flight.iter().map(|lacking| lacking.sagas).sum();
        let mistakes = Mistakes::of(&checked, style_for(&io::stdout()));
        if data {
            output.report(&WithData { mistakes, in_flight })?;
        } else {
            output.report(&mistakes)?;
        }
        if checked.diagnostics.is_empty() && output.format == Format::Human {
            output.say(format_args!("{file}: no mistakes"));
        }
        match (errors, needing) {
            (0, 0) => Ok(()),
            (0, _) => {
                let what = format!("{} under way need what {file} doesn't name", counted(needing, "saga"));
                Err(Verdict::Unwell { what, remedied: true }.into())
            }
            (errors, _) => Err(Verdict::Mistaken { file, errors: errors as u64 }.into()),
        }
    }
}

/// The sagas under way that need what the file doesn't name; none where there is no store yet.
async fn in_flight(file: &str, store: &StoreArgs, output: &mut Output<'_>) -> Result<Vec<Lacking>, Failure> {
    match open_app(file, store, output).await {
        Ok(app) => Ok(lacking(&app).await?),
        Err(error) if error.exit() == Exit::NotFound => {
            output.say("there is no store yet, so nothing is under way");
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

impl Report for WithData {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        self.mistakes.human(out)?;
        for lacking in &self.in_flight {
            writeln!(out, "{}", one_line(&lacking.to_string()))?;
            writeln!(out, "  {}", one_line(&lacking.remedy))?;
        }
        Ok(())
    }
}
