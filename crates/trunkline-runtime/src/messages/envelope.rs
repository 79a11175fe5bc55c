//! An event as a message: a `CloudEvents` 1.0 object in structured mode.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use trunkline_core::limits::{EVENT_DATA_BYTES_MAX, METADATA_BYTES_MAX};
use trunkline_core::{CloudEventAttributes, MetadataView, RecordedEvent, StoreId, Timestamp, is_traceparent};
use trunkline_queue::limits::PAYLOAD_BYTES_MAX;
use trunkline_queue::{Message, NewMessage};

use super::message_id;

/// The content type of such a payload.
pub(super) const CLOUDEVENT_TYPE: &str = "application/cloudevents+json";

/// The attributes that every envelope has of the event itself, whatever its metadata says by these names.
const OWN: [&str; 10] = [
    "type",
    "subject",
    "time",
    "data",
    "data_base64",
    "dataversion",
    "streamname",
    "streamversion",
    "position",
    "traceparent",
];

/// Whether a message's payload says of itself that it is a `CloudEvents` object.
pub fn is_cloudevent(message: &Message) -> bool {
    let content_type = message.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    content_type.is_some_and(|(_, value)| {
        let essence = value.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case(CLOUDEVENT_TYPE)
    })
}

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
    id: Cow<'a, str>,
    source: Cow<'a, str>,
    #[serde(rename = "type")]
    event_type: &'a str,
    subject: Cow<'a, str>,
    time: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    datacontenttype: Option<Cow<'a, str>>,
    dataversion: Whole,
    #[serde(skip_serializing_if = "Option::is_none")]
    streamname: Option<&'a str>,
    streamversion: Whole,
    position: Whole,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlationid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sagaid: Option<&'a str>,
    #[serde(flatten)]
    others: BTreeMap<Cow<'a, str>, &'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

/// A whole number as `CloudEvents` have them: of 32 bits, else a text.
struct Whole(u64);

impl Serialize for Whole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i32::try_from(self.0) {
            Ok(number) => serializer.serialize_i32(number),
            Err(_) => serializer.collect_str(&self.0),
        }
    }
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
        let traceparent = traceparent.filter(|text| is_traceparent(text));
        Self { traceparent, correlation_id, causation_id, saga_id }
    }
}

/// An event as a `CloudEvents` object.
///
/// `source` names the store, `subject` is the stream; `streamversion`, `position`, `dataversion`,
/// `correlationid`, `causationid`, `sagaid` and `traceparent` are extensions.
/// An event that was imported as a `CloudEvents` object goes out as it came: with its own `id`, `source`, `subject`,
/// `time`, `datacontenttype`, `dataschema` and extensions; where the subject is not the stream, `streamname` is.
/// A stranger's extensions by names of the store's own stay in the metadata.
/// A whole number beyond 32 bits is a text, as it has to be, and a `traceparent` that is none stays behind.
pub fn cloudevent(event: &RecordedEvent, store: StoreId) -> Vec<u8> {
    to_json(event, store, 0, &Passed::of(event))
}

fn to_json(event: &RecordedEvent, store: StoreId, index: u32, passed: &Passed<'_>) -> Vec<u8> {
    let came = CloudEventAttributes::of(event.metadata());
    let is_base64 = came.as_ref().is_some_and(|came| came.is_base64);
    let data: Option<&RawValue> = serde_json::from_slice(event.data()).ok().filter(|_| !is_base64);
    let binary = || {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(event.data())
    };
    let usual_type =
        if data.is_some() || is_base64 { "application/json" } else { "application/octet-stream" };
    let mut envelope = CloudEvent {
        specversion: "1.0",
        // Each of several events that one became is an event of its own to others.
        id: event.event_id().part(index).to_string().into(),
        source: format!("urn:uuid:{store}").into(),
        event_type: event.event_type(),
        subject: event.stream().into(),
        time: event.occurred_at().to_string().into(),
        datacontenttype: Some(usual_type.into()),
        dataversion: Whole(event.schema_version().into()),
        streamname: None,
        streamversion: Whole(event.version().get()),
        position: Whole(event.position().get()),
        traceparent: passed.traceparent.as_deref(),
        correlationid: passed.correlation_id.as_deref(),
        causationid: passed.causation_id.as_deref(),
        sagaid: passed.saga_id.as_deref(),
        others: BTreeMap::new(),
        data_base64: data.is_none().then(binary),
        data,
    };
    if let Some(came) = came {
        envelope.goes_as_it_came(came, event, index);
    }
    serde_json::to_vec(&envelope).expect("texts and JSON always serialize")
}

impl<'a> CloudEvent<'a> {
    fn goes_as_it_came(&mut self, came: CloudEventAttributes<'a>, event: &'a RecordedEvent, index: u32) {
        let CloudEventAttributes {
            id, source, content_type, has_no_content_type, others, subject, time, ..
        } = came;
        self.source = source;
        self.id = id.filter(|_| index == 0).unwrap_or_else(|| std::mem::take(&mut self.id));
        self.datacontenttype = content_type.or(self.datacontenttype.take()).filter(|_| !has_no_content_type);
        if let Some(subject) = subject.filter(|subject| *subject != event.stream()) {
            self.subject = subject;
            self.streamname = Some(event.stream());
        }
        let is_its_time =
            |time: &Cow<'_, str>| time.parse::<Timestamp>().is_ok_and(|time| time == event.occurred_at());
        if let Some(time) = time.filter(is_its_time) {
            self.time = time;
        }
        self.others = others;
        let said = [
            ("correlationid", self.correlationid),
            ("causationid", self.causationid),
            ("sagaid", self.sagaid),
        ];
        let said = said.into_iter().filter_map(|(name, text)| text.map(|_| name));
        for name in OWN.into_iter().chain(said) {
            self.others.remove(name);
        }
    }
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
        .header("content-type", CLOUDEVENT_TYPE)
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
