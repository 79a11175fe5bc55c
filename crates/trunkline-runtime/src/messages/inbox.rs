//! A consumer's inbox: where the log says which messages were given up.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use trunkline_core::{Append, EventId, EventType, Expected, InvalidName, Metadata, NewEvent, StreamName};
use trunkline_queue::{DeadLetter, Delivery, GroupName, Message, MessageId};
use trunkline_store::{AppendError, EventStore};
use uuid::Uuid;

use crate::reconcile::Histories;

/// The type of the event that says that a message was given up.
pub(crate) const DEAD_LETTERED: &str = "$DeadLettered";

/// As much of the reason as the event has, in bytes.
const REASON_BYTES_MAX: usize = 4 << 10;

/// The stream `$inbox-CONSUMER`, where a consumer says which messages it gave up.
///
/// - Before a message becomes a dead letter, an event `$DeadLettered` is appended. Its data is `message_id`,
///   `topic`, `group`, `type`, `reason` and `attempts`; its metadata has `causation_id` (the message's id),
///   `correlation_id`, and what else the message's headers say that events of its command would have said,
///   names that begin with `$saga` among them.
/// - However often that is tried, there is one such event for each time that a message is given up: a dead letter
///   that was replayed and is given up again has another.
/// - Who reads the log therefore learns of every dead letter, in order with all that happened.
#[derive(Clone, Debug)]
pub struct Inbox {
    store: Arc<dyn EventStore>,
    stream: StreamName,
    consumer: String,
    histories: Arc<Histories>,
}

/// A message that is given up.
pub(super) struct GivenUp<'a> {
    message: &'a Message,
    group: &'a GroupName,
    reason: &'a str,
    attempts: u32,
    decision: Option<u64>,
    /// The names under which the message may have been given up before.
    former: &'a [String],
}

impl<'a> GivenUp<'a> {
    /// What is held, and given up for that reason.
    pub(super) fn held(delivery: &'a Delivery, reason: &'a str) -> Self {
        let Delivery { message, attempt, decision, former, lease, .. } = delivery;
        Self { message, group: &lease.group, reason, attempts: *attempt, decision: *decision, former }
    }

    /// What is a dead letter already.
    pub(super) fn dead(letter: &'a DeadLetter) -> Self {
        let DeadLetter { message, group, attempts, decision, former, .. } = letter;
        Self { message, group, reason: letter.error(), attempts: *attempts, decision: *decision, former }
    }
}

/// The data of the event.
#[derive(Serialize)]
struct DeadLettered<'a> {
    message_id: &'a str,
    topic: &'a str,
    group: &'a str,
    #[serde(rename = "type")]
    message_type: &'a str,
    reason: &'a str,
    attempts: u32,
}

impl Inbox {
    /// The inbox of the consumer of this name.
    pub fn new(store: &Arc<dyn EventStore>, consumer: &str) -> Result<Self, InvalidName> {
        let stream = StreamName::system(&format!("$inbox-{consumer}"))?;
        let (store, consumer) = (Arc::clone(store), consumer.to_owned());
        Ok(Self { store, stream, consumer, histories: Arc::default() })
    }

    /// The same over a log that was restored: it says nothing of messages of the future that was lost.
    pub(crate) fn since(self, histories: &Arc<Histories>) -> Self {
        Self { histories: Arc::clone(histories), ..self }
    }

    /// Says that a message is given up; whether that was news.
    pub(super) async fn give_up(&self, given_up: &GivenUp<'_>) -> Result<bool, AppendError> {
        let GivenUp { message, group, reason, attempts, decision, former } = *given_up;
        // What can't be read now can't be appended to either.
        if self.histories.is_lost(message, &*self.store).await.unwrap_or(false) {
            return Ok(false);
        }
        let data = DeadLettered {
            message_id: message.id.as_str(),
            topic: message.topic.as_str(),
            group: group.as_str(),
            message_type: &message.message_type,
            reason: shortened(reason, REASON_BYTES_MAX),
            attempts,
        };
        let data = serde_json::to_vec(&data).expect("texts and numbers always serialize");
        let event_type = EventType::system(DEAD_LETTERED).expect("the type is a name");
        let mut event = NewEvent::new(event_type, data).metadata(metadata(message));
        event.event_id = event_id(&message.id, former.first().unwrap_or(&self.consumer), decision);
        let append = Append::to(self.stream.clone(), Expected::Any).event(event);
        match self.store.append(append).await {
            Ok(appended) => Ok(!appended.repeated),
            // It is said already, then with another reason.
            Err(AppendError::EventIdReused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// As much of a text as has at most so many bytes.
pub(super) fn shortened(text: &str, bytes_max: usize) -> &str {
    let end = (0..=text.len().min(bytes_max)).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// One for each time that a message is given up, however often that is said.
fn event_id(message: &MessageId, consumer: &str, decision: Option<u64>) -> EventId {
    let message = Uuid::new_v5(&Uuid::NAMESPACE_OID, message.as_str().as_bytes());
    let consumer = Uuid::new_v5(&message, consumer.as_bytes());
    let life = format!("{DEAD_LETTERED} {}", decision.unwrap_or(0));
    EventId::from_uuid(Uuid::new_v5(&consumer, life.as_bytes()))
}

fn metadata(message: &Message) -> Metadata {
    let text = |text: &str| Value::String(text.to_owned());
    let header = |name: &str| message.headers.get(name).map(|value| text(value));
    let mut fields = Map::new();
    fields.insert("causation_id".to_owned(), text(message.id.as_str()));
    fields.insert("correlation_id".to_owned(), text(correlation(message)));
    for name in ["actor", "tenant", "traceparent", "saga_id"] {
        fields.extend(header(name).map(|value| (name.to_owned(), value)));
    }
    fields.extend(saga_headers(message).map(|(name, value)| (name.to_owned(), text(value))));
    Metadata::of(&fields).unwrap_or_else(|_| {
        // Escaped as JSON, headers of control characters are too long; what a reader needs is not.
        fields.retain(|name, _| name == "causation_id" || name.starts_with('$'));
        Metadata::of(&fields).unwrap_or_default()
    })
}

/// What all that follows from the message's cause has in common: the message's id when it doesn't say.
pub(super) fn correlation(message: &Message) -> &str {
    message.headers.get("correlation_id").map_or(message.id.as_str(), String::as_str)
}

/// What a saga recognises the answers to its messages by.
pub(super) fn saga_headers(message: &Message) -> impl Iterator<Item = (&str, &str)> {
    let headers = message.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    headers.filter(|(name, _)| name.starts_with("$saga"))
}
