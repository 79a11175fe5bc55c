//! `dlq`: dead letters, and what is decided about them.

mod discard;
mod edit;
mod letters;
mod list;
mod replay;
mod show;

use clap::{Args, Subcommand};

pub(super) use self::letters::ByArgs;

use crate::failure::Failure;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  trunkline dlq list
  trunkline dlq show 17
  trunkline dlq replay --all --rate 10";

/// Look at dead letters, and replay, edit or discard them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct DlqCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Replay(replay::ReplayArgs),
    Edit(edit::EditArgs),
    Discard(discard::DiscardArgs),
}

impl DlqCommand {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        match self.verb {
            Verb::List(args) => args.run(output).await,
            Verb::Show(args) => args.run(output).await,
            Verb::Replay(args) => args.run(output).await,
            Verb::Edit(args) => args.run(output).await,
            Verb::Discard(args) => args.run(output).await,
        }
    }
}
