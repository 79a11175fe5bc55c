//! The tests of the queue: the suite against each backend.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod broken;
#[cfg(feature = "embedded")]
mod cleaned;
#[cfg(feature = "embedded")]
mod copied;
#[cfg(feature = "embedded")]
mod crash;
#[cfg(feature = "embedded")]
mod damaged;
#[cfg(feature = "embedded")]
mod embedded;
#[cfg(feature = "embedded")]
mod golden;
#[cfg(feature = "embedded")]
mod index;
#[cfg(feature = "embedded")]
mod kill;
#[cfg(feature = "embedded")]
mod locked;
mod memory;
#[cfg(feature = "embedded")]
mod missing;
#[cfg(feature = "embedded")]
mod one_commit;
#[cfg(feature = "embedded")]
mod versions;
