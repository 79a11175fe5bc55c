//! The conformance suite: one test per promise of [`EventStore`](crate::EventStore), for every backend.
//!
//! A backend runs all of it with one line in its tests, given something that makes a [`Fixture`] with a
//! fresh, empty store, whether at once or asynchronously:
//!
//! ```
//! use trunkline_store::MemoryStore;
//! use trunkline_store::conformance::Fixture;
//!
//! trunkline_store::conformance!(memory, || Fixture::new(MemoryStore::new()));
//! ```
//!
//! That makes a module `memory` with one `#[test]` per promise, named as the promise.
//! Each test is also a function here, which panics when the promise is broken; [`run`] runs it in a runtime
//! of its own.
//!
//! What differs between backends is said by the fixture: [`Fixture::durable`] says how to reopen the store,
//! [`Fixture::with_limits`] how it was configured.
//! No test is skipped: those of durability read a store that isn't durable again without reopening it.
//!
//! Nothing here relies on positions without gaps, on the order in which waiting appends are judged, or on
//! how large a page of a read is.
//! What the suite can't cause, it can't check: that a store whose medium fails answers with an error, and
//! that a read of damaged bytes yields one, is for the tests of the backend itself.
//!
//! [`random_histories_come_out_as_in_the_model`] plays random histories against the store and against a
//! model that is a list of events; it plays 64, or more under `TRUNKLINE_SLOW=1`, and a failure says the
//! seed, which `TRUNKLINE_SEED` repeats.

mod append;
mod comfort;
mod command;
mod condition;
mod content;
mod durable;
mod expect;
mod fixture;
mod histories;
mod list;
mod many;
mod model;
mod order;
mod plan;
mod play;
mod query;
mod random;
mod read;
mod refuse;
mod repeat;
mod sample;
mod seen;
mod subscribe;
mod suite;
mod wait;

pub use append::*;
pub use comfort::*;
pub use command::*;
pub use condition::*;
pub use content::*;
pub use durable::*;
pub use expect::*;
pub use fixture::Fixture;
pub use histories::play_histories;
pub use list::*;
pub use many::*;
pub use order::*;
pub use query::*;
pub use random::*;
pub use read::*;
pub use refuse::*;
pub use repeat::*;
pub use subscribe::*;
pub use suite::{PROMISES, run};
pub use wait::*;
