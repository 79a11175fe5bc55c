//! What the messages of sagas are called, by those who answer them and by the queue.

use std::fmt;
use std::str::FromStr;

use crate::{EventId, Version};

/// What the names of a message, and its id, follow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageIds {
    /// From the saga's stream and the version of the event that sent it first: so it was before they followed from the
    /// event's id, and so it is for what was recorded then.
    OfPlaces,
    /// From the id of the event that sent it first, which no other event has, in whatever place of whatever log.
    OfEvents,
}

/// What a message is called by those who answer it.
///
/// ```
/// use trunkline_core::EventId;
/// use trunkline_core::saga::MessageName;
///
/// let name = MessageName::Event(EventId::generate());
/// assert_eq!(name.to_string().parse(), Ok(name));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageName {
    /// The version of the event that sent it first.
    Version(Version),
    /// The id of the event that sent it first.
    Event(EventId),
}

impl fmt::Display for MessageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => version.fmt(f),
            Self::Event(id) => id.fmt(f),
        }
    }
}

/// A text that names no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a saga's message is named by the id of an event, or by a version")]
pub struct NoMessageName;

impl FromStr for MessageName {
    type Err = NoMessageName;

    fn from_str(text: &str) -> Result<Self, NoMessageName> {
        // A version is shorter than any way to write a UUID, which may have digits alone.
        if let Ok(version) = text.parse() {
            return Ok(Self::Version(version));
        }
        text.parse().map(Self::Event).map_err(|_| NoMessageName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for id in [[0; 16], [0x11; 16], [0xff; 16]] {
            let name = MessageName::Event(EventId::from_bytes(id));
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        let name = MessageName::Version(Version::new(u64::MAX));
        assert_eq!(name.to_string().parse(), Ok(name));
        assert_eq!("x".parse::<MessageName>(), Err(NoMessageName));
    }
}
