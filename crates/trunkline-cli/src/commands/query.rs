//! `query`: a declared query, answered by the read models.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use trunkline::{Access, App, ApplicationFile, FromFile as _, Opening, Place, QueryError};
use trunkline_config::nearest;

use super::late::{say_late, say_stale};
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

Standard error says after the answer which projections that the query reads are late: paused, stopped, behind, with \
events put aside, or with rows of earlier statements; with --format json it is one object there: late, an array of \
projection, state, position, head, events_behind, and_more, parked, changed, error.

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
        let file = application::load(&self.file, output)?;
        // Before a store is needed: who asks for the names may not have one yet.
        let name = named(self.name, &self.file, &file)?;
        let query = file.definition.queries.get(&name).map(|declared| declared.query.clone());
        let app = open_loaded(file, &self.store, None, false).await?.0;
        let goal = app.store().head().await?;
        if !self.stale {
            app.projections().catch_up(PATIENCE).await?;
        }
        let answer = app.query(&name, self.params.into_bytes()).await;
        if let Ok(answer) = &answer {
            output.report(&Rows(serde_json::from_slice(answer).unwrap_or_default()))?;
        }
        if answer.is_err() && self.stale {
            say_stale(output);
        }
        // That rows are late may be why there is no answer.
        if let Some(query) = query.filter(|_| answer.is_ok() || self.stale) {
            say_late(&app, &query, goal, output).await?;
        }
        Ok(answer.map(|_| ())?)
    }
}

/// The name of a query that the file has; else which names it has.
fn named(name: Option<String>, path: &str, file: &ApplicationFile) -> Result<String, Failure> {
    let definition = &file.definition;
    let mapped = definition.query_handlers.iter().map(|mapping| mapping.name.as_str());
    let names: Vec<&str> = definition.queries.keys().map(String::as_str).chain(mapped).collect();
    match name {
        Some(name) if names.contains(&&*name) => Ok(name),
        Some(name) => {
            let near = nearest(&name, names.iter().copied()).map(str::to_owned);
            let known = names.into_iter().map(str::to_owned).collect();
            Err(QueryError::UnknownQuery { name, near, known }.into())
        }
        None => {
            let hint = match &*names {
                [] => format!("{path} declares none: write a section [queries.NAME]"),
                names => format!("{path} has {}", names.join(", ")),
            };
            Err(Failure::usage("the name of a query is missing", hint))
        }
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
    open_loaded(application::load(file, output)?, store, queue, looks).await
}

/// The same of a file that is loaded.
async fn open_loaded(
    file: ApplicationFile,
    store: &StoreArgs,
    queue: Option<&QueueArgs>,
    looks: bool,
) -> Result<(App, Place), Failure> {
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
