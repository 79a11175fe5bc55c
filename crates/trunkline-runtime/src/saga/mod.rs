//! Sagas over a log and a queue.
//!
//! The machine is [`trunkline_core::saga`], pure; here it meets the world.
//! `route` says which events are for which sagas, `states` where each stands, `post` what its transitions send; `runner`
//! brings all of that together, and `refresh` keeps the index of them up to date,
//! which is for who lists sagas and for what time makes happen.
//! [`Sagas`] is what an application asks and orders; `verify` checks all of them, by the `account` of each; `played`
//! plays events to sagas for scenarios.

mod account;
mod error;
mod played;
mod post;
mod refresh;
mod route;
mod runner;
mod sagas;
mod states;
mod verify;

pub use trunkline_core::saga::*;

pub use error::SagaError;
pub(crate) use played::PlayedSagas;
pub(crate) use route::Routes;
pub use sagas::{Ordered, SagaDetail, Sagas};
pub use states::Recording;
pub use trunkline_store::derived::{SagaIndexError, SagaQuery, SagaRow};
pub use verify::{SagaCheck, SagaProblem};
