//! Why an application could not be built.

use trunkline_core::upcast::ChainError;
use trunkline_core::{InvalidName, Position};
use trunkline_store::{MaintainError, OpenError, ReadError};

use crate::WiringProblem;
use crate::backend::{DsnError, OpenQueueError, Place};
use crate::messages::{ConsumerError, RelayError};
use crate::saga::SagaError;

/// Why an application could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Something that was to be installed can't be: an application file has mistakes, say.
    #[error(transparent)]
    Install(Box<dyn std::error::Error + Send + Sync>),
    /// A command or query has two handlers.
    #[error("the {what} \"{name}\" has two handlers; register one")]
    HandledTwice {
        /// `command` or `query`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A projection that the program registered can't be one.
    #[error("the projection \"{name}\" can't be: {reason}")]
    Projection {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The DSN of the event store or the read database is none.
    #[error("{error}; {}", .error.hint())]
    Dsn {
        /// What is wrong with it.
        error: DsnError,
    },
    /// The event store could not be opened.
    #[error("the event store {place} can't be opened: {source}")]
    Open {
        /// Which store, and what named it.
        place: Box<Place>,
        /// Why.
        source: OpenError,
    },
    /// What its sagas have recorded can't be read, or what they have to record first can't be appended.
    #[error("{error}")]
    Sagas {
        /// Why.
        error: Box<SagaError>,
    },
    /// Parts of it name what there isn't, or wait for what never comes.
    #[error("{}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wiring {
        /// Every problem.
        problems: Vec<WiringProblem>,
    },
    /// What the program and the file say of old events doesn't fit together.
    #[error("{}", .errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Upcasts {
        /// Every mistake.
        errors: Vec<ChainError>,
    },
    /// A decider writes an event in another version than is declared.
    #[error("the program writes {event_type} in version {program}, and the file declares version {file}")]
    EventVersion {
        /// The event.
        event_type: &'static str,
        /// The program's version.
        program: u32,
        /// The declared version.
        file: u32,
    },
    /// Events can't wait for a consumer of the topic `events`, whose group would be part of a topic's name.
    #[error("a consumer of the log: {error}")]
    Group {
        /// What is wrong with the group's name.
        error: InvalidName,
    },
    /// A hook refused.
    #[error("the hook \"{hook}\" failed: {reason}")]
    Hook {
        /// The hook.
        hook: String,
        /// Why.
        reason: String,
    },
}

/// Why an application's relays and consumers ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The message queue is not open.
    #[error(transparent)]
    Queue(#[from] OpenQueueError),
    /// The store was made of a backup, and what stands beside it may know a later history.
    #[error(
        "the store was restored to position {position}, and what stands beside it has not been reconciled with it"
    )]
    Restored {
        /// The last event of the backup.
        position: Position,
    },
    /// Whether the store was restored can't be found out.
    #[error(transparent)]
    Mark(#[from] MaintainError),
    /// The log can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The sagas.
    #[error("the sagas stopped: {0}")]
    Sagas(#[from] SagaError),
    /// A relay.
    #[error("the relay \"{name}\" stopped: {source}")]
    Relay {
        /// Its name.
        name: String,
        /// Why.
        source: RelayError,
    },
    /// A consumer.
    #[error("the consumer \"{name}\" stopped: {source}")]
    Consumer {
        /// Its name.
        name: String,
        /// Why.
        source: ConsumerError,
    },
}
