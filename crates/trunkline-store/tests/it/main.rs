//! The tests of the event store: the suite against each backend, and the suite against broken ones.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod broken;
mod damage;
mod derived;
mod log;
mod long;
mod memory;
