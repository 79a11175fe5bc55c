//! `projection`: how projections stand, and building them again.

mod list;
mod parked;
mod verify;

use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;
use trunkline::{Position, ProjectionState, ProjectionStatus};
use trunkline_ops::projections::{ProjectionDone, drop_left_over, pause, rebuild, replay, status};

use self::list::ListArgs;
use self::parked::ParkedArgs;
use self::verify::VerifyArgs;
use super::query::open_app;
use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::progress::Progress;
use crate::render::{Cell, Table, Tone, age, one_line, screen, write_rows};

const EXAMPLES: &str = "\
Examples:
  trunkline projection status orders.tsk
  trunkline projection rebuild orders.tsk orders
  trunkline projection verify orders.tsk
  trunkline projection pause orders.tsk orders
  trunkline projection parked list orders.tsk orders
  trunkline projection drop orders.tsk stock

With --format json, list, status and verify print one object on each line; the others one object.";

/// Look at projections, and build their rows again
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ProjectionArgs {
    #[command(subcommand)]
    verb: Verb,
}

/// What can be done with projections.
#[derive(Debug, Subcommand)]
enum Verb {
    List(ListArgs),
    /// Show how far each projection has come, and why it doesn't go on
    #[command(
        after_help = "Examples:\n  trunkline projection status orders.tsk orders --format json\n\nWith --format json, one object on each line: name, state, generation, position, head, lag_events, lag_seconds, rate, parked, changed, needs_rebuild, error."
    )]
    Status(StatusArgs),
    /// Empty a projection's tables and apply all events again; readers see the rows come
    #[command(
        after_help = "Examples:\n  trunkline projection replay orders.tsk orders\n  trunkline projection replay orders.tsk orders --from 1200\n\nWith --from, events are applied again onto the rows that are there, which the projection must allow: idempotent: true.\n\nWith --format json, one object: projection, done, position."
    )]
    Replay(ReplayArgs),
    /// Apply all events to new tables beside the live ones, then show those; readers see no gap
    #[command(
        after_help = "Examples:\n  trunkline projection rebuild orders.tsk orders\n\nWith --format json, one object: projection, done, position."
    )]
    Rebuild(NameArgs),
    Verify(VerifyArgs),
    /// Have a projection stay where it is
    #[command(
        after_help = "Examples:\n  trunkline projection pause orders.tsk orders\n\nWith --format json, one object: projection, done."
    )]
    Pause(NameArgs),
    /// Have a paused projection go on
    #[command(
        after_help = "Examples:\n  trunkline projection resume orders.tsk orders\n\nWith --format json, one object: projection, done."
    )]
    Resume(NameArgs),
    Parked(ParkedArgs),
    /// Drop what is left of a projection that the file no longer declares
    #[command(
        after_help = "Examples:\n  trunkline projection drop orders.tsk stock\n\nOne that the file declares is refused. `projection list` shows what is left.\n\nWith --format json, one object: projection, done. Exit code 4 when nothing is left of such a projection."
    )]
    Drop(NameArgs),
}

#[derive(Debug, Args)]
struct StatusArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    /// Only this projection
    #[arg(value_name = "NAME")]
    name: Option<String>,

    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Args)]
struct NameArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    /// The projection
    #[arg(value_name = "NAME")]
    name: String,

    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Args)]
struct ReplayArgs {
    #[command(flatten)]
    of: NameArgs,

    /// The first event to apply again; without it, all are, to empty tables
    #[arg(long, value_name = "POSITION")]
    from: Option<Position>,
}

impl ProjectionArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        match self.verb {
            Verb::List(args) => args.run(output).await,
            Verb::Status(args) => show_status(args, output).await,
            Verb::Replay(ReplayArgs { of: args, from }) => {
                let app = open_app(&args.file, &args.store, output).await?;
                let done = {
                    let progress = Progress::events(output, "replaying");
                    replay(&app, &args.name, from, |at, head| progress.set(at, head)).await?
                };
                output.report(&done)
            }
            Verb::Rebuild(args) => {
                let app = open_app(&args.file, &args.store, output).await?;
                let done = {
                    let progress = Progress::events(output, "rebuilding");
                    rebuild(&app, &args.name, |at, head| progress.set(at, head)).await?
                };
                output.report(&done)
            }
            Verb::Verify(args) => args.run(output).await,
            Verb::Pause(args) => set_paused(&args, true, output).await,
            Verb::Resume(args) => set_paused(&args, false, output).await,
            Verb::Parked(args) => args.run(output).await,
            Verb::Drop(args) => {
                let app = open_app(&args.file, &args.store, output).await?;
                output.report(&drop_left_over(&app, &args.name).await?)
            }
        }
    }
}

async fn show_status(args: StatusArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let app = open_app(&args.file, &args.store, output).await?;
    let statuses = Statuses(status(&app, args.name.as_deref()).await?);
    output.list(&statuses, &statuses.0)
}

async fn set_paused(args: &NameArgs, paused: bool, output: &mut Output<'_>) -> Result<(), Failure> {
    let app = open_app(&args.file, &args.store, output).await?;
    output.report(&pause(&app, &args.name, paused).await?)
}

impl Report for ProjectionDone {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { projection, done, position } = self;
        match position {
            Some(position) => writeln!(out, "{done} {projection} up to position {position}"),
            None => writeln!(out, "{done} {projection}"),
        }
    }
}

/// How a state stands out.
fn tone(state: ProjectionState) -> Tone {
    match state {
        ProjectionState::Stopped => Tone::Bad,
        ProjectionState::Paused | ProjectionState::Retrying => Tone::Odd,
        _ => Tone::Plain,
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Rows(Vec<Value>);

impl Report for Rows {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        write_rows(&self.0, out)
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Statuses(Vec<ProjectionStatus>);

impl Report for Statuses {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let columns = ["name", "state", "position#", "head#", "lag#", "lag time#", "generation#", "parked#"];
        let mut table = Table::new(columns);
        for status in &self.0 {
            let lag = status.lag_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            table.row([
                Cell::from(status.name.as_str()),
                Cell::from(status.state.as_str()).tone(tone(status.state)),
                Cell::number(status.position),
                Cell::number(status.head),
                Cell::number(status.lag_events),
                Cell::maybe(lag.map(age)),
                Cell::maybe(status.generation.map(|generation| generation.to_string())),
                Cell::number(status.parked).bad_if(status.parked > 0),
            ]);
        }
        if self.0.is_empty() {
            writeln!(out, "no projections")?;
        }
        table.release(out)?;
        for status in &self.0 {
            let lead = format!("{}: ", status.name);
            if status.changed {
                let changed = "its statements have changed since its rows were made";
                writeln!(out, "{}", screen().hang(&lead, changed))?;
            }
            if let Some(error) = &status.error {
                writeln!(out, "{}", screen().hang(&lead, &one_line(error)))?;
            }
        }
        Ok(())
    }
}
