//! The expressions of the application file: CEL, compiled once and evaluated often.
//!
//! ```text
//! text ──syntax──▶ tree ──lower──▶ program ──evaluate with variables──▶ value
//!           │               │                        │
//!           └── mistakes ───┴─ with byte ranges      └─ error, with the field's path
//! ```
//!
//! Evaluation is pure: no clock, no randomness, no I/O; the same expression with the same variables gives the same
//! value or the same error. Every mistake that can be known when an expression is compiled is reported then. Both are
//! bounded, as [`limits`] says. This crate knows neither events nor files.
//!
//! The language is described in `docs/reference/expressions.md`, the decisions behind it in
//! `docs/design/0012-expressions.md`.
//!
//! ```
//! use trunkline_cel::{Expression, Scope, Value, Variables};
//!
//! let scope = Scope::new(["event"]);
//! let pending = Expression::compile("merge(event.data, {'status': 'pending'})", &scope).unwrap();
//! let event = Value::object([("data", Value::from_json(r#"{"id": 7}"#).unwrap())]);
//! let state = pending.evaluate(&Variables::new().with("event", event)).unwrap();
//! assert_eq!(state.to_json(), r#"{"id":7,"status":"pending"}"#);
//!
//! let mistakes = Expression::compile("merge(evnt.data)", &scope).unwrap_err();
//! assert_eq!(mistakes[0].message, "`merge` takes 2 arguments, not 1");
//! assert_eq!(mistakes[1].message, "there is no `evnt` here");
//! assert_eq!(mistakes[1].range, 6..10);
//! ```

mod expression;
mod template;

mod scope;
mod shape;
mod variables;

mod value;

mod document;
mod text;

mod mistake;

mod syntax;

mod lower;

mod program;

mod evaluate;

mod error;

mod functions;

mod number;

mod time;

mod duration;

mod pattern;

pub mod limits;

pub use document::JsonError;
pub use error::{EvaluateError, EvaluateErrorKind};
pub use expression::Expression;
pub use mistake::{Mistake, MistakeKind};
pub use scope::Scope;
pub use shape::Shape;
pub use template::Template;
pub use value::Value;
pub use variables::Variables;
