//! Messages, times and ages as text and as JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::value::RawValue;
use trunkline_core::Timestamp;
use trunkline_queue::Message;

use crate::render::{one_line, shorten};

/// A message as JSON: data that is JSON as it is, other data in base64.
#[derive(Debug, Serialize)]
pub(crate) struct MessageJson {
    id: String,
    topic: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(rename = "type")]
    message_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
    headers: BTreeMap<String, String>,
    enqueued_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause_event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause_position: Option<u64>,
}

impl From<&Message> for MessageJson {
    fn from(message: &Message) -> Self {
        let text = std::str::from_utf8(&message.payload).ok();
        let line = text.map(|text| text.replace(['\n', '\r'], " "));
        let data = line.and_then(|line| RawValue::from_string(line).ok());
        let data_base64 = data.is_none().then(|| BASE64.encode(&message.payload));
        Self {
            id: message.id.to_string(),
            topic: message.topic.to_string(),
            key: message.key.clone(),
            message_type: message.message_type.clone(),
            data,
            data_base64,
            headers: message.headers.clone(),
            enqueued_at: message.enqueued_at,
            not_before: message.not_before,
            edited_from: message.edited_from.as_ref().map(ToString::to_string),
            cause_event_id: message.cause.map(|cause| cause.event_id.to_string()),
            cause_position: message.cause.map(|cause| cause.position.get()),
        }
    }
}

/// The beginning of a message's data, on one line.
pub(crate) fn data(message: &Message, width: usize) -> String {
    match std::str::from_utf8(&message.payload) {
        Ok(text) => shorten(&one_line(text), width),
        Err(_) => format!("{} bytes", message.payload.len()),
    }
}

/// Each header on a line of its own.
pub(crate) fn headers(out: &mut dyn Write, message: &Message) -> io::Result<()> {
    for (name, value) in &message.headers {
        writeln!(out, "  {}: {}", one_line(name), one_line(value))?;
    }
    Ok(())
}

/// A time to the second.
pub(crate) fn time(time: Timestamp) -> String {
    let text = time.to_string();
    text.split('.').next().map_or_else(|| text.clone(), |seconds| format!("{seconds}Z"))
}

/// A time span in its largest unit.
pub(crate) fn age(age: Duration) -> String {
    match age.as_secs() {
        0 => format!("{} ms", age.as_millis()),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}
