//! `export`: every event as a line that `import` takes back.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use futures::StreamExt as _;
use serde::Serialize;
use trunkline_core::{Position, json};
use trunkline_store::{AllRead, EventStore};

use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::open;
use crate::output::{Output, Report};
use crate::progress::Progress;
use crate::render::counted;
use crate::whole_file::WholeFile;

const EXAMPLES: &str = "\
Examples:
  trunkline export > events.jsonl
  trunkline export --after 1275 --output since.jsonl
  trunkline export --store log:a | trunkline import --store log:b -

The lines are JSON in either format, one event each, in the order in which the events were appended. \
Imported into an empty store, they export the same again. With --output, the file appears once it is \
whole, and --format json prints one object: events, position, output.";

/// How many events are written between two looks at the progress.
const PROGRESS_EVERY: u64 = 1000;

/// Write every event as a line of JSON
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExportArgs {
    /// Only events after this position
    #[arg(long, value_name = "POSITION", default_value_t, hide_default_value = true)]
    after: Position,

    /// The file to write, instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    store: StoreArgs,
}

/// What was exported.
#[derive(Debug, Serialize)]
struct ExportReport {
    events: u64,
    /// The position of the last event.
    position: Position,
    output: Option<PathBuf>,
}

impl ExportArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let place = self.store.place()?;
        let opened = open::for_reading(&place).await?;
        let Some(path) = self.output else {
            let progress = Progress::events(output, "exporting");
            let report =
                export(&*opened.store, self.after, output.data(), &progress, Failure::Output).await?;
            output.flush()?;
            drop(progress);
            output.say(report);
            return Ok(());
        };
        let progress = Progress::events(output, "exporting");
        let failed = |source| Failure::File { what: format!("writing {}", path.display()), source };
        let file = WholeFile::begin(&path).map_err(failed)?;
        let mut writer = BufWriter::with_capacity(64 << 10, file);
        let report = export(&*opened.store, self.after, &mut writer, &progress, failed).await?;
        let file = writer.into_inner().map_err(|error| failed(error.into_error()))?;
        file.put_in_place().map_err(failed)?;
        drop(progress);
        output.report(&ExportReport { output: Some(path), ..report })
    }
}

/// Writes the events up to the head, as it is now. The read has no end of its own, so that it says when the store
/// ends in damage.
async fn export(
    store: &dyn EventStore,
    after: Position,
    out: &mut dyn Write,
    progress: &Progress,
    failed: impl Fn(io::Error) -> Failure,
) -> Result<ExportReport, Failure> {
    let total = store.head().await?.get().saturating_sub(after.get());
    let mut events = store.read_all(AllRead::after(after));
    let mut report = ExportReport { events: 0, position: after, output: None };
    while let Some(event) = events.next().await {
        let event = event?;
        writeln!(out, "{}", json::to_line(&event)).map_err(&failed)?;
        report.events += 1;
        report.position = event.position();
        if report.events.is_multiple_of(PROGRESS_EVERY) {
            progress.set(report.events, total);
        }
    }
    Ok(report)
}

impl std::fmt::Display for ExportReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exported {}, up to position {}", counted(self.events, "event"), self.position)?;
        match &self.output {
            Some(path) => write!(f, ", to {}", path.display()),
            None => Ok(()),
        }
    }
}

impl Report for ExportReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{self}")
    }
}
