//! `run`: commands from a file through the whole system, until everything has come to rest.
//!
//! `lines` reads the commands, `play` dispatches them and waits, `report` is what came of it, and `crash` kills and
//! restarts a process that does all that.

mod crash;
mod lines;
mod play;
mod report;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;
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

impl RunArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let mut interrupt = Interrupt::listen();
        let report = match self.crash {
            Some(times) => crash::run(&self, times, output, &mut interrupt).await?,
            None => play::run(&self, output, &mut interrupt).await?,
        };
        output.report(&report)?;
        match report.concern() {
            Some(what) => Err(Failure::Unwell { what, remedied: false }),
            None => Ok(()),
        }
    }
}
