//! Ids: of events, of commands, of stores.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits::COMMAND_ID_BYTES_MAX;
use crate::{InvalidName, SystemClock, Tag};

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id with this UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The id with these 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The 16 bytes of this id.
            pub const fn into_bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }

            /// This id as a UUID.
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_id!(
    /// The id of an event, unique in its store: an event appended again under its id is stored once.
    ///
    /// A UUID of any version; nothing is ever ordered by it.
    EventId
);

uuid_id!(
    /// The id of a store, made once when the store is created: a checkpoint names the store it belongs to.
    StoreId
);

/// A UUID of the time, or where the clock shows none since 1970, of randomness alone.
fn fresh() -> Uuid {
    if SystemClock::is_set() { Uuid::now_v7() } else { Uuid::new_v4() }
}

impl EventId {
    /// A fresh id from the time and randomness that the operating system seeds (UUID version 7).
    pub fn generate() -> Self {
        Self(fresh())
    }

    /// The id of a `CloudEvents` event: its own when that is a UUID, else derived from `source` and `id`
    /// (UUID version 5), so that the same event always gets the same id.
    ///
    /// ```
    /// use trunkline_core::EventId;
    /// assert_eq!(EventId::from_cloudevent("/shop", "7"), EventId::from_cloudevent("/shop", "7"));
    /// assert_ne!(EventId::from_cloudevent("/shop", "7"), EventId::from_cloudevent("/other", "7"));
    /// ```
    pub fn from_cloudevent(source: &str, id: &str) -> Self {
        id.parse().map_or_else(
            |_| {
                let source = Uuid::new_v5(&Uuid::NAMESPACE_URL, source.as_bytes());
                Self(Uuid::new_v5(&source, id.as_bytes()))
            },
            Self,
        )
    }

    /// The id of one of the events that an upcaster made of the event with this id: the first one keeps it, further
    /// ones have ids that follow from it (UUID version 5) and from their place, so that they are the same wherever and
    /// however often they are made.
    ///
    /// ```
    /// use trunkline_core::EventId;
    /// let stored = EventId::generate();
    /// assert_eq!(stored.part(0), stored);
    /// assert_eq!(stored.part(1), stored.part(1));
    /// assert_ne!(stored.part(1), stored.part(2));
    /// ```
    #[must_use]
    pub fn part(self, place: u32) -> Self {
        match place {
            0 => self,
            place => Self(Uuid::new_v5(&self.0, place.to_string().as_bytes())),
        }
    }
}

/// The id of a command, given by its caller or derived from the message that carried it.
///
/// A command with an id has one outcome: its events carry the tag `$command:ID`, and a second append
/// under the same id is answered with the first one's position.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommandId(Arc<str>);

impl CommandId {
    /// What the tag of every command begins with.
    pub const TAG: &str = "$command:";

    /// An id given from outside: printable text of at most
    /// [`COMMAND_ID_BYTES_MAX`](crate::limits::COMMAND_ID_BYTES_MAX) bytes.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        let what = "command id";
        if text.is_empty() {
            return Err(InvalidName::Empty { what });
        }
        if text.len() > COMMAND_ID_BYTES_MAX {
            let start = text.chars().take(40).collect();
            return Err(InvalidName::TooLong {
                what,
                bytes: text.len(),
                bytes_max: COMMAND_ID_BYTES_MAX,
                text: start,
            });
        }
        if let Some((at, _)) = text.char_indices().find(|(_, c)| c.is_control()) {
            return Err(InvalidName::Control { what, text: text.to_owned(), at });
        }
        Ok(Self(text.into()))
    }

    /// A fresh id from the time and randomness that the operating system seeds (UUID version 7).
    pub fn generate() -> Self {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        Self((&*fresh().hyphenated().encode_lower(&mut text)).into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag that the command's events carry.
    pub fn tag(&self) -> Tag {
        Tag::known(&[Self::TAG, &self.0].concat())
    }
}

impl FromStr for CommandId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::new(text)
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_command_id_fits_a_tag() {
        let id = CommandId::new(&"x".repeat(COMMAND_ID_BYTES_MAX)).unwrap();
        assert!(id.tag().as_str().ends_with(id.as_str()));
        assert!(CommandId::new(&"x".repeat(COMMAND_ID_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn a_cloudevent_with_a_uuid_keeps_it() {
        let id = "bd75590e-464f-5f27-9c32-235a94416fd3";
        assert_eq!(EventId::from_cloudevent("/shop", id).to_string(), id);
    }
}
