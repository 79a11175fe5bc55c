//! `saga`: how sagas stand, what happened to them, and what an operator orders.

mod list;
mod order;
mod show;
mod verify;
mod words;

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  trunkline saga list orders.tsk --stuck
  trunkline saga show orders.tsk order-536365
  trunkline saga retry orders.tsk order-536365
  trunkline saga verify orders.tsk

A saga is called NAME-ID, such as order-536365; its id alone will do where no saga of another name has it.";

/// Look at sagas, and decide about those that can't go on
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct SagaCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Start(order::StartArgs),
    Retry(order::RetryArgs),
    Compensate(order::CompensateArgs),
    Resolve(order::ResolveArgs),
    Verify(verify::VerifyArgs),
}

impl SagaCommand {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        match self.verb {
            Verb::List(args) => args.run(output).await,
            Verb::Show(args) => args.run(output).await,
            Verb::Start(args) => args.run(output).await,
            Verb::Retry(args) => args.run(output).await,
            Verb::Compensate(args) => args.run(output).await,
            Verb::Resolve(args) => args.run(output).await,
            Verb::Verify(args) => args.run(output).await,
        }
    }
}
