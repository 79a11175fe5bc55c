//! Why an evaluation came to no value.

use std::ops::Range;

/// An evaluation that failed.
///
/// The same expression with the same variables fails in the same way again: the remedy is another value or another
/// expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvaluateError {
    /// What went wrong, in a sentence without a full stop: ``"`command` has no field `reason`"``.
    pub message: String,
    /// The field it concerns, with its full path, such as `command.items[2].quantity`.
    pub field: Option<String>,
    /// The bytes of the expression's text it concerns.
    pub range: Range<usize>,
    /// Which kind of failure it is.
    pub kind: EvaluateErrorKind,
}

/// A failure on its way out: one word long, so that the value in whose place it comes stays small.
#[derive(Debug)]
pub(crate) struct Failure(Box<EvaluateError>);

impl Failure {
    pub(crate) fn new(error: EvaluateError) -> Failure {
        Failure(Box::new(error))
    }

    pub(crate) fn into_error(self) -> EvaluateError {
        *self.0
    }

    pub(crate) fn kind(&self) -> EvaluateErrorKind {
        self.0.kind
    }
}

/// The kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EvaluateErrorKind {
    /// A field, an item or a variable is not there.
    Missing,
    /// A value is of another type than what is done with it needs.
    Type,
    /// The types are right and the values are not: division by zero, a result beyond 64 bits, a text that is no number.
    Value,
    /// The evaluation would take too long or the result would be too large.
    Limit,
}
