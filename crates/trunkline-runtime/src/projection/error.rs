//! Why a projection doesn't go on.

use trunkline_core::{Position, StoreId};
use trunkline_sql::{ApplyError, DatabaseError, StatementFailure};
use trunkline_store::ReadError;

/// Why a projection doesn't go on.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectionError {
    /// No projection has this name.
    #[error("there is no projection \"{name}\"{}", .near.as_ref().map_or_else(String::new, |near| format!("; did you mean \"{near}\"?")))]
    Unknown {
        /// The name.
        name: String,
        /// The nearest name there is.
        near: Option<String>,
    },
    /// It was to be dropped, and the application has it.
    #[error("`{name}` is a projection of the application; only what is left of others is dropped")]
    Declared {
        /// The projection.
        name: String,
    },
    /// An event could not be applied; nothing after it was.
    #[error("`{name}` stopped: {failure}")]
    Stopped {
        /// The projection.
        name: String,
        /// The event, the statement and the error.
        failure: Box<StatementFailure>,
    },
    /// An event that was put aside fails again; it stays aside.
    #[error("`{name}` still can't apply it: {failure}")]
    StillFails {
        /// The projection.
        name: String,
        /// The event, the statement and the error.
        failure: Box<StatementFailure>,
    },
    /// No event at this position was put aside.
    #[error("`{name}` has put no event at position {position} aside")]
    NotParked {
        /// The projection.
        name: String,
        /// The position.
        position: Position,
    },
    /// The checkpoint names an event that the store doesn't have: one of the two was restored from a backup.
    #[error(
        "`{name}` is ahead of the log: its checkpoint names the event at position {position}, which {why}; rebuild it"
    )]
    AheadOfLog {
        /// The projection.
        name: String,
        /// The checkpoint's position.
        position: Position,
        /// What is there instead.
        why: &'static str,
    },
    /// The rows are of another store's events.
    #[error("`{name}` has rows of the events of another store ({of}, and this is {here}); rebuild it")]
    OtherStore {
        /// The projection.
        name: String,
        /// The store whose events were applied.
        of: StoreId,
        /// The store that is read.
        here: StoreId,
    },
    /// The statements are no longer those that made the rows, and the file says to stop then.
    #[error("the statements of `{name}` have changed since its rows were made; rebuild it")]
    Changed {
        /// The projection.
        name: String,
    },
    /// Events were to be applied again onto rows that are there, and the projection doesn't say that this does no harm.
    #[error(
        "`{name}` doesn't say that its events may be applied again onto rows that are there; replay it from the first, or write idempotent: true if they may"
    )]
    NotIdempotent {
        /// The projection.
        name: String,
    },
    /// Events were to be applied again that were never applied.
    #[error("`{name}` is at position {position}; there is nothing from position {from} on to apply again")]
    NotSoFar {
        /// The projection.
        name: String,
        /// From where on.
        from: Position,
        /// Where it is.
        position: Position,
    },
    /// It was paused, and stays where it is.
    #[error("`{name}` is paused; resume it first")]
    Paused {
        /// The projection.
        name: String,
    },
    /// Another process runs the projections of this read database.
    #[error("{holder} runs the projections of {place}; it applies new events by itself")]
    RunElsewhere {
        /// The other process.
        holder: String,
        /// The read database.
        place: String,
    },
    /// Another owner took the generation.
    #[error("`{name}` was taken over by another process")]
    TakenOver {
        /// The projection.
        name: String,
    },
    /// What runs it panicked, which is a mistake in Trunkline or in the program's own code.
    #[error("`{name}` stopped: it panicked: {reason}")]
    Panicked {
        /// The projection.
        name: String,
        /// The panic's message.
        reason: String,
    },
    /// It didn't come as far in time.
    #[error("`{name}` is at position {position} and did not come to {wanted} in time")]
    TooSlow {
        /// The projection.
        name: String,
        /// Where it is.
        position: Position,
        /// Where it should have come.
        wanted: Position,
    },
    /// The read database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The events could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl ProjectionError {
    /// What a failed batch of this projection means.
    pub(super) fn of(name: &str, error: ApplyError) -> Self {
        match error {
            ApplyError::Failed(failure) => Self::Stopped { name: name.to_owned(), failure },
            ApplyError::Database(error) => Self::Database(error),
            _ => Self::TakenOver { name: name.to_owned() },
        }
    }

    /// Whether the same may work later, without anybody's doing.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Stopped { failure, .. } => failure.passing,
            Self::Database(error) => error.is_passing(),
            Self::Read(error) => matches!(error, ReadError::Storage { .. }),
            _ => false,
        }
    }
}
