//! The runtime: commands are decided over an event store, and what happened is never lost.
//!
//! An [`App`] is built of what is registered with an [`AppBuilder`]: deciders and handlers, projections and queries,
//! relays and consumers, sagas. Whoever registers them, a program or an application file, does it through the same
//! calls and gets the same checks; see [`Install`] and [`Wiring`].
//!
//! ```text
//! command ─▶ decide ─▶ append ─▶ log ─┬─ follow ─▶ projections ─▶ rows ─▶ queries
//!                        ▲            ├─ follow ─▶ relays ─▶ messages ─▶ consumers ─┐
//!                        │            └─ follow ─▶ sagas ──▶ messages               │
//!                        └──────────────────────────────────────────────────────────┘
//! ```
//!
//! Read in this order: `app` is what is built, `command` the way from a request to an outcome, `follow` how the log is
//! read; `projection`, `messages` and `saga` are those that follow it, `system` runs all of them, `reconcile` brings them back
//! to an older history, `backend` knows where everything is kept. The crate `trunkline` re-exports what programs use of it.

mod app;
mod backend;

mod command;
mod middleware;
mod query;
mod snapshot;

mod follow;
pub mod messages;
mod projection;
pub mod saga;

mod reconcile;
mod rest;
mod system;
mod wiring;

pub mod outcomes;

pub use app::{
    App, AppBuilder, BuildError, Hook, HookError, Install, NamedCode, Opening, QueueSettings, Rehearsal,
    RunError, Settings, StoreSettings,
};
pub use backend::{
    Access, Backend, Backends, Dsn, DsnError, DsnProblem, OpenQueue, OpenQueueError, OpenQueueOptions,
    OpenStore, OpenStoreError, OpenStoreOptions, Origin, Place, Role,
};
pub use command::{
    Accepted, CommandContext, CommandHandler, CommandLogic, CommandRequest, Context, Decided, Decision,
    DispatchError, Emitted, EventRule, HandleError, Loaded, Outcome, RejectedBy, Rejection,
};
pub use follow::{Backlog, ReplaySettings};
pub use middleware::CommandService;
pub use projection::{
    Divergence, DivergingEvent, Kept, LeftOver, OnChange, OnError, ProjectionDefinition, ProjectionError,
    ProjectionState, ProjectionStatus, Projections, Rebuilt, StateError, StateProjection, Verified,
};
#[cfg(feature = "sqlite")]
pub use projection::{Table, TableProblem, Tables, dialect};
pub use query::{QueryContext, QueryError, QueryHandler, QueryLogic};
pub use reconcile::{HISTORY_STREAM, ReconcileError, Reconciled, ReconciledRelay, SAGAS as RECONCILED_SAGAS};
pub use snapshot::{Folded, Revision, Snapshot, SnapshotPlan};
pub use system::{System, SystemError};
pub use wiring::{
    ConsumerWiring, RelayWiring, SagaWiring, SendPlace, Unknown, Wiring, WiringFault, WiringPlace,
    WiringProblem,
};
