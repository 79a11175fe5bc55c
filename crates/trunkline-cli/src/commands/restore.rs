//! `restore`: makes a store of a backup.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use trunkline_ops::store::RestoreDone;
use trunkline_ops::words::size;

use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::open;
use crate::output::{Output, Report};
use crate::progress::Progress;
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  trunkline restore --from /mnt/backup/events --store log:./restored
  trunkline restore --from /mnt/backup/events --format json

All of the backup is verified, and the store must not exist yet: its folder is new or empty. Its history is older than what \
stands beside it may know, so no application runs on it before `trunkline reconcile FILE`. With --format json, one object: \
position, bytes, segments, leaves_out. Exit code 5 when the backup is damaged.";

/// Make a store of a backup
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RestoreArgs {
    /// The folder of the backup
    #[arg(long, value_name = "DIR")]
    from: PathBuf,

    #[command(flatten)]
    store: StoreArgs,
}

impl RestoreArgs {
    pub(crate) fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let place = self.store.place()?;
        output.say(format_args!("store {place}"));
        let progress = Progress::bytes(output, "restoring");
        let report = open::restore(&self.from, &place, false, &mut |done, total| progress.set(done, total))?;
        drop(progress);
        output.report(&RestoreDone::from(report))
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
