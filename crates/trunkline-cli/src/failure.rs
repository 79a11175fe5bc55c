//! Failures: what a command can end with, and what the user can do about it.

use std::io;

use trunkline::history::HistoryError;
use trunkline::migrate::MigrateError;
use trunkline::saga::SagaError;
use trunkline::{
    BuildError, DispatchError, DsnError, OpenStoreError, Origin, Place, ProjectionError, QueryError,
    SystemError,
};
use trunkline_core::{StreamName, Version};
use trunkline_queue::OperateError;
use trunkline_store::{Advice, AppendError, MaintainError, OpenError, ReadError, StorageError};

use crate::commands::{ImportReport, projection_hints, saga_hints};
use crate::queue::QueueFailure;
use crate::render::{Mistakes, counted};

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The store's name makes no sense.
    #[error(transparent)]
    Dsn(#[from] DsnError),
    /// The command line makes no sense, in a way that its grammar could not tell.
    #[error("{message}")]
    Usage { message: String, hint: String },
    /// The store could not be opened.
    #[error("{source}")]
    Open { source: OpenError, place: Place },
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Maintain(#[from] MaintainError),
    #[error(transparent)]
    Queue(#[from] QueueFailure),
    /// A file other than the store's could not be read or written.
    #[error("{what}")]
    File { what: String, source: io::Error },
    /// The stream that was to be read has no events.
    #[error("stream `{stream}` has no events")]
    NoEvents { stream: StreamName },
    /// A verification found problems, which were printed.
    #[error("the store is corrupt: {}", counted(.count.to_owned(), "problem"))]
    Problems { count: u64 },
    /// An application file has errors.
    #[error("{file} has {}", counted(.errors.to_owned(), "error"))]
    Mistakes {
        file: String,
        errors: u64,
        /// What is wrong, unless it was printed as data.
        unprinted: Option<Box<Mistakes>>,
    },
    /// An application could not be built.
    #[error(transparent)]
    Build(BuildError),
    /// A command had no outcome.
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
    /// A command was rejected, which was printed.
    #[error("the command was rejected")]
    Rejected,
    /// A line of commands is none.
    #[error("line {line}: {reason}")]
    CommandLine { line: u64, reason: String },
    /// The application doesn't run.
    #[error(transparent)]
    System(SystemError),
    /// Something has to be looked at, which was printed.
    #[error("not all is well: {what}")]
    Unwell {
        what: String,
        /// What to do was printed, too.
        remedied: bool,
    },
    /// The user asked a run to stop.
    #[error("interrupted after {}", counted(.done.to_owned(), "command"))]
    RunInterrupted { done: u64 },
    /// Scenarios did not pass, which was printed.
    #[error("{} did not pass", counted(.failed.to_owned(), "scenario"))]
    Scenarios { failed: u64 },
    /// Stored events don't reach today's shapes, which was printed.
    #[error("{} can't be read", counted(.events.to_owned(), "stored event"))]
    Undecodable { events: u64 },
    /// A migration ended before its end.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The user asked the command to stop.
    #[error("interrupted")]
    Stopped { hint: String },
    /// An aggregate's state could not be told.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// Sagas can't go on, or an order can't be carried out.
    #[error(transparent)]
    Saga(#[from] SagaError),
    /// A query has no answer.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// An SQL text has no answer.
    #[error(transparent)]
    Sql(#[from] trunkline::sql::AskError),
    /// A projection doesn't go on.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// Rows are not what the events make, which was printed.
    #[error("the rows of {} are not what the events make", .projections.join(", "))]
    Diverged { projections: Vec<String> },
    /// A check of sagas found problems, which were printed.
    #[error("the sagas are not whole: {}", counted(.count.to_owned(), "problem"))]
    SagaProblems { count: u64 },
    /// The code that was to be explained doesn't exist.
    #[error("there is no code {code:?}")]
    NoCode { code: String, near: Option<&'static str> },
    /// A line could not be imported, and the import was to stop then.
    #[error("line {line}: {reason}")]
    ImportStopped { line: u64, reason: String, so_far: ImportSoFar },
    /// The store or the input failed during an import.
    #[error("{cause}")]
    ImportFailed {
        #[source]
        cause: Box<Failure>,
        so_far: ImportSoFar,
    },
    /// The user asked the import to stop.
    #[error("interrupted")]
    Interrupted { so_far: ImportSoFar },
    /// The output could not be written.
    #[error("writing to standard output")]
    Output(#[source] io::Error),
}

impl From<OpenStoreError> for Failure {
    fn from(error: OpenStoreError) -> Self {
        match error {
            OpenStoreError::Dsn { error } => Self::Dsn(error),
            OpenStoreError::Open { place, source } => Self::Open { source, place: *place },
            other => Self::Build(other.into()),
        }
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Open { place, source } => Self::Open { source, place: *place },
            other => Self::Build(other),
        }
    }
}

impl From<SystemError> for Failure {
    fn from(error: SystemError) -> Self {
        match error {
            SystemError::Queue(error) => Self::Queue(error.into()),
            SystemError::Numbers(error) => Self::Queue(OperateError::from(error).into()),
            SystemError::Projections(error) => Self::Projection(error),
            SystemError::Sagas(error) => Self::Saga(error),
            SystemError::Read(error) => Self::Read(error),
            other => Self::System(other),
        }
    }
}

/// How far an import had come when it ended early.
#[derive(Clone, Debug)]
pub(crate) struct ImportSoFar {
    /// What was done until then.
    pub(crate) report: ImportReport,
    /// The first line of which nothing was stored.
    pub(crate) from_line: u64,
    /// Whether that is certain.
    pub(crate) certain: bool,
}

impl Failure {
    /// The failure with its causes, on one line.
    pub(crate) fn message(&self) -> String {
        let mut message = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let text = error.to_string();
            // Some errors repeat their cause in their own text, or say it more shortly.
            if !message.ends_with(&text) && !text.ends_with(&message) {
                message.push_str(": ");
                message.push_str(&text);
            }
            cause = error.source();
        }
        message
    }

    /// What the user can do, each a sentence of its own.
    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::Dsn(error) => vec![error.hint()],
            Self::Usage { hint, .. } | Self::Stopped { hint } => vec![hint.clone()],
            Self::Migrate(error) => migrate_hints(error),
            Self::Queue(failure) => failure.hints(),
            Self::Open { source, place } => open_hints(source, place),
            Self::Append(error) => append_hints(error),
            Self::Read(error) => match error.advice() {
                Advice::Stop => vec!["`trunkline verify` says what is damaged and what to do".to_owned()],
                Advice::Retry | Advice::Reload | Advice::FixRequest => Vec::new(),
            },
            Self::Dispatch(error) => dispatch_hints(error),
            Self::History(HistoryError::UnknownAggregate { known, .. }) if !known.is_empty() => {
                vec![format!("it declares {}", known.join(", "))]
            }
            Self::Projection(error) => projection_hints(error),
            Self::Diverged { projections } => {
                let rebuilds =
                    projections.iter().map(|name| format!("trunkline projection rebuild FILE {name}"));
                let again = "when they differ again, a statement makes other rows each time, as with datetime('now'), \
                             or an event that was put aside was applied later";
                rebuilds.chain([again.to_owned()]).collect()
            }
            Self::Saga(error) => saga_hints(error),
            Self::SagaProblems { .. } => {
                vec!["`trunkline saga show FILE SAGA` shows all that happened to one".to_owned()]
            }
            Self::Query(QueryError::UnknownQuery { near: None, .. }) => {
                vec!["the file declares queries in sections [queries.NAME]".to_owned()]
            }
            Self::File { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
                vec!["name another file; one that exists is left as it is".to_owned()]
            }
            Self::System(SystemError::HeldUp { .. }) => vec![
                "with that remedied, run the same again: it goes on where it was, and nothing is done twice"
                    .to_owned(),
            ],
            Self::History(_)
            | Self::Query(_)
            | Self::Sql(_)
            | Self::Build(_)
            | Self::Rejected
            | Self::System(_)
            | Self::Unwell { remedied: true, .. }
            | Self::Scenarios { .. }
            | Self::Undecodable { .. }
            | Self::Maintain(_)
            | Self::File { .. }
            | Self::NoEvents { .. }
            | Self::Mistakes { .. }
            | Self::Output(_) => Vec::new(),
            Self::CommandLine { .. } => vec!["a line is {\"command\":…,\"id\":…,\"occurred_at\":…,\"data\":{…}}; nothing from this line on was dispatched".to_owned()],
            Self::Unwell { remedied: false, .. } => vec!["`trunkline doctor` says what to do about each".to_owned()],
            Self::RunInterrupted { .. } => {
                vec!["run the same again to go on: a command with an id has one outcome".to_owned()]
            }
            Self::Problems { .. } => vec!["the report says what to do about each".to_owned()],
            Self::NoCode { near: Some(near), .. } => vec![format!("did you mean {near}?")],
            Self::NoCode { near: None, .. } => vec!["`trunkline explain` lists all codes".to_owned()],
            Self::ImportStopped { so_far, .. } => vec![
                so_far.to_string(),
                "mend the line and run the same again: what is there is not added twice; \
                 or pass over such lines with --on-error skip"
                    .to_owned(),
            ],
            Self::ImportFailed { so_far, .. } => vec![
                so_far.to_string(),
                "with that remedied, run the same again: what is there is not added twice".to_owned(),
            ],
            Self::Interrupted { so_far } => vec![
                so_far.to_string(),
                "run the same again to go on: what is there is not added twice".to_owned(),
            ],
        }
    }
}

impl std::fmt::Display for ImportSoFar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { report, from_line, certain } = self;
        if *certain {
            write!(f, "{}; nothing from line {from_line} on was stored", report.counts())
        } else {
            write!(f, "{}; whether lines from {from_line} on were stored is unknown", report.counts())
        }
    }
}

