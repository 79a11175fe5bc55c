//! A message as JSON.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::value::RawValue;
use trunkline_core::Timestamp;
use trunkline_queue::Message;

/// A message as JSON: data that is JSON as it is, other data in base64.
#[derive(Debug, Serialize)]
pub struct MessageReport {
    /// Its id.
    pub id: String,
    /// Its topic.
    pub topic: String,
    /// What ordered groups order it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub message_type: String,
    /// Its data, where that is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<RawValue>>,
    /// Its data in base64, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_base64: Option<String>,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// When it was published.
    pub enqueued_at: Timestamp,
    /// Before when it is not handed out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The message in whose place it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited_from: Option<String>,
    /// The event that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause_event_id: Option<String>,
    /// The position of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause_position: Option<u64>,
}

impl From<&Message> for MessageReport {
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
