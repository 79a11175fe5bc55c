//! Sagas: what is done step by step, and undone in reverse when a step fails.
//!
//! A saga is a stream of its own, `$saga.NAME-ID`, and its state is a fold over that stream alone.
//! [`advance`] is the machine: from the state, and one input, it makes the [`Transition`]s to append, and these say
//! which messages go out. It reads no clock and does no I/O; times and places arrive with the input.
//! What a particular saga does is a [`Behaviour`]: the application file declares one, and [`Saga`] makes one of
//! plain functions.
//!
//! ```text
//! event, answer, dead letter, time, order ──▶ advance(definition, state, input) ──▶ transitions
//!                                                       ▲                               │
//!                                                       └─────────── fold ◀── $saga.NAME-ID
//! ```
//!
//! - Every transition carries the position of its cause. A cause at or before the last recorded one is
//!   [`Ignored::Repeated`], so reading the log again, from any place, changes nothing.
//! - A step's compensation is recorded, fully evaluated, in the transition that sends the step.
//! - A message is known by the id of the transition that sent it first, also when it is sent again.
//! - What a running saga waits for is recorded with what it sent: a changed definition changes later steps only.
//! - A saga whose definition doesn't name what it waits for is held: nothing has an effect on it, and nothing counts as
//!   heard, until the definition names that again. It is never taken back by itself.

mod advance;
mod behaviour;
mod input;
mod json;
mod message;
mod names;
mod outline;
mod plan;
mod state;
mod transition;
mod typed;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

pub use advance::{Advanced, Ignored, Moment, advance, hold};
pub use behaviour::{Behaviour, BehaviourProblem, Start, View};
pub use input::{Answer, Input, Order, OrderError, Recorded, Reply};
pub use json::Json;
pub use message::{MessageIds, MessageName, NoMessageName};
pub use names::{Definition, Missing, Names};
pub use outline::{Outline, SendOutline, StepOutline, Undo};
pub use plan::{Compensation, LastSend, Next, Outgoing, Retry, Step, Turn, Wait};
pub use state::{Held, SagaState, SentMessage, Status, Waiting};
pub use transition::{
    DoneBy, Ended, Failing, Freed, IgnoredCause, Noted, Resent, SagaPart, Sent, Skipped, Started, StepDone,
    Stuck, Transition, TransitionCause,
};
pub use typed::{Saga, Typed};

use crate::{InvalidName, StreamName};

/// What the aggregate types of all sagas begin with.
pub const STREAM_PREFIX: &str = "$saga.";

/// The header, and the field of metadata, that names the saga which sent a message: `NAME-ID`.
pub const SAGA_FIELD: &str = "$saga";

/// The header, and the field of metadata, that names the message, as a [`MessageName`] is written.
pub const MESSAGE_FIELD: &str = "$saga_message";

/// The stream of a saga.
///
/// ```
/// use trunkline_core::saga;
/// assert_eq!(saga::stream("order", "7")?.as_str(), "$saga.order-7");
/// # Ok::<(), trunkline_core::InvalidName>(())
/// ```
pub fn stream(name: &str, id: &str) -> Result<StreamName, InvalidName> {
    StreamName::system(&format!("{STREAM_PREFIX}{name}-{id}"))
}

/// The name and the id of the saga that a stream belongs to, when it is one's.
pub fn of_stream(stream: &str) -> Option<(&str, &str)> {
    stream.strip_prefix(STREAM_PREFIX)?.split_once('-')
}
