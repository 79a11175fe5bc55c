//! `export`: every event as a line that `import` takes back, or as others read it.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use trunkline_core::Position;
use trunkline_ops::export::{ExportError, ExportForm, ExportReport, export, export_to_file};

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
  trunkline export --as cloudevents --output for-others.jsonl
  trunkline export --store log:a | trunkline import --store log:b -

The lines are JSON in either format, one event each, in the order in which the events were appended. \
Imported into an empty store, they export the same again. With --output, the file appears once it is \
whole; an earlier file of lines is replaced, anything else is refused.

With --as cloudevents, a line is a CloudEvents 1.0 object, as a relay publishes it: what came in as one goes out with \
the attributes and extensions it had. Tags and other metadata stay behind, and Trunkline's own events are left out: to \
move a store, export it as it is.

--format json prints one object: events, position, output, and left_out where events were.";

/// Write every event as a line of JSON
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExportArgs {
    /// Only events after this position
    #[arg(long, value_name = "POSITION", default_value_t, hide_default_value = true)]
    after: Position,

    /// What a line is: native, as import takes everything back; cloudevents, for others to read
    #[arg(
        long = "as",
        value_enum,
        value_name = "native|cloudevents",
        default_value_t,
        hide_possible_values = true
    )]
    form: Form,

    /// The file to write, instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    store: StoreArgs,
}

/// As what events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// All that the store knows of an event.
    #[default]
    Native,
    /// `CloudEvents` 1.0 objects.
    #[value(name = "cloudevents")]
    CloudEvents,
}

impl From<Form> for ExportForm {
    fn from(form: Form) -> Self {
        match form {
            Form::Native => Self::Native,
            Form::CloudEvents => Self::CloudEvents,
        }
    }
}

impl ExportArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let place = self.store.place()?;
        let form = self.form.into();
        let opened = open::for_reading(&place).await?;
        let progress = Progress::events(output, "exporting");
        let progressed = |done, total| progress.set(done, total);
        if let Some(path) = &self.output {
            let report = export_to_file(&*opened.store, self.after, form, path, progressed).await?;
            drop(progress);
            return output.report(&report);
        }
        let exported = export(&*opened.store, self.after, form, output.data(), progressed).await;
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
    let left_out = match report.left_out {
        0 => String::new(),
        count => format!(" ({count} of Trunkline's own left out)"),
    };
    format!("exported {events}, up to position {}{left_out}{to}", report.position)
}

impl Report for ExportReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", words(self))
    }
}
