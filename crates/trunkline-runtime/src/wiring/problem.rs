//! What may be wrong with the parts of an application beside each other.

use std::fmt;

/// Something that is connected to nothing, or to the wrong thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WiringProblem {
    /// The part, such as `the saga "door"`.
    pub part: String,
    /// Where in the wiring.
    pub place: WiringPlace,
    /// What is wrong.
    pub fault: WiringFault,
    /// The right name that was probably meant.
    pub near: Option<String>,
    /// Whether an application can't be built with it.
    pub is_error: bool,
}

/// A place in a [`Wiring`](super::Wiring): each number counts from 0 in the list of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WiringPlace {
    /// The start of a saga.
    Start {
        /// The saga.
        saga: usize,
    },
    /// One of the events that a saga names.
    Event {
        /// The saga.
        saga: usize,
        /// The event.
        event: usize,
    },
    /// A step of a saga.
    Step {
        /// The saga.
        saga: usize,
        /// The step.
        step: usize,
    },
    /// Something that a saga sends.
    Send {
        /// The saga.
        saga: usize,
        /// What of it.
        send: SendPlace,
    },
    /// An event of a projection.
    Projected {
        /// The projection.
        projection: usize,
        /// The event.
        event: usize,
    },
    /// A relay.
    Relay {
        /// The relay.
        relay: usize,
    },
}

/// What a saga sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendPlace {
    /// In a step.
    Step(usize),
    /// To undo a step.
    Undo(usize),
    /// At the end.
    Last(usize),
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WiringFault {
    /// Nothing emits an event.
    NeverEmitted {
        /// Its type.
        event: String,
    },
    /// Every event of a type becomes another.
    Gone {
        /// The type.
        event: String,
    },
    /// Nothing handles a command that a consumer dispatches.
    Unhandled {
        /// The command.
        command: String,
    },
    /// No consumer takes messages of a topic.
    NoConsumer {
        /// The topic.
        topic: String,
    },
    /// Only commands that a consumer dispatches are answered, and this one isn't.
    NeverDone {
        /// The command.
        command: String,
        /// Where it goes.
        topic: String,
    },
    /// A step doesn't say what undoes it.
    NoCompensation {
        /// The step.
        step: String,
        /// What it sends.
        command: String,
    },
    /// A step may wait for ever.
    WaitsForEver {
        /// The step.
        step: String,
    },
    /// A step is never taken.
    NeverTaken {
        /// The step.
        step: String,
    },
    /// A saga never starts.
    NeverStarts,
}

impl fmt::Display for WiringFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverEmitted { event } => write!(f, "nothing emits the event \"{event}\""),
            Self::Gone { event } => {
                write!(f, "every {event} becomes another event, so none comes any more")
            }
            Self::Unhandled { command } => {
                write!(f, "nothing handles the command \"{command}\", which a consumer dispatches")
            }
            Self::NoConsumer { topic } => write!(f, "no consumer takes messages of the topic \"{topic}\""),
            Self::NeverDone { command, .. } => write!(f, "nothing ever says that {command} was done"),
            Self::NoCompensation { step, command } => {
                write!(f, "the step \"{step}\" doesn't say what undoes {command}")
            }
            Self::WaitsForEver { step } => write!(f, "the step \"{step}\" may wait for ever"),
            Self::NeverTaken { step } => {
                write!(f, "the step \"{step}\" is never taken: its `when` never holds")
            }
            Self::NeverStarts => f.write_str("no such saga ever starts: its `when` never holds"),
        }
    }
}

impl WiringFault {
    /// What a program does about it; a file has words of its own.
    fn remedy(&self) -> &'static str {
        match self {
            Self::NeverEmitted { .. } => "say that it comes from elsewhere: AppBuilder::known_event",
            Self::Gone { .. } => "name what it becomes",
            Self::Unhandled { .. } => "register a handler, such as with AppBuilder::decider",
            Self::NoConsumer { .. } => {
                "register a consumer, or say that another program takes it: Settings::message_queue.external"
            }
            Self::NeverDone { .. } => "name the event that says so: SendOutline::done",
            Self::NoCompensation { .. } => {
                "say it: StepOutline::compensate, or nothing_to_undo if nothing has to be undone"
            }
            Self::WaitsForEver { .. } => "give it a timeout, or name the event that says it failed",
            Self::NeverTaken { .. } | Self::NeverStarts => "correct the condition",
        }
    }
}

impl fmt::Display for WiringProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.part, self.fault)?;
        match &self.near {
            Some(near) => write!(f, "; did you mean \"{near}\"?"),
            None => write!(f, "; {}", self.fault.remedy()),
        }
    }
}
