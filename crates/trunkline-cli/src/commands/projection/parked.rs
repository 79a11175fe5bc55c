//! `projection parked`: events that a projection has put aside, and what is decided about them.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;
use trunkline::Position;
use trunkline_ops::projections::{ParkedDecision, ParkedSelection, discard_parked, parked, retry_parked};

use super::{NameArgs, Rows};
use crate::commands::query::open_app;
use crate::failure::Failure;
use crate::output::{Output, Report};

const EXAMPLES: &str = "\
Examples:
  trunkline projection parked list orders.tsk orders
  trunkline projection parked retry orders.tsk orders --all
  trunkline projection parked discard orders.tsk orders 17

A projection with on_error: \"park\" puts an event that fails aside and goes on.";

const LIST_EXAMPLES: &str = "\
Examples:
  trunkline projection parked list orders.tsk orders

With --format json, one object on each line: position, event_id, type, error.";

const RETRY_EXAMPLES: &str = "\
Examples:
  trunkline projection parked retry orders.tsk orders 17
  trunkline projection parked retry orders.tsk orders --all --format json

An event is applied onto the rows as they are now. One that fails again stays aside; the others are applied, and the \
exit code is 1. With --format json, one object on each line: position, done, error. Exit code 4 when no such event was put aside.";

const DISCARD_EXAMPLES: &str = "\
Examples:
  trunkline projection parked discard orders.tsk orders 17

The rows stay without these events, until the projection is built again. With --format json, one object on each line: position, \
done, error. Exit code 4 when no such event was put aside.";

/// Look at the events that a projection has put aside, and retry or discard them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ParkedArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the events that were put aside, and why
    #[command(after_help = LIST_EXAMPLES)]
    List(NameArgs),
    /// Apply events that were put aside, in order
    #[command(after_help = RETRY_EXAMPLES)]
    Retry(ChoiceArgs),
    /// Give events up that were put aside
    #[command(after_help = DISCARD_EXAMPLES)]
    Discard(ChoiceArgs),
}

#[derive(Debug, Args)]
struct ChoiceArgs {
    #[command(flatten)]
    of: NameArgs,

    /// The positions of the events
    #[arg(value_name = "POSITION", required_unless_present = "all")]
    positions: Vec<u64>,

    /// All events that were put aside
    #[arg(long, conflicts_with = "positions")]
    all: bool,
}

impl ChoiceArgs {
    fn selection(self) -> ParkedSelection {
        if self.all {
            return ParkedSelection::All;
        }
        ParkedSelection::At(self.positions.into_iter().map(Position::new).collect())
    }
}

impl ParkedArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        match self.verb {
            Verb::List(args) => list(&args, output).await,
            Verb::Retry(args) => retry(args, output).await,
            Verb::Discard(args) => discard(args, output).await,
        }
    }
}

async fn list(args: &NameArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let app = open_app(&args.file, &args.store, output).await?;
    let rows = parked(&app, &args.name).await?;
    let rows = Rows(rows.iter().map(|line| json!(line)).collect());
    output.list(&rows, &rows.0)
}

async fn retry(args: ChoiceArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let app = open_app(&args.of.file, &args.of.store, output).await?;
    let name = args.of.name.clone();
    let (decided, done) = retry_parked(&app, &name, args.selection()).await?;
    let all = All(decided);
    output.list(&all, &all.0)?;
    Ok(done?)
}

async fn discard(args: ChoiceArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let app = open_app(&args.of.file, &args.of.store, output).await?;
    let name = args.of.name.clone();
    let (decided, done) = discard_parked(&app, &name, args.selection()).await?;
    let all = All(decided);
    output.list(&all, &all.0)?;
    Ok(done?)
}

#[derive(Serialize)]
#[serde(transparent)]
struct All(Vec<ParkedDecision>);

impl Report for All {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        self.0.iter().try_for_each(|ParkedDecision { position, done, error }| match (done, error) {
            (Some(done), _) => writeln!(out, "{done} {position}"),
            (None, error) => writeln!(out, "kept {position}: {}", error.as_deref().unwrap_or_default()),
        })
    }
}
