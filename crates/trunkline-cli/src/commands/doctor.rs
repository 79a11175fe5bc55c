//! `doctor`: whether an application is well, on one screen, and what to do where it isn't.

use std::io::{self, Write};

use clap::Args;
use trunkline_ops::doctor::{Check, Diagnosis, Health, Subject, diagnose};

use super::query::open_placed;
use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::queue::QueueArgs;
use crate::render::{Tone, screen};

const EXAMPLES: &str = "\
Examples:
  trunkline doctor orders.tsk
  trunkline doctor orders.tsk --format json | jq '.checks[] | select(.state != \"ok\")'

Looks at the process that runs the application, events, read models, relays, sagas, messages, laws and the disk, each \
as its own verbs do: all events where they have up to 256 MiB, else the last ones. It changes nothing, and works beside \
the process that runs the application. What waits to be done is bad where no process does it; that none runs is as it \
should be where nothing waits. A remedy is a command as it has to be typed.

With --format json, one object: well, checks (name, state: ok, note or bad, says, remedy). Exit code 1 when something \
is bad.";

/// Say whether an application is well, and what to do where it isn't
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    queue: QueueArgs,
}

impl DoctorArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let (app, place) = open_placed(&self.file, &self.store, Some(&self.queue), true, output).await?;
        let diagnosis = diagnose(Subject::new(&app, &self.file, &place)).await;
        output.report(&diagnosis)?;
        Ok(diagnosis.verdict()?)
    }
}

impl Report for Diagnosis {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        for Check { name, state, says, remedy } in &self.checks {
            let (mark, tone) = match state {
                Health::Ok => ("ok  ", Tone::Plain),
                Health::Note => ("note", Tone::Odd),
                Health::Bad => ("BAD ", Tone::Bad),
            };
            let line = screen().hang(&format!("{mark}  {name:<12}  "), says);
            let line = line.strip_prefix(mark).unwrap_or(&line);
            writeln!(out, "{}{line}", screen().paint(tone, mark))?;
            if let Some(remedy) = remedy {
                // A command that has to be typed is not broken.
                writeln!(out, "                    {remedy}")?;
            }
        }
        Ok(())
    }
}
