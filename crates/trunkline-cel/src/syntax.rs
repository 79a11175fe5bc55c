//! From the text of an expression to its tree, by the grammar of CEL's language definition.
//!
//! A text is cut into tokens, and the tokens are read by how tightly each operator binds. Every part of the tree knows
//! the bytes it was written in. The tree nests at most [`NESTING_MAX`] levels, so that whoever walks it may recurse.
//!
//! [`NESTING_MAX`]: crate::limits::NESTING_MAX

mod literals;
mod operands;
mod parser;
mod tokens;
mod tree;

use crate::mistake::Mistake;

pub(crate) use tree::{Call, Logic, Name, Sign, Tree, TreeKind};

/// The tree of a text, or what is wrong with the text, in its order.
pub(crate) fn parse(source: &str) -> Result<Tree<'_>, Vec<Mistake>> {
    parser::parse(tokens::cut(source)?)
}
