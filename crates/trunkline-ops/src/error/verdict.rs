//! Verdicts: an operation was done, and what it found is not as it should be.

use crate::words::counted;

/// What a report says is wrong: the operation was done, its report has the details, and a command that was asked for it
/// ends with another code than 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Verdict {
    /// A verification found damage.
    #[error("the store is corrupt: {}", counted(.count.to_owned(), "problem"))]
    Damaged {
        /// How many problems.
        count: u64,
    },
    /// An application file that was checked has errors.
    #[error("{file} has {}", counted(.errors.to_owned(), "error"))]
    Mistaken {
        /// The file.
        file: String,
        /// How many.
        errors: u64,
    },
    /// A command was rejected.
    #[error("the command was rejected")]
    Rejected,
    /// Something has to be looked at.
    #[error("not all is well: {what}")]
    Unwell {
        /// What.
        what: String,
        /// Whether the report says what to do, too.
        remedied: bool,
    },
    /// Scenarios did not pass.
    #[error("{} did not pass", counted(.failed.to_owned(), "scenario"))]
    Scenarios {
        /// How many.
        failed: u64,
    },
    /// Stored events don't reach today's shapes.
    #[error("{} can't be read", counted(.events.to_owned(), "stored event"))]
    Undecodable {
        /// How many.
        events: u64,
    },
    /// Rows are not what the events make.
    #[error("the rows of {} are not what the events make", .projections.join(", "))]
    Diverged {
        /// Whose.
        projections: Vec<String>,
    },
    /// A check of sagas found problems.
    #[error("the sagas are not whole: {}", counted(.count.to_owned(), "problem"))]
    SagaProblems {
        /// How many.
        count: u64,
    },
}
