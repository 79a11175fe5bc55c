//! The conformance suites: one test per promise of [`MessageQueue`](crate::MessageQueue), for every backend, and
//! one per promise of [`OperateQueue`](crate::OperateQueue), for those that have it.
//!
//! A backend runs each with one line in its tests, given something that makes a [`Fixture`] with a
//! fresh, empty queue, whether at once or asynchronously:
//!
//! ```
//! use std::sync::Arc;
//! use trunkline_queue::conformance::Fixture;
//! use trunkline_queue::{Keep, ManualClock, MemoryQueue};
//!
//! fn memory() -> Fixture {
//!     let clock = ManualClock::default();
//!     let queue = MemoryQueue::with(Keep::default(), Arc::new(clock.clone()));
//!     Fixture::new(queue).with_clock(clock)
//! }
//!
//! trunkline_queue::conformance!(delivery, memory);
//! trunkline_queue::operating_conformance!(operating, memory);
//! ```
//!
//! That makes modules `delivery` and `operating` with one `#[test]` per promise, named as the promise.
//! Each test is also a function here, which panics when the promise is broken; [`run`] runs it in a runtime
//! of its own.
//!
//! What differs between backends is said by the fixture: [`Fixture::durable`] says how to reopen the queue,
//! [`Fixture::keeping_leases`] that this ends no lease, [`Fixture::with_clock`] how to move its time, [`Fixture::with_keep`] how it was configured.
//! No test is skipped: those of durability look at a queue that isn't durable again without reopening it, and
//! a queue by the real time is waited for.
//!
//! What the suite can't cause, it can't check: that a queue whose medium fails answers with an error is for the
//! tests of the backend itself.
//!
//! [`random_histories_come_out_as_in_the_model`] plays random histories against the queue and against a model,
//! and [`random_histories_with_an_operator_come_out_as_in_the_model`] such with an operator;
//! a failure says the seed, which `TRUNKLINE_SEED` repeats.

mod adopt;
mod dead;
mod durable;
mod fixture;
mod given_up;
mod hold;
mod lease;
mod many;
mod model;
mod operate;
mod order;
mod publish;
mod random;
mod receive;
mod sample;
mod subscribe;
mod suite;
mod unfinished;

pub use adopt::*;
pub use dead::*;
pub use durable::*;
pub use fixture::Fixture;
pub use given_up::*;
pub use hold::*;
pub use lease::*;
pub use many::*;
pub use operate::*;
pub use order::*;
pub use publish::*;
pub use random::*;
pub use receive::*;
pub use subscribe::*;
pub use suite::{OPERATING_PROMISES, PROMISES, run};
pub use unfinished::*;
