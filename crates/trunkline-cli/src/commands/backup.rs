//! `backup`: copies a store while it is in use.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use trunkline_ops::store::{BackupDone, backup};
use trunkline_ops::words::size;

use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::open;
use crate::output::{Output, Report};
use crate::progress::Progress;
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  trunkline backup --to /mnt/backup/events
  trunkline backup --store log:/srv/shop/events --to /mnt/backup/events --format json

Works while the store is being appended to. A folder that holds an earlier backup of the same store \
receives only what has come since; one that holds anything else is refused, and left as it is. It has the events alone: neither the queue's messages nor how far relays and sagas have come. With --format json, one \
object: position, bytes_copied, bytes, segments, to, leaves_out. `trunkline restore` makes a store of a backup.";

/// Copy the store to a folder, also while it is in use
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BackupArgs {
    /// The folder of the backup
    #[arg(long, value_name = "DIR")]
    to: PathBuf,

    #[command(flatten)]
    store: StoreArgs,
}

impl BackupArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let place = self.store.place()?;
        let opened = open::for_reading(&place).await?;
        let progress = Progress::bytes(output, "backing up");
        let report = backup(&*opened.maintain, &self.to, &mut |done, total| progress.set(done, total))?;
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
        writeln!(out, "  left out: the queue's messages, and how far relays and sagas have come")
    }
}
