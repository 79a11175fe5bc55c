//! What operators do with an event-driven application, as a library: the command line parses, calls, prints; a server and
//! a console call the same.
//!
//! Operations take an open store, queue or [`App`](trunkline::App), and give reports: data with its JSON form.
//! Nothing is printed, no signal is caught, no process ends here: who calls hands in what asks to stop
//! ([`Stop`](trunkline::messages::Stop)) and a function that hears of progress.
//!
//! An [`OpsError`] says what went wrong, [`hints`](OpsError::hints) what can be done, [`Exit`] how a process ends with it,
//! and [`code`](OpsError::code) which page explains it. A report that found something wrong has a [`Verdict`], which is an
//! error, too, once the report was handed on.
//!
//! ```
//! use trunkline::{EventStore as _, MemoryStore, Position, messages::Stopper};
//! use trunkline_ops::export::{ExportForm, export};
//! use trunkline_ops::import::{ImportOptions, OnBadLine, import};
//! use trunkline_ops::{Exit, OpsError};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let lines = concat!(
//!     r#"{"stream":"lamp-hall","event_type":"SwitchedOn","data":{"by":"ada"}}"#, "\n",
//!     r#"{"stream":"lamp-hall","event_type":"SwitchedOff","data":{"by":"#,
//! );
//! let options = ImportOptions {
//!     source: "lamps.jsonl".to_owned(),
//!     on_bad_line: OnBadLine::Stop,
//!     rejected: "lamps.rejected.jsonl".into(),
//!     batch: 1,
//!     streams: None,
//! };
//! let (store, (_stopper, stop)) = (MemoryStore::new(), Stopper::new());
//! let error = import(&store, lines.as_bytes(), options, &stop, |_| ()).await.unwrap_err();
//! assert!(matches!(error, OpsError::Import(_)));
//! assert_eq!(error.hints()[0], "1 new, 0 already there; nothing from line 2 on was stored");
//! assert_eq!(Exit::of(&error).code(), 1);
//!
//! let mut copy = Vec::new();
//! let report = export(&store, Position::START, ExportForm::Native, &mut copy, |_, _| ()).await?;
//! assert_eq!((report.events, copy.iter().filter(|byte| **byte == b'\n').count()), (1, 1));
//! # Ok(())
//! # }
//! ```

pub mod application;
pub mod census;
pub mod doctor;
pub mod export;
pub mod import;
pub mod messages;
pub mod migrate;
pub mod projections;
pub mod run;
pub mod sagas;
pub mod store;
pub mod words;

mod code;
mod error;
mod exit;
mod hint;
mod lock;
mod outcome;
mod scenarios;
mod stream_rule;
mod whole_file;
mod world;

pub use code::{CodePage, code_pages, explain};
pub use error::{OpsError, QueueError, Verdict};
pub use exit::Exit;
pub use lock::{LockReport, lock_shapes};
pub use outcome::{DecisionReport, EmittedReport, OutcomeReport};
pub use scenarios::{ScenariosReport, run_scenarios};
pub use stream_rule::{InvalidRule, StreamRule};
pub use whole_file::{may_be_new, may_hold_lines};
pub use world::{not_loaded, world};
