//! A message as it lies in its topic, and how it stands with each group.

use serde::Serialize;
use trunkline_core::Timestamp;
use trunkline_queue::{MessageState, Peeked};

use super::MessageReport;

/// A message as it lies in its topic.
#[derive(Debug, Serialize)]
pub struct PeekReport {
    /// Its place there.
    pub place: u64,
    /// The message.
    #[serde(flatten)]
    pub message: MessageReport,
    /// Where its stored bytes are and what is wrong with them, if they are not what was published; the rest is then
    /// a stand-in of what is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damaged: Option<String>,
    /// How it stands with each group.
    pub states: Vec<StateReport>,
}

/// How a message stands with a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateReport {
    /// The group.
    pub group: String,
    /// How it stands: waiting, leased, delayed, held or dead.
    pub state: &'static str,
    /// Who holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// How often it was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// Until when it stands so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why it failed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// The dead letter that it is held by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
}

impl From<&Peeked> for PeekReport {
    fn from(peeked: &Peeked) -> Self {
        let states = peeked.states.iter().map(|(group, state)| {
            let mut report = StateReport {
                group: group.to_string(),
                state: state_name(state),
                consumer: None,
                attempts: None,
                until: None,
                last_error: None,
                held_by: None,
            };
            match state {
                MessageState::Waiting | MessageState::Dead => {}
                MessageState::Held { dead_letter } => report.held_by = Some(dead_letter.to_string()),
                MessageState::Leased { consumer, attempt, until } => {
                    report.consumer = Some(consumer.clone());
                    report.attempts = Some(*attempt);
                    report.until = Some(*until);
                }
                MessageState::Delayed { until, attempts, last_error } => {
                    report.attempts = Some(*attempts);
                    report.until = Some(*until);
                    report.last_error.clone_from(last_error);
                }
            }
            report
        });
        let states = states.collect();
        let (place, damaged) = (peeked.place, peeked.damaged.clone());
        Self { place, message: MessageReport::from(&peeked.message), damaged, states }
    }
}

/// The name of a state.
pub fn state_name(state: &MessageState) -> &'static str {
    match state {
        MessageState::Waiting => "waiting",
        MessageState::Leased { .. } => "leased",
        MessageState::Delayed { .. } => "delayed",
        MessageState::Held { .. } => "held",
        MessageState::Dead => "dead",
    }
}