fn open_hints(error: &OpenError, place: &Place) -> Vec<String> {
    match error {
        OpenError::NotFound { .. } => {
            let mut hints = vec![format!(
                "the first `trunkline append` or `trunkline import` with --store {} makes it",
                place.dsn
            )];
            if !matches!(place.origin, Origin::Flag(_)) {
                hints.push(format!("the place comes from: {}; --store names another", place.origin));
            }
            hints
        }
        OpenError::InUse { .. } => vec![
            "one process at a time appends; stop that one, or wait until it has ended".to_owned(),
            "read, tail, streams, export, verify, stats, backup, query, sql and state work beside it"
                .to_owned(),
        ],
        OpenError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
            vec!["make room, then run the same again; nothing was lost".to_owned()]
        }
        OpenError::Corrupt { .. } => {
            vec![
                "nothing was changed; `trunkline restore` makes a store of a backup, in another folder"
                    .to_owned(),
            ]
        }
        _ => Vec::new(),
    }
}

fn dispatch_hints(error: &DispatchError) -> Vec<String> {
    match error {
        DispatchError::Append(error) => append_hints(error),
        DispatchError::UnknownCommand { near: None, .. } => {
            vec!["the file declares commands in sections [commands.NAME]".to_owned()]
        }
        DispatchError::IdTaken { .. } => {
            vec![
                "every command has an id of its own; choose another, or send the first one as it was to have its outcome"
                    .to_owned(),
            ]
        }
        _ if error.advice() == Advice::Retry => {
            vec!["dispatched again under an --id of its own, it is done once".to_owned()]
        }
        _ => Vec::new(),
    }
}

