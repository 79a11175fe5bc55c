//! An event as a message: a `CloudEvents` 1.0 object in structured mode.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
use trunkline_core::limits::{EVENT_DATA_BYTES_MAX, METADATA_BYTES_MAX};
use trunkline_core::{MetadataView, RecordedEvent, StoreId};
use trunkline_queue::NewMessage;
use trunkline_queue::limits::PAYLOAD_BYTES_MAX;

use super::message_id;

/// The content type of such a payload.
const CONTENT_TYPE: &str = "application/cloudevents+json";

/// Names, numbers and times of an envelope, at most.
const ENVELOPE_BYTES_MAX: usize = 8 << 10;

// Whatever a log takes fits into a message, else a relay could never go on.
const _: () = assert!(
    EVENT_DATA_BYTES_MAX.div_ceil(3) * 4 + METADATA_BYTES_MAX + ENVELOPE_BYTES_MAX <= PAYLOAD_BYTES_MAX,
    "the largest event fits into the largest payload"
);

/// Longest value that goes into a header besides the envelope; a longer one is in the envelope alone.
const HEADER_VALUE_BYTES_MAX: usize = 4 << 10;

#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: String,
    source: String,
    #[serde(rename = "type")]
    event_type: &'a str,
    subject: &'a str,
    time: String,
    datacontenttype: &'static str,
    dataversion: u32,
    streamversion: u64,
    position: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlationid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sagaid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

/// What an event's metadata says that goes on with its message.
struct Passed<'a> {
    traceparent: Option<Cow<'a, str>>,
    correlation_id: Option<Cow<'a, str>>,
    causation_id: Option<Cow<'a, str>>,
    saga_id: Option<Cow<'a, str>>,
}

impl<'a> Passed<'a> {
    fn of(event: &'a RecordedEvent) -> Self {
        const NAMES: [&str; 4] = [
            MetadataView::TRACEPARENT,
            MetadataView::CORRELATION_ID,
            MetadataView::CAUSATION_ID,
            MetadataView::SAGA_ID,
        ];
        let [traceparent, correlation_id, causation_id, saga_id] =
            MetadataView::of(event.metadata()).texts(NAMES);
        Self { traceparent, correlation_id, causation_id, saga_id }
    }
}

/// An event as a `CloudEvents` object.
///
/// `source` names the store, `subject` is the stream; `streamversion`, `position`, `dataversion`,
/// `correlationid`, `causationid`, `sagaid` and `traceparent` are extensions.
pub fn cloudevent(event: &RecordedEvent, store: StoreId) -> Vec<u8> {
    to_json(event, store, 0, &Passed::of(event))
}

fn to_json(event: &RecordedEvent, store: StoreId, index: u32, passed: &Passed<'_>) -> Vec<u8> {
    let data: Option<&RawValue> = serde_json::from_slice(event.data()).ok();
    let binary = || {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(event.data())
    };
    let envelope = CloudEvent {
        specversion: "1.0",
        // Each of several events that one became is an event of its own to others.
        id: event.event_id().part(index).to_string(),
        source: format!("urn:uuid:{store}"),
        event_type: event.event_type(),
        subject: event.stream(),
        time: event.occurred_at().to_string(),
        datacontenttype: if data.is_some() { "application/json" } else { "application/octet-stream" },
        dataversion: event.schema_version(),
        streamversion: event.version().get(),
        position: event.position().get(),
        traceparent: passed.traceparent.as_deref(),
        correlationid: passed.correlation_id.as_deref(),
        causationid: passed.causation_id.as_deref(),
        sagaid: passed.saga_id.as_deref(),
        data_base64: data.is_none().then(binary),
        data,
    };
    serde_json::to_vec(&envelope).expect("texts and JSON always serialize")
}

/// Whether a queue takes the text as a header's value.
fn can_be_header(value: &str) -> bool {
    value.len() <= HEADER_VALUE_BYTES_MAX && !value.contains(['\r', '\n', '\0'])
}

/// The message that a producer makes of an event: of its only one, or of one by its index among several.
///
/// Its id follows from the event's, the producer and the index, its key is the stream.
pub fn message_of(event: &RecordedEvent, store: StoreId, producer: &str, index: u32) -> NewMessage {
    let passed = Passed::of(event);
    let mut message = NewMessage::new(event.event_type(), to_json(event, store, index, &passed))
        .id(message_id(event.event_id().part(index), producer))
        .key(event.stream())
        .header("content-type", CONTENT_TYPE)
        .cause(event.event_id(), event.position());
    for (name, value) in [
        ("traceparent", passed.traceparent),
        ("correlation_id", passed.correlation_id),
        ("saga_id", passed.saga_id),
    ] {
        if let Some(value) = value.filter(|value| can_be_header(value)) {
            message = message.header(name, value);
        }
    }
    message
}
