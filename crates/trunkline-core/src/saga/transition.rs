//! What is recorded of a saga: the events of its stream.
//!
//! Their JSON is described in `docs/format/sagas-v1.md`.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};

use super::{Compensation, Json, MessageIds, Outgoing, Wait};
use crate::{EventId, EventType, Position, Version};

/// What made a transition happen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitionCause {
    /// The position of an event; of a timer, how far the log was read when it was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The event's type, as stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The event's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// Who ordered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
}

/// Which part of a saga's life a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SagaPart {
    /// A step on the way forward.
    Step,
    /// What undoes a step.
    Compensation,
    /// What is sent after the last step.
    Completed,
    /// What is sent after the way back.
    Failed,
}

/// A saga began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// Why.
    pub cause: TransitionCause,
    /// The data of the event that started it.
    pub start: Json,
    /// What it remembers at the beginning.
    pub state: Json,
    /// How long it may take as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// What all that follows from one cause has in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

/// A message went out.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "SentRead")]
pub struct Sent {
    /// Why.
    pub cause: TransitionCause,
    /// The step that it is for; `completed` or `failed` for the last send.
    pub step: String,
    /// Which part of the saga's life.
    pub part: SagaPart,
    /// The message: the field `outgoing`, or `send` where its id follows from its place.
    pub send: Outgoing,
    /// What the message's id follows from.
    pub ids: MessageIds,
    /// What is waited for.
    pub wait: Wait,
    /// What undoes the step.
    pub compensate: Option<Compensation>,
}

/// The same as it is written.
#[derive(Serialize)]
struct SentWritten<'a> {
    cause: &'a TransitionCause,
    step: &'a str,
    part: SagaPart,
    #[serde(skip_serializing_if = "Option::is_none")]
    send: Option<&'a Outgoing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outgoing: Option<&'a Outgoing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait: Option<&'a Wait>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compensate: Option<&'a Compensation>,
}

/// The same as it is read.
#[derive(Deserialize)]
struct SentRead {
    cause: TransitionCause,
    step: String,
    part: SagaPart,
    send: Option<Outgoing>,
    outgoing: Option<Outgoing>,
    #[serde(default)]
    wait: Wait,
    compensate: Option<Compensation>,
}

impl Serialize for Sent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { cause, step, part, send, ids, wait, compensate } = self;
        // Who knows of no ids but those of places must not read it: it would send the same under another id.
        let (send, outgoing) = match ids {
            MessageIds::OfPlaces => (Some(send), None),
            MessageIds::OfEvents => (None, Some(send)),
        };
        let (wait, compensate) = (Some(wait).filter(|wait| !wait.is_default()), compensate.as_ref());
        SentWritten { cause, step, part: *part, send, outgoing, wait, compensate }.serialize(serializer)
    }
}

impl TryFrom<SentRead> for Sent {
    type Error = &'static str;

    fn try_from(read: SentRead) -> Result<Self, Self::Error> {
        let SentRead { cause, step, part, send, outgoing, wait, compensate } = read;
        let (send, ids) = match (send, outgoing) {
            (Some(send), None) => (send, MessageIds::OfPlaces),
            (None, Some(send)) => (send, MessageIds::OfEvents),
            _ => return Err("it has one of `send` and `outgoing`"),
        };
        Ok(Self { cause, step, part, send, ids, wait, compensate })
    }
}

/// A message went out once more, under its first id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resent {
    /// Why.
    pub cause: TransitionCause,
    /// The step that it is for.
    pub step: String,
    /// The message: the version of the transition that sent it first.
    pub message: Version,
    /// How often it has been sent now.
    pub attempt: u32,
    /// How long it is kept from consumers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delay_ms: u64,
}

/// A step was passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Why it was looked at.
    pub cause: TransitionCause,
    /// The step.
    pub step: String,
}

/// What a saga waited for was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepDone {
    /// What made it happen.
    pub cause: TransitionCause,
    /// The step.
    pub step: String,
    /// Which part of the saga's life.
    pub part: SagaPart,
    /// In which way it was done.
    pub by: DoneBy,
    /// The reason of a rejection, or of an operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the saga remembers now, when it is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Json>,
}

