//! What every backend refuses, and how it finds messages by id and key.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;
use siphasher::sip128::{Hasher128, SipHasher13 as SipHasher128};
use trunkline_core::Timestamp;

use crate::clock::later;
use crate::engine::IdHash;
use crate::limits::{
    DELAY_MAX, HEADERS_BYTES_MAX, KEY_BYTES_MAX, PAYLOAD_BYTES_MAX, PUBLISH_BYTES_MAX, PUBLISH_MESSAGES_MAX,
    TYPE_BYTES_MAX,
};
use crate::{Due, Message, MessageId, NewMessage, PublishError, TopicName};

/// Refuses messages that no queue takes.
///
/// ```
/// use trunkline_queue::{NewMessage, check};
/// assert!(check(&[NewMessage::new("Ping", "{}")]).is_ok());
/// assert!(check(&[NewMessage::new("", "{}")]).is_err());
/// ```
pub fn check(messages: &[NewMessage]) -> Result<(), PublishError> {
    let mut all = 0;
    for message in messages {
        all += check_one(message)?;
    }
    if let Some(first) = messages.first() {
        within(&first.id, "number of messages in one publish", messages.len(), PUBLISH_MESSAGES_MAX)?;
        within(&first.id, "publish with the messages after it", all, PUBLISH_BYTES_MAX)?;
    }
    Ok(())
}

fn check_one(message: &NewMessage) -> Result<usize, PublishError> {
    let id = &message.id;
    let invalid = |reason: &str| Err(PublishError::Invalid { id: id.clone(), reason: reason.to_owned() });
    if message.message_type.is_empty() {
        return invalid("its type is empty; say what it is, such as OrderCreated");
    }
    if message.message_type.contains(char::is_control) {
        return invalid("its type has a control character; types are printable text");
    }
    for (name, value) in message.headers.iter().chain(&message.system_headers) {
        if name.is_empty() || name.contains(|c: char| c.is_control() || c == ':') {
            return invalid("a header's name is empty, or has a colon or a control character");
        }
        if value.contains(['\r', '\n', '\0']) {
            return invalid("a header's value has a line break");
        }
    }
    if message.headers.keys().any(|name| name.starts_with('$')) {
        return invalid("a header's name begins with `$`, which is reserved; choose one without it");
    }
    if message.system_headers.keys().any(|name| !name.starts_with('$')) {
        return invalid("a header of Trunkline's own has a name without `$`");
    }
    if matches!(message.due, Due::After(delay) if delay > DELAY_MAX) {
        return invalid("its delay is longer than a thousand years");
    }
    let key = message.key.as_ref().map_or(0, String::len);
    let headers = message.headers.iter().chain(&message.system_headers);
    let headers = headers.map(|(name, value)| name.len() + value.len()).sum();
    within(id, "type", message.message_type.len(), TYPE_BYTES_MAX)?;
    within(id, "key", key, KEY_BYTES_MAX)?;
    within(id, "payload", message.payload.len(), PAYLOAD_BYTES_MAX)?;
    within(id, "headers", headers, HEADERS_BYTES_MAX)?;
    Ok(message.payload.len() + headers + key + message.message_type.len() + id.as_str().len())
}

fn within(id: &MessageId, what: &'static str, size: usize, size_max: usize) -> Result<(), PublishError> {
    if size > size_max {
        return Err(PublishError::TooLarge { id: id.clone(), what, size, size_max });
    }
    Ok(())
}

/// The message as it is kept, published now.
pub(crate) fn keep(topic: &TopicName, new: NewMessage, now: Timestamp) -> Message {
    let not_before = match new.due {
        Due::Now => None,
        Due::After(delay) => Some(later(now, delay)),
        Due::At(time) => Some(time),
    };
    let mut headers = new.headers;
    headers.extend(new.system_headers);
    Message {
        topic: topic.clone(),
        id: new.id,
        key: new.key,
        message_type: new.message_type,
        payload: new.payload,
        headers,
        cause: new.cause,
        enqueued_at: now,
        not_before: not_before.filter(|time| *time > now),
        edited_from: None,
    }
}

/// How many bytes of a message count, where bytes are counted.
pub(crate) fn bytes(message: &Message) -> u32 {
    let headers: usize = message.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    let key = message.key.as_ref().map_or(0, String::len);
    (message.payload.len() + headers + key + message.message_type.len() + message.id.as_str().len()) as u32
}

/// Makes hashes of ids that nobody outside can foresee.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdHasher(u64, u64);

impl IdHasher {
    pub(crate) fn new() -> Self {
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        Self(high, low)
    }

    /// The hasher of a queue with this id.
    #[cfg(feature = "embedded")]
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        let (high, low) = uuid::Uuid::from_bytes(bytes).as_u64_pair();
        Self(high, low)
    }

    pub(crate) fn hash(self, id: &MessageId) -> IdHash {
        self.hash_text(id.as_str())
    }

    pub(crate) fn hash_text(self, id: &str) -> IdHash {
        let mut hasher = SipHasher128::new_with_keys(self.0, self.1);
        hasher.write(id.as_bytes());
        let hash = hasher.finish128();
        [hash.h1 as u32, (hash.h1 >> 32) as u32, hash.h2 as u32]
    }
}

/// The hash that partitions are made of: the same for a key for good, so it has no secret.
pub(crate) fn key_hash(message: &Message) -> u32 {
    key_hash_text(message.key.as_deref().unwrap_or(message.id.as_str()))
}

/// The same of a key, or of the id of a message without one.
pub(crate) fn key_hash_text(key: &str) -> u32 {
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    hasher.write(key.as_bytes());
    hasher.finish() as u32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What is in a journal was put in its partition by this hash.
    #[test]
    fn a_key_has_the_same_hash_for_good() {
        let topic: TopicName = "orders".parse().unwrap();
        let message =
            |key: &str| keep(&topic, NewMessage::new("Ping", "").key(key), Timestamp::from_micros(0));
        assert_eq!(key_hash(&message("order-1")), 4_178_899_379);
    }

    #[test]
    fn what_no_queue_takes_is_refused_with_the_place_and_the_remedy() {
        let long = "x".repeat(PAYLOAD_BYTES_MAX + 1);
        for (message, words) in [
            (NewMessage::new("", ""), "such as OrderCreated"),
            (NewMessage::new("a\nb", ""), "control character"),
            (NewMessage::new("Ping", "").header("$x", ""), "reserved"),
            (NewMessage::new("Ping", "").header("a:b", ""), "colon"),
            (NewMessage::new("Ping", "").header("a", "b\nc"), "line break"),
            (NewMessage::new("Ping", "").key("x".repeat(KEY_BYTES_MAX + 1)), "key too large: 513, limit 512"),
            (NewMessage::new("Ping", "").after(DELAY_MAX + Duration::from_nanos(1)), "a thousand years"),
            (NewMessage::new("Ping", long), "payload too large: 23068673, limit 23068672"),
        ] {
            let error = check(&[message.id("m1".parse().unwrap())]).unwrap_err().to_string();
            assert!(error.contains("`m1`") && error.contains(words), "{error}");
        }
    }
}
