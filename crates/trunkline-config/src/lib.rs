//! The `.tsk` configuration language: text to tree to values, with every mistake reported at its place.
//!
//! ```text
//! text ──syntax::parse──▶ tree ──evaluate──▶ values ──read──▶ your types
//!            │                      │                  │
//!            └──────── diagnostics ─┴──────────────────┴──▶ report: people, JSON
//! ```
//!
//! Parsing never fails: it gives the tree it could build and every [`Diagnostic`]. Evaluation reaches files, the
//! environment and the clock through [`World`], so that tests own all three. Typed reading ([`read`]) asks for keys by
//! name and type, and what it finds wrong points at the value. Secrets are a type that cannot be printed.
//!
//! This crate knows neither events nor how files are kept. The language is described in `docs/reference/tsk.md`, the
//! decisions behind it in `docs/design/0004-tsk-dialect.md`.
//!
//! ```
//! use trunkline_config::{FixedClock, MemoryEnvironment, MemoryFiles, World, load, report};
//!
//! let files = MemoryFiles::new().with("app.tsk", "[server]\nport: @env(\"PORT\", 8080)\nkey: @env.secure(\"KEY\")\n");
//! let environment = MemoryEnvironment::new().with("KEY", "hunter2");
//! let world = World { loader: &files, environment: &environment, clock: &FixedClock(0) };
//!
//! let evaluated = load("app.tsk", world).unwrap();
//! assert!(!evaluated.has_errors());
//! assert_eq!(report::tree_to_json(&evaluated.root), r#"{"server":{"port":8080,"key":"***"}}"#);
//! ```

mod source;

mod diagnostic;

pub mod limits;
mod mask;

pub mod codes;

pub mod syntax;

mod secret;

mod value;

mod outside;

mod evaluate;

pub mod read;

mod hooks;

mod print;

pub mod report;

pub use codes::explain;
pub use diagnostic::{Code, Diagnostic, Label, Severity};
pub use evaluate::{Evaluated, Gauge, HookUse, evaluate, load};
pub use hooks::Hooks;
pub use outside::{
    Environment, FixedClock, LoadError, Loader, MemoryEnvironment, MemoryFiles, NotUnicode, UnixClock, World,
};
pub use print::print;
pub use secret::{MASK, Secret};
pub use source::{FileId, Location, Sources, Span};
pub use trunkline_nearest::nearest;
pub use value::{Entry, Node, Object, Value};
