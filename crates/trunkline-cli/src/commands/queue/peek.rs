//! `queue peek`: messages without leasing them.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;
use trunkline_core::Timestamp;
use trunkline_queue::{GroupName, MessageQueueExt as _, MessageState, Peek, Peeked, TopicName};

use crate::failure::Failure;
use crate::output::{Format, Output, write_json};
use crate::queue::{MessageJson, QueueArgs, QueueFailure, data, open, time};

const EXAMPLES: &str = "\
Examples:
  trunkline queue peek orders
  trunkline queue peek orders --group mail --max 5
  trunkline queue peek orders --after 120 --format json

Oldest first; nothing is leased or changed. With --format json, one object on each line: place, id, topic, \
key, type, data (or data_base64), headers, enqueued_at, not_before, and states, each with group and state.";

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

#[derive(Debug, Serialize)]
struct PeekedJson {
    place: u64,
    #[serde(flatten)]
    message: MessageJson,
    states: Vec<StateJson>,
}

#[derive(Debug, Serialize)]
struct StateJson {
    group: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

impl PeekArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let opened = open(&self.queue, "trunkline queue peek", false, output).await?;
        let peek = Peek { topic: self.topic, group: self.group, after: self.after, max: self.max };
        let peeked = async { opened.queue.operate()?.peek(peek).await }.await;
        opened.close().await;
        for peeked in peeked.map_err(QueueFailure::from)? {
            match output.format {
                Format::Human => human(output.data(), &peeked),
                Format::Json => write_json(output.data(), &json(&peeked)),
            }
            .map_err(Failure::Output)?;
        }
        Ok(())
    }
}

fn json(peeked: &Peeked) -> PeekedJson {
    let states = peeked.states.iter().map(|(group, state)| {
        let mut json = StateJson {
            group: group.to_string(),
            state: name(state),
            consumer: None,
            attempts: None,
            until: None,
            last_error: None,
        };
        match state {
            MessageState::Waiting | MessageState::Dead => {}
            MessageState::Leased { consumer, attempt, until } => {
                json.consumer = Some(consumer.clone());
                json.attempts = Some(*attempt);
                json.until = Some(*until);
            }
            MessageState::Delayed { until, attempts, last_error } => {
                json.attempts = Some(*attempts);
                json.until = Some(*until);
                json.last_error.clone_from(last_error);
            }
        }
        json
    });
    PeekedJson { place: peeked.place, message: MessageJson::from(&peeked.message), states: states.collect() }
}

fn name(state: &MessageState) -> &'static str {
    match state {
        MessageState::Waiting => "waiting",
        MessageState::Leased { .. } => "leased",
        MessageState::Delayed { .. } => "delayed",
        MessageState::Dead => "dead",
    }
}

fn human(out: &mut dyn Write, peeked: &Peeked) -> io::Result<()> {
    let Peeked { place, message, states } = peeked;
    write!(out, "{place:>8}  {}  {}  {}", time(message.enqueued_at), message.id, message.message_type)?;
    if let Some(not_before) = message.not_before {
        write!(out, "  not before {}", time(not_before))?;
    }
    for (group, state) in states {
        write!(out, "  {group}: {}", name(state))?;
    }
    writeln!(out, "\n          {}", data(message, 100))
}
