//! `queue publish`: one message to a topic.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use trunkline_config::read::parse_duration;
use trunkline_queue::{MessageId, MessageQueueExt as _, NewMessage, Published, TopicName};

use crate::args::{data_of, unambiguous};
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::queue::{QueueArgs, open};

const EXAMPLES: &str = "\
Examples:
  trunkline queue publish orders --type Ping --data '{\"n\":1}' --id m1
  trunkline queue publish orders --type Remind --data '{\"n\":2}' --delay 1h --key order-1
  jq -c .order in.json | trunkline queue publish orders --type CreateOrder --data-file -

With --format json, one object: topic, id, stored. A message whose id the topic has, or had not long ago, \
is already there: nothing is stored then, and that is no failure.";

/// Publish one message
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct PublishArgs {
    /// The topic; it appears if it was not there
    #[arg(value_name = "TOPIC")]
    topic: TopicName,

    /// What the message is: a name such as "Remind"
    #[arg(long = "type", value_name = "TYPE")]
    message_type: String,

    /// The message's data
    #[arg(long, value_name = "TEXT", required_unless_present = "data_file", conflicts_with = "data_file")]
    data: Option<String>,

    /// A file with the message's data; - is standard input
    #[arg(long, value_name = "FILE")]
    data_file: Option<PathBuf>,

    /// The message's id; published again with the same id, it is stored once [default: a new one]
    #[arg(long, value_name = "ID")]
    id: Option<MessageId>,

    /// What ordered groups order it by
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// A header; may be given several times
    #[arg(long, value_name = "NAME:VALUE", value_parser = header)]
    header: Vec<(String, String)>,

    /// How long it waits before it is handed out, such as 250ms, 30s or 1h
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    delay: Option<Duration>,

    #[command(flatten)]
    queue: QueueArgs,
}

/// A header as it is written on a command line.
pub(in crate::commands) fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header is NAME:VALUE, such as tenant:acme")?;
    Ok((name.to_owned(), value.trim_start().to_owned()))
}

/// What became of the message.
#[derive(Debug, Serialize)]
struct PublishReport {
    topic: String,
    id: String,
    stored: bool,
}

impl PublishArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let data = unambiguous(data_of(self.data.as_deref(), self.data_file.as_deref())?)?;
        let mut message = NewMessage::new(self.message_type, data);
        message.id = self.id.unwrap_or(message.id);
        message.key = self.key;
        message.headers.extend(self.header);
        if let Some(delay) = self.delay {
            message = message.after(delay);
        }
        let id = message.id.to_string();
        trunkline_queue::check(std::slice::from_ref(&message))?;
        let opened = open(&self.queue, "trunkline queue publish", true, output).await?;
        let published = opened.queue.publish_one(self.topic.clone(), message).await;
        opened.close().await;
        let stored = published? == Published::Stored;
        output.report(&PublishReport { topic: self.topic.to_string(), id, stored })
    }
}

impl Report for PublishReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { topic, id, stored } = self;
        let verb = if *stored { "published" } else { "already there" };
        writeln!(out, "{verb}: {topic}, id {id}")
    }
}
