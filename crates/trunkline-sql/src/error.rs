//! What goes wrong with a read database, with what is needed to act.

use std::fmt;

use trunkline_core::{EventId, Position};

use crate::text::SqlProblem;

/// Which text of a projection a problem is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelPart {
    /// A text of the schema, by its index.
    Schema {
        /// The index.
        text: usize,
    },
    /// The text of an action.
    Action {
        /// The type of the event.
        event: String,
        /// The action's index among those for the event.
        action: usize,
    },
}

/// A mistake in a projection that the database found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct ModelProblem {
    /// Which text it is in.
    pub part: ModelPart,
    /// The mistake, at its place in that text.
    pub problem: SqlProblem,
}

/// Why something about a read database failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// It may work later: the database is busy, or its disk is full.
    #[error("cannot {doing} now: {reason}")]
    Passing {
        /// What was to be done.
        doing: String,
        /// What happened.
        reason: String,
    },
    /// It will fail again until an operator has mended something.
    #[error("cannot {doing}: {reason}")]
    Lasting {
        /// What was to be done.
        doing: String,
        /// What happened.
        reason: String,
    },
    /// The process can't write there: the disk is full or read-only, or a right is missing. The reason says what to do.
    #[error("cannot {doing}: {reason}")]
    Barred {
        /// What was to be done.
        doing: String,
        /// What bars it, where, and the remedy.
        reason: String,
        /// Whether it may work later, without anybody's doing here: others may make room.
        passing: bool,
    },
    /// A file is not what was written, or not there; the reason says what to do.
    #[error("cannot {doing}: {reason}")]
    Damaged {
        /// What was to be done.
        doing: String,
        /// What is wrong, and the remedy.
        reason: String,
        /// The remedy as a command, in which `FILE` is the application file.
        remedy: String,
    },
    /// There is no such generation.
    #[error("the projection `{projection}` has no generation {generation}")]
    NoGeneration {
        /// The projection.
        projection: String,
        /// The generation.
        generation: u64,
    },
    /// There are rows of another projection whose name differs from this one's by case alone.
    #[error(
        "there are rows of a projection `{other}`, whose name differs from `{projection}` by case alone; \
         drop them, or take that name again"
    )]
    NameDiffersByCase {
        /// The projection that was asked for.
        projection: String,
        /// The one that is there.
        other: String,
    },
    /// Readers see this generation.
    #[error("generation {generation} of the projection `{projection}` is live; make another one live first")]
    IsLive {
        /// The projection.
        projection: String,
        /// The generation.
        generation: u64,
    },
    /// The projection's texts don't fit the database.
    #[error("the projection `{projection}` has a mistake: {}", .problems[0])]
    Model {
        /// The projection.
        projection: String,
        /// The mistakes, at least one.
        problems: Vec<ModelProblem>,
    },
}

impl DatabaseError {
    /// Whether the same may work later, without anybody's doing.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Passing { .. } | Self::Barred { passing: true, .. })
    }

    /// The same of this projection, whose name is in the remedy then.
    #[must_use]
    pub(crate) fn of_projection(self, name: &str) -> Self {
        match self {
            Self::Damaged { doing, reason, remedy } => {
                Self::Damaged { doing, reason, remedy: remedy.replace("FILE NAME", &format!("FILE {name}")) }
            }
            other => other,
        }
    }
}

/// Why a batch of events was not applied; nothing of it was.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// Somebody else owns the generation now, or its checkpoint was moved.
    #[error(
        "generation {generation} of the projection `{projection}` was taken over, or its checkpoint moved; this owner changes nothing any more"
    )]
    Fenced {
        /// The projection.
        projection: String,
        /// The generation.
        generation: u64,
    },
    /// An event could not be applied.
    #[error(transparent)]
    Failed(Box<StatementFailure>),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl ApplyError {
    /// Whether the same may work later, without anybody's doing.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Fenced { .. } => false,
            Self::Failed(failure) => failure.passing,
            Self::Database(error) => error.is_passing(),
        }
    }
}

/// An event that could not be applied: which, with which statement and values, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct StatementFailure {
    /// The event's position.
    pub position: Position,
    /// The event's id.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: String,
    /// The statement as it is written; none when the event failed before one ran.
    pub statement: Option<String>,
    /// The statement's parameters and their values, long ones shortened.
    pub parameters: Vec<(String, String)>,
    /// What the database said, or why a value cannot be bound.
    pub error: String,
    /// Whether the same may work later, without anybody's doing.
    pub passing: bool,
}

impl fmt::Display for StatementFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} at position {} failed: {}", self.event_type, self.position, self.error)?;
        if let Some(statement) = &self.statement {
            write!(f, "; in {statement}")?;
        }
        for (number, (name, value)) in self.parameters.iter().enumerate() {
            write!(f, "{}{name} = {value}", if number == 0 { "; with " } else { ", " })?;
        }
        Ok(())
    }
}

/// An event that was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The event's position.
    pub position: Position,
    /// The event's id.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: String,
    /// Why, as [`StatementFailure`] says it.
    pub error: String,
}
