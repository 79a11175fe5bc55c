//! `dlq list`: dead letters by likeness, one by one, or what was decided about them.

use std::io::{self, Write};

use clap::Args;
use trunkline::OpenQueue;
use trunkline_ops::messages::{DeadLetterGroupReport, DeadLetterReport};
use trunkline_queue::{
    DeadLetter, DeadLetterGroup, DeadLetterId, DeadLettersRead, MessageQueueExt as _, OperateQueueExt as _,
};

use super::letters::{FilterArgs, id, print};
use crate::failure::Failure;
use crate::output::{Format, Output, write_json};
use crate::queue::{QueueArgs, open};
use crate::render::{one_line, shorten, time};

const EXAMPLES: &str = "\
Examples:
  trunkline dlq list
  trunkline dlq list --each --group mail --error-like 'timeout after 30 s'
  trunkline dlq list --decisions --format json

Without more, groups of dead letters that failed alike, the largest first. With --format json, one object \
on each line: topic, group, error_like, count, first_at, last_at, first_id, last_id; with --each the \
objects of `dlq show`; with --decisions number, at, by, decision, dead_letter, topic, group, message_id, \
new_message_id, released (how many messages it had held), outcome (waiting, done, dead_again or gone), outcome_at, dead_again.";

/// List dead letters
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ListArgs {
    /// List them one by one, in the order in which they died
    #[arg(long, conflicts_with = "decisions")]
    each: bool,

    /// List what was decided about dead letters, and how it came out
    #[arg(long)]
    decisions: bool,

    #[command(flatten)]
    filter: FilterArgs,

    /// With --each, only those that died after this one
    #[arg(long, value_name = "ID", requires = "each", value_parser = id)]
    after: Option<DeadLetterId>,

    /// With --each or --decisions, at most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    max: usize,

    #[command(flatten)]
    queue: QueueArgs,
}

impl ListArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let opened = open(&self.queue, "trunkline dlq list", false, output).await?;
        let listed = self.list(&opened, output).await;
        opened.close().await;
        listed
    }

    async fn list(&self, opened: &OpenQueue, output: &mut Output<'_>) -> Result<(), Failure> {
        let queue = opened.queue.operate()?;
        if self.decisions {
            let actions = queue.decisions(0, usize::MAX).await?;
            let latest = actions.len().saturating_sub(self.max);
            return actions[latest..].iter().try_for_each(|action| print(action, output));
        }
        if self.each {
            let read =
                DeadLettersRead { filter: self.filter.filter(), after: self.after.clone(), max: self.max };
            let letters = queue.dead_letters(read).await?;
            for letter in &letters {
                match output.format {
                    Format::Human => one(output.data(), letter),
                    Format::Json => write_json(output.data(), &DeadLetterReport::from(letter)),
                }
                .map_err(Failure::Output)?;
            }
            return Ok(());
        }
        let groups = queue.dead_letter_groups(self.filter.filter()).await?;
        if groups.is_empty() {
            output.say("no dead letters");
        }
        for group in &groups {
            match output.format {
                Format::Human => several(output.data(), group),
                Format::Json => write_json(output.data(), &DeadLetterGroupReport::from(group)),
            }
            .map_err(Failure::Output)?;
        }
        Ok(())
    }
}

fn several(out: &mut dyn Write, group: &DeadLetterGroup) -> io::Result<()> {
    let DeadLetterGroup { topic, group, likeness, count, first, last } = group;
    writeln!(
        out,
        "{count:>8}  {topic}  {group}  {}  {} to {}",
        shorten(&one_line(likeness), 80),
        time(first.died_at),
        time(last.died_at)
    )
}

fn one(out: &mut dyn Write, letter: &DeadLetter) -> io::Result<()> {
    let DeadLetter { id, group, message, attempts, died_at, .. } = letter;
    writeln!(
        out,
        "{id:>8}  {}  {}  {group}  {} {}, {attempts} attempts: {}",
        time(*died_at),
        message.topic,
        message.message_type,
        message.id,
        shorten(&one_line(letter.error()), 80)
    )
}
