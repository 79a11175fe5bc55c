//! `verify`: reads everything and says whether it is whole.

use std::io::{self, Write};

use clap::Args;
use indicatif::HumanBytes;
use serde::Serialize;
use trunkline_store::{Maintain, VerifyReport};

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
        let verified = verify(&*opened.maintain, &progress)?;
        drop(progress);
        output.report(&verified)?;
        verified.into_result()
    }
}

fn verify(store: &dyn Maintain, progress: &Progress) -> Result<Verified, Failure> {
    Ok(store.verify(&mut |done, total| progress.set(done, total))?.into())
}

/// What a verification found.
#[derive(Debug, Serialize)]
struct Verified {
    clean: bool,
    events: u64,
    streams: u64,
    segments: u64,
    /// Bytes after the last synced event.
    unconfirmed_bytes: u64,
    problems: Vec<Problem>,
}

/// Something that is damaged.
#[derive(Debug, Serialize)]
struct Problem {
    what: String,
    remedy: String,
}

impl From<VerifyReport> for Verified {
    fn from(report: VerifyReport) -> Self {
        let problems: Vec<Problem> = report
            .problems
            .into_iter()
            .map(|problem| Problem { what: problem.what, remedy: problem.remedy })
            .collect();
        Self {
            clean: problems.is_empty(),
            events: report.events,
            streams: report.streams,
            segments: report.segments,
            unconfirmed_bytes: report.unconfirmed_bytes,
            problems,
        }
    }
}

impl Verified {
    /// A failure when there are problems.
    fn into_result(self) -> Result<(), Failure> {
        match self.problems.len() {
            0 => Ok(()),
            count => Err(Failure::Problems { count: count as u64 }),
        }
    }
}

impl Report for Verified {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let verdict = if self.clean { "clean" } else { "corrupt" };
        let [events, streams, segments] =
            [(self.events, "event"), (self.streams, "stream"), (self.segments, "segment")]
                .map(|(count, noun)| counted(count, noun));
        writeln!(out, "{verdict}: {events} in {streams}, {segments}")?;
        if self.unconfirmed_bytes > 0 {
            let bytes = HumanBytes(self.unconfirmed_bytes);
            writeln!(out, "unconfirmed: {bytes} after the last event, of an append in flight or cut off")?;
        }
        for Problem { what, remedy } in &self.problems {
            writeln!(out, "problem: {}", one_line(what))?;
            writeln!(out, "         {}", one_line(remedy))?;
        }
        Ok(())
    }
}
