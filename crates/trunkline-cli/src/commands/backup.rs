//! `backup`: copies a store, or all that an application has, while it is in use.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use trunkline_ops::store::{BackupDone, Places, backup, backup_whole};
use trunkline_ops::words::size;

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
  trunkline backup orders.tsk --to /mnt/backup/orders
  trunkline backup --to /mnt/backup/events
  trunkline backup --store log:/srv/shop/events --to /mnt/backup/events --format json

Works while the application runs. With a file, or with --queue, it has all that nothing else could make again: how far \
relays and sagas have come, the queue with its dead letters and what was decided of them, and the events; in this order, so \
that none of it knows what the rest has not. Read models, snapshots and indexes are made again from the events. A message \
that is handled while the backup is taken may be in it as waiting, and is handled again after it is restored.

Without, it has the events alone, and says what it leaves out.

A folder that holds an earlier backup of the same store receives of the events only what has come since; what an interrupted \
backup has left in it is removed. One that holds anything else is refused, and left as it is, and so is one that another \
backup, or a restore, is using. With --format json, one object: position, bytes_copied, bytes, segments, to, \
leaves_out. `trunkline restore` makes a store, or all of an application, of a backup.";

/// Copy the store, or all that an application has, to a folder, also while it is in use
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BackupArgs {
    /// The application file; without it, and without --queue, the events alone are copied
    #[arg(value_name = "FILE")]
    file: Option<String>,

    /// The folder of the backup
    #[arg(long, value_name = "DIR")]
    to: PathBuf,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    queue: QueueArgs,
}

impl BackupArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let places = match &self.file {
            Some(file) => {
                let file = application::load(file, output)?;
                Some((
                    application::place(&file, &self.store)?,
                    application::queue_place(&file, &self.store, &self.queue)?,
                ))
            }
            None if self.queue.given().is_some() => Some((self.store.place()?, self.queue.place()?)),
            None => None,
        };
        let progress = Progress::bytes(output, "backing up");
        let mut progressed = |done, total| progress.set(done, total);
        let report = if let Some((events, messages)) = &places {
            backup_whole(Places { events, messages }, &self.to, &mut progressed).await?
        } else {
            let opened = open::for_reading(&self.store.place()?).await?;
            backup(&*opened.maintain, &self.to, &mut progressed)?
        };
        drop(progress);
        output.report(&report)
    }
}

impl Report for BackupDone {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { position, bytes_copied, bytes, segments, to, leaves_out } = self;
        let (copied, bytes) = (size(*bytes_copied), size(*bytes));
        let segments = counted(*segments, "segment");
        writeln!(
            out,
            "backed up to position {position} in {}: {copied} copied, {bytes} in {segments} altogether",
            to.display()
        )?;
        if leaves_out.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "  left out: the queue's messages, and how far relays and sagas have come; `trunkline backup FILE` has them"
        )
    }
}
