//! A message: as it is published, and as it is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use trunkline_core::{EventId, Position, Timestamp};

use crate::{MessageId, TopicName};

/// The header of messages that a saga sent: it is told when one is given up, so the dead letter holds nothing.
pub const SAGA_HEADER: &str = "$saga";

/// A message to publish.
///
/// ```
/// use std::time::Duration;
/// use trunkline_queue::NewMessage;
///
/// let message = NewMessage::new("Ping", r#"{"n":1}"#)
///     .id("m1".parse()?)
///     .key("order-1")
///     .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
///     .after(Duration::from_secs(60));
/// assert_eq!(message.id.as_str(), "m1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Its id; published again under it, the message is there already.
    pub id: MessageId,
    /// What ordered groups order by; without one a message has no order.
    pub key: Option<String>,
    /// What it is, such as the name of a command.
    pub message_type: String,
    /// What it carries, passed through untouched.
    pub payload: Bytes,
    /// What describes it: names and values.
    pub headers: BTreeMap<String, String>,
    /// What Trunkline itself says of it, under names that begin with `$`: not for what comes from outside.
    pub system_headers: BTreeMap<String, String>,
    /// When it may be handed out.
    pub due: Due,
    /// The event that caused it.
    pub cause: Option<Cause>,
}

/// When a message may be handed out first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Due {
    /// At once.
    #[default]
    Now,
    /// So long after it was published, by the queue's clock.
    After(Duration),
    /// Not before this moment.
    At(Timestamp),
}

/// The event that caused a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The event's id.
    pub event_id: EventId,
    /// The event's position in its store.
    pub position: Position,
}

impl NewMessage {
    /// A message of a type with a payload and a fresh id.
    pub fn new(message_type: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self {
            id: MessageId::generate(),
            key: None,
            message_type: message_type.into(),
            payload: payload.into(),
            headers: BTreeMap::new(),
            system_headers: BTreeMap::new(),
            due: Due::Now,
            cause: None,
        }
    }

    /// A message like one that is kept, with a fresh id and due at once: what an operator then changes.
    pub fn like(kept: Message) -> Self {
        let (system_headers, headers) = kept.headers.into_iter().partition(|(name, _)| name.starts_with('$'));
        Self {
            id: MessageId::generate(),
            key: kept.key,
            message_type: kept.message_type,
            payload: kept.payload,
            headers,
            system_headers,
            due: Due::Now,
            cause: kept.cause,
        }
    }

    /// Gives the message its id.
    #[must_use]
    pub fn id(mut self, id: MessageId) -> Self {
        self.id = id;
        self
    }

    /// Says what ordered groups order it by.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Adds a header, in place of one of the same name.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Adds a header of Trunkline's own, whose name begins with `$`.
    ///
    /// ```
    /// use trunkline_queue::{NewMessage, check};
    /// let message = NewMessage::new("Pay", "{}");
    /// assert!(check(&[message.clone().system_header("$saga", "order-1")]).is_ok());
    /// assert!(check(&[message.header("$saga", "order-1")]).is_err());
    /// ```
    #[must_use]
    pub fn system_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.system_headers.insert(name.into(), value.into());
        self
    }

    /// Delays the message from its publishing on.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.due = Due::After(delay);
        self
    }

    /// Delays the message until a moment.
    #[must_use]
    pub fn at(mut self, not_before: Timestamp) -> Self {
        self.due = Due::At(not_before);
        self
    }

    /// Says which event caused it.
    #[must_use]
    pub fn cause(mut self, event_id: EventId, position: Position) -> Self {
        self.cause = Some(Cause { event_id, position });
        self
    }
}

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The topic that it was published to.
    pub topic: TopicName,
    /// Its id.
    pub id: MessageId,
    /// What ordered groups order by.
    pub key: Option<String>,
    /// What it is.
    pub message_type: String,
    /// What it carries.
    pub payload: Bytes,
    /// What describes it; names that begin with `$` are Trunkline's own.
    pub headers: BTreeMap<String, String>,
    /// The event that caused it.
    pub cause: Option<Cause>,
    /// When it was published, by the queue's clock.
    pub enqueued_at: Timestamp,
    /// Before when it is not handed out, when it was published with a delay.
    pub not_before: Option<Timestamp>,
    /// The message that it takes the place of, when it is a dead letter's, edited.
    pub edited_from: Option<MessageId>,
}

impl Message {
    /// Whether its dead letter may hold what comes after it under its key.
    pub(crate) fn may_hold(&self) -> bool {
        !self.headers.contains_key(SAGA_HEADER)
    }
}

/// What became of a published message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// It is stored.
    Stored,
    /// A message with its id was there already; nothing changed.
    AlreadyThere,
}
