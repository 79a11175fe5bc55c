//! What is wrong with an expression before it runs.

use std::ops::Range;

/// A mistake in an expression's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Mistake {
    /// The bytes of the text it concerns.
    pub range: Range<usize>,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
    /// Which kind of mistake it is.
    pub kind: MistakeKind,
}

/// The kinds of mistakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MistakeKind {
    /// The text is no expression.
    Syntax,
    /// The text or its nesting exceeds a limit.
    Limit,
    /// There is no variable of this name here.
    UnknownVariable,
    /// The variable is known to have no such field.
    UnknownField,
    /// There is no function of this name.
    UnknownFunction,
    /// The function takes other arguments.
    Arguments,
    /// The value is known already, and computing it fails.
    Constant,
    /// CEL has it, but expressions here do not.
    Unsupported,
}

impl Mistake {
    pub(crate) fn new(kind: MistakeKind, range: Range<usize>, message: impl Into<String>) -> Mistake {
        Mistake { range, message: message.into(), help: None, kind }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Mistake {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn help_maybe(mut self, help: Option<String>) -> Mistake {
        self.help = help.or(self.help);
        self
    }
}
