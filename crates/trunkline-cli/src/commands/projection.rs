//! `projection`: how projections stand, and building them again.

mod parked;
mod verify;

use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Value, json};
use trunkline::{App, Position, ProjectionError, ProjectionStatus, Rebuilt};

use self::parked::ParkedArgs;
use self::verify::VerifyArgs;
use super::query::open_app;
use crate::application;
use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::progress::Progress;
use crate::render::write_rows;

const EXAMPLES: &str = "\
Examples:
  trunkline projection status orders.tsk
  trunkline projection rebuild orders.tsk orders
  trunkline projection verify orders.tsk
  trunkline projection pause orders.tsk orders
  trunkline projection parked list orders.tsk orders

With --format json, list, status and verify print one array; the others one object.";

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
    /// List the projections that the file declares, with the events they want
    #[command(
        after_help = "Examples:\n  trunkline projection list orders.tsk\n\nWith --format json, one array: name, events."
    )]
    List(FileArgs),
    /// Show how far each projection has come, and why it doesn't go on
    #[command(
        after_help = "Examples:\n  trunkline projection status orders.tsk orders --format json\n\nWith --format json, one array: name, state, generation, position, head, lag_events, lag_seconds, rate, parked, changed, error."
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
}

#[derive(Debug, Args)]
struct FileArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,
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
            Verb::List(args) => list(&args, output),
            Verb::Status(args) => status(args, output).await,
            Verb::Replay(ReplayArgs { of: args, from }) => {
                let app = open_app(&args.file, &args.store, output).await?;
                let replay = async {
                    match from {
                        Some(from) => app.projections().replay_from(&args.name, from).await,
                        None => app.projections().replay(&args.name).await,
                    }
                };
                let Rebuilt { position } = watched(&app, &args.name, "replaying", replay, output).await?;
                output.report(&Done {
                    projection: args.name,
                    what: "replayed",
                    position: Some(position.get()),
                })
            }
            Verb::Rebuild(args) => {
                let app = open_app(&args.file, &args.store, output).await?;
                let rebuild = app.projections().rebuild(&args.name);
                let Rebuilt { position } = watched(&app, &args.name, "rebuilding", rebuild, output).await?;
                output.report(&Done {
                    projection: args.name,
                    what: "rebuilt",
                    position: Some(position.get()),
                })
            }
            Verb::Verify(args) => args.run(output).await,
            Verb::Pause(args) => pause(args, true, output).await,
            Verb::Resume(args) => pause(args, false, output).await,
            Verb::Parked(args) => args.run(output).await,
        }
    }
}

/// How often one looks how far the work has come.
const LOOKED: Duration = Duration::from_millis(100);

/// Shows how far the work on a projection has come, until it is done.
async fn watched<T>(
    app: &App,
    name: &str,
    verb: &'static str,
    work: impl Future<Output = Result<T, ProjectionError>>,
    output: &Output<'_>,
) -> Result<T, Failure> {
    let progress = Progress::events(output, verb);
    let head = app.store().head().await?.get();
    let mut pace = tokio::time::interval(LOOKED);
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(done?),
            _ = pace.tick() => progress.set(app.projections().reached(name)?.get(), head),
        }
    }
}

fn list(args: &FileArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let file = application::load(&args.file, output)?;
    let all = file.definition.projections.values().map(|projection| {
        let events: Vec<&str> = projection.model.event_types().collect();
        json!({ "name": projection.model.name(), "events": events })
    });
    output.report(&Table(all.collect()))
}

async fn status(args: StatusArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let app = open_app(&args.file, &args.store, output).await?;
    let mut all = app.projections().status().await?;
    if let Some(name) = args.name {
        // Asked for by its name, one that there is not is an error.
        app.projections().reached(&name)?;
        all.retain(|status| status.name == name);
    }
    output.report(&Statuses(all))
}

async fn pause(args: NameArgs, paused: bool, output: &mut Output<'_>) -> Result<(), Failure> {
    let app = open_app(&args.file, &args.store, output).await?;
    app.projections().pause(&args.name, paused).await?;
    let done = if paused { "paused" } else { "resumed" };
    output.report(&Done { projection: args.name, what: done, position: None })
}

/// What was done with a projection.
#[derive(Serialize)]
struct Done {
    projection: String,
    #[serde(rename = "done")]
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
}

impl Report for Done {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { projection, what, position } = self;
        match position {
            Some(position) => writeln!(out, "{what} {projection} up to position {position}"),
            None => writeln!(out, "{what} {projection}"),
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Table(Vec<Value>);

impl Report for Table {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        write_rows(&self.0, out)
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Statuses(Vec<ProjectionStatus>);

impl Report for Statuses {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let rows: Vec<Value> = self
            .0
            .iter()
            .map(|status| {
                json!({
                    "name": status.name,
                    "state": status.state,
                    "position": status.position,
                    "head": status.head,
                    "lag": status.lag_events,
                    "seconds": status.lag_seconds,
                    "generation": status.generation,
                    "parked": status.parked,
                })
            })
            .collect();
        write_rows(&rows, out)?;
        for status in &self.0 {
            if status.changed {
                writeln!(out, "{}: its statements have changed since its rows were made", status.name)?;
            }
            if let Some(error) = &status.error {
                writeln!(out, "{}: {error}", status.name)?;
            }
        }
        Ok(())
    }
}

/// What can be done about a projection that doesn't go on.
pub(crate) fn hints(error: &ProjectionError) -> Vec<String> {
    match error {
        ProjectionError::Stopped { .. } => vec![
            "correct the statement or the data that it meets, and the same again goes on from there"
                .to_owned(),
            "on_error: \"park\" puts such events aside and goes on".to_owned(),
        ],
        ProjectionError::AheadOfLog { name, .. }
        | ProjectionError::OtherStore { name, .. }
        | ProjectionError::Changed { name } => {
            vec![format!("trunkline projection rebuild FILE {name}")]
        }
        ProjectionError::StillFails { name, .. } => vec![
            "correct the statement or the data that it meets, and retry".to_owned(),
            format!("trunkline projection parked discard FILE {name} POSITION gives the event up"),
        ],
        ProjectionError::NotParked { name, .. } => {
            vec![format!("trunkline projection parked list FILE {name}")]
        }
        ProjectionError::RunElsewhere { .. } => {
            vec![
                "stop that process for as long as this takes".to_owned(),
                "query and sql with --stale, state, and projection status and verify work beside it"
                    .to_owned(),
            ]
        }
        ProjectionError::Paused { name } => vec![format!("trunkline projection resume FILE {name}")],
        _ => Vec::new(),
    }
}
