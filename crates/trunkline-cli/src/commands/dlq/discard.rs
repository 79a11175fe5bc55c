//! `dlq discard`: dead letters are given up for good.

use clap::Args;
use trunkline_ops::messages::decide;
use trunkline_queue::BulkDecision;

use super::letters::{ChoiceArgs, print_all};
use crate::failure::Failure;
use crate::output::Output;
use crate::queue::{QueueArgs, open};

const EXAMPLES: &str = "\
Examples:
  trunkline dlq discard 17
  trunkline dlq discard --type Ping --by ada

The message is removed; the decision stays on record. With --format json, one object on each line, as with \
`dlq list --decisions`. Exit code 4 when there is no dead letter of an id.";

/// Give dead letters up for good
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DiscardArgs {
    #[command(flatten)]
    choice: ChoiceArgs,

    #[command(flatten)]
    queue: QueueArgs,
}

impl DiscardArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let (selection, by) = self.choice.selection()?;
        let opened = open(&self.queue, "trunkline dlq discard", false, output).await?;
        let (actions, done) = decide(&*opened.queue, selection, BulkDecision::Discard, None, &by).await;
        opened.close().await;
        print_all("discarded", &actions, done, output)
    }
}
