//! A declared aggregate: what its events make of its state.

use bytes::Bytes;
use trunkline_cel::{EvaluateError, Value, Variables};
use trunkline_core::upcast::Upcasters;
use trunkline_core::{RecordedEvent, StreamName};

use crate::file::AggregateDefinition;
use trunkline_runtime::{CommandContext, HandleError};
use trunkline_runtime::{Folded, Revision, SnapshotPlan};

/// Why an event makes no state.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EvolveError {
    #[error("its data is not JSON: {0}")]
    Data(trunkline_cel::JsonError),
    #[error("the rule for it fails: {0}")]
    Rule(#[from] EvaluateError),
}

impl AggregateDefinition {
    /// The state after an event; an event without a rule leaves it as it is.
    pub(crate) fn evolve(&self, state: Value, event: &RecordedEvent) -> Result<Value, EvolveError> {
        let Some(rule) = self.on.get(event.event_type()) else { return Ok(state) };
        let variables = Variables::new().with("state", state).with("event", event_value(event)?);
        Ok(rule.evaluate(&variables)?)
    }
}

/// A declared aggregate, with what its snapshots are known by.
#[derive(Debug)]
pub(crate) struct Aggregate {
    definition: AggregateDefinition,
    revision: Revision,
    snapshot_every: u64,
}

impl Aggregate {
    pub(super) fn new(definition: AggregateDefinition, upcasters: &Upcasters, snapshot_every: u64) -> Self {
        let initial = definition.initial.to_json();
        let mut made_by = format!("declared 1\n{}\n", String::from_utf8_lossy(&initial));
        for (event_type, rule) in &definition.on {
            made_by.extend([event_type, ": ", rule.source(), "\n"]);
        }
        made_by.push_str(&upcasters.to_string());
        let snapshot_every = definition.snapshot_every.unwrap_or(snapshot_every);
        Self { definition, revision: Revision::of(&made_by), snapshot_every }
    }

    /// The state of a stream as it is now.
    pub(super) async fn load(
        &self,
        context: &CommandContext<'_>,
        stream: &StreamName,
    ) -> Result<Folded<Value>, HandleError> {
        let plan = SnapshotPlan {
            every: self.snapshot_every,
            revision: self.revision,
            write: &|state: &Value| {
                let json = state.to_json();
                // A timestamp is text once it is read back: such a state would not be the same.
                let same = Value::from_json(json.clone()).is_ok_and(|read| read == *state);
                same.then_some(json)
            },
            read: &|json| Value::from_json(json).ok(),
        };
        let evolve = |state, event: &RecordedEvent| {
            let evolved = self.definition.evolve(state, event);
            evolved.map_err(|error| HandleError::unreadable(event, &error.to_string()))
        };
        context.fold(stream, self.definition.initial.clone(), evolve, Some(plan)).await
    }
}

/// An event as expressions see it.
pub(crate) fn event_value(event: &RecordedEvent) -> Result<Value, EvolveError> {
    let json = |bytes: Bytes| Value::from_json(bytes).map_err(EvolveError::Data);
    Ok(Value::object([
        ("type", Value::from(event.event_type())),
        ("data", Value::from_data(event.data_bytes())),
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
