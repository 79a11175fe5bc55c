//! `verify`: reads everything and says whether it is whole.

use std::io::{self, Write};

use clap::Args;
use trunkline_ops::store::{IntegrityProblem, IntegrityReport, verify};
use trunkline_ops::words::size;

use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::open;
use crate::output::{Output, Report};
use crate::progress::Progress;
use crate::render::{counted, one_line};

const EXAMPLES: &str = "\
Examples:
  trunkline verify
  trunkline verify --store log:/srv/shop/events --format json

Everything that is stored is read: checksums, order, versions, indexes. Works beside a process that \
appends. With --format json, one object: clean, events, streams, segments, unconfirmed_bytes, problems \
(each with what, remedy). Exit code 5 when something is damaged.";

/// Check that everything stored is whole
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    store: StoreArgs,
}

impl VerifyArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let place = self.store.place()?;
        let opened = open::for_reading(&place).await?;
        let progress = Progress::events(output, "verifying");
        let verified = verify(&*opened.maintain, &mut |done, total| progress.set(done, total))?;
        drop(progress);
        output.report(&verified)?;
        Ok(verified.verdict()?)
    }
}

impl Report for IntegrityReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let verdict = if self.clean { "clean" } else { "corrupt" };
        let [events, streams, segments] =
            [(self.events, "event"), (self.streams, "stream"), (self.segments, "segment")]
                .map(|(count, noun)| counted(count, noun));
        writeln!(out, "{verdict}: {events} in {streams}, {segments}")?;
        if self.unconfirmed_bytes > 0 {
            let bytes = size(self.unconfirmed_bytes);
            writeln!(out, "unconfirmed: {bytes} after the last event, of an append in flight or cut off")?;
        }
        for IntegrityProblem { what, remedy } in &self.problems {
            writeln!(out, "problem: {}", one_line(what))?;
            writeln!(out, "         {}", one_line(remedy))?;
        }
        Ok(())
    }
}
