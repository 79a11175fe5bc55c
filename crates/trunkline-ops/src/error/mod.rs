//! Errors: what an operation can end with, whatever it was asked for by.
//!
//! What to do about each is in [`hint`](crate::hint), how a command ends with it in [`exit`](crate::exit), and which page
//! explains it in [`code`](crate::code); each is one exhaustive `match`.

mod queue;
mod verdict;

use std::io;
use std::path::PathBuf;

use trunkline::history::HistoryError;
use trunkline::saga::SagaError;
use trunkline::{
    BuildError, DispatchError, DsnError, OpenQueueError, OpenStoreError, Place, Position, ProjectionError,
    QueryError, ReconcileError, RunError, SystemError,
};
use trunkline_config::{Code, Diagnostic, Evaluated};
use trunkline_core::StreamName;
use trunkline_place::Held;
use trunkline_queue::{OperateError, PublishError, SubscribeError};
use trunkline_store::{AppendError, MaintainError, OpenError, ReadError};

use crate::import::ImportError;
use crate::migrate::MigrateError;
use crate::run::WrongLine;
use crate::words::counted;
use crate::{code, hint};

pub use queue::QueueError;
pub use verdict::Verdict;

/// Why an operation was not done, or what it found that must not be passed over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpsError {
    /// The store's name makes no sense.
    #[error(transparent)]
    Dsn(#[from] DsnError),
    /// What was asked for makes no sense, in a way that its form could not tell.
    #[error("{message}")]
    Invalid {
        /// What is wrong.
        message: String,
        /// What to ask for instead.
        hint: String,
    },
    /// The store could not be opened.
    #[error("{source}")]
    Open {
        /// Why.
        source: OpenError,
        /// Which store, and where it was named.
        place: Box<Place>,
    },
    /// The store did not take events.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store could not be looked after.
    #[error(transparent)]
    Maintain(#[from] MaintainError),
    /// The message queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// A file other than the store's could not be read or written.
    #[error("{what}")]
    File {
        /// What was to be done with which file.
        what: String,
        /// Why it was not.
        source: io::Error,
    },
    /// What was to be written would go over something else, or into it; nothing was changed.
    #[error("{} is not written: there is {held}", path.display())]
    Occupied {
        /// What was to be written.
        path: PathBuf,
        /// What is there.
        held: Held,
    },
    /// The stream that was to be read has no events.
    #[error("stream `{stream}` has no events")]
    NoEvents {
        /// The stream.
        stream: StreamName,
    },
    /// An application file has errors, and is of no use.
    #[error("{file} has {}", counted(errors_of(evaluated), "error"))]
    Mistakes {
        /// The file.
        file: String,
        /// What is wrong with it.
        evaluated: Box<Evaluated>,
    },
    /// An application was not brought back to the history that its store was restored to.
    #[error(transparent)]
    Reconcile(#[from] ReconcileError),
    /// The store was made of a backup, and what stands beside it may know a later history.
    #[error(
        "the store was restored to position {position}, and what stands beside it has not been reconciled with it"
    )]
    Restored {
        /// The last event of the backup.
        position: Position,
    },
    /// An application could not be built.
    #[error(transparent)]
    Build(BuildError),
    /// A command had no outcome.
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
    /// A line of commands is none.
    #[error("line {line}: {reason}")]
    CommandLine {
        /// Its number.
        line: u64,
        /// Why.
        reason: String,
    },
    /// Lines of a file of commands are none; nothing was dispatched.
    #[error("{}: {}", path.display(), wrong_lines(wrong, *more))]
    CommandFile {
        /// The file.
        path: PathBuf,
        /// The first of them.
        wrong: Vec<WrongLine>,
        /// How many more there are.
        more: u64,
    },
    /// The application doesn't run.
    #[error(transparent)]
    System(Box<SystemError>),
    /// A run was asked to stop.
    #[error("interrupted after {}", counted(.done.to_owned(), "command"))]
    RunInterrupted {
        /// How many commands had their outcome.
        done: u64,
    },
    /// The operation was asked to stop.
    #[error("interrupted")]
    Stopped {
        /// What there is now, and how to go on.
        hint: String,
    },
    /// An import ended before its end.
    #[error(transparent)]
    Import(Box<ImportError>),
    /// A migration ended before its end.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// An aggregate's state could not be computed.
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
    /// The code that was to be explained doesn't exist.
    #[error("there is no code {code:?}")]
    NoCode {
        /// The text.
        code: String,
        /// The code that it is nearest to.
        near: Option<&'static str>,
    },
    /// The clock was never set.
    #[error("the system's clock shows a time before 1970")]
    Clock,
    /// The system starts no more threads.
    #[error("the system starts no more threads")]
    Threads {
        /// What it says.
        source: io::Error,
    },
    /// The operation was done, and what it found is not as it should be.
    #[error(transparent)]
    Verdict(#[from] Verdict),
}

impl OpsError {
    /// The error with its causes, on one line.
    pub fn message(&self) -> String {
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

    /// What can be done about it, each a sentence of its own.
    pub fn hints(&self) -> Vec<String> {
        hint::hints(self)
    }

    /// The code whose page explains it, where there is one.
    pub fn code(&self) -> Option<Code> {
        code::code_of(self)
    }
}

/// How many of a file's diagnostics are errors.
pub(crate) fn errors_of(evaluated: &Evaluated) -> u64 {
    evaluated.diagnostics.iter().filter(|diagnostic| Diagnostic::is_error(diagnostic)).count() as u64
}

fn wrong_lines(wrong: &[WrongLine], more: u64) -> String {
    let lines = wrong.iter().map(|WrongLine { line, reason }| format!("line {line}: {reason}"));
    let more = (more > 0).then(|| format!("and {}", counted(more, "more such line")));
    lines.chain(more).collect::<Vec<_>>().join("; ")
}

impl From<OpenStoreError> for OpsError {
    fn from(error: OpenStoreError) -> Self {
        match error {
            OpenStoreError::Dsn { error } => Self::Dsn(error),
            OpenStoreError::Open { place, source } => Self::Open { source, place },
            other => Self::Build(other.into()),
        }
    }
}

impl From<BuildError> for OpsError {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Open { place, source } => Self::Open { source, place },
            BuildError::Sagas { error } => Self::Saga(*error),
            other => Self::Build(other),
        }
    }
}

impl From<ImportError> for OpsError {
    fn from(error: ImportError) -> Self {
        Self::Import(Box::new(error))
    }
}

impl From<SystemError> for OpsError {
    fn from(error: SystemError) -> Self {
        match error {
            SystemError::Queue(error) => error.into(),
            SystemError::Numbers(error) => OperateError::from(error).into(),
            SystemError::Projections(error) => Self::Projection(error),
            SystemError::Sagas(error) => Self::Saga(error),
            SystemError::Read(error) => Self::Read(error),
            SystemError::Run(RunError::Restored { position }) => Self::Restored { position },
            other => Self::System(Box::new(other)),
        }
    }
}

/// What goes wrong with a queue is one of its errors.
macro_rules! from_queue {
    ($($error:ty),*) => {$(
        impl From<$error> for OpsError {
            fn from(error: $error) -> Self {
                Self::Queue(error.into())
            }
        }
    )*};
}

from_queue!(OpenQueueError, PublishError, SubscribeError, OperateError);
