//! `queue retry-now`: what is delayed is due.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;
use trunkline_queue::{GroupName, MessageId, MessageQueueExt as _, TopicName};

use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::queue::{QueueArgs, open};
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  trunkline queue retry-now orders --group mail
  trunkline queue retry-now orders --group mail --id m1

With --format json, one object: topic, group, messages. Exit code 4 when there is no such topic, group or \
delayed message.";

/// Have delayed messages of a group, and those that wait for a retry, handed out now
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RetryNowArgs {
    /// The topic
    #[arg(value_name = "TOPIC")]
    topic: TopicName,

    /// The group
    #[arg(long, value_name = "GROUP")]
    group: GroupName,

    /// Only the message of this id
    #[arg(long, value_name = "ID")]
    id: Option<MessageId>,

    #[command(flatten)]
    queue: QueueArgs,
}

#[derive(Debug, Serialize)]
struct RetryNowReport {
    topic: String,
    group: String,
    messages: u64,
}

impl RetryNowArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let opened = open(&self.queue, "trunkline queue retry-now", false, output).await?;
        let (topic, group) = (self.topic.clone(), self.group.clone());
        let done = async { opened.queue.operate()?.retry_now(topic, group, self.id).await }.await;
        opened.close().await;
        let messages = done?;
        let (topic, group) = (self.topic.to_string(), self.group.to_string());
        output.report(&RetryNowReport { topic, group, messages })
    }
}

impl Report for RetryNowReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { topic, group, messages } = self;
        writeln!(out, "due now: {} of {topic} for {group}", counted(*messages, "message"))
    }
}
