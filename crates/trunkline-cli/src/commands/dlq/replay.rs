//! `dlq replay`: dead letters go back to their groups.

use clap::Args;
use trunkline_ops::messages::decide;
use trunkline_queue::BulkDecision;

use super::letters::{ChoiceArgs, print_all};
use crate::failure::Failure;
use crate::output::Output;
use crate::queue::{QueueArgs, open};

const EXAMPLES: &str = "\
Examples:
  trunkline dlq replay 17 18
  trunkline dlq replay --group mail --error-like 'timeout after 30 s' --rate 10
  trunkline dlq replay --all

A message goes back to the group that gave it up, with its attempts counted from 1 again. Each decision is \
recorded; `trunkline dlq list --decisions` says how it came out. With --format json, one object on each \
line, as with `dlq list --decisions`. Exit code 4 when there is no dead letter of an id.";

/// Give dead letters back to their groups
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    choice: ChoiceArgs,

    /// At most so many a second
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,

    #[command(flatten)]
    queue: QueueArgs,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "a rate is a number above 0, such as 10 or 0.5".to_owned())
}

impl ReplayArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let (selection, by) = self.choice.selection()?;
        let opened = open(&self.queue, "trunkline dlq replay", false, output).await?;
        let (actions, done) = decide(&*opened.queue, selection, BulkDecision::Replay, self.rate, &by).await;
        opened.close().await;
        print_all("replayed", &actions, done, output)
    }
}
