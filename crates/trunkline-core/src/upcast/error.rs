//! What can be wrong with links, and why an event does not reach today's shape.

use crate::{Position, StreamName, Version};

/// What is wrong with links.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// Two links begin at the same shape.
    #[error("two upcasts begin at {event_type} {version}; keep one")]
    Twice {
        /// The type.
        event_type: String,
        /// The version.
        version: u32,
    },
    /// A link begins at today's version and stays with its type, or at a version after it.
    #[error("an upcast begins at {event_type} {version}, but {present} is its present version")]
    BeyondPresent {
        /// The type.
        event_type: String,
        /// Where the link begins.
        version: u32,
        /// Today's version.
        present: u32,
    },
    /// Nothing leads from a version to today's.
    #[error("nothing leads from {event_type} {version} to its present version {present}")]
    Gap {
        /// The type.
        event_type: String,
        /// The version that nothing leads on from.
        version: u32,
        /// Today's version.
        present: u32,
    },
    /// Links lead round in a circle.
    #[error("the upcast from {event_type} {version} leads back to where it began")]
    Endless {
        /// The type.
        event_type: String,
        /// The version.
        version: u32,
    },
    /// A step can't be one.
    #[error("{event_type} {version}, {step}: {reason}")]
    Step {
        /// The type.
        event_type: String,
        /// The version.
        version: u32,
        /// The step.
        step: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ChainError {
    /// The shape at which the link begins that has the mistake, or should begin.
    pub fn at(&self) -> (&str, u32) {
        match self {
            Self::Twice { event_type, version }
            | Self::BeyondPresent { event_type, version, .. }
            | Self::Gap { event_type, version, .. }
            | Self::Endless { event_type, version }
            | Self::Step { event_type, version, .. } => (event_type, *version),
        }
    }
}

/// Why a stored event does not reach today's shape.
///
/// Nothing that needs its state can go on until it does.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{event_type} {schema_version} at position {position} ({stream} version {version}): {problem}")]
pub struct UpcastError {
    /// Its type, as it is stored.
    pub event_type: String,
    /// The version of its shape, as it is stored.
    pub schema_version: u32,
    /// Its place in the store.
    pub position: Position,
    /// Its stream.
    pub stream: StreamName,
    /// Its place in the stream.
    pub version: Version,
    /// What went wrong.
    pub problem: Box<UpcastProblem>,
}

/// What went wrong with a stored event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpcastProblem {
    /// Its shape is newer than what is known here: a newer program stored it.
    #[error("its shape is {event_type} {version}, newer than the present {present}{}", remedy(declared_in.as_deref(), event_type, *version))]
    Newer {
        /// The type.
        event_type: String,
        /// The version.
        version: u32,
        /// The newest that is known.
        present: u32,
        /// The file that says so, or that says nothing of it, which means the first version.
        declared_in: Option<String>,
    },
    /// Nothing leads on from its shape.
    #[error("nothing leads on from {event_type} {version}; add an upcast that begins there")]
    NoLink {
        /// The type.
        event_type: String,
        /// The version.
        version: u32,
    },
    /// A step fails on its data.
    #[error("{event_type} {version}, {step}: {reason}")]
    Step {
        /// The type it had by then.
        event_type: String,
        /// The version it had by then.
        version: u32,
        /// The step.
        step: String,
        /// What went wrong.
        reason: String,
    },
    /// It would be split into more events than is sensible.
    #[error("it becomes more than {limit} events")]
    TooMany {
        /// How many it may become.
        limit: usize,
    },
}

/// What helps against an event that is newer than what reads it.
fn remedy(declared_in: Option<&str>, event_type: &str, version: u32) -> String {
    match declared_in {
        None => "; update what reads it".to_owned(),
        Some(file) => format!(
            " of {file}; use the file that stores it so, or say in [events.{event_type}] what version {version} is"
        ),
    }
}
