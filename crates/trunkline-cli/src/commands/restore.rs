//! `restore`: makes a store, or all that an application has, of a backup.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use trunkline_ops::store::{Places, RestoreDone, events_of, is_whole, restore_whole};
use trunkline_ops::words::size;

use super::reconcile;
use crate::application;
use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::open;
use crate::output::{Output, Report};
use crate::progress::Progress;
use crate::queue::QueueArgs;
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  trunkline restore orders.tsk --from /mnt/backup/orders --reconcile
  trunkline restore --from /mnt/backup/events --store log:./restored
  trunkline restore --from /mnt/backup/events --format json

All of the backup is verified before anything is put in its place, and nothing is written over: the store must not exist \
yet, and of a backup of all that an application has, neither must its queue and its checkpoints. The store comes last; \
interrupted, the same is run again. Without a file, or of a backup of events alone, only the store is made, under whatever \
stands beside it.

Its history is older than what stands beside it may know, so no application runs on it before `trunkline reconcile FILE`, \
which says what is sent again and what is not; with --reconcile that is done at once.

With --format json, one object: position, bytes, segments, leaves_out; with --reconcile, that of `trunkline reconcile`. \
Exit code 5 when the backup is damaged.";

/// Make a store, or all that an application has, of a backup
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RestoreArgs {
    /// The application file, whose queue and checkpoints are restored too where the backup has them
    #[arg(value_name = "FILE")]
    file: Option<String>,

    /// The folder of the backup
    #[arg(long, value_name = "DIR")]
    from: PathBuf,

    /// Bring what stands beside the store back to its history at once
    #[arg(long, requires = "file")]
    reconcile: bool,

    /// With --reconcile: a relay that publishes all events again, or `$sagas` for what sagas wait for; may be given more
    /// than once
    #[arg(long, value_name = "RELAY", requires = "reconcile")]
    repost: Vec<String>,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    queue: QueueArgs,
}

impl RestoreArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let file = self.file.as_ref().map(|file| application::load(file, output)).transpose()?;
        let places = match &file {
            Some(file) => Some((
                application::place(file, &self.store)?,
                application::queue_place(file, &self.store, &self.queue)?,
            )),
            None if self.queue.given().is_some() => Some((self.store.place()?, self.queue.place()?)),
            None => None,
        };
        let place = places.as_ref().map_or_else(|| self.store.place(), |(events, _)| Ok(events.clone()))?;
        output.say(format_args!("store {place}"));
        let progress = Progress::bytes(output, "restoring");
        let mut progressed = |done, total| progress.set(done, total);
        let report = match &places {
            Some((events, messages)) if is_whole(&self.from)? => {
                restore_whole(&self.from, Places { events, messages }, &mut progressed).await?
            }
            _ => open::restore(&events_of(&self.from)?, &place, false, &mut progressed)?.into(),
        };
        drop(progress);
        match file {
            Some(file) if self.reconcile => {
                reconcile::reconciled(file, &self.repost, &self.store, &self.queue, output).await
            }
            _ => output.report(&report),
        }
    }
}

impl Report for RestoreDone {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let (bytes, segments) = (size(self.bytes), counted(self.segments, "segment"));
        writeln!(out, "restored and verified up to position {}: {bytes} in {segments}", self.position)?;
        if !self.leaves_out.is_empty() {
            let left_out = "  left out: the queue's messages, and how far relays and sagas have come";
            writeln!(out, "{left_out}")?;
        }
        writeln!(out, "  before an application runs on it: `trunkline reconcile FILE`")
    }
}
