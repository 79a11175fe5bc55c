//! What came of a command: an answer, yes or no, and the same one however often it is asked for.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use trunkline_core::{CommandId, EventId, EventType, Position, StreamName, Version};

/// What came of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The command's name.
    pub command: String,
    /// The command's id: the caller's, or the one it was given.
    pub id: CommandId,
    /// Whether this is the outcome that the command had when it was sent before.
    pub repeated: bool,
    /// The answer.
    pub decision: Decision,
}

/// Yes or no.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It was done: these events were stored.
    Accepted(Accepted),
    /// It was refused, which is an answer and not a failure. Nothing happened.
    Rejected(Rejection),
}

/// What an accepted command caused.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// The events, in order; none when there was nothing to do.
    pub events: Vec<Emitted>,
    /// The position of the last of them.
    pub position: Option<Position>,
    /// The answer's data, JSON: by default the event's data, a list of them when there are several, `null`
    /// when there are none.
    pub reply: Bytes,
}

/// An event that a command caused.
#[derive(Clone, Debug, PartialEq)]
pub struct Emitted {
    /// Its stream.
    pub stream: StreamName,
    /// Its place there.
    pub version: Version,
    /// Its id.
    pub event_id: EventId,
    /// What happened.
    pub event_type: EventType,
    /// The data.
    pub data: Bytes,
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The reason, for whoever asked.
    pub reason: String,
    /// Which kind of rule refused it.
    pub by: RejectedBy,
    /// The field it is about, such as `command.items`, where one can be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// What refused a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RejectedBy {
    /// A rule of the aggregate: its decider, or a `require`.
    Rule,
    /// The stream is not as the command expects: `expect`.
    Expect,
    /// The data is not of the command's shape.
    Data,
}

impl Rejection {
    /// Refused by a rule of the aggregate.
    pub fn rule(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), by: RejectedBy::Rule, field: None }
    }

    /// Refused since the data is not of the command's shape.
    pub fn data(reason: impl Into<String>, field: Option<String>) -> Self {
        Self { reason: reason.into(), by: RejectedBy::Data, field }
    }

    /// Refused since the stream is not as the command expects.
    pub fn expect(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), by: RejectedBy::Expect, field: None }
    }
}

impl Outcome {
    /// What was accepted, if it was.
    pub fn accepted(&self) -> Option<&Accepted> {
        match &self.decision {
            Decision::Accepted(accepted) => Some(accepted),
            Decision::Rejected(_) => None,
        }
    }

    /// Why it was rejected, if it was.
    pub fn rejection(&self) -> Option<&Rejection> {
        match &self.decision {
            Decision::Accepted(_) => None,
            Decision::Rejected(rejection) => Some(rejection),
        }
    }
}

impl Accepted {
    /// The reply when the command says nothing else.
    pub(crate) fn default_reply<'a>(mut data: impl ExactSizeIterator<Item = &'a Bytes>) -> Bytes {
        if data.len() == 1 {
            return data.next().cloned().unwrap_or_default();
        }
        if data.len() == 0 {
            return Bytes::from_static(b"null");
        }
        let list: Vec<&[u8]> = data.map(|data| &data[..]).collect();
        [b"[", &list.join(&b","[..])[..], b"]"].concat().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reply_is_the_data_of_the_events() {
        let reply = |data: &[&'static str]| {
            let data: Vec<Bytes> = data.iter().map(|data| Bytes::from_static(data.as_bytes())).collect();
            Accepted::default_reply(data.iter())
        };
        assert_eq!(reply(&[]), "null");
        assert_eq!(reply(&[r#"{"a": 1}"#]), r#"{"a": 1}"#);
        assert_eq!(reply(&["1", "2"]), "[1,2]");
    }
}
