//! `dlq edit`: a mended message takes a dead letter's place.

use std::path::PathBuf;

use clap::Args;
use trunkline::OpenQueue;
use trunkline_queue::{
    DeadLetterDecision, DeadLetterId, MessageId, MessageQueueExt as _, NewMessage, OperateError,
};

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

What is not given stays as it was, but for the id. The new message is linked to the old one and goes to the \
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
        let opened = open(&self.queue, "trunkline dlq edit", false, output).await?;
        let done = self.edit(data, &opened).await;
        opened.close().await;
        print(&done?, output)
    }

    async fn edit(
        self,
        data: Option<Vec<u8>>,
        opened: &OpenQueue,
    ) -> Result<trunkline_queue::DecisionRecord, OperateError> {
        let queue = opened.queue.operate()?;
        let old = queue.dead_letter(self.dead_letter.clone()).await?.message;
        let mut new = NewMessage::like(old);
        new.id = self.id.unwrap_or(new.id);
        new.key = self.key.or(new.key);
        new.message_type = self.message_type.unwrap_or(new.message_type);
        new.payload = data.map_or(new.payload, Into::into);
        new.headers.extend(self.header);
        let decision = DeadLetterDecision::Edit(Box::new(new));
        queue.decide(self.dead_letter, decision, self.by.name()).await
    }
}
