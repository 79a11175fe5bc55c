//! `events`: the shapes of events, locked and counted.

mod census;
mod lock;

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  trunkline events lock orders.tsk
  trunkline events census orders.tsk --store log:./data/events";

/// Remember the shapes of events, and see that every stored one can still be read
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EventsArgs {
    #[command(subcommand)]
    verb: Verb,
}

/// What can be done with the shapes of events.
#[derive(Debug, Subcommand)]
enum Verb {
    Lock(lock::LockArgs),
    Census(census::CensusArgs),
}

impl EventsArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        match self.verb {
            Verb::Lock(args) => args.run(output),
            Verb::Census(args) => args.run(output).await,
        }
    }
}
