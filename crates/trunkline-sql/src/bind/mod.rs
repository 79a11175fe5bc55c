//! From an event to the values of a statement's parameters.
//!
//! `scan` goes over a JSON text; `shape` says which parts of one are wanted and finds them in one pass, without building
//! the text as a tree; `value` makes a typed value of a part, and `number` of one that
//! is a number; `plan` does it for all statements of an event type; `batch` has the values of many events.

mod batch;
mod number;
mod plan;
mod scan;
mod shape;
mod value;

pub use batch::Batch;
#[cfg(feature = "sqlite")]
pub(crate) use batch::{Runs, Unbound, Value};
pub(crate) use plan::Plan;
pub use value::{BindError, SqlValue};
pub(crate) use value::{of_json, shortened};
