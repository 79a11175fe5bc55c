//! Sagas over a log and a queue.
//!
//! The machine is [`trunkline_core::saga`], pure; here it meets the world.
//! `route` says which events are for which sagas, `book` where each stands, `post` what its transitions send; `runner`
//! brings all of that together, and `index` is derived for who lists sagas and for what time makes happen, `refresh`
//! brings it up to date.
//! [`Sagas`] is what an application asks and orders; `verify` checks all of them, by the `account` of each; `played`
//! plays events to sagas for scenarios.

mod account;
mod book;
mod error;
mod index;
mod played;
mod post;
mod refresh;
mod route;
mod runner;
mod sagas;
mod verify;

pub use trunkline_core::saga::*;

pub use book::Recording;
pub use error::SagaError;
pub(crate) use index::IndexPlace;
pub use index::{SagaQuery, SagaRow};
pub(crate) use played::PlayedSagas;
pub(crate) use route::Routes;
pub use sagas::{Ordered, SagaDetail, Sagas};
pub use verify::{SagaCheck, SagaProblem};
