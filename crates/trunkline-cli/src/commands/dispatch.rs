//! `dispatch`: a command to the application that a file describes.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use trunkline::{CommandId, CommandRequest, Context, RejectedBy, Rejection};
use trunkline_core::Timestamp;
use trunkline_ops::{DecisionReport, EmittedReport, OutcomeReport};

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
        let report = OutcomeReport::of(&outcome);
        output.report(&report)?;
        Ok(report.verdict()?)
    }
}

impl Report for OutcomeReport<'_> {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let before = if self.repeated { " (the outcome it had before)" } else { "" };
        match &self.decided {
            DecisionReport::Rejected(Rejection { reason, by, field }) => {
                writeln!(out, "rejected: {reason}{before}")?;
                match (by, field) {
                    (RejectedBy::Data, Some(field)) => writeln!(out, "  the data: see `{field}`"),
                    _ => Ok(()),
                }
            }
            DecisionReport::Accepted { position: None, .. } => {
                writeln!(out, "accepted: nothing to do{before}")
            }
            DecisionReport::Accepted { position: Some(position), events, .. } => {
                writeln!(out, "accepted: position {position}, id {}{before}", self.id)?;
                for event in events {
                    let EmittedReport { stream, version, event_type, data, .. } = event;
                    writeln!(out, "  {stream} version {version}  {event_type}  {data}")?;
                }
                Ok(())
            }
        }
    }
}
