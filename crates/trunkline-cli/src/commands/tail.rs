//! `tail`: events as they are appended.

use clap::Args;
use futures::{FutureExt as _, StreamExt as _};
use trunkline::messages::Stop;
use trunkline_core::Position;
use trunkline_store::{EventStream, subscribe};

use crate::args::{FilterArgs, StoreArgs};
use crate::failure::Failure;
use crate::interrupt;
use crate::open;
use crate::output::Output;
use crate::render::EventPrinter;

const EXAMPLES: &str = "\
Examples:
  trunkline tail
  trunkline tail --after 0 --type OrderCancelled
  trunkline tail --format json --after 1275 | while read -r event; do handle \"$event\"; done

With --format json, one object per line, as `read` prints it. Ctrl-C ends it, with exit code 0.";

/// Follow events as they are appended
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TailArgs {
    #[command(flatten)]
    filter: FilterArgs,

    /// Begin after this position, with what is there already; 0 is the very beginning [default: the last event]
    #[arg(long, value_name = "POSITION")]
    after: Option<Position>,

    /// End after so many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,

    #[command(flatten)]
    store: StoreArgs,
}

impl TailArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let place = self.store.place()?;
        let stop = interrupt::listen();
        let opened = open::for_reading(&place).await?;
        let after = match self.after {
            Some(after) => after,
            None => opened.store.head().await?,
        };
        output.say(format_args!("following {place} after position {after}; Ctrl-C ends it"));
        let mut events = subscribe(&opened.store, self.filter.query(), after);
        follow(&mut events, self.limit, &stop, output).await
    }
}

/// Prints events until there were enough, or the user has seen enough.
async fn follow(
    events: &mut EventStream,
    limit: Option<u64>,
    stop: &Stop,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut printer = EventPrinter::new(output.format);
    let mut left = limit.unwrap_or(u64::MAX);
    while left > 0 && !stop.is_asked() {
        let next = if let Some(next) = events.next().now_or_never() {
            next
        } else {
            // Before a wait, whoever reads the output gets what there is.
            printer.release(output.data()).map_err(Failure::Output)?;
            output.flush()?;
            tokio::select! {
                next = events.next() => next,
                () = stop.asked() => break,
            }
        };
        let Some(event) = next else { break };
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                printer.release(output.data()).map_err(Failure::Output)?;
                return Err(error.into());
            }
        };
        printer.print(output.data(), &event).map_err(Failure::Output)?;
        left -= 1;
    }
    printer.release(output.data()).map_err(Failure::Output)
}
