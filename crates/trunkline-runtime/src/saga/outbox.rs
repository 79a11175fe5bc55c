//! What sagas send: the messages that their transitions stand for, under ids that follow from these.

use trunkline_core::saga::{self, MessageName, Outgoing, SagaState, Transition, Waiting};
use trunkline_core::{InvalidName, StreamName, Version};
use trunkline_queue::{MessageId, NewMessage, TopicName};
use uuid::Uuid;

use super::states::Recording;
use crate::messages;

/// The name of the producer in the ids of messages, which no relay can have.
const PRODUCER: &str = "$saga";

/// The same in the ids that follow from places.
const PRODUCER_OF_PLACES: &[u8] = b"saga";

/// A message that a saga sends, and where it goes.
#[derive(Clone, Debug)]
pub(super) struct OutboxMessage {
    pub(super) topic: TopicName,
    pub(super) message: NewMessage,
    /// Who gets its answer: the saga, as `NAME-ID`, and what it calls the message.
    pub(super) saga: String,
    pub(super) name: MessageName,
}

/// The id of the message of this name that a saga sent.
///
/// It follows from the id of the event that sent it first. What was recorded when it followed from the event's place in
/// the saga's stream keeps that rule, so that what was published by it is not published again.
pub(super) fn message_id(stream: &StreamName, name: MessageName) -> MessageId {
    match name {
        MessageName::Event(event) => messages::message_id(event, PRODUCER),
        MessageName::Version(version) => id_of_place(stream, version),
    }
}

fn id_of_place(stream: &StreamName, version: Version) -> MessageId {
    let stream = Uuid::new_v5(&Uuid::NAMESPACE_OID, stream.as_str().as_bytes());
    let producer = Uuid::new_v5(&stream, PRODUCER_OF_PLACES);
    let place = [version.get().to_be_bytes().as_slice(), &0_u32.to_be_bytes()].concat();
    MessageId::new(&Uuid::new_v5(&producer, &place).to_string()).expect("a UUID is a message id")
}

/// The message that a transition stands for; none when it sends none, or when nothing waits for it any more, so that
/// nothing would come of it.
pub(super) fn message(
    recording: &Recording,
    stream: &StreamName,
    state: &SagaState,
) -> Result<Option<OutboxMessage>, InvalidName> {
    let (version, delay) = match &recording.transition {
        Transition::Sent(sent) => (recording.version, sent.send.delay),
        Transition::Resent(resent) => (resent.message, std::time::Duration::from_millis(resent.delay_ms)),
        _ => return Ok(None),
    };
    let waits = |waiting: &&Waiting| waiting.message == version;
    let Some(send) = state.waiting.as_ref().filter(waits).and_then(|waiting| waiting.sent.as_ref()) else {
        return Ok(None);
    };
    let Some(known) = state.messages.iter().find(|message| message.version == version) else {
        return Ok(None);
    };
    let name = known.name;
    let Outgoing { topic, command, data, key, .. } = send;
    let saga = format!("{}-{}", state.name, state.id);
    let mut message = NewMessage::new(command.as_str(), data.to_bytes())
        .id(message_id(stream, name))
        .key(key.as_deref().unwrap_or(&state.id))
        .header("saga_id", state.id.as_str())
        .system_header(saga::SAGA_FIELD, saga.as_str())
        .system_header(saga::MESSAGE_FIELD, name.to_string())
        .cause(recording.event_id, recording.position);
    if let Some(correlation_id) = &state.correlation_id {
        message = message.header("correlation_id", correlation_id);
    }
    if !delay.is_zero() {
        message = message.after(delay);
    }
    Ok(Some(OutboxMessage { topic: TopicName::new(topic)?, message, saga, name }))
}
