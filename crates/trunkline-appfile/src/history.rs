//! What a declared aggregate's state was at some moment, and what each event had changed.

use std::sync::Arc;

use futures::StreamExt;
use serde::Serialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;
use trunkline_cel::Value;
use trunkline_core::upcast::{UpcastError, Upcasters};
use trunkline_core::{Origin, Position, StreamName, Timestamp, Version};
use trunkline_store::{EventStore, ReadError, StreamRead};

use crate::{AggregateDefinition, Definition};

/// Until when a stream is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// To its end.
    #[default]
    Now,
    /// To this version.
    Version(Version),
    /// To the last event before the first that occurred after this.
    Time(Timestamp),
}

/// A stream's state, and how it came about.
#[derive(Debug, Serialize)]
pub struct History {
    /// The stream.
    pub stream: StreamName,
    /// The version of the last event that is in the state.
    pub version: Version,
    /// The state, JSON.
    pub state: Box<RawValue>,
    /// What happened, in order, in today's shapes.
    pub events: Vec<HistoryEntry>,
}

/// An event, and what it changed.
#[derive(Debug, Serialize)]
pub struct HistoryEntry {
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the store.
    pub position: Position,
    /// What happened.
    pub event_type: String,
    /// When.
    pub occurred_at: Timestamp,
    /// Who did it and why.
    #[serde(flatten)]
    pub origin: Origin,
    /// What became of the state; nothing when the aggregate has no rule for the event.
    pub changed: Vec<Change>,
}

/// A part of the state that an event changed.
#[derive(Debug, PartialEq, Serialize)]
pub struct Change {
    /// The part, such as `items` or `customer.name`; empty for the whole.
    pub path: String,
    /// What it was; nothing when it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Json>,
    /// What it became; nothing when it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Json>,
}

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The file declares no such aggregate.
    #[error("the file declares no aggregate \"{aggregate}\", of which {stream} would be one")]
    UnknownAggregate {
        /// The aggregate type.
        aggregate: String,
        /// The stream.
        stream: StreamName,
        /// Those that it declares.
        known: Vec<String>,
    },
    /// The stream has no events, or none until then.
    #[error("stream `{stream}` has no events until then")]
    NoEvents {
        /// The stream.
        stream: StreamName,
    },
    /// The stream could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An event does not reach today's shape.
    #[error(transparent)]
    Upcast(#[from] UpcastError),
    /// The rule for an event fails.
    #[error("version {version} of {stream} ({event_type}): {reason}")]
    Rule {
        /// The stream.
        stream: StreamName,
        /// The event's version.
        version: Version,
        /// Its type.
        event_type: String,
        /// Why.
        reason: String,
    },
}

/// Follows a stream of an aggregate that a file declares.
pub async fn follow(
    definition: &Definition,
    store: &Arc<dyn EventStore>,
    stream: &StreamName,
    until: Until,
) -> Result<History, HistoryError> {
    let kind = stream.aggregate_type();
    let Some(declared) = definition.aggregates.get(kind) else {
        return Err(HistoryError::UnknownAggregate {
            aggregate: kind.to_owned(),
            stream: stream.clone(),
            known: definition.aggregates.keys().cloned().collect(),
        });
    };
    trace(declared, &definition.upcasters, store, stream, until).await
}

async fn trace(
    declared: &AggregateDefinition,
    upcasters: &Upcasters,
    store: &Arc<dyn EventStore>,
    stream: &StreamName,
    until: Until,
) -> Result<History, HistoryError> {
    let mut state = declared.initial.clone();
    let mut json = parsed(&state);
    let mut entries = Vec::new();
    let mut last = Version::EMPTY;
    let to = match until {
        Until::Version(version) => version,
        Until::Now | Until::Time(_) => Version::MAX,
    };
    let mut events = store.read_stream(stream, StreamRead { to, ..StreamRead::default() });
    while let Some(event) = events.next().await.transpose()? {
        if matches!(until, Until::Time(time) if event.occurred_at() > time) {
            break;
        }
        last = event.version();
        for event in upcasters.upcast(event)? {
            state = declared.evolve(state, &event).map_err(|error| HistoryError::Rule {
                stream: stream.clone(),
                version: event.version(),
                event_type: event.event_type().to_owned(),
                reason: error.to_string(),
            })?;
            let next = parsed(&state);
            let mut changed = Vec::new();
            compare("", Some(&json), Some(&next), &mut changed);
            json = next;
            entries.push(HistoryEntry {
                version: event.version(),
                position: event.position(),
                event_type: event.event_type().to_owned(),
                occurred_at: event.occurred_at(),
                origin: Origin::of(event.metadata()),
                changed,
            });
        }
    }
    if last == Version::EMPTY {
        return Err(HistoryError::NoEvents { stream: stream.clone() });
    }
    let state = serde_json::from_slice(&state.to_json()).expect("a state is JSON");
    Ok(History { stream: stream.clone(), version: last, state, events: entries })
}

/// A state to be compared and shown. What is no value of expressions is shown as the text that it was written as.
fn parsed(state: &Value) -> Json {
    if !state.may_be_odd() {
        return serde_json::from_slice(&state.to_json()).expect("a state is JSON");
    }
    if let Some(fields) = state.fields() {
        return Json::Object(fields.map(|(name, value)| (name, parsed(&value))).collect());
    }
    if let Some(items) = state.items() {
        return Json::Array(items.map(|item| parsed(&item)).collect());
    }
    let written = state.to_json();
    match serde_json::from_slice(&written) {
        // Shown as a double, a large integer would be another.
        Ok(Json::Number(number)) if number.is_f64() && state.as_f64().is_none() => None,
        read => read.ok(),
    }
    .unwrap_or_else(|| Json::String(String::from_utf8_lossy(&written).into_owned()))
}

/// Notes what differs: objects field by field, everything else as a whole.
fn compare(path: &str, before: Option<&Json>, after: Option<&Json>, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    let (Some(Json::Object(old)), Some(Json::Object(new))) = (before, after) else {
        changes.push(Change { path: path.to_owned(), before: before.cloned(), after: after.cloned() });
        return;
    };
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in names {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        compare(&path, old.get(name), new.get(name), changes);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_value_of_expressions_is_shown_as_it_is_written() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        let state = format!(
            r#"{{"a":[1.5,1E400],"b":"\ud800","c":18446744073709551615,"d":{deep},"e":-1{}}}"#,
            "0".repeat(30)
        );
        let json = parsed(&Value::from_json(state).unwrap());
        assert_eq!(json["a"], json!([1.5, "1E400"]));
        assert_eq!((&json["b"], &json["c"]), (&json!("\"\\ud800\""), &json!(u64::MAX)));
        assert_eq!(json["e"], json!(format!("-1{}", "0".repeat(30))));
    }

    #[test]
    fn changes_are_listed_field_by_field() {
        let before = json!({"status": "pending", "at": {"shelf": 1, "box": 2}, "note": "x"});
        let after = json!({"status": "sent", "at": {"shelf": 1, "box": 3}, "items": [1]});
        let mut changes = Vec::new();
        compare("", Some(&before), Some(&after), &mut changes);
        let listed: Vec<String> = changes
            .iter()
            .map(|change| {
                format!("{} {:?} {:?}", change.path, change.before.is_some(), change.after.is_some())
            })
            .collect();
        assert_eq!(listed, ["status true true", "at.box true true", "note true false", "items false true"]);
    }
}
