//! Sagas over a log and a queue.
//!
//! The machine is [`trunkline_core::saga`], pure; here it meets the world. `route` says which events are for which
//! sagas, and `played` plays events to sagas for scenarios.

mod played;
mod route;

pub use trunkline_core::saga::*;

pub(crate) use played::Played;
pub(crate) use route::Routes;
