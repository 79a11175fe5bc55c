//! The event that a message brings, for code that knows today's shapes.

use base64::Engine as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use trunkline_core::{
    EventId, EventType, Metadata, NewEvent, Position, RecordedEvent, StreamName, Timestamp, Version,
};
use trunkline_queue::Message;

/// Why a message brings no event.
#[derive(Debug, thiserror::Error)]
#[error("the message {message} brings no event: {reason}")]
pub struct NoEvent {
    /// The message's id.
    message: String,
    /// What is wrong with it.
    reason: String,
}

#[derive(Deserialize)]
struct CloudEvent<'a> {
    id: String,
    #[serde(rename = "type")]
    event_type: String,
    subject: String,
    time: String,
    dataversion: u32,
    streamversion: u64,
    position: u64,
    traceparent: Option<String>,
    correlationid: Option<String>,
    causationid: Option<String>,
    sagaid: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    data_base64: Option<String>,
}

/// The event that a message of a relay brings, in the shape in which it was published.
///
/// A message that has waited long, or came back from the dead letters, may be of an older shape than today's:
/// [`Upcasters::upcast`](trunkline_core::upcast::Upcasters::upcast) with the application's
/// [`upcasters`](crate::App::upcasters) makes today's events of it. Tags don't travel.
pub fn event_of(message: &Message) -> Result<RecordedEvent, NoEvent> {
    let failed = |reason: String| NoEvent { message: message.id.as_str().to_owned(), reason };
    let read = |error: &dyn std::fmt::Display| failed(error.to_string());
    let envelope: CloudEvent<'_> = serde_json::from_slice(&message.payload).map_err(|error| read(&error))?;
    let data = match (envelope.data, envelope.data_base64) {
        (Some(json), _) => json.get().as_bytes().to_vec(),
        (None, Some(text)) => {
            base64::engine::general_purpose::STANDARD.decode(text).map_err(|error| read(&error))?
        }
        (None, None) => Vec::new(),
    };
    let said = [
        ("traceparent", envelope.traceparent),
        ("correlation_id", envelope.correlationid),
        ("causation_id", envelope.causationid),
        ("saga_id", envelope.sagaid),
    ];
    let said: serde_json::Map<String, serde_json::Value> =
        said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect();
    let metadata = serde_json::Value::Object(said).to_string();
    let event_type = EventType::new(&envelope.event_type).map_err(|error| read(&error))?;
    let occurred_at: Timestamp = envelope.time.parse().map_err(|error| read(&error))?;
    let event = NewEvent {
        schema_version: envelope.dataversion,
        ..NewEvent::new(event_type, data)
            .id(envelope.id.parse::<EventId>().map_err(|error| read(&error))?)
            .metadata(Metadata::parse(metadata).map_err(|error| read(&error))?)
            .occurred_at(occurred_at)
    };
    let stream: StreamName = envelope.subject.parse().map_err(|error| read(&error))?;
    let (position, version) = (Position::new(envelope.position), Version::new(envelope.streamversion));
    Ok(RecordedEvent::from_new(&event, &stream, position, version, occurred_at))
}
