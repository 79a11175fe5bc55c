//! `queue adopt`: what an older group has left is another's.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;
use trunkline_ops::messages::adopt;
use trunkline_queue::{Adopted, GroupName, TopicName};

use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::queue::{QueueArgs, open};
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  trunkline queue adopt orders --from post --to mail

For a consumer that has another name now: its older group's messages and dead letters are the other group's, with \
their attempts, and the older group is gone. What is made of them keeps the ids that it had under the older name, so \
that what was handled once has no second effect. `was: \"post\"` in the consumer's section does the same when the \
application runs. With --format json, one object: topic, from, to, messages, dead. Exit code 4 when there is no such \
topic or group.";

/// Give a group's messages and dead letters to another
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AdoptArgs {
    /// The topic
    #[arg(value_name = "TOPIC")]
    topic: TopicName,

    /// The group that has them
    #[arg(long, value_name = "GROUP")]
    from: GroupName,

    /// The group that gets them
    #[arg(long, value_name = "GROUP")]
    to: GroupName,

    /// The name of the consumer that took them so far [default: the older group's]
    #[arg(long, value_name = "NAME")]
    consumer: Option<String>,

    #[command(flatten)]
    queue: QueueArgs,
}

#[derive(Debug, Serialize)]
struct AdoptReport {
    topic: String,
    from: String,
    to: String,
    messages: u64,
    dead: u64,
}

impl AdoptArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let Self { topic, from, to, consumer, queue } = self;
        let opened = open(&queue, "trunkline queue adopt", false, output).await?;
        let adopted = adopt(&*opened.queue, &topic, &from, &to, consumer.as_deref()).await;
        opened.close().await;
        let Adopted { messages, dead } = adopted?;
        let (topic, from, to) = (topic.to_string(), from.to_string(), to.to_string());
        output.report(&AdoptReport { topic, from, to, messages, dead })
    }
}

impl Report for AdoptReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { topic, from, to, messages, dead } = self;
        let (messages, dead) = (counted(*messages, "message"), counted(*dead, "dead letter"));
        writeln!(out, "adopted: {messages} and {dead} of {topic}, from {from} for {to}")
    }
}
