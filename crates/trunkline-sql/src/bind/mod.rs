//! From an event to the values of a statement's parameters.
//!
//! `shape` says which parts of a JSON text are wanted and finds them in one pass, without building the text as a
//! tree; `value` makes a typed value of a part; `plan` does it for all statements of an event type.

mod plan;
mod shape;
mod value;

pub(crate) use plan::{Parts, Plan, Sink};
pub use value::{BindError, SqlValue};
pub(crate) use value::{of_json, shortened};
