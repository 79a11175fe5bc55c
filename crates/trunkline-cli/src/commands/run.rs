//! `run`: commands from a file through the whole system, until everything has come to rest.
//!
//! `crash` kills and restarts a process that does all that, `report` prints what came of it.

mod crash;
mod report;

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};

use clap::{Args, ValueEnum};
use tokio::sync::mpsc;
use trunkline::ApplicationFile;
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
use crate::render::one_line;

const EXAMPLES: &str = "\
Examples:
  trunkline run orders.tsk --commands commands.jsonl
  trunkline run orders.tsk --commands commands.jsonl --settle each --format json
  trunkline run orders.tsk --commands commands.jsonl --order file
  trunkline run orders.tsk --commands commands.jsonl --crash 20
  trunkline run orders.tsk

A line is { command, id, occurred_at, data }; with an id, a command has one outcome, so the same file can be run again \
after whatever stopped it. The file is checked as a whole before anything is dispatched, the names of its commands \
too, and all lines that are none are named; standard input is checked line by line as it comes.

Commands of one stream are dispatched in the order of the file, each after the answer to the one before, and those of other \
streams at the same time. One that fails, which is not the same as one that is rejected, holds what comes after it in its \
stream: that counts as failed too, and is dispatched when the same is run again. The expression `stream` of a command says \
beforehand which one it is for; one whose handler can't say it waits for all before it, and all after it wait for it. \
With --order file, all are dispatched one after the other; with --order none, as they come, and those of one stream take \
effect in any order.

Everything that the file declares runs meanwhile: sagas, consumers, relays and projections. Without commands, what \
waits is done. It is at rest when no \
message waits, every saga has ended or waits for the outside, and the read models have every event. What it waits for \
is said on standard error after a second. A message whose time comes later than in a minute is not waited for, nor is \
a group that no consumer of the file takes: both are counted, with what to do.

With --format json, one object: commands (total, accepted, rejected, failed, repeated), rejected_by_reason, \
failed_by_reason, events, sagas (running, compensating, completed, compensated, stuck), messages (delivered, retried, \
dead), left_over (a list of topic, group, consumer, messages, dead, not_before, remedy), projections, laws, crashes, seconds, commands_per_second. Exit code 1 when a command failed, a saga is \
stuck, a message is dead, a projection has stopped or a law is broken.";

/// Play commands through the whole system, and say what came of them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    /// The commands, one a line; - is standard input. Without any, what waits is done
    #[arg(long, value_name = "FILE.jsonl")]
    commands: Option<PathBuf>,

    /// When to wait until everything is at rest: after each command, or at the end
    #[arg(long, value_enum, value_name = "each|end", default_value_t, hide_possible_values = true)]
    settle: Settle,

    /// How many commands are in flight at most
    #[arg(long, value_name = "N", default_value_t = 64)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=4096))]
    concurrency: u16,

    /// Which commands keep the order of the file: those of one stream, all, or none
    #[arg(long, value_enum, value_name = "stream|file|none", default_value_t, hide_possible_values = true)]
    order: Order,

    /// Kill the process that does the work so many times, at random moments, and start it again
    #[arg(long, value_name = "N", requires = "commands")]
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

/// Which commands keep the order of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Order {
    /// Those of one stream.
    #[default]
    Stream,
    /// All.
    File,
    /// None.
    None,
}

impl From<Order> for run::Order {
    fn from(order: Order) -> Self {
        match order {
            Order::Stream => Self::Stream,
            Order::File => Self::File,
            Order::None => Self::None,
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
        let file = application::load(&self.file, output)?;
        let commands = commands(self.commands.as_deref(), &file)?;
        let app = application::open_whole(file, &self.store, &self.queue, "trunkline run", output).await?;
        let options = RunOptions {
            settle: self.settle.into(),
            concurrency: usize::from(self.concurrency),
            order: self.order.into(),
        };
        let ran = {
            let progress = Mutex::new(Some(Progress::commands(output, "running")));
            let shown = || progress.lock().unwrap_or_else(PoisonError::into_inner);
            let (waits, mut waiting) = mpsc::unbounded_channel();
            let listener = |news: RunNews<'_>| match (&mut *shown(), news) {
                (_, RunNews::Waiting(all)) => {
                    // The one that prints is in this same task.
                    let _ = waits.send(format!("waiting for {}", one_line(&all.join("; "))));
                }
                (Some(progress), RunNews::Commands { done, total }) => progress.set(done, total),
                (Some(progress), RunNews::ComingToRest) => progress.note("coming to rest"),
                (progress, RunNews::Ended) => *progress = None,
                (None, _) => {}
            };
            let mut running = pin!(run::run(&app, commands, options, stop, listener));
            loop {
                tokio::select! {
                    ran = &mut running => break ran,
                    Some(wait) = waiting.recv() => match &*shown() {
                        Some(progress) => progress.aside(|| output.say(wait)),
                        None => output.say(wait),
                    },
                }
            }
        };
        app.close().await;
        Ok(ran?)
    }
}

/// The commands of a file, or of standard input, for what the application file declares; none where no file is named.
fn commands(path: Option<&Path>, file: &ApplicationFile) -> Result<RunCommands, OpsError> {
    let names = file.definition.commands.keys().cloned().collect();
    match path {
        None => Ok(commands_of(io::empty(), names)),
        Some(path) if path.as_os_str() == "-" => Ok(commands_of(io::stdin(), names)),
        Some(path) => commands_in(path, names),
    }
}
