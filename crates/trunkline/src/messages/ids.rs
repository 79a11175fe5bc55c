//! Ids that follow from what they stand for, so that a repeat is recognised wherever it ends up.

use trunkline_core::{CommandId, StreamName, Version};
use trunkline_queue::MessageId;
use uuid::Uuid;

/// The id of the message that a producer makes of an event: the same however often it is made.
///
/// UUID version 5 of the stream, the version, the producer's name and the message's place among those that the
/// producer makes of the event.
///
/// ```
/// use trunkline::messages::message_id;
/// use trunkline::Version;
/// let of = |version| message_id(&"order-1".parse().unwrap(), Version::new(version), "mail", 0);
/// assert_eq!(of(1), of(1));
/// assert_ne!(of(1), of(2));
/// ```
pub fn message_id(stream: &StreamName, version: Version, producer: &str, index: u32) -> MessageId {
    let stream = Uuid::new_v5(&Uuid::NAMESPACE_OID, stream.as_str().as_bytes());
    let producer = Uuid::new_v5(&stream, producer.as_bytes());
    let place = [version.get().to_be_bytes().as_slice(), &index.to_be_bytes()].concat();
    let text = Uuid::new_v5(&producer, &place).to_string();
    MessageId::new(&text).expect("a UUID is a message id")
}

/// The id of a command that a consumer makes of a message: the same however often the message is delivered.
pub fn command_id(message: &MessageId, consumer: &str, ordinal: u32) -> CommandId {
    let message = Uuid::new_v5(&Uuid::NAMESPACE_OID, message.as_str().as_bytes());
    let consumer = Uuid::new_v5(&message, consumer.as_bytes());
    let text = Uuid::new_v5(&consumer, &ordinal.to_be_bytes()).to_string();
    CommandId::new(&text).expect("a UUID is a command id")
}
