//! Import: events from lines of JSON.
//!
//! A thread reads and checks the lines (`lines`, `batch`, `reader`), a batch at a time, while the batch before
//! is being stored.
//! A batch is stored in as few atomic appends as the order of its lines allows (`plan`); several of them are
//! in flight together, tied to each other so that none can overtake one that fails (`store`).
//! `known_lines` finds the lines of a half-known append that are there already, `refusals` finds what would be refused
//! before anything is stored, and `rejected` keeps lines that were passed over. `error` says how far it came.

mod batch;
mod error;
mod known_lines;
mod lines;
mod plan;
mod reader;
mod refusals;
mod rejected;
mod store;

use std::io;
use std::path::PathBuf;

use serde::Serialize;
use tokio::sync::mpsc::Receiver;
use trunkline::messages::Stop;
use trunkline_store::EventStore;

use self::reader::Incoming;
use self::rejected::Rejected;
use self::store::{Ended, Importer};
use crate::{OpsError, StreamRule};

pub use error::{ImportError, ImportProblem, ImportSoFar};

/// What a line that cannot be imported does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBadLine {
    /// Ends the import; nothing of the line's batch is kept.
    #[default]
    Stop,
    /// Goes to a file, and the import goes on.
    Skip,
}

/// How an import is done.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// What is imported, as errors name it.
    pub source: String,
    /// What a bad line does.
    pub on_bad_line: OnBadLine,
    /// The file for lines that are passed over; it is made when the first one comes.
    pub rejected: PathBuf,
    /// How many lines make a batch, which is read and checked as a whole before any of it is stored.
    pub batch: usize,
    /// The stream of each event, but for Trunkline's own; without a rule, what the line names. By a rule, versions are
    /// counted anew.
    pub streams: Option<StreamRule>,
}

/// What is heard of an import while it goes on.
#[derive(Clone, Copy, Debug)]
pub enum ImportNews<'a> {
    /// A batch was stored.
    Stored {
        /// How many bytes of the input were read with it and before.
        bytes: u64,
        /// How many events are there now of those that were read.
        events: u64,
    },
    /// A line was passed over.
    Rejected {
        /// How many were before.
        before: u64,
        /// Its number.
        line: u64,
        /// Why.
        reason: &'a str,
    },
}

/// What an import came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Events that were added.
    pub new: u64,
    /// Events that were stored before.
    pub already_there: u64,
    /// Lines that were passed over.
    pub rejected: u64,
    /// The file that has them.
    pub rejected_file: Option<PathBuf>,
}

impl ImportReport {
    /// The counts in words.
    pub fn counts(&self) -> String {
        let Self { new, already_there, rejected, rejected_file } = self;
        let mut counts = format!("{new} new, {already_there} already there");
        if let Some(file) = rejected_file {
            counts.extend([", ", &rejected.to_string(), " rejected (see ", &file.to_string_lossy(), ")"]);
        }
        counts
    }
}

/// Stores the events of all lines, each a `CloudEvents` event or what an export writes, until the input ends, something fails, or
/// the caller asks to stop; `listener` is called with the progress meanwhile.
///
/// An event whose id is stored already is not added again, so the same input can be imported again after whatever ended
/// an import. An input that makes no sense, or a store that fails, is an [`ImportError`].
///
/// ```
/// use trunkline::{EventStore as _, MemoryStore, messages::Stopper};
/// use trunkline_ops::import::{ImportOptions, OnBadLine, import};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let line = r#"{"stream":"lamp-hall","event_type":"SwitchedOn","data":{"by":"ada"}}"#;
/// let options = ImportOptions {
///     source: "lamps.jsonl".to_owned(),
///     on_bad_line: OnBadLine::Stop,
///     rejected: "lamps.rejected.jsonl".into(),
///     batch: 1_000,
///     streams: None,
/// };
/// let (store, (_stopper, stop)) = (MemoryStore::new(), Stopper::new());
/// let report = import(&store, line.as_bytes(), options, &stop, |_| ()).await?;
/// assert_eq!((report.new, store.head().await?.get()), (1, 1));
/// # Ok(())
/// # }
/// ```
pub async fn import(
    store: &dyn EventStore,
    input: impl io::Read + Send + 'static,
    options: ImportOptions,
    stop: &Stop,
    listener: impl FnMut(ImportNews<'_>),
) -> Result<ImportReport, OpsError> {
    let ImportOptions { source, on_bad_line, rejected, batch, streams } = options;
    let incoming = reader::start(Box::new(input), batch, streams);
    let importer = Importer::new(store, on_bad_line, Rejected::to(rejected), listener);
    store_all(importer, incoming, stop, &source).await
}

async fn store_all(
    mut importer: Importer<'_, impl FnMut(ImportNews<'_>)>,
    mut incoming: Receiver<Incoming>,
    stop: &Stop,
    source: &str,
) -> Result<ImportReport, OpsError> {
    loop {
        let next = tokio::select! {
            biased;
            () = stop.asked() => return Err(importer.ended(ImportProblem::Interrupted)),
            next = incoming.recv() => next,
        };
        let cause = match next {
            Some(Incoming::Batch(batch)) => {
                let bytes = batch.ends_at;
                if let Err(ended) = importer.batch(batch).await {
                    let problem = match ended {
                        Ended::Line { line, reason } => {
                            ImportProblem::Line { file: source.to_owned(), line, reason }
                        }
                        Ended::Failed(cause) => ImportProblem::Failed { cause },
                    };
                    return Err(importer.ended(problem));
                }
                importer.tell_stored(bytes);
                continue;
            }
            Some(Incoming::End) => return importer.finish(),
            Some(Incoming::Failed(error)) => unread(source, error),
            Some(Incoming::NoThread(source)) => OpsError::Threads { source },
            None => unread(source, io::Error::other("the reading thread ended before the file did")),
        };
        return Err(importer.ended(ImportProblem::Failed { cause: Box::new(cause) }));
    }
}

fn unread(source: &str, error: io::Error) -> OpsError {
    OpsError::File { what: format!("reading {source}"), source: error }
}
