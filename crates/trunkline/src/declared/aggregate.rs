//! A declared aggregate: what its events make of its state.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use trunkline_cel::{EvaluateError, Value, Variables};
use trunkline_core::{RecordedEvent, StreamName, Version};
use trunkline_store::{EventStore, StreamRead};

use crate::command::{HandleError, unreadable};
use crate::file::AggregateDefinition;

/// A state, and how far it has come.
#[derive(Clone, Debug)]
pub(crate) struct Folded {
    pub(crate) state: Value,
    pub(crate) version: Version,
}

/// Why an event makes no state.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EvolveError {
    #[error("its data is not JSON: {0}")]
    Data(trunkline_cel::JsonError),
    #[error("the rule for it fails: {0}")]
    Rule(#[from] EvaluateError),
}

impl AggregateDefinition {
    /// The state before the first event.
    pub(crate) fn initial(&self) -> Folded {
        Folded { state: self.initial.clone(), version: Version::EMPTY }
    }

    /// The state after an event; an event without a rule leaves it as it is.
    pub(crate) fn evolve(&self, state: Value, event: &RecordedEvent) -> Result<Value, EvolveError> {
        let Some(rule) = self.on.get(event.event_type()) else { return Ok(state) };
        let variables = Variables::new().with("state", state).with("event", event_value(event)?);
        Ok(rule.evaluate(&variables)?)
    }

    /// The state of a stream as it is now.
    pub(crate) async fn load(
        &self,
        store: &Arc<dyn EventStore>,
        stream: &StreamName,
    ) -> Result<Folded, HandleError> {
        let mut folded = self.initial();
        let mut events = store.read_stream(stream, StreamRead::default());
        while let Some(event) = events.next().await.transpose()? {
            folded.version = event.version();
            folded.state =
                self.evolve(folded.state, &event).map_err(|error| unreadable(&event, &error.to_string()))?;
        }
        Ok(folded)
    }
}

/// An event as expressions see it.
pub(crate) fn event_value(event: &RecordedEvent) -> Result<Value, EvolveError> {
    let json = |bytes: Bytes| Value::from_json(bytes).map_err(EvolveError::Data);
    Ok(Value::object([
        ("type", Value::from(event.event_type())),
        ("data", json(event.data_bytes())?),
        ("stream", Value::from(event.stream())),
        ("version", number(event.version().get())),
        ("position", number(event.position().get())),
        ("occurred_at", Value::from(event.occurred_at().to_string())),
        ("metadata", json(Bytes::copy_from_slice(event.metadata()))?),
        ("tags", Value::list(event.tags().map(Value::from))),
    ]))
}

/// A place as expressions count: none is ever near the largest integer.
pub(super) fn number(place: u64) -> Value {
    Value::from(i64::try_from(place).unwrap_or(i64::MAX))
}
