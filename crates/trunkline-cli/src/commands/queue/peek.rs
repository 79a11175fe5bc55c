//! `queue peek`: messages without leasing them.

use std::io::{self, Write};

use clap::Args;
use trunkline_ops::messages::{PeekReport, state_name};
use trunkline_queue::{GroupName, MessageQueueExt as _, MessageState, Peek, Peeked, TopicName};

use crate::failure::Failure;
use crate::output::{Format, Output, write_json};
use crate::queue::{QueueArgs, data_line, open};
use crate::render::time;

const EXAMPLES: &str = "\
Examples:
  trunkline queue peek orders
  trunkline queue peek orders --group mail --max 5
  trunkline queue peek orders --after 120 --format json

Oldest first; nothing is leased or changed. With --format json, one object on each line: place, id, topic, \
key, type, data (or data_base64), headers, enqueued_at, not_before, and states, each with group and state \
(waiting, leased, delayed, held or dead), and held_by, the dead letter that holds it.";

/// Look at the messages of a topic
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct PeekArgs {
    /// The topic
    #[arg(value_name = "TOPIC")]
    topic: TopicName,

    /// Only what this group has not finished
    #[arg(long, value_name = "GROUP")]
    group: Option<GroupName>,

    /// Only messages after this place
    #[arg(long, value_name = "PLACE")]
    after: Option<u64>,

    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    max: usize,

    #[command(flatten)]
    queue: QueueArgs,
}

impl PeekArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let opened = open(&self.queue, "trunkline queue peek", false, output).await?;
        let peek = Peek { topic: self.topic, group: self.group, after: self.after, max: self.max };
        let peeked = async { opened.queue.operate()?.peek(peek).await }.await;
        opened.close().await;
        for peeked in peeked? {
            match output.format {
                Format::Human => human(output.data(), &peeked),
                Format::Json => write_json(output.data(), &PeekReport::from(&peeked)),
            }
            .map_err(Failure::Output)?;
        }
        Ok(())
    }
}

fn human(out: &mut dyn Write, peeked: &Peeked) -> io::Result<()> {
    let Peeked { place, message, damaged, states } = peeked;
    write!(out, "{place:>8}  {}  {}  {}", time(message.enqueued_at), message.id, message.message_type)?;
    if let Some(not_before) = message.not_before {
        write!(out, "  not before {}", time(not_before))?;
    }
    for (group, state) in states {
        write!(out, "  {group}: {}", state_name(state))?;
        if let MessageState::Held { dead_letter } = state {
            write!(out, " behind dead letter {dead_letter}")?;
        }
    }
    if let Some(what) = damaged {
        return writeln!(out, "\n          damaged: {what}");
    }
    writeln!(out, "\n{}", data_line("          ", message))
}
