//! Why sagas can't go on, or an order can't be carried out.

use trunkline_core::saga::OrderError;
use trunkline_core::upcast::UpcastError;
use trunkline_core::{Position, StreamName, Version};
use trunkline_queue::PublishError;
use trunkline_store::derived::{CheckpointError, SagaIndexError};
use trunkline_store::{Advice, AppendError, ReadError};

use crate::follow::FollowError;

/// Whose checkpoint is meant where all sagas are.
const ALL: &str = super::runner::NAME;

impl From<FollowError> for SagaError {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Read(error) => error.into(),
            FollowError::Shrank(position) => {
                let (name, found) = (ALL.to_owned(), "no event");
                CheckpointError::AheadOfLog { name, position, found }.into()
            }
        }
    }
}

/// Why sagas can't go on, or an order can't be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SagaError {
    /// How far sagas have come can't be read or kept.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What an event is today can't be found out; neither it nor what comes after it has had its effect.
    #[error("the sagas can't go on")]
    Upcast(#[from] UpcastError),
    /// What was to be recorded could not be appended.
    #[error("what follows for the saga `{stream}` can't be appended")]
    Append {
        /// The saga's stream.
        stream: StreamName,
        /// Why.
        source: AppendError,
    },
    /// Messages were not published; they will be, when sagas run again.
    #[error("the sagas stand after position {after}")]
    Publish {
        /// Up to where all was published.
        after: Position,
        /// Why.
        source: PublishError,
    },
    /// An event of a saga's stream can't be read: a newer version wrote it, or it was damaged.
    #[error("the saga's event {stream} version {version} can't be read: {reason}")]
    Unreadable {
        /// The saga's stream.
        stream: StreamName,
        /// The event's version.
        version: Version,
        /// Why.
        reason: String,
    },
    /// The index of sagas can't be read or written; it may be removed, and is made again.
    #[error(transparent)]
    Index(#[from] SagaIndexError),
    /// There is no saga of this name.
    #[error("there is no saga named \"{name}\"{}", near.as_ref().map_or_else(String::new, |near| format!("; did you mean \"{near}\"?")))]
    UnknownName {
        /// The name.
        name: String,
        /// The nearest one that there is.
        near: Option<String>,
    },
    /// No saga with this id was started.
    #[error("no saga `{id}` was started")]
    NotFound {
        /// What was asked for.
        id: String,
    },
    /// Sagas of several names have this id.
    #[error("several sagas have this id: {}; name one", found.join(", "))]
    Ambiguous {
        /// All of them.
        found: Vec<String>,
    },
    /// The data by which one is to be started says no id that a saga can have.
    #[error("the saga \"{name}\" can't be started with this data: {reason}")]
    NoKey {
        /// The saga's name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The order can't be carried out.
    #[error("{saga}: {source}")]
    Order {
        /// The saga, as `NAME-ID`.
        saga: String,
        /// Why.
        source: OrderError,
    },
}

impl SagaError {
    /// What can be done about it.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Append { source, .. } => source.advice(),
            Self::Publish { source, .. } if source.advice() == Advice::Retry => Advice::Retry,
            Self::Checkpoint(error) if error.passes() => Advice::Retry,
            Self::Index(error) if error.passes => Advice::Retry,
            Self::UnknownName { .. }
            | Self::NotFound { .. }
            | Self::Ambiguous { .. }
            | Self::NoKey { .. }
            | Self::Order { .. } => Advice::FixRequest,
            _ => Advice::Stop,
        }
    }
}
