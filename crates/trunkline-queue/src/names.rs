//! Names of topics and groups, and the ids of messages: checked once where they come in.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use trunkline_core::InvalidName;

use crate::limits::{MESSAGE_ID_BYTES_MAX, NAME_BYTES_MAX};

/// Checks what all names have in common.
fn check(what: &'static str, text: &str, bytes_max: usize, system: bool) -> Result<(), InvalidName> {
    if text.is_empty() {
        return Err(InvalidName::Empty { what });
    }
    if text.len() > bytes_max {
        let start = text.chars().take(40).collect();
        return Err(InvalidName::TooLong { what, bytes: text.len(), bytes_max, text: start });
    }
    if let Some((at, _)) = text.char_indices().find(|(_, c)| c.is_control()) {
        return Err(InvalidName::Control { what, text: text.to_owned(), at });
    }
    if !system && text.starts_with('$') {
        return Err(InvalidName::Reserved { what, text: text.to_owned() });
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:ident, $system:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text.
            pub fn new(text: &str) -> Result<Self, InvalidName> {
                check($what, text, $max, $system)?;
                Ok(Self(text.into()))
            }

            /// A name that Trunkline itself wrote, which may begin with `$`.
            #[cfg(feature = "embedded")]
            pub(crate) fn written(text: &str) -> Result<Self, InvalidName> {
                check($what, text, $max, true)?;
                Ok(Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }
    };
}

name!(
    /// The name of a topic, where messages are published; it appears on first use.
    ///
    /// ```
    /// use trunkline_queue::TopicName;
    /// assert!(TopicName::new("orders").is_ok());
    /// assert!(TopicName::new("$orders").is_err());
    /// ```
    TopicName,
    "topic name",
    NAME_BYTES_MAX,
    false
);

name!(
    /// The name of a group: consumers of one group share a topic's messages, each group gets all of them.
    GroupName,
    "group name",
    NAME_BYTES_MAX,
    false
);

name!(
    /// The id of a message, unique in its topic: published again under its id, a message is there already.
    ///
    /// Whoever may have to publish again, after a crash or a lost answer, gives the id himself.
    MessageId,
    "message id",
    MESSAGE_ID_BYTES_MAX,
    true
);

impl MessageId {
    /// A fresh id from the time and the operating system's randomness (UUID version 7).
    pub fn generate() -> Self {
        // The same kind of id as those of events.
        Self(trunkline_core::EventId::generate().to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_printable_and_not_trunklines_own() {
        assert!(TopicName::new(&"x".repeat(NAME_BYTES_MAX)).is_ok());
        for bad in ["", "a\nb", "$events", &"x".repeat(NAME_BYTES_MAX + 1)] {
            assert!(TopicName::new(bad).is_err(), "{bad:?}");
            assert!(GroupName::new(bad).is_err(), "{bad:?}");
        }
        assert!(MessageId::new("$1").is_ok());
    }
}
