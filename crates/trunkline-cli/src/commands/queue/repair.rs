//! `queue repair`: going on without what is missing or damaged.

use std::io::{self, Write};

use clap::Args;
use trunkline_ops::messages::{RepairReport, repair_queue};

use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::queue::QueueArgs;
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  trunkline queue repair --yes
  trunkline queue repair --queue embedded:/srv/shop/queue --yes --format json

For a queue that is not opened since a file is missing or damaged. Where there is a backup of its folder, \
put that back instead, and keep a copy of the folder before a repair. What can be read is kept; messages that \
can't be are given up for every group, and what consumers had done in a damaged part is forgotten, so that \
those messages come again. A queue that is whole is left as it is. With --format json, one object: messages, \
and parts, each with problem (missing or damaged), file, offset, bytes, saved, messages. Exit code 5 when \
there is damage that nothing but a backup can undo.";

/// Go on without the parts of a queue's files that are missing or damaged
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RepairArgs {
    /// Really: what is given up is gone for good
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    queue: QueueArgs,
}

impl RepairArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        if !self.yes {
            let hint = "say --yes; a copy of the folder, made before, can be gone back to";
            return Err(Failure::usage("a repair gives up what can't be read, for good", hint));
        }
        let owner = format!("trunkline queue repair (process {})", std::process::id());
        output.report(&repair_queue(&self.queue.place()?, &owner).await?)
    }
}

impl Report for RepairReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        for part in &self.parts {
            let lost = counted(part.messages, "message");
            match (part.offset, part.bytes) {
                (Some(offset), Some(bytes)) => writeln!(
                    out,
                    "{}: {bytes} bytes at byte {offset} are damaged; {lost} at least given up, {} kept",
                    part.file, part.saved
                )?,
                _ => writeln!(out, "{} is missing; {lost} at most given up", part.file)?,
            }
        }
        if self.parts.is_empty() {
            return writeln!(out, "nothing is missing or damaged; nothing was changed");
        }
        writeln!(out, "repaired: the queue opens again")
    }
}
