//! `queue`: messages, topics and groups.

mod adopt;
mod peek;
mod publish;
mod purge;
mod repair;
mod retry_now;
mod stats;

use clap::{Args, Subcommand};

pub(super) use publish::header;

use crate::failure::Failure;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  trunkline queue publish orders --type Ping --data '{\"n\":1}'
  trunkline queue stats
  trunkline queue peek orders --group mail";

/// Publish messages, look at topics and groups, and put them in order
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct QueueCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Publish(publish::PublishArgs),
    Stats(stats::StatsArgs),
    Peek(peek::PeekArgs),
    RetryNow(retry_now::RetryNowArgs),
    Purge(purge::PurgeArgs),
    Repair(repair::RepairArgs),
    Adopt(adopt::AdoptArgs),
}

impl QueueCommand {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        match self.verb {
            Verb::Publish(args) => args.run(output).await,
            Verb::Stats(args) => args.run(output).await,
            Verb::Peek(args) => args.run(output).await,
            Verb::RetryNow(args) => args.run(output).await,
            Verb::Purge(args) => args.run(output).await,
            Verb::Repair(args) => args.run(output).await,
            Verb::Adopt(args) => args.run(output).await,
        }
    }
}
