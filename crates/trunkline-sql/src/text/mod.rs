//! SQL texts with `:name` parameters, compiled once and rendered for the database that prepares them.
//!
//! `token` cuts a text into pieces, `path` takes a parameter's name apart, `statement` puts text and parameters together
//! and finds where one statement ends and the next begins.

mod path;
mod statement;
mod token;

use std::ops::Range;

pub use path::{Path, PathStep};
pub use statement::{Parameter, ParameterScope, Rendered, Statement, compile};
pub(crate) use token::{Kind, tokens};

/// A mistake in an SQL text, at its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct SqlProblem {
    /// The bytes of the text that it is about.
    pub range: Range<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do about it, where there is one thing to do.
    pub fix: Option<String>,
}
