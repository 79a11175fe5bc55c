//! Why a dispatch gave no outcome.

use std::time::Duration;

use trunkline_core::CommandId;
use trunkline_store::{Advice, AppendError, ReadError};

/// Why a command had no outcome. That a command is rejected is an outcome, and not here.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DispatchError {
    /// No handler has this name.
    #[error("no command is named \"{name}\"{}", did_you_mean(.near.as_deref()))]
    UnknownCommand {
        /// The name.
        name: String,
        /// The nearest name there is.
        near: Option<String>,
    },
    /// The id has been used for another command: one with another name, or with other data.
    #[error("this id was used for another command: \"{id}\" belongs to \"{first}\"{}", other(first, command))]
    IdTaken {
        /// The id.
        id: CommandId,
        /// The command that had it first.
        first: String,
        /// The command that was sent now.
        command: String,
    },
    /// The caller may not do this.
    #[error("not allowed: {reason}")]
    Forbidden {
        /// Why.
        reason: String,
    },
    /// The outcome was not there in time. Whether there is one is unknown; sent again under the same id, the
    /// command tells.
    #[error("no outcome within {after:?}; whether there is one is unknown")]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// Others kept appending to the stream first.
    #[error("given up after {attempts} attempts: {last}")]
    Conflict {
        /// How often it was tried.
        attempts: u32,
        /// What the last attempt met.
        last: AppendError,
    },
    /// The store did not take the events.
    #[error(transparent)]
    Append(AppendError),
    /// What the decision rests on could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A stored event is not what the code takes it for, so the state is unknown.
    #[error("a stored event can't be read: {what}")]
    Unreadable {
        /// Which, and why.
        what: String,
    },
    /// The handler failed.
    #[error("{command} failed: {reason}")]
    Failed {
        /// The command.
        command: String,
        /// What happened.
        reason: String,
    },
}

fn other(first: &str, command: &str) -> String {
    if first == command { " with other data".to_owned() } else { format!(", not to \"{command}\"") }
}

fn did_you_mean(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"))
}

impl DispatchError {
    /// What the caller can do.
    pub fn advice(&self) -> Advice {
        match self {
            Self::UnknownCommand { .. } | Self::IdTaken { .. } | Self::Forbidden { .. } => Advice::FixRequest,
            Self::TimedOut { .. } | Self::Conflict { .. } | Self::Failed { .. } => Advice::Retry,
            Self::Unreadable { .. } => Advice::Stop,
            Self::Append(error) => error.advice(),
            Self::Read(error) => error.advice(),
        }
    }
}