fn migrate_hints(error: &MigrateError) -> Vec<String> {
    let again = || "run the same again to go on: what is there is not added twice".to_owned();
    match error {
        MigrateError::SameStore => vec!["name a store with --to that doesn't exist yet".to_owned()],
        MigrateError::Stopped { .. } => vec![
            "nothing from there on was written; `trunkline events census` lists all that don't reach today's shape"
                .to_owned(),
            again(),
        ],
        MigrateError::Differs { .. } => vec![
            "the file, the rule or the old store is another than in the run before, or somebody has appended to the \
             new store; nothing was written: name another store with --to"
                .to_owned(),
        ],
        MigrateError::Append(error) => append_hints(error).into_iter().chain([again()]).collect(),
        MigrateError::Checkpoint(_) => vec![
            "each file in the folder `.checkpoints` beside the store is one; without it, its reader begins at the first \
             event"
                .to_owned(),
            again(),
        ],
        MigrateError::Read(_) | MigrateError::ReadBack(_) | MigrateError::NotThere { .. } => {
            vec!["`trunkline verify` says what is damaged and what to do".to_owned()]
        }
        _ => Vec::new(),
    }
}

fn append_hints(error: &AppendError) -> Vec<String> {
    match error {
        AppendError::Conflict { stream, found: Version::EMPTY, .. } => {
            vec![format!("stream `{stream}` has no events yet: --expected no-stream appends its first")]
        }
        AppendError::Conflict { stream, found, .. } => vec![format!(
            "see what is there with `trunkline read {stream}`, decide again, and append with --expected {found}"
        )],
        AppendError::EventIdTaken { .. } => {
            vec!["every event has an id of its own; without --id it gets a new one".to_owned()]
        }
        AppendError::Storage(StorageError::NotStored { .. }) => {
            vec!["once there is room, the same command works again".to_owned()]
        }
        AppendError::Storage(StorageError::Unknown { .. }) => {
            vec![
                "look with `trunkline read`, or append again under the same --id: it is stored once"
                    .to_owned(),
            ]
        }
        _ => Vec::new(),
    }
}
