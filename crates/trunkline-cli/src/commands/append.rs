//! `append`: one event to a stream.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use trunkline_core::{
    EventId, EventType, Expected, InvalidEvent, Metadata, NewEvent, StreamName, Tag, Timestamp, data,
};
use trunkline_ops::store::{AppendReport, append};

use crate::args::{StoreArgs, data_of, repeated, unholdable};
use crate::failure::Failure;
use crate::open;
use crate::output::{Output, Report};

const EXAMPLES: &str = "\
Examples:
  trunkline append order-1 --type OrderCreated --data '{\"order_id\":\"1\"}' --expected no-stream
  trunkline append order-1 --type OrderPaid --data-file paid.json --expected 1 --tag customer:17850
  jq -c .order in.json | trunkline append order-2 --type OrderCreated --data-file -

With --format json, one object: stream, version, position, event_id, repeated. \
Exit code 3 when the stream is not as expected; nothing is appended then.";

/// Append one event to a stream
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AppendArgs {
    /// The stream, named TYPE-ID, such as order-1
    #[arg(value_name = "STREAM")]
    stream: StreamName,

    /// What happened: a name such as "Shipped"
    #[arg(long = "type", value_name = "TYPE")]
    event_type: EventType,

    /// The event's data, JSON
    #[arg(long, value_name = "JSON", required_unless_present = "data_file", conflicts_with = "data_file")]
    data: Option<String>,

    /// A file with the event's data, JSON; - is standard input
    #[arg(long, value_name = "FILE")]
    data_file: Option<PathBuf>,

    /// What the stream must be: any, no-stream, exists, or the version of its last event (0 is no-stream)
    #[arg(long, value_name = "EXPECTED", default_value = "any")]
    expected: Expected,

    /// The event's id, a UUID; repeated with the same id, type and data, the event is stored once [default: a new one]
    #[arg(long, value_name = "UUID")]
    id: Option<EventId>,

    /// What the event can be found by; may be given several times
    #[arg(long, value_name = "KEY:VALUE")]
    tag: Vec<Tag>,

    /// What describes the event, a JSON object
    #[arg(long, value_name = "JSON", value_parser = metadata)]
    metadata: Option<Metadata>,

    /// When it happened, such as 2010-12-01T08:26:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    occurred_at: Option<Timestamp>,

    /// The version of the data's shape
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    schema_version: u32,

    #[command(flatten)]
    store: StoreArgs,
}

fn metadata(text: &str) -> Result<Metadata, String> {
    let metadata = Metadata::parse(text.to_owned()).map_err(|error| error.to_string())?;
    data::check(text.as_bytes()).map_err(|error| error.to_string())?;
    let reserved = metadata.fields().find(|name| name.starts_with('$'));
    match reserved {
        Some(name) => Err(format!("`{name}` begins with `$`, which is reserved; choose one without it")),
        None => Ok(metadata),
    }
}

impl AppendArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let place = self.store.place()?;
        let event = self.event()?;
        let opened = open::for_appending(&place, "trunkline append", output).await?;
        let appended = append(&*opened.store, self.stream, self.expected, event).await;
        opened.close().await;
        output.report(&appended?)
    }

    fn event(&self) -> Result<NewEvent, Failure> {
        let data = data_of(self.data.as_deref(), self.data_file.as_deref())?;
        let event = NewEvent::json(self.event_type.as_str(), data).map_err(|error| match error {
            InvalidEvent::Data(error) => Failure::usage(
                format!("the data is not JSON: {error}"),
                "a text is JSON in double quotes, and a shell keeps those inside single ones: \
                 --data '{\"order_id\":\"1\"}'",
            ),
            InvalidEvent::RepeatedKey(key) => repeated(&key),
            InvalidEvent::Unheld(unheld) => unholdable(&unheld),
            error => Failure::usage(error.to_string(), "see --help"),
        })?;
        Ok(NewEvent {
            event_id: self.id.unwrap_or(event.event_id),
            schema_version: self.schema_version,
            metadata: self.metadata.clone().unwrap_or_default(),
            tags: self.tag.clone(),
            occurred_at: self.occurred_at,
            ..event
        })
    }
}

impl Report for AppendReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { stream, version, position, event_id, repeated } = self;
        let verb = if *repeated { "already there" } else { "appended" };
        writeln!(out, "{verb}: {stream} version {version}, position {position}, id {event_id}")
    }
}
