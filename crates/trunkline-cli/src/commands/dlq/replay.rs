//! `dlq replay`: dead letters go back to their groups.

use clap::Args;
use trunkline::OpenQueue;
use trunkline_ops::Exit;
use trunkline_ops::messages::{Selection, decide, moved_on, refusal, sent_by_sagas};
use trunkline_queue::{BulkDecision, DeadLetter};

use super::letters::{ChoiceArgs, print_all};
use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::open::for_reading;
use crate::output::Output;
use crate::queue::{QueueArgs, open};

const EXAMPLES: &str = "\
Examples:
  trunkline dlq replay 17 18
  trunkline dlq replay --group mail --error-like 'timeout after 30 s' --rate 10
  trunkline dlq replay --all

A message goes back to the group that gave it up, with its attempts counted from 1 again; in an ordered group \
to its place, before what it held. A command that was rejected is decided anew, under an id that follows from \
its first one; everything else keeps its id, and what was done is not done twice. Of a saga that has moved on, \
as the store says, the message is not replayed without --force; the others are, and the exit code is 3. Each decision is \
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

    /// Replay also what sagas sent that have moved on since
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    queue: QueueArgs,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "a rate is a number above 0, such as 10 or 0.5".to_owned())
}

impl ReplayArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let Self { choice, rate, force, store, queue } = self;
        let (selection, by) = choice.selection()?;
        let opened = open(&queue, "trunkline dlq replay", false, output).await?;
        let done = if force {
            Ok((selection, Vec::new()))
        } else {
            without_moved_on(&opened, selection, &store, output).await
        };
        let done = match done {
            Ok((selection, left)) => {
                let (actions, done) =
                    decide(&*opened.queue, selection, BulkDecision::Replay, rate, &by).await;
                let left = left.first().map_or(Ok(()), |letter| Err(refusal(letter)));
                print_all("replayed", &actions, done.and(left), output)
            }
            Err(error) => Err(error),
        };
        opened.close().await;
        done
    }
}

/// The dead letters to replay, and those whose sagas have moved on.
async fn without_moved_on(
    opened: &OpenQueue,
    selection: Selection,
    store: &StoreArgs,
    output: &mut Output<'_>,
) -> Result<(Selection, Vec<DeadLetter>), Failure> {
    let letters = sent_by_sagas(&*opened.queue, &selection).await?;
    if letters.is_empty() {
        return Ok((selection, Vec::new()));
    }
    let place = store.place()?;
    let events = match for_reading(&place).await {
        Err(failure) if failure.exit() == Exit::NotFound => {
            let what = "whether their sagas still wait for them is not known; --store names the store";
            output.warn(format_args!("there is no store {place}: {what}"));
            return Ok((selection, Vec::new()));
        }
        events => events?,
    };
    let left = moved_on(&events.store, letters).await?;
    Ok((selection.without(&*opened.queue, &left).await?, left))
}
