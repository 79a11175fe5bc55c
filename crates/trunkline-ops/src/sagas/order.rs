//! What came of an operator's order.

use serde::Serialize;
use serde_json::value::RawValue;
use trunkline::saga::{Ordered, Status, Transition};

/// What came of an order.
#[derive(Debug, Serialize)]
pub struct OrderReport<'a> {
    /// The saga, NAME-ID.
    pub saga: String,
    /// How it stands now.
    pub status: Option<Status>,
    /// The step at which it is.
    pub step: Option<&'a str>,
    /// What was recorded.
    pub recorded: Vec<RecordedTransition>,
}

/// An event of a saga's stream.
#[derive(Debug, Serialize)]
pub struct RecordedTransition {
    /// Its type.
    pub event: &'static str,
    /// Its data.
    pub data: Box<RawValue>,
}

impl<'a> OrderReport<'a> {
    /// What came of this order.
    pub fn of(Ordered { state, transitions }: &'a Ordered) -> Self {
        Self {
            saga: format!("{}-{}", state.name, state.id),
            status: state.status,
            step: state.waiting.as_ref().map(|waiting| waiting.step.as_str()),
            recorded: transitions.iter().map(RecordedTransition::of).collect(),
        }
    }
}

impl RecordedTransition {
    fn of(transition: &Transition) -> Self {
        Self { event: transition.name(), data: raw(transition) }
    }
}

/// The data of an event of a saga's stream.
pub(super) fn raw(transition: &Transition) -> Box<RawValue> {
    serde_json::from_slice(&transition.to_data()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
