//! Event-driven applications: commands are decided over an event store, and what happened is never lost.
//!
//! An [`App`] is built from code, from a `.tsk` file, or from both.
//! In code, a [`Decider`] is an aggregate's behaviour as plain functions; a [`CommandHandler`] is for what needs
//! I/O before deciding.
//! In a file, aggregates and commands are declared with expressions; see [`ApplicationFile`].
//! Either way a command is dispatched to its stream, decided, and its events are appended once; [`Outcome`] says
//! what came of it.
//! [`testing`] is given-when-then for deciders, [`scenario`] the same for files, [`law`] what must hold of read models.
//!
//! ```
//! # use std::borrow::Cow;
//! use serde::{Deserialize, Serialize};
//! use trunkline::{App, Command, Decider, Event, MemoryStore};
//!
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
//! enum LampEvent { SwitchedOn { by: String } }
//!
//! #[derive(Debug, Serialize, Deserialize, Command)]
//! enum LampCommand { SwitchOn { lamp: String, by: String } }
//!
//! struct Lamp;
//!
//! impl Decider for Lamp {
//!     const AGGREGATE: &'static str = "lamp";
//!     type State = bool;
//!     type Command = LampCommand;
//!     type Event = LampEvent;
//!     type Rejection = &'static str;
//!
//!     fn id(LampCommand::SwitchOn { lamp, .. }: &LampCommand) -> Cow<'_, str> { lamp.into() }
//!     fn initial() -> bool { false }
//!     fn decide(on: &bool, LampCommand::SwitchOn { by, .. }: LampCommand) -> Result<Vec<LampEvent>, &'static str> {
//!         if *on { Err("it is on already") } else { Ok(vec![LampEvent::SwitchedOn { by }]) }
//!     }
//!     fn evolve(_: bool, _: &LampEvent) -> bool { true }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let app = App::builder().store(MemoryStore::new()).decider::<Lamp>().build().await?;
//! let switch_on = || LampCommand::SwitchOn { lamp: "hall".into(), by: "ada".into() };
//! assert!(app.dispatch(switch_on()).await?.accepted().is_some());
//! let again = app.dispatch(switch_on()).await?;
//! assert_eq!(again.rejection().map(|rejection| &*rejection.reason), Some("it is on already"));
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "file")]
pub use trunkline_appfile::*;
#[cfg(feature = "file")]
pub use trunkline_config as config;
pub use trunkline_core::{
    Advice, Append, Clock, Command, CommandId, Condition, Decider, DecodeError, Event, EventId, EventShape,
    EventType, Expected, ManualClock, Metadata, NewEvent, Position, Query, QueryItem, RecordedEvent,
    StreamName, SystemClock, Tag, Timestamp, Version, testing, upcast,
};
#[cfg(feature = "macros")]
pub use trunkline_macros::{Command, Event};
pub use trunkline_queue as queue;
pub use trunkline_runtime::*;
pub use trunkline_sql as sql;
pub use trunkline_store::{AppendError, EventStore, EventStoreExt, MemoryStore, ReadError, subscribe};
#[cfg(feature = "log")]
pub use trunkline_store::{LogStore, LogStoreOptions};

/// The examples in the project's README are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
