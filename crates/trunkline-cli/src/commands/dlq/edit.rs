//! `dlq edit`: a mended message takes a dead letter's place.

use std::path::PathBuf;

use clap::Args;
use trunkline_ops::messages::{MessageEdit, edit};
use trunkline_queue::{DeadLetterId, MessageId};

use super::letters::{ByArgs, id, print};
use crate::args::{data_of, unambiguous};
use crate::commands::queue::header;
use crate::failure::Failure;
use crate::output::Output;
use crate::queue::{QueueArgs, open};

const EXAMPLES: &str = "\
Examples:
  trunkline dlq edit 17 --data '{\"n\":2}'
  trunkline dlq show 17 --format json | jq .message.data > m.json && vi m.json && trunkline dlq edit 17 --data-file m.json
  trunkline dlq show 18 --format json | jq .message.data.data > d.json && vi d.json && trunkline dlq edit 18 --data-file d.json

What is not given stays as it was, but for the id. Of a message of a relay, which is a CloudEvents object, --data is \
the event's data, and the envelope around it stays; --whole edits both. Data that `queue publish` refuses is refused. Of a message that is damaged nothing is known: --data and --type say all. The new message is linked to the old one and goes to the \
group that gave the old one up. With --format json, one object, as with `dlq list --decisions`. Exit code 3 \
when the new id is taken, 4 when there is no such dead letter.";

/// Send a mended message in place of a dead letter's
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct EditArgs {
    /// The dead letter's id
    #[arg(value_name = "ID", value_parser = id)]
    dead_letter: DeadLetterId,

    /// The new message's data
    #[arg(long, value_name = "TEXT", conflicts_with = "data_file")]
    data: Option<String>,

    /// A file with the new message's data; - is standard input
    #[arg(long, value_name = "FILE")]
    data_file: Option<PathBuf>,

    /// The data is the whole message, with its envelope
    #[arg(long)]
    whole: bool,

    /// The new message's type
    #[arg(long = "type", value_name = "TYPE")]
    message_type: Option<String>,

    /// The new message's id [default: a new one]
    #[arg(long, value_name = "ID")]
    id: Option<MessageId>,

    /// What ordered groups order it by
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// A header, in place of one of the same name; may be given several times
    #[arg(long, value_name = "NAME:VALUE", value_parser = header)]
    header: Vec<(String, String)>,

    #[command(flatten)]
    by: ByArgs,

    #[command(flatten)]
    queue: QueueArgs,
}

impl EditArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let given = self.data.is_some() || self.data_file.is_some();
        let data = given.then(|| data_of(self.data.as_deref(), self.data_file.as_deref())).transpose()?;
        let data = data.map(unambiguous).transpose()?;
        let mended = MessageEdit {
            data,
            is_whole: self.whole,
            message_type: self.message_type,
            id: self.id,
            key: self.key,
            headers: self.header,
        };
        let opened = open(&self.queue, "trunkline dlq edit", false, output).await?;
        let done = edit(&*opened.queue, self.dead_letter, mended, &self.by.name()).await;
        opened.close().await;
        print(&done?, output)
    }
}
