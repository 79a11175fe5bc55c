//! Projections at work: events become rows, from the checkpoint to the head and on.
//!
//! ```text
//! log ── tail: one read for all who are near the head ──▶ runner of `orders`  ──▶ rows + checkpoint
//!  │                                                └──▶ runner of `by_day`  ──▶ rows + checkpoint
//!  └──── read ahead by a runner that is behind, or has an end ─────────────────▶ the same
//! ```
//!
//! `definition` is what a projection is. Pieces of the log come by `follow`, `present` makes today's events of them,
//! `runner` applies them for one projection to a `target`, which is the `generations` of a read database or
//! state of the program's `own`; `databases` are where rows are kept, and `sqlite` is the SQL of all texts; `progress` is
//! what others see of it, `set` has all projections of an application, `claims` are the right to run them, `status` is
//! how they stand and `metrics` records it, `parked`
//! decides about the events that were put aside, `left_over` about rows of projections that are no more, `verify` compares rows with what the events make, `tables` finds tables
//! by their names, and `trial` makes rows for scenarios.

mod claims;
mod databases;
mod definition;
mod error;
mod generations;
mod left_over;
mod metrics;
mod own;
mod parked;
mod present;
mod progress;
mod runner;
mod set;
#[cfg(feature = "sqlite")]
mod sqlite;
mod status;
#[cfg(feature = "sqlite")]
mod tables;
mod target;
#[cfg(feature = "sqlite")]
mod trial;
mod verify;

pub(crate) use databases::{Reach, ReadModels};
pub use definition::{OnChange, OnError, ProjectionDefinition};
pub use error::ProjectionError;
pub use left_over::LeftOver;
pub(crate) use own::OwnStates;
pub use own::{Kept, StateError, StateProjection};
pub use progress::{ProjectionState, ProjectionStatus};
pub use set::{Projections, Rebuilt};
#[cfg(feature = "sqlite")]
pub use sqlite::dialect;
#[cfg(feature = "sqlite")]
pub use tables::{Table, TableProblem, Tables};
pub use verify::{Divergence, DivergingEvent, Verified};
