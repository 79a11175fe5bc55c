//! `dlq show`: all there is to know about a dead letter.

use std::io::{self, Write};

use clap::Args;
use trunkline_ops::messages::DeadLetterReport;
use trunkline_queue::{DeadLetter, DeadLetterId, MessageQueueExt as _};

use super::letters::id;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::queue::{QueueArgs, data, headers, open};
use crate::render::{counted, one_line, screen, time};

const EXAMPLES: &str = "\
Examples:
  trunkline dlq show 17
  trunkline dlq show 17 --format json

With --format json, one object: dead_letter, group, attempts, died_at, error, tries (each with attempt, \
started_at, failed_at, consumer, error), message (id, topic, key, type, data or data_base64, headers, \
enqueued_at, not_before, edited_from, cause_event_id, cause_position), and damaged where its stored bytes \
are not what was published. Exit code 4 when there is no such dead letter.";

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

impl ShowArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let opened = open(&self.queue, "trunkline dlq show", false, output).await?;
        let letter = async { opened.queue.operate()?.dead_letter(self.id).await }.await;
        opened.close().await;
        output.report(&DeadLetterReport::from(&letter?))
    }
}

impl Report for DeadLetterReport<'_> {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let DeadLetter { id, group, message, damaged, attempts, died_at, tries, .. } = self.letter;
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
        writeln!(out, "{}:", counted(u64::from(*attempts), "attempt"))?;
        for one in tries {
            let (at, error) = (time(one.failed_at), one_line(&one.error));
            let lead = format!("  {:>3}  {at}  ", one.attempt);
            writeln!(out, "{}", screen().hang(&lead, &format!("{}: {error}", one_line(&one.consumer))))?;
        }
        match damaged {
            Some(what) => writeln!(out, "damaged: {what}"),
            None => writeln!(out, "{}", data(message)),
        }
    }
}
