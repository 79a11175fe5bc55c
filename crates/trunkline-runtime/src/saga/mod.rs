//! Sagas over a log and a queue.
//!
//! The machine is [`trunkline_core::saga`], pure; here it meets the world.
//! `route` says which events are for which sagas, `states` where each stands, `outbox` what its transitions send, and
//! `publish` hands that to the queue; `advance` appends what follows from an input. `runner` brings all of that together,
//! and `refresh` keeps the index of sagas up to date, which is for who lists them and for what time makes happen.
//! `starts` says from where on events start sagas; `held` holds sagas under way whose definition changed, and frees
//! them. [`Sagas`] is what an application asks and orders; `backlog` is what waits for them to be run; `verify` checks
//! all of them, by the `audit` of each; `played` plays events to sagas for scenarios.

mod advance;
mod audit;
mod backlog;
mod error;
mod held;
mod outbox;
mod played;
mod publish;
mod refresh;
mod route;
mod runner;
mod sagas;
mod starts;
mod states;
mod verify;
mod waits;

pub use trunkline_core::saga::*;

pub use error::SagaError;
pub use held::Lacking;
pub use played::Played;
pub(crate) use played::PlayedSagas;
pub(crate) use route::Routes;
pub use sagas::{Ordered, SagaDetail, Sagas};
pub use starts::{InvalidStartFrom, STARTS_STREAM, StartFrom};
pub use states::Recording;
pub use trunkline_store::derived::{SagaIndexError, SagaQuery, SagaRow};
pub use verify::{SagaCheck, SagaFault, SagaProblem};
pub use waits::still_waits;
