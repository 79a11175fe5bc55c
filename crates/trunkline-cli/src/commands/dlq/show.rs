//! `dlq show`: all there is to know about a dead letter.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;
use trunkline_core::Timestamp;
use trunkline_queue::{DeadLetter, DeadLetterId, MessageQueueExt as _};

use super::letters::id;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::queue::{MessageJson, QueueArgs, QueueFailure, data, headers, open, time};
use crate::render::one_line;

const EXAMPLES: &str = "\
Examples:
  trunkline dlq show 17
  trunkline dlq show 17 --format json

With --format json, one object: dead_letter, group, attempts, died_at, error, tries (each with attempt, \
started_at, failed_at, consumer, error), and message (id, topic, key, type, data or data_base64, headers, \
enqueued_at, not_before, edited_from, cause_event_id, cause_position). Exit code 4 when there is no such \
dead letter.";

/// Show a dead letter with its message and its attempts
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ShowArgs {
    /// The dead letter's id
    #[arg(value_name = "ID", value_parser = id)]
    id: DeadLetterId,

    #[command(flatten)]
    queue: QueueArgs,
}

/// A dead letter as JSON.
#[derive(Debug, Serialize)]
pub(super) struct LetterJson<'a> {
    dead_letter: &'a str,
    group: &'a str,
    attempts: u32,
    died_at: Timestamp,
    error: &'a str,
    tries: Vec<TryJson<'a>>,
    message: MessageJson,
    #[serde(skip)]
    letter: &'a DeadLetter,
}

#[derive(Debug, Serialize)]
struct TryJson<'a> {
    attempt: u32,
    started_at: Timestamp,
    failed_at: Timestamp,
    consumer: &'a str,
    error: &'a str,
}

impl<'a> From<&'a DeadLetter> for LetterJson<'a> {
    fn from(letter: &'a DeadLetter) -> Self {
        let tries = letter.tries.iter().map(|one| TryJson {
            attempt: one.attempt,
            started_at: one.started_at,
            failed_at: one.failed_at,
            consumer: &one.consumer,
            error: &one.error,
        });
        Self {
            dead_letter: &letter.id.0,
            group: letter.group.as_str(),
            attempts: letter.attempts,
            died_at: letter.died_at,
            error: letter.error(),
            tries: tries.collect(),
            message: MessageJson::from(&letter.message),
            letter,
        }
    }
}

impl ShowArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let opened = open(&self.queue, "trunkline dlq show", false, output).await?;
        let letter = async { opened.queue.operate()?.dead_letter(self.id).await }.await;
        opened.close().await;
        output.report(&LetterJson::from(&letter.map_err(QueueFailure::from)?))
    }
}

impl Report for LetterJson<'_> {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let DeadLetter { id, group, message, attempts, died_at, tries, .. } = self.letter;
        writeln!(out, "dead letter {id} of {} for {group}, died {}", message.topic, time(*died_at))?;
        writeln!(
            out,
            "message {}, {}, published {}",
            message.id,
            message.message_type,
            time(message.enqueued_at)
        )?;
        if let Some(key) = &message.key {
            writeln!(out, "key {}", one_line(key))?;
        }
        if let Some(old) = &message.edited_from {
            writeln!(out, "edited from {old}")?;
        }
        if let Some(cause) = message.cause {
            writeln!(out, "caused by event {} at position {}", cause.event_id, cause.position)?;
        }
        headers(out, message)?;
        writeln!(out, "{attempts} attempts:")?;
        for one in tries {
            let (at, error) = (time(one.failed_at), one_line(&one.error));
            writeln!(out, "  {:>3}  {at}  {}: {error}", one.attempt, one_line(&one.consumer))?;
        }
        writeln!(out, "{}", data(message, 2_000))
    }
}
