//! What came of a command.

use serde::Serialize;
use serde_json::value::RawValue;
use trunkline::{Accepted, Decision, Outcome, Rejection};
use trunkline_core::{EventId, Position, StreamName, Version};

use crate::Verdict;

/// What came of a command.
#[derive(Debug, Serialize)]
pub struct OutcomeReport<'a> {
    /// `accepted` or `rejected`.
    pub outcome: &'static str,
    /// The command.
    pub command: &'a str,
    /// Its id.
    pub id: &'a str,
    /// Whether it had its outcome before.
    pub repeated: bool,
    /// What was decided.
    #[serde(flatten)]
    pub decided: DecisionReport<'a>,
}

/// What was decided.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum DecisionReport<'a> {
    /// The command was accepted.
    Accepted {
        /// The position of its last event, if it has any.
        position: Option<Position>,
        /// What it has caused.
        events: Vec<EmittedReport<'a>>,
        /// Its reply.
        reply: &'a RawValue,
    },
    /// It was rejected.
    Rejected(&'a Rejection),
}

/// An event that a command has caused.
#[derive(Debug, Serialize)]
pub struct EmittedReport<'a> {
    /// Its stream.
    pub stream: &'a StreamName,
    /// Its place there.
    pub version: Version,
    /// Its id.
    pub event_id: EventId,
    /// Its type.
    pub event_type: &'a str,
    /// Its data.
    pub data: &'a RawValue,
}

impl<'a> OutcomeReport<'a> {
    /// That of this outcome.
    pub fn of(outcome: &'a Outcome) -> Self {
        let (word, decided) = match &outcome.decision {
            Decision::Accepted(accepted) => ("accepted", DecisionReport::of(accepted)),
            Decision::Rejected(rejection) => ("rejected", DecisionReport::Rejected(rejection)),
        };
        Self {
            outcome: word,
            command: &outcome.command,
            id: outcome.id.as_str(),
            repeated: outcome.repeated,
            decided,
        }
    }
}

impl<'a> DecisionReport<'a> {
    fn of(accepted: &'a Accepted) -> Self {
        let events = accepted.events.iter().map(|event| EmittedReport {
            stream: &event.stream,
            version: event.version,
            event_id: event.event_id,
            event_type: event.event_type.as_str(),
            data: raw(&event.data),
        });
        Self::Accepted { position: accepted.position, events: events.collect(), reply: raw(&accepted.reply) }
    }
}

impl OutcomeReport<'_> {
    /// Whether the command was accepted.
    pub fn verdict(&self) -> Result<(), Verdict> {
        match self.decided {
            DecisionReport::Accepted { .. } => Ok(()),
            DecisionReport::Rejected(_) => Err(Verdict::Rejected),
        }
    }
}

/// JSON that the application made.
fn raw(json: &[u8]) -> &RawValue {
    serde_json::from_slice(json).unwrap_or(RawValue::NULL)
}
