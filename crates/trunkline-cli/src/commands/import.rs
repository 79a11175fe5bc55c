//! `import`: events from lines of JSON.
//!
//! A thread reads and checks the lines (`lines`, `batch`, `reader`), a batch at a time, while the batch before
//! is being stored.
//! A batch is stored in as few atomic appends as the order of its lines allows (`plan`); several of them are
//! in flight together, tied to each other so that none can overtake one that fails (`store`).
//! `sift` finds the lines of a half-known append that are there already, `foresee` finds what would be refused
//! before anything is stored, and `rejected` keeps lines that were passed over.

mod batch;
mod foresee;
mod lines;
mod plan;
mod reader;
mod rejected;
mod sift;
mod store;

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use trunkline_core::limits::BATCH_EVENTS_MAX;

use self::reader::{Incoming, Input};
use self::rejected::Rejected;
use self::store::{Importer, Stop};
use crate::args::StoreArgs;
use crate::failure::{Failure, ImportSoFar};
use crate::interrupt::Interrupt;
use crate::open;
use crate::output::{Output, Report};
use crate::progress::Progress;

const EXAMPLES: &str = "\
Examples:
  trunkline import orders-events.jsonl
  trunkline import orders-events.jsonl --on-error skip --rejected bad.jsonl
  trunkline export --store log:a | trunkline import --store log:b -

A line is a CloudEvents 1.0 event (subject is the stream) or what `export` writes; the latter keeps its \
id, its version and the time of its recording. Empty lines are passed over. An event whose id is there \
already is not added again, so the same file can be imported again after whatever stopped it.

A batch is read and checked as a whole before any of it is stored. A version that would not come out \
as the line says, or an id that another stream's event has, is a bad line, too; so is metadata under a name \
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

/// What an import came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ImportReport {
    /// Events that were added.
    pub(crate) new: u64,
    /// Events that were stored before.
    pub(crate) already_there: u64,
    /// Lines that were passed over.
    pub(crate) rejected: u64,
    /// The file that has them.
    pub(crate) rejected_file: Option<PathBuf>,
}

impl ImportReport {
    /// The counts in words.
    pub(crate) fn counts(&self) -> String {
        let Self { new, already_there, rejected, rejected_file } = self;
        let mut counts = format!("{new} new, {already_there} already there");
        if let Some(file) = rejected_file {
            counts.extend([", ", &rejected.to_string(), " rejected (see ", &file.to_string_lossy(), ")"]);
        }
        counts
    }
}

impl Report for ImportReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.counts())
    }
}

impl ImportArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let place = self.store.place()?;
        let rejected = self.rejected()?;
        let (input, bytes) = self.input()?;
        let mut interrupt = Interrupt::listen();
        let opened = open::for_appending(&place, "trunkline import", output).await?;
        let imported = {
            let progress = Progress::noted_bytes(output, "importing", bytes);
            let mut tell = |count: u64, line: u64, reason: &str| {
                progress.aside(|| match count.cmp(&REJECTED_NAMED_MAX) {
                    std::cmp::Ordering::Less => output.warn(format_args!("rejected line {line}: {reason}")),
                    std::cmp::Ordering::Equal => output.warn("further rejected lines are not named here"),
                    std::cmp::Ordering::Greater => {}
                });
            };
            let incoming = reader::start(input, self.batch as usize);
            let importer = Importer::new(&*opened.store, self.on_error, rejected, &mut tell);
            import(importer, incoming, &progress, &mut interrupt, &self.file).await
        };
        opened.close().await;
        output.report(&imported?)
    }

    /// What is read, and how many bytes that is, if that is known.
    fn input(&self) -> Result<(Input, Option<u64>), Failure> {
        if self.file.as_os_str() == "-" {
            return Ok((Input::Stdin, None));
        }
        let failed = |source| Failure::File { what: format!("opening {}", self.file.display()), source };
        let file = File::open(&self.file).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        Ok((Input::File(file), metadata.is_file().then_some(metadata.len())))
    }

    /// Where lines that are passed over go.
    fn rejected(&self) -> Result<Rejected, Failure> {
        let path = match &self.rejected {
            Some(_) if self.on_error == OnError::Stop => {
                return Err(Failure::Usage {
                    message: "--rejected names a file for lines that are passed over, and none are"
                        .to_owned(),
                    hint: "add --on-error skip".to_owned(),
                });
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
            return Err(Failure::Usage {
                message: "the rejected lines would overwrite the file that is imported".to_owned(),
                hint: "name another file with --rejected".to_owned(),
            });
        }
        Ok(Rejected::to(path))
    }
}

/// Stores what comes in until it ends, something fails, or the user asks to stop.
async fn import(
    mut importer: Importer<'_>,
    mut incoming: tokio::sync::mpsc::Receiver<Incoming>,
    progress: &Progress,
    interrupt: &mut Interrupt,
    file: &std::path::Path,
) -> Result<ImportReport, Failure> {
    loop {
        let next = tokio::select! {
            biased;
            () = interrupt.wait() => return Err(Failure::Interrupted { so_far: importer.so_far() }),
            next = incoming.recv() => next,
        };
        match next {
            Some(Incoming::Batch(batch)) => {
                let bytes = batch.ends_at;
                importer.batch(batch).await.map_err(|stop| stopped(stop, &importer))?;
                progress.at(bytes);
                progress.note_events(importer.report.new + importer.report.already_there);
            }
            Some(Incoming::End) => return importer.finish(),
            Some(Incoming::Failed(source)) => {
                let cause = Failure::File { what: format!("reading {}", file.display()), source };
                return Err(stopped(Stop::Failed(Box::new(cause)), &importer));
            }
            None => {
                let source = io::Error::other("the reading thread ended before the file did");
                let cause = Failure::File { what: format!("reading {}", file.display()), source };
                return Err(stopped(Stop::Failed(Box::new(cause)), &importer));
            }
        }
    }
}

fn stopped(stop: Stop, importer: &Importer<'_>) -> Failure {
    let so_far: ImportSoFar = importer.so_far();
    match stop {
        Stop::Line { line, reason } => Failure::ImportStopped { line, reason, so_far },
        Stop::Failed(cause) => Failure::ImportFailed { cause, so_far },
    }
}
