//! The tests of the queue: the suite against each backend.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod crash;
mod embedded;
mod index;
mod kill;
mod memory;
mod missing;
mod versions;
