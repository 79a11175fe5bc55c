//! `run`: commands from a file through the whole system, until everything has come to rest.
//!
//! `crash` kills and restarts a process that does all that, `report` prints what came of it.

mod crash;
mod report;

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use trunkline::messages::Stop;
use trunkline_ops::OpsError;
use trunkline_ops::run::{self, RunCommands, RunNews, RunOptions, RunReport, commands_in, commands_of};

use crate::application;
use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::Output;
use crate::progress::Progress;
use crate::queue::QueueArgs;

const EXAMPLES: &str = "\
Examples:
  trunkline run orders.tsk --commands commands.jsonl
  trunkline run orders.tsk --commands commands.jsonl --settle each --format json
  trunkline run orders.tsk --commands commands.jsonl --crash 20

A line is { command, id, occurred_at, data }; with an id, a command has one outcome, so the same file can be run again \
after whatever stopped it. The file is checked as a whole before anything is dispatched.

Everything that the file declares runs meanwhile: sagas, consumers, relays and projections. It is at rest when no \
message waits, every saga has ended or waits for the outside, and the read models have every event.

With --format json, one object: commands (total, accepted, rejected, failed, repeated), rejected_by_reason, \
failed_by_reason, events, sagas (running, compensating, completed, compensated, stuck), messages (delivered, retried, \
dead), projections, laws, crashes, seconds, commands_per_second. Exit code 1 when a command failed, a saga is \
stuck, a message is dead, a projection has stopped or a law is broken.";

/// Play commands through the whole system, and say what came of them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    /// The commands, one a line; - is standard input
    #[arg(long, value_name = "FILE.jsonl")]
    commands: PathBuf,

    /// When to wait until everything is at rest: after each command, or at the end
    #[arg(long, value_enum, value_name = "each|end", default_value_t, hide_possible_values = true)]
    settle: Settle,

    /// How many commands are in flight at most
    #[arg(long, value_name = "N", default_value_t = 64)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=4096))]
    concurrency: u16,

    /// Kill the process that does the work so many times, at random moments, and start it again
    #[arg(long, value_name = "N")]
    crash: Option<u32>,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    queue: QueueArgs,
}

/// When to wait until everything is at rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Settle {
    /// After each command.
    Each,
    /// At the end.
    #[default]
    End,
}

impl From<Settle> for run::Settle {
    fn from(settle: Settle) -> Self {
        match settle {
            Settle::Each => Self::Each,
            Settle::End => Self::End,
        }
    }
}

impl RunArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let stop = interrupt::listen();
        let report = match self.crash {
            Some(times) => crash::run(&self, times, output, &stop).await?,
            None => self.play(output, &stop).await?,
        };
        output.report(&report)?;
        Ok(report.verdict()?)
    }

    async fn play(&self, output: &mut Output<'_>, stop: &Stop) -> Result<RunReport, Failure> {
        let commands = commands(&self.commands)?;
        let file = application::load(&self.file, output)?;
        let app = application::open_whole(file, &self.store, &self.queue, "trunkline run", output).await?;
        let options = RunOptions { settle: self.settle.into(), concurrency: usize::from(self.concurrency) };
        let ran = {
            let mut progress = Some(Progress::commands(output, "running"));
            let listener = |news: RunNews| match (&progress, news) {
                (Some(progress), RunNews::Commands { done, total }) => progress.set(done, total),
                (Some(progress), RunNews::ComingToRest) => progress.note("coming to rest"),
                (Some(_), RunNews::Ended) => progress = None,
                (None, _) => {}
            };
            run::run(&app, commands, options, stop, listener).await
        };
        app.close().await;
        Ok(ran?)
    }
}

/// The commands of a file, or of standard input.
fn commands(file: &Path) -> Result<RunCommands, OpsError> {
    if file.as_os_str() == "-" { Ok(commands_of(io::stdin())) } else { commands_in(file) }
}
