//! `dispatch`: a command to the application that a file describes.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use trunkline::{Accepted, CommandId, CommandRequest, Context, Decision, Outcome, RejectedBy, Rejection};
use trunkline_core::{EventId, Position, StreamName, Timestamp, Version};

use crate::application;
use crate::args::{StoreArgs, data_of};
use crate::failure::Failure;
use crate::output::{Output, Report};

const EXAMPLES: &str = "\
Examples:
  trunkline dispatch orders.tsk CancelOrder --data '{\"order_id\":\"1\",\"reason\":\"late\"}'
  trunkline dispatch orders.tsk CreateOrder --data-file order.json --id 7c0e --format json

With --id, a command has one outcome: dispatched again under the same id, it is answered with the first one \
and changes nothing. Another command, or the same with other data, is refused under that id.

With --format json, one object: outcome (accepted or rejected), command, id, repeated; when accepted, position, \
events (stream, version, event_id, event_type, data) and reply; when rejected, reason, by and field. \
Exit code 1 when the command is rejected or its id is another command's, 3 when others kept appending first, 4 when there is no such command.";

/// Dispatch a command and say what came of it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DispatchArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    /// The command's name
    #[arg(value_name = "COMMAND")]
    name: String,

    /// The command's data, JSON
    #[arg(long, value_name = "JSON", required_unless_present = "data_file", conflicts_with = "data_file")]
    data: Option<String>,

    /// A file with the command's data, JSON; - is standard input
    #[arg(long, value_name = "FILE")]
    data_file: Option<PathBuf>,

    /// The command's id, under which it has one outcome [default: a new one]
    #[arg(long, value_name = "ID")]
    id: Option<CommandId>,

    /// Who asks
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,

    /// When it was asked, such as 2010-12-01T08:26:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    occurred_at: Option<Timestamp>,

    #[command(flatten)]
    store: StoreArgs,
}

impl DispatchArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let data = data_of(self.data.as_deref(), self.data_file.as_deref())?;
        let file = application::load(&self.file, output)?;
        let context = Context { actor: self.actor, occurred_at: self.occurred_at, ..Context::default() };
        let request = CommandRequest { id: self.id, ..CommandRequest::new(self.name, data).context(context) };
        let app = application::open(file, &self.store, "trunkline dispatch", output).await?;
        let outcome = app.send(request).await;
        app.close().await;
        let outcome = outcome?;
        output.report(&Answer::of(&outcome))?;
        match outcome.decision {
            Decision::Accepted(_) => Ok(()),
            Decision::Rejected(_) => Err(Failure::Rejected),
        }
    }
}

/// An outcome as it is printed.
#[derive(Serialize)]
struct Answer<'a> {
    outcome: &'static str,
    command: &'a str,
    id: &'a str,
    repeated: bool,
    #[serde(flatten)]
    decided: Decided<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Decided<'a> {
    Accepted { position: Option<Position>, events: Vec<Stored<'a>>, reply: &'a RawValue },
    Rejected(&'a Rejection),
}

#[derive(Serialize)]
struct Stored<'a> {
    stream: &'a StreamName,
    version: Version,
    event_id: EventId,
    event_type: &'a str,
    data: &'a RawValue,
}

impl<'a> Answer<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let (word, decided) = match &outcome.decision {
            Decision::Accepted(accepted) => ("accepted", Decided::of(accepted)),
            Decision::Rejected(rejection) => ("rejected", Decided::Rejected(rejection)),
        };
        Self {
            outcome: word,
            command: &outcome.command,
            id: outcome.id.as_str(),
            repeated: outcome.repeated,
            decided,
        }
    }
}

impl<'a> Decided<'a> {
    fn of(accepted: &'a Accepted) -> Self {
        let events = accepted.events.iter().map(|event| Stored {
            stream: &event.stream,
            version: event.version,
            event_id: event.event_id,
            event_type: event.event_type.as_str(),
            data: raw(&event.data),
        });
        Self::Accepted { position: accepted.position, events: events.collect(), reply: raw(&accepted.reply) }
    }
}

/// JSON that the application made.
fn raw(json: &[u8]) -> &RawValue {
    serde_json::from_slice(json).unwrap_or(RawValue::NULL)
}

impl Report for Answer<'_> {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let before = if self.repeated { " (the outcome it had before)" } else { "" };
        match &self.decided {
            Decided::Rejected(Rejection { reason, by, field }) => {
                writeln!(out, "rejected: {reason}{before}")?;
                match (by, field) {
                    (RejectedBy::Data, Some(field)) => writeln!(out, "  the data: see `{field}`"),
                    _ => Ok(()),
                }
            }
            Decided::Accepted { position: None, .. } => {
                writeln!(out, "accepted: nothing to do{before}")
            }
            Decided::Accepted { position: Some(position), events, .. } => {
                writeln!(out, "accepted: position {position}, id {}{before}", self.id)?;
                for event in events {
                    let Stored { stream, version, event_type, data, .. } = event;
                    writeln!(out, "  {stream} version {version}  {event_type}  {data}")?;
                }
                Ok(())
            }
        }
    }
}
