//! `dlq list`: dead letters by likeness, one by one, or what was decided about them.

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
use crate::render::{Cell, Table, time};

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
            let columns = ["id#", "died", "topic", "group", "type", "message", "attempts#", "error"];
            let mut table = Table::new(columns);
            for letter in &letters {
                match output.format {
                    Format::Human => table.print(output.data(), one(letter)),
                    Format::Json => write_json(output.data(), &DeadLetterReport::from(letter)),
                }
                .map_err(Failure::Output)?;
            }
            return table.release(output.data()).map_err(Failure::Output);
        }
        let groups = queue.dead_letter_groups(self.filter.filter()).await?;
        if groups.is_empty() {
            output.say("no dead letters");
        }
        let mut table = Table::new(["count#", "topic", "group", "first", "last", "error"]);
        for group in &groups {
            match output.format {
                Format::Human => table.print(output.data(), several(group)),
                Format::Json => write_json(output.data(), &DeadLetterGroupReport::from(group)),
            }
            .map_err(Failure::Output)?;
        }
        table.release(output.data()).map_err(Failure::Output)
    }
}

fn several(group: &DeadLetterGroup) -> [Cell; 6] {
    let DeadLetterGroup { topic, group, likeness, count, first, last } = group;
    [
        Cell::number(count),
        Cell::from(topic.as_str()),
        Cell::from(group.as_str()),
        Cell::from(time(first.died_at)),
        Cell::from(time(last.died_at)),
        Cell::from(likeness.as_str()),
    ]
}

fn one(letter: &DeadLetter) -> [Cell; 8] {
    let DeadLetter { id, group, message, attempts, died_at, .. } = letter;
    [
        Cell::number(id),
        Cell::from(time(*died_at)),
        Cell::from(message.topic.as_str()),
        Cell::from(group.as_str()),
        Cell::from(message.message_type.as_str()),
        Cell::from(message.id.as_str()),
        Cell::number(attempts),
        Cell::from(letter.error()),
    ]
}
