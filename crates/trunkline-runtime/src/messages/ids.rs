//! Ids that follow from what they stand for, so that a repeat is recognised wherever it ends up.

use trunkline_core::{CommandId, EventId};
use trunkline_queue::MessageId;
use uuid::Uuid;

/// The id of the message that a producer makes of an event: the same however often it is made.
///
/// UUID version 5 of the event's id and the producer's name. The event's place has no part in it: in a migrated store
/// the place is another, and the event has its id; where a log has lost its end, another event has the place.
///
/// ```
/// use trunkline::EventId;
/// use trunkline::messages::message_id;
/// let event = EventId::generate();
/// assert_eq!(message_id(event, "mail"), message_id(event, "mail"));
/// assert_ne!(message_id(event, "mail"), message_id(event, "audit"));
/// ```
pub fn message_id(event: EventId, producer: &str) -> MessageId {
    let text = Uuid::new_v5(event.as_uuid(), producer.as_bytes()).to_string();
    MessageId::new(&text).expect("a UUID is a message id")
}

/// The id of a command that a consumer makes of a message: the same however often the message is delivered. The first is
/// 0; the next ones are for a command that was rejected and is decided anew, since somebody brought its message back.
pub fn command_id(message: &MessageId, consumer: &str, ordinal: u32) -> CommandId {
    let message = Uuid::new_v5(&Uuid::NAMESPACE_OID, message.as_str().as_bytes());
    let consumer = Uuid::new_v5(&message, consumer.as_bytes());
    let text = Uuid::new_v5(&consumer, &ordinal.to_be_bytes()).to_string();
    CommandId::new(&text).expect("a UUID is a command id")
}
