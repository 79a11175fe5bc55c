//! What may happen to a saga from outside.

use super::message::MessageName;
use crate::{EventId, Position, RecordedEvent};

/// What happens to a saga.
#[derive(Clone, Debug)]
pub enum Input {
    /// Something in the log: an event that the saga names, an answer to one of its messages, or both.
    Recorded(Recorded),
    /// Time has passed, and the log was read up to this position.
    Time {
        /// How far the log was read when the time was looked at.
        read_to: Position,
    },
    /// The definition may be another one: who needs what it doesn't name is held, and who is held and needs no more
    /// goes on. What that one did not hear of meanwhile comes right after.
    Definition,
    /// An operator's order.
    Order {
        /// What is ordered.
        order: Order,
        /// Who orders it.
        by: String,
        /// Up to where all that there is in the log for the saga has had its effect; of a start, the log's head.
        read_to: Position,
    },
}

/// An event of the log.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its position.
    pub position: Position,
    /// Its id.
    pub event_id: EventId,
    /// Its type, as stored.
    pub event_type: String,
    /// What all that follows from one cause has in common.
    pub correlation_id: Option<String>,
    /// The events that it is today, of those which the saga names; none when it is an answer alone.
    pub events: Vec<RecordedEvent>,
    /// What it says of a message that the saga sent.
    pub answer: Option<Answer>,
}

/// What became of a message.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The message.
    pub message: MessageName,
    /// How many of the events that come with it are before it: one event of several that a stored one became answers,
    /// as the first of them, and the others count as what came next.
    pub after: usize,
    /// What became of it.
    pub reply: Reply,
}

/// What became of the command in a message.
#[derive(Clone, Debug)]
pub enum Reply {
    /// It was accepted, and this event says so: one that it caused, or its kept outcome.
    Accepted {
        /// What the command left in the log.
        event: Box<RecordedEvent>,
        /// Whether it caused no event at all.
        nothing: bool,
    },
    /// It was rejected.
    Rejected {
        /// Why.
        reason: String,
    },
    /// The message ended as a dead letter.
    Dead {
        /// Why.
        error: String,
    },
}

/// What an operator may order.
#[derive(Clone, Debug)]
pub enum Order {
    /// Begin, as if this event had happened.
    Start {
        /// The event, which is in no stream.
        event: Box<RecordedEvent>,
    },
    /// Send once more what the saga waits for; let a held one go on, whose definition names again what it needs.
    Retry,
    /// Begin the way back, for this reason.
    Compensate {
        /// Why.
        reason: String,
    },
    /// Take what a stuck saga waits for as done, for this reason, and go on.
    Resolve {
        /// Why.
        reason: String,
    },
}

/// Why an order can't be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// There is no such saga.
    #[error("it was never started")]
    NotStarted,
    /// There is one already.
    #[error("it was started before")]
    StartedBefore,
    /// The data isn't such that it starts one.
    #[error("a {event_type} with this data does not start one")]
    StartsNothing {
        /// The type of the event that starts one.
        event_type: String,
    },
    /// It has ended.
    #[error("it has ended: it is {status}")]
    Ended {
        /// How.
        status: super::Status,
    },
    /// It is on the way back already.
    #[error("it is on the way back already; if it is stuck, retry or resolve it")]
    OnTheWayBack,
    /// It is not stuck.
    #[error("it is {status} and not stuck, so there is nothing to resolve")]
    NotStuck {
        /// What it is.
        status: super::Status,
    },
    /// It is held: its definition doesn't name what it needs.
    #[error("it is held: {missing}; {}", missing.remedy())]
    Held {
        /// What it needs.
        missing: super::Missing,
    },
    /// Its definition has no answer.
    #[error("{0}")]
    Problem(#[from] super::BehaviourProblem),
}
