//! Backends: what keeps events, messages and read models, how its places are named, and how it is opened.
//!
//! `dsn` is the text that names a place, `place` which one is meant and what named it, `error` why a text names none;
//! `definition` is what a backend says of itself, `registry` all that a program has, `schemes` those that it could
//! have; `store` and `queue` are open ones; `standard` has the backends of Trunkline's own.

mod definition;
mod dsn;
mod error;
mod place;
mod queue;
mod registry;
mod schemes;
mod standard;
mod store;
#[cfg(test)]
mod tests;

pub use definition::Backend;
pub use dsn::Dsn;
pub use error::{DsnError, DsnProblem};
pub use place::{Origin, Place, Role};
pub use queue::{OpenQueue, OpenQueueError, OpenQueueOptions};
pub use registry::Backends;
pub use store::{Access, OpenStore, OpenStoreError, OpenStoreOptions};
