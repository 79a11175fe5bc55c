//! `saga start`, `retry`, `compensate` and `resolve`: what an operator orders.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use trunkline::App;
use trunkline::saga::{Ordered, SagaError, Status, Transition};
use trunkline_ops::sagas::OrderReport;

use super::words::happened;
use crate::application;
use crate::args::{StoreArgs, data_of, unambiguous};
use crate::commands::dlq::ByArgs;
use crate::failure::Failure;
use crate::output::{Output, Report};

const START_EXAMPLES: &str = "\
Examples:
  trunkline saga start orders.tsk order --data '{\"order_id\":\"1\",\"items\":[],\"total\":5}'
  trunkline saga start orders.tsk order --data-file order.json --by ada --format json

It begins as if its start event had happened with this data. What it sends goes out when sagas run.

With --format json, one object: saga, status, step, recorded (each with event, data). Exit code 1 when the data starts \
none or its id has one already, 4 when no saga of this name is declared.";

const RETRY_EXAMPLES: &str = "\
Examples:
  trunkline saga retry orders.tsk order-536365
  trunkline saga retry orders.tsk order-536365 --by ada --format json

It goes out under its first id while that may still have an effect, so that it can't act twice; as a new message when \
it is known to have had none. It goes out when sagas run.

With --format json, one object: saga, status, step, recorded (each with event, data). Exit code 1 when the saga has \
ended, 4 when it was never started.";

const COMPENSATE_EXAMPLES: &str = "\
Examples:
  trunkline saga compensate orders.tsk order-536365 --reason 'the shop is closed'
  trunkline saga compensate orders.tsk order-536365 --reason fraud --by ada --format json

What its steps did is undone, last first. What it sends goes out when sagas run.

With --format json, one object: saga, status, step, recorded (each with event, data). Exit code 1 when the saga has \
ended or is on the way back already, 4 when it was never started.";

const RESOLVE_EXAMPLES: &str = "\
Examples:
  trunkline saga resolve orders.tsk order-536365 --reason 'refunded by hand, receipt 17'
  trunkline saga resolve orders.tsk order-536365 --reason 'nothing was charged' --by ada --format json

What the saga is stuck at is taken as done, and it goes on with what is left.

With --format json, one object: saga, status, step, recorded (each with event, data). Exit code 1 when the saga is not \
stuck, 4 when it was never started.";

/// Start a saga by hand, as if its start event had happened
#[derive(Debug, Args)]
#[command(after_help = START_EXAMPLES)]
pub(super) struct StartArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    /// The saga's name
    #[arg(value_name = "NAME")]
    name: String,

    /// The data of its start event, JSON
    #[arg(long, value_name = "JSON", required_unless_present = "data_file", conflicts_with = "data_file")]
    data: Option<String>,

    /// A file with the data of its start event, JSON; - is standard input
    #[arg(long, value_name = "FILE")]
    data_file: Option<PathBuf>,

    #[command(flatten)]
    by: ByArgs,

    #[command(flatten)]
    store: StoreArgs,
}

/// Send once more what a saga waits for
#[derive(Debug, Args)]
#[command(after_help = RETRY_EXAMPLES)]
pub(super) struct RetryArgs {
    #[command(flatten)]
    of: OneArgs,
}

/// Begin a saga's way back
#[derive(Debug, Args)]
#[command(after_help = COMPENSATE_EXAMPLES)]
pub(super) struct CompensateArgs {
    #[command(flatten)]
    of: OneArgs,

    /// Why, for the record; the saga's reason from then on
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Take what a saga is stuck at as done
#[derive(Debug, Args)]
#[command(after_help = RESOLVE_EXAMPLES)]
pub(super) struct ResolveArgs {
    #[command(flatten)]
    of: OneArgs,

    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Which saga, and in whose name.
#[derive(Debug, Args)]
struct OneArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    /// The saga, as NAME-ID or by its id
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    by: ByArgs,

    #[command(flatten)]
    store: StoreArgs,
}

impl StartArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let data = unambiguous(data_of(self.data.as_deref(), self.data_file.as_deref())?)?;
        let by = self.by.name();
        let start = async |app: &App| app.sagas().start(&self.name, data, &by).await;
        carry_out("trunkline saga start", &self.file, &self.store, start, output).await
    }
}

impl RetryArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let OneArgs { file, id, by, store } = self.of;
        let retry = async |app: &App| {
            let (name, id) = app.sagas().find(&id).await?;
            app.sagas().retry(&name, &id, &by.name()).await
        };
        carry_out("trunkline saga retry", &file, &store, retry, output).await
    }
}

impl CompensateArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let OneArgs { file, id, by, store } = self.of;
        let compensate = async |app: &App| {
            let (name, id) = app.sagas().find(&id).await?;
            app.sagas().compensate(&name, &id, &self.reason, &by.name()).await
        };
        carry_out("trunkline saga compensate", &file, &store, compensate, output).await
    }
}

impl ResolveArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let OneArgs { file, id, by, store } = self.of;
        let resolve = async |app: &App| {
            let (name, id) = app.sagas().find(&id).await?;
            app.sagas().resolve(&name, &id, &self.reason, &by.name()).await
        };
        carry_out("trunkline saga resolve", &file, &store, resolve, output).await
    }
}

/// Opens the application, has an order carried out, and says what came of it.
async fn carry_out(
    owner: &str,
    file: &str,
    store: &StoreArgs,
    order: impl AsyncFnOnce(&App) -> Result<Ordered, SagaError>,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let file = application::load(file, output)?;
    let app = application::open(file, store, owner, output).await?;
    let ordered = order(&app).await;
    app.close().await;
    let ordered = ordered?;
    output.report(&Answer { report: OrderReport::of(&ordered), transitions: &ordered.transitions })?;
    if ordered.transitions.iter().any(Transition::sends) {
        output.say("it goes out when sagas run");
    }
    Ok(())
}

/// An order as it is printed.
struct Answer<'a> {
    report: OrderReport<'a>,
    transitions: &'a [Transition],
}

impl Serialize for Answer<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.report.serialize(serializer)
    }
}

impl Report for Answer<'_> {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let status = self.report.status.map_or("not started", Status::as_str);
        writeln!(out, "{}: {status}", self.report.saga)?;
        self.transitions.iter().try_for_each(|transition| writeln!(out, "  {}", happened(transition)))
    }
}