/// In which way something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoneBy {
    /// The event that was waited for came.
    Event,
    /// The command was accepted.
    Accepted,
    /// The command was accepted and caused nothing: nothing was left to do.
    Nothing,
    /// The command was rejected, which of a last send is an answer too.
    Rejected,
    /// An operator took it as done.
    Resolved,
}

/// An event changed what the saga remembers, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// The event.
    pub cause: TransitionCause,
    /// What the saga remembers now.
    pub state: Json,
}

/// The way back began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// What began it.
    pub cause: TransitionCause,
    /// The step that the saga was at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Why.
    pub reason: String,
    /// Whether the step is known not to have happened, so that nothing of it is undone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drops: bool,
}

/// The saga ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// What ended it.
    pub cause: TransitionCause,
}

/// The saga can't go on without an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// What made it so.
    pub cause: TransitionCause,
    /// Where.
    pub step: String,
    /// Which part of the saga's life.
    pub part: SagaPart,
    /// Why.
    pub reason: String,
    /// Whether what was sent is known to have had no effect, so that trying again sends a new message.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answered: bool,
    /// Whether it is held: its definition doesn't name what it waits for, and nothing has an effect on it until it does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}

/// What a held saga waits for has a name again: it goes on where it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freed {
    /// Who ordered it, if anybody did.
    pub cause: TransitionCause,
    /// The step that it is at.
    pub step: String,
}

/// Something came that has no effect any more, or not yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoredCause {
    /// What came.
    pub cause: TransitionCause,
    /// Why it has no effect.
    pub why: String,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Version>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference to the field")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

macro_rules! transitions {
    ($($(#[$doc:meta])* $variant:ident($data:ty) = $name:literal;)+) => {
        /// An event of a saga's stream.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Transition {
            $($(#[$doc])* $variant($data),)+
        }

        impl Transition {
            /// The names of all types of such events.
            pub const TYPES: &'static [&'static str] = &[$($name),+];

            /// The event's type.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)+
                }
            }

            /// Why it happened.
            pub fn cause(&self) -> &TransitionCause {
                match self {
                    $(Self::$variant(data) => &data.cause,)+
                }
            }

            /// The event's data.
            pub fn to_data(&self) -> Vec<u8> {
                let json = match self {
                    $(Self::$variant(data) => serde_json::to_vec(data),)+
                };
                json.expect("texts, numbers and JSON always serialize")
            }

            /// The transition of this type with this data; `None` for a type that none of them has.
            pub fn from_data(name: &str, data: &[u8]) -> Option<Result<Self, serde_json::Error>> {
                fn read<T: DeserializeOwned>(data: &[u8]) -> Result<T, serde_json::Error> {
                    serde_json::from_slice(data)
                }
                match name {
                    $($name => Some(read(data).map(Self::$variant)),)+
                    _ => None,
                }
            }
        }
    };
}

transitions! {
    /// It began.
    Started(Started) = "$SagaStarted";
    /// A message went out.
    Sent(Box<Sent>) = "$SagaSent";
    /// A message went out once more.
    Resent(Resent) = "$SagaResent";
    /// A step was passed over.
    Skipped(Skipped) = "$SagaSkipped";
    /// What it waited for was done.
    StepDone(StepDone) = "$SagaStepDone";
    /// An event changed what it remembers.
    Noted(Noted) = "$SagaNoted";
    /// The way back began.
    Failing(Failing) = "$SagaFailing";
    /// All is done.
    Completed(Ended) = "$SagaCompleted";
    /// All is undone.
    Compensated(Ended) = "$SagaCompensated";
    /// It can't go on.
    Stuck(Stuck) = "$SagaStuck";
    /// It goes on, whose definition did not name what it waits for.
    Freed(Freed) = "$SagaFreed";
    /// Something had no effect.
    Ignored(IgnoredCause) = "$SagaIgnored";
}

impl Transition {
    /// The event's type, as a name.
    pub fn event_type(&self) -> EventType {
        EventType::system(self.name()).expect("the types of transitions are names")
    }

    /// Whether a message goes out.
    pub fn sends(&self) -> bool {
        matches!(self, Self::Sent(_) | Self::Resent(_))
    }
}

impl Started {
    /// How long it may take as a whole.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout_ms.map(Duration::from_millis)
    }
}
