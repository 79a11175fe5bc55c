//! Commands: from a request to one outcome.
//!
//! ```text
//! request ─▶ middleware ─▶ bus ──▶ seen before? ──▶ the first outcome
//!                           │  no
//!                           ▼
//!                         handler: load, decide ──▶ rejected ──▶ kept under the id, if there is one
//!                           │ events
//!                           ▼
//!                         append, once; others were first: decide again
//! ```
//!
//! `request` and `outcome` are what goes in and comes out, `seen` is what is known of its data at once, `handler` what decides, `decider` the typed kind.
//! `event_rule` is what new events have to be.
//! `bus` is the way between them; only it appends. `inbox` keeps and finds outcomes, `metadata` is what
//! events say of their command.

mod bus;
mod decider;
mod error;
mod event_rule;
mod handler;
pub(crate) mod inbox;
mod metadata;
mod outcome;
mod request;
mod seen;

pub(crate) use bus::Bus;
pub(crate) use decider::DeciderHandler;
pub use error::DispatchError;
pub use event_rule::EventRule;
pub(crate) use event_rule::Events;
pub(crate) use handler::Handler;
pub use handler::{CommandContext, CommandHandler, CommandLogic, Decided, HandleError, Loaded};
pub use outcome::{Accepted, Decision, Emitted, Outcome, RejectedBy, Rejection};
pub use request::{CommandRequest, Context};
pub(crate) use seen::Seen;
