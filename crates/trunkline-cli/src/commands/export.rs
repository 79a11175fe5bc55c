//! `export`: every event as a line that `import` takes back.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use trunkline_core::Position;
use trunkline_ops::export::{ExportError, ExportReport, export, export_to_file};

use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::open;
use crate::output::{Output, Report};
use crate::progress::Progress;
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  trunkline export > events.jsonl
  trunkline export --after 1275 --output since.jsonl
  trunkline export --store log:a | trunkline import --store log:b -

The lines are JSON in either format, one event each, in the order in which the events were appended. \
Imported into an empty store, they export the same again. With --output, the file appears once it is \
whole; an earlier file of lines is replaced, anything else is refused. --format json prints one object: events, position, output.";

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

impl ExportArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let place = self.store.place()?;
        let opened = open::for_reading(&place).await?;
        let progress = Progress::events(output, "exporting");
        let progressed = |done, total| progress.set(done, total);
        if let Some(path) = &self.output {
            let report = export_to_file(&*opened.store, self.after, path, progressed).await?;
            drop(progress);
            return output.report(&report);
        }
        let exported = export(&*opened.store, self.after, output.data(), progressed).await;
        let report = exported.map_err(|error| match error {
            ExportError::Read(error) => error.into(),
            ExportError::Write(error) => Failure::Output(error),
        })?;
        output.flush()?;
        drop(progress);
        output.say(words(&report));
        Ok(())
    }
}

/// What was exported, in words.
fn words(report: &ExportReport) -> String {
    let events = counted(report.events, "event");
    let to = report.output.as_ref().map_or_else(String::new, |path| format!(", to {}", path.display()));
    format!("exported {events}, up to position {}{to}", report.position)
}

impl Report for ExportReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", words(self))
    }
}
