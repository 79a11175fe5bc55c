//! `queue purge`: what waits is gone.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;
use trunkline_queue::{GroupName, MessageQueueExt as _, TopicName};

use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::queue::{QueueArgs, open};
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  trunkline queue purge orders --group mail --yes
  trunkline queue purge orders --yes

Messages that consumers hold, and dead letters, stay; a group that is not subscribed any more is forgotten \
with all it has. With --format json, one object: topic, group, messages. Exit code 4 when there is no such \
topic or group.";

/// Remove what waits and what is delayed, for good
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct PurgeArgs {
    /// The topic
    #[arg(value_name = "TOPIC")]
    topic: TopicName,

    /// Only what this group has
    #[arg(long, value_name = "GROUP")]
    group: Option<GroupName>,

    /// Really: it cannot be undone
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    queue: QueueArgs,
}

#[derive(Debug, Serialize)]
struct PurgeReport {
    topic: String,
    group: Option<String>,
    messages: u64,
}

impl PurgeArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        if !self.yes {
            let hint = "say --yes; `trunkline queue peek` shows what there is";
            return Err(Failure::usage("a purge removes messages for good", hint));
        }
        let opened = open(&self.queue, "trunkline queue purge", false, output).await?;
        let (topic, group) = (self.topic.clone(), self.group.clone());
        let done = async { opened.queue.operate()?.purge(topic, group).await }.await;
        opened.close().await;
        let messages = done?;
        let group = self.group.map(|group| group.to_string());
        output.report(&PurgeReport { topic: self.topic.to_string(), group, messages })
    }
}

impl Report for PurgeReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { topic, group, messages } = self;
        write!(out, "purged: {} of {topic}", counted(*messages, "message"))?;
        match group {
            Some(group) => writeln!(out, " for {group}"),
            None => writeln!(out),
        }
    }
}
