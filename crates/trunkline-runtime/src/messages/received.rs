//! The event that a message brings, for code that knows today's shapes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;

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

/// The attributes that have a place of their own in an event, or another name in its metadata.
const PLACED: [&str; 17] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "dataversion",
    "streamname",
    "streamversion",
    "position",
    "traceparent",
    "correlationid",
    "causationid",
    "sagaid",
    "data",
    "data_base64",
];

/// What an envelope says, attribute by attribute.
struct Attributes<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

impl<'a> Attributes<'a> {
    /// What an attribute says; a null is as good as absent.
    fn optional<T: Deserialize<'a>>(&self, name: &str) -> Result<Option<T>, String> {
        let Some(value) = self.0.get(name).filter(|value| value.get() != "null") else { return Ok(None) };
        serde_json::from_str(value.get()).map(Some).map_err(|error| format!("`{name}`: {error}"))
    }

    fn required<T: Deserialize<'a>>(&self, name: &str) -> Result<T, String> {
        self.optional(name)?.ok_or_else(|| format!("it has no `{name}`"))
    }

    /// A whole number, which stands in a text where it has more than 32 bits.
    fn whole<T: Deserialize<'a> + FromStr>(&self, name: &str) -> Result<T, String> {
        match self.optional::<Cow<'_, str>>(name) {
            Ok(Some(text)) => text.parse().map_err(|_| format!("`{name}` is no whole number: {text:?}")),
            _ => self.required(name),
        }
    }

    fn data(&self) -> Result<Vec<u8>, String> {
        if let Some(json) = self.0.get("data") {
            return Ok(json.get().as_bytes().to_vec());
        }
        let text: Option<Cow<'_, str>> = self.optional("data_base64")?;
        let decoded = text.map(|text| base64::engine::general_purpose::STANDARD.decode(&*text)).transpose();
        Ok(decoded.map_err(|error| format!("`data_base64`: {error}"))?.unwrap_or_default())
    }

    /// The metadata: what a relay says by other names, and all else that the event came with.
    fn metadata(&self) -> Result<Metadata, String> {
        let mut said: BTreeMap<&str, &RawValue> = BTreeMap::new();
        for (name, of) in [
            ("traceparent", "traceparent"),
            ("correlation_id", "correlationid"),
            ("causation_id", "causationid"),
            ("saga_id", "sagaid"),
        ] {
            said.extend(self.0.get(of).map(|value| (name, *value)));
        }
        let others = self.0.iter().map(|(name, value)| (&**name, *value));
        said.extend(others.filter(|(name, _)| !PLACED.contains(name)));
        Metadata::of(&said).map_err(|error| error.to_string())
    }
}

/// The event that a message of a relay brings, in the shape in which it was published.
///
/// A message that has waited long, or came back from the dead letters, may be of an older shape than today's:
/// [`Upcasters::upcast`](trunkline_core::upcast::Upcasters::upcast) with the application's
/// [`upcasters`](crate::App::upcasters) makes today's events of it. Tags don't travel.
pub fn event_of(message: &Message) -> Result<RecordedEvent, NoEvent> {
    read(&message.payload).map_err(|reason| NoEvent { message: message.id.as_str().to_owned(), reason })
}

fn read(payload: &[u8]) -> Result<RecordedEvent, String> {
    let attributes = Attributes(serde_json::from_slice(payload).map_err(|error| error.to_string())?);
    let text = |name| attributes.required::<Cow<'_, str>>(name);
    let event_type = EventType::new(&text("type")?).map_err(|error| error.to_string())?;
    let occurred_at: Timestamp = text("time")?.parse().map_err(|error| format!("`time`: {error}"))?;
    let event = NewEvent {
        schema_version: attributes.whole("dataversion")?,
        ..NewEvent::new(event_type, attributes.data()?)
            .id(EventId::from_cloudevent(&text("source")?, &text("id")?))
            .metadata(attributes.metadata()?)
            .occurred_at(occurred_at)
    };
    // A relay names the stream where the event came with a subject that isn't one.
    let named = if attributes.0.contains_key("streamname") { "streamname" } else { "subject" };
    let stream: StreamName = text(named)?.parse().map_err(|error| format!("`{named}`: {error}"))?;
    let position = Position::new(attributes.whole("position")?);
    let version = Version::new(attributes.whole("streamversion")?);
    Ok(RecordedEvent::from_new(&event, &stream, position, version, occurred_at))
}
