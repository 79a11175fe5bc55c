//! `reconcile`: brings an application back to the history that its store was restored to.

use std::io::{self, Write};

use clap::Args;
use trunkline::ApplicationFile;
use trunkline_ops::store::{ReconcileDone, RelayLine, reconcile};

use crate::application;
use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::progress::Progress;
use crate::queue::QueueArgs;

const EXAMPLES: &str = "\
Examples:
  trunkline reconcile orders.tsk
  trunkline reconcile orders.tsk --repost out
  trunkline reconcile orders.tsk --repost out --repost '$sagas' --format json
  trunkline reconcile orders.tsk --store log:/srv/shop/events --queue embedded:/srv/shop/queue

A store that was made of a backup may be older than its queue, its read models, and how far relays and sagas have come. \
It has a mark that says so, and as long as it has, neither relays, consumers nor sagas run. This brings all back to its \
history, and takes the mark away last; interrupted, it is run again, and what the first run was asked to repost counts.

A store that was put in its place by other means, and that checkpoints are ahead of, gets the mark first, and so does one \
whose mark is damaged. What it has by then is taken for its history: what is appended to it before this is run is not \
relayed. Of a store that a backup was restored to by `trunkline restore`, it is.

Read models are rebuilt. A relay that has come further than the backup, or of which nothing is known, goes on after the \
backup's last event: what it had published is not published again, and so no webhook has it twice, unless --repost names \
the relay, which then begins at the first event. One that was renamed since is brought back under all its names. Sagas are \
run over all events again, and what they wait for is sent again: to consumers that dispatch commands, which know what they \
have done; to topics that a webhook takes from only with --repost '$sagas'. Messages of the future that is gone are passed \
over, and what is published from now on has ids that none of them had. What is posted again has the Idempotency-Key that it \
had.

Left as they are, and listed: the checkpoints of a program's own readers and of relays that the file no longer has, and read \
models that are paused, which are rebuilt by hand.

Where the queue and the checkpoints were restored with the store, all go on from there, and nothing is published again.

With --format json, one object: position, whole, relays (name, after, moved), withheld, rebuilt, paused, left.";

/// Bring an application back to the history that its store was restored to
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReconcileArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    /// A relay that publishes all events again, or `$sagas` for what sagas wait for; may be given more than once
    #[arg(long, value_name = "RELAY")]
    repost: Vec<String>,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    queue: QueueArgs,
}

impl ReconcileArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let file = application::load(&self.file, output)?;
        reconciled(file, &self.repost, &self.store, &self.queue, output).await
    }
}

/// Does it, and says what came of it.
pub(super) async fn reconciled(
    file: ApplicationFile,
    repost: &[String],
    store: &StoreArgs,
    queue: &QueueArgs,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let app = application::open_whole(file, store, queue, "trunkline reconcile", output).await?;
    let progress = Progress::events(output, "rebuilding");
    let done = reconcile(&app, repost, |done, total| progress.set(done, total)).await;
    drop(progress);
    app.close().await;
    output.report(&done?)
}

impl Report for ReconcileDone {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { position, whole, relays, withheld, rebuilt, paused, left } = self;
        let beside = if *whole { "with its queue and checkpoints" } else { "alone" };
        writeln!(out, "the store was restored to position {position}, {beside}; all goes on from there")?;
        for RelayLine { name, after, .. } in relays {
            match after {
                Some(after) => writeln!(out, "  relay {name} goes on after position {after}")?,
                None => writeln!(out, "  relay {name} begins at the first event")?,
            }
        }
        if !withheld.is_empty() {
            let topics = withheld.join(", ");
            writeln!(
                out,
                "  not sent again: what sagas had sent to {topics}, which webhooks or others take from"
            )?;
        }
        if !rebuilt.is_empty() {
            writeln!(out, "  rebuilt {}", rebuilt.join(", "))?;
        }
        for name in paused {
            writeln!(out, "  {name} is paused and was left: resume it, then rebuild it")?;
        }
        for name in left {
            writeln!(
                out,
                "  the checkpoint of {name} is ahead of the store and was left: it is the program's own, or of a relay that the \
                 file no longer has"
            )?;
        }
        Ok(())
    }
}
