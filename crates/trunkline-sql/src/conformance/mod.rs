//! The conformance suite: one test per promise of [`ReadDatabase`](crate::ReadDatabase), of its writers and shadows, and
//! of its dialect, for every backend.
//!
//! A backend runs all of it with one line in its tests, given something that makes a [`Fixture`] with an empty database,
//! whether at once or asynchronously:
//!
#![cfg_attr(feature = "sqlite", doc = "```")]
#![cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
//! use trunkline_sql::SqliteReadDatabase;
//! use trunkline_sql::conformance::Fixture;
//!
//! trunkline_sql::conformance!(memory, || Fixture::new(SqliteReadDatabase::memory().unwrap()));
//! ```
//!
//! That makes a module `memory` with one `#[test]` per promise, named as the promise.
//! Each test is also a function here, which panics when the promise is broken; [`run`] runs it in a runtime of its own.
//!
//! What differs between backends is said by the fixture: [`Fixture::durable`] says how to open the database again, and
//! [`Fixture::with_endless_query`] which query never ends.
//! No test is skipped: those of durability look at a database that isn't durable again without opening it again.
//!
//! What the suite can't cause, it can't check: that a database whose disk is full or whose process is killed changes
//! nothing is for the tests of the backend itself.

mod apply;
mod aside;
mod ask;
mod fixture;
mod generations;
mod owner;
mod running;
mod sample;
mod shadow;
mod suite;
mod texts;

pub use apply::*;
pub use aside::*;
pub use ask::*;
pub use fixture::Fixture;
pub use generations::*;
pub use owner::*;
pub use running::*;
pub use shadow::*;
pub use suite::{PROMISES, run};
pub use texts::*;
