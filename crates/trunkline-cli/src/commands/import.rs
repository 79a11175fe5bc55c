//! `import`: events from lines of JSON.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use trunkline_core::limits::BATCH_EVENTS_MAX;
use trunkline_ops::import::{ImportNews, ImportOptions, ImportReport, OnBadLine, import};
use trunkline_ops::{StreamRule, may_hold_lines};

use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::interrupt;
use crate::open;
use crate::output::{Output, Report};
use crate::progress::Progress;

const EXAMPLES: &str = "\
Examples:
  trunkline import orders-events.jsonl
  trunkline import orders-events.jsonl --on-error skip --rejected bad.jsonl
  trunkline export --store log:a | trunkline import --store log:b -
  trunkline import cloudevents.jsonl --stream \"'order-' + event.data.id\"
  trunkline import cloudevents.jsonl --stream \\
    \"has(event.stream) ? 'blob-' + event.stream : 'source-' + event.metadata.source\"

A line is a CloudEvents 1.0 event (subject is the stream) or what `export` writes; the latter keeps its \
id, its version and the time of its recording. --stream is an expression over event (type, data, stream, stream_id, \
tags, metadata, occurred_at) that gives the stream of each line: event.stream is the subject, source and extensions are \
in event.metadata, and versions are counted anew; Trunkline's own streams stay. Empty lines are passed over. An event whose id is there \
already is not added again, so the same file can be imported again after whatever stopped it.

A batch is read and checked as a whole before any of it is stored. A version that would not come out \
as the line says, or an id that another event has (of another stream or type, or with other data), is a bad line, too; \
so is metadata under a name \
that begins with `$`, unless the line is as `export` wrote it: by such names, sagas know answers to what they sent.

With --format json, one object: new, already_there, rejected, rejected_file.";

/// Lines that are rejected are named one by one up to this count; beyond it the file has them.
const REJECTED_NAMED_MAX: u64 = 100;

/// Store the events in a file of JSON lines
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImportArgs {
    /// The file, one event per line; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// What a bad line does: stop ends the import and keeps nothing of the line's batch; skip writes the
    /// line to a file and goes on
    #[arg(long, value_enum, value_name = "stop|skip", default_value_t, hide_possible_values = true)]
    on_error: OnError,

    /// Where --on-error skip writes the lines it passes over [default: FILE.rejected.jsonl]
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,

    /// The stream of each event: an expression that gives a text [default: its subject, or the stream it had]
    #[arg(long, value_name = "CEL")]
    stream: Option<String>,

    /// How many lines make a batch
    #[arg(long, value_name = "N", default_value_t = 1000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=BATCH_EVENTS_MAX as u64))]
    batch: u64,

    #[command(flatten)]
    store: StoreArgs,
}

/// What a line that cannot be imported does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnError {
    /// Ends the import; nothing of the line's batch is kept.
    #[default]
    Stop,
    /// Goes to a file, and the import goes on.
    Skip,
}

impl Report for ImportReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.counts())
    }
}

/// The rule that says to which stream an event goes.
fn stream_rule(text: &str) -> Result<StreamRule, Failure> {
    StreamRule::compile(text).map_err(|error| {
        let hint = "write an expression over `event`, such as \"'order-' + event.data.id\"";
        Failure::usage(format!("--stream: {error}"), hint)
    })
}

impl From<OnError> for OnBadLine {
    fn from(on_error: OnError) -> Self {
        match on_error {
            OnError::Stop => Self::Stop,
            OnError::Skip => Self::Skip,
        }
    }
}

impl ImportArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let place = self.store.place()?;
        let rejected = self.rejected()?;
        let streams = self.stream.as_deref().map(stream_rule).transpose()?;
        let (input, bytes) = self.input()?;
        let stop = interrupt::listen();
        let opened = open::for_appending(&place, "trunkline import", output).await?;
        let options = ImportOptions {
            source: match self.file.to_string_lossy() {
                file if file == "-" => "standard input".to_owned(),
                file => file.into_owned(),
            },
            on_bad_line: self.on_error.into(),
            rejected,
            batch: self.batch as usize,
            streams,
        };
        let file = options.source.clone();
        let imported = {
            let progress = Progress::noted_bytes(output, "importing", bytes);
            let listener = |news: ImportNews<'_>| match news {
                ImportNews::Stored { bytes, events } => {
                    progress.at(bytes);
                    progress.note_events(events);
                }
                ImportNews::Rejected { before, line, reason } => {
                    progress.aside(|| match before.cmp(&REJECTED_NAMED_MAX) {
                        Ordering::Less => {
                            output.warn(format_args!("rejected line {line} of {file}: {reason}"));
                        }
                        Ordering::Equal => output.warn("further rejected lines are not named here"),
                        Ordering::Greater => {}
                    });
                }
            };
            import(&*opened.store, input, options, &stop, listener).await
        };
        opened.close().await;
        output.report(&imported?)
    }

    /// What is read, and how many bytes that is, if that is known.
    fn input(&self) -> Result<(Box<dyn Read + Send>, Option<u64>), Failure> {
        if self.file.as_os_str() == "-" {
            return Ok((Box::new(io::stdin()), None));
        }
        let failed = |source| Failure::file(format!("opening {}", self.file.display()), source);
        let file = File::open(&self.file).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        let bytes = metadata.is_file().then_some(metadata.len());
        Ok((Box::new(file), bytes))
    }

    /// Where lines that are passed over go.
    fn rejected(&self) -> Result<PathBuf, Failure> {
        let path = match &self.rejected {
            Some(_) if self.on_error == OnError::Stop => {
                return Err(Failure::usage(
                    "--rejected names a file for lines that are passed over, and none are",
                    "add --on-error skip",
                ));
            }
            Some(path) => path.clone(),
            None if self.file.as_os_str() == "-" => "stdin.rejected.jsonl".into(),
            None => {
                let mut name = self.file.clone().into_os_string();
                name.push(".rejected.jsonl");
                name.into()
            }
        };
        let same = |path: &PathBuf| Some(path.canonicalize().ok()? == self.file.canonicalize().ok()?);
        if same(&path) == Some(true) {
            return Err(Failure::usage(
                "the rejected lines would overwrite the file that is imported",
                "name another file with --rejected",
            ));
        }
        if self.on_error == OnError::Skip {
            may_hold_lines(&path)?;
        }
        Ok(path)
    }
}
