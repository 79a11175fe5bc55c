//! `query`: a declared query, answered by the read models.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use trunkline::{Access, App, FromFile as _, Opening, Place};

use crate::application;
use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::queue::QueueArgs;
use crate::render::write_rows;

const EXAMPLES: &str = "\
Examples:
  trunkline query orders.tsk OrdersByStatus
  trunkline query orders.tsk GetOrder --params '{\"order_id\":\"536365\"}' --format json

Events that the projections have not applied yet are applied first; with --stale, the answer is that of what is there.

With --format json, what the query returns: an array of objects for `many`, an object for `one`, and the bare value \
for `value`. Exit code 4 when `one` finds nothing, or there is no such query.";

/// How long another process may take to apply what is new, when it is that one that runs the projections.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Ask the read models a query that the file declares
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct QueryArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    /// The query's name; without one, the names that there are are listed
    #[arg(value_name = "QUERY")]
    name: Option<String>,

    /// The parameters, a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}", hide_default_value = true)]
    params: String,

    /// Answer from what is there, without applying new events first
    #[arg(long)]
    stale: bool,

    #[command(flatten)]
    store: StoreArgs,
}

impl QueryArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let app = open_app(&self.file, &self.store, output).await?;
        let Some(name) = self.name else {
            let hint = match &*app.query_names() {
                [] => format!("{} declares none: write a section [queries.NAME]", self.file),
                names => format!("{} has {}", self.file, names.join(", ")),
            };
            return Err(Failure::usage("the name of a query is missing", hint));
        };
        if !self.stale {
            app.projections().catch_up(PATIENCE).await?;
        }
        let answer = app.query(&name, self.params.into_bytes()).await?;
        output.report(&Rows(serde_json::from_slice(&answer).unwrap_or_default()))
    }
}

/// The application over its store, which is only read.
pub(super) async fn open_app(file: &str, store: &StoreArgs, output: &mut Output<'_>) -> Result<App, Failure> {
    Ok(open_placed(file, store, None, false, output).await?.0)
}

/// The same with the queue that a flag may name, and with where the store is; `looks` says that read models are only looked
/// at, too.
pub(super) async fn open_placed(
    file: &str,
    store: &StoreArgs,
    queue: Option<&QueueArgs>,
    looks: bool,
    output: &mut Output<'_>,
) -> Result<(App, Place), Failure> {
    let file = application::load(file, output)?;
    let place = application::place(&file, store)?;
    let queue = queue.map(|queue| application::queue_place(&file, store, queue)).transpose()?;
    let opening = Opening {
        access: Access::Read,
        events: Some(place.clone()),
        messages: queue,
        looks,
        ..Opening::default()
    };
    let app = App::builder().opening(opening).file(file).build().await?;
    Ok((app, place))
}

/// An answer.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Rows(pub(super) Value);

impl Report for Rows {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        match &self.0 {
            Value::Array(rows) => write_rows(rows, out),
            Value::Object(row) => {
                let width = row.keys().map(String::len).max().unwrap_or_default();
                row.iter().try_for_each(|(name, value)| {
                    writeln!(out, "{name:width$}  {}", crate::render::cell(value))
                })
            }
            value => writeln!(out, "{}", crate::render::cell(value)),
        }
    }
}
