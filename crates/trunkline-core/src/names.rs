//! Names from outside: streams, event types and tags, checked once where they come in.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::{EVENT_TYPE_BYTES_MAX, STREAM_NAME_BYTES_MAX, TAG_BYTES_MAX};
use crate::text::Text;

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidName {
    /// The text is empty.
    #[error("the {what} is empty")]
    Empty {
        /// What was being named.
        what: &'static str,
    },
    /// The text is longer than names of its kind may be.
    #[error("the {what} has {bytes} bytes, at most {bytes_max} are allowed: {text:?}…")]
    TooLong {
        /// What was being named.
        what: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
        /// How it begins.
        text: String,
    },
    /// The text has a control character (a line break, a tab, a NUL).
    #[error("the {what} {text:?} has a control character at byte {at}; names are printable text")]
    Control {
        /// What was being named.
        what: &'static str,
        /// The text.
        text: String,
        /// Where the character stands.
        at: usize,
    },
    /// The text begins with `$`, which is kept for Trunkline's own streams, types and tags.
    #[error("the {what} {text:?} begins with `$`, which is reserved; choose a name without it")]
    Reserved {
        /// What was being named.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// A stream name without `-`, or with nothing before or after it.
    #[error("{text:?} does not name a stream: a stream is named TYPE-ID, such as `{hint}`")]
    NotAStream {
        /// The text.
        text: String,
        /// What might have been meant.
        hint: String,
    },
    /// A tag without `:`, or with nothing before it.
    #[error("{text:?} is not a tag: a tag is key:value, such as `{hint}`")]
    NotATag {
        /// The text.
        text: String,
        /// What might have been meant.
        hint: String,
    },
}

/// Checks what all names have in common.
fn check(what: &'static str, text: &str, bytes_max: usize, system: bool) -> Result<(), InvalidName> {
    if text.is_empty() {
        return Err(InvalidName::Empty { what });
    }
    if text.len() > bytes_max {
        let start = text.chars().take(40).collect::<String>();
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
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Text);

        impl $name {
            /// A name given from outside: checked, and refused when it begins with `$`.
            pub fn new(text: &str) -> Result<Self, InvalidName> {
                $check(text, false)?;
                Ok(Self(text.into()))
            }

            /// A name that may also be one of Trunkline's own, beginning with `$`: for Trunkline itself,
            /// and for reading what it wrote.
            pub fn system(text: &str) -> Result<Self, InvalidName> {
                $check(text, true)?;
                Ok(Self(text.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// Whether the name begins with `$` and so is Trunkline's own.
            pub fn is_system(&self) -> bool {
                self.as_str().starts_with('$')
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.as_str())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.0.as_str()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.0.as_str()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// The name of a stream, `TYPE-ID`: the events of one aggregate.
    ///
    /// ```
    /// use trunkline_core::StreamName;
    /// let stream: StreamName = "order-536365".parse()?;
    /// assert_eq!((stream.aggregate_type(), stream.aggregate_id()), ("order", "536365"));
    /// assert!("order".parse::<StreamName>().unwrap_err().to_string().contains("order-1"));
    /// # Ok::<(), trunkline_core::InvalidName>(())
    /// ```
    StreamName,
    check_stream
);

name!(
    /// The type of an event: what happened, such as `OrderCreated`.
    EventType,
    check_type
);

name!(
    /// An indexed `key:value` on an event, such as `sku:85123A`; the key is the text before the first `:`.
    Tag,
    check_tag
);

impl Tag {
    /// A tag of Trunkline's own that follows from what was checked.
    pub(crate) fn known(text: &str) -> Self {
        debug_assert!(Self::system(text).is_ok(), "{text:?} is no tag");
        Self(text.into())
    }
}

fn check_stream(text: &str, system: bool) -> Result<(), InvalidName> {
    check("stream name", text, STREAM_NAME_BYTES_MAX, system)?;
    match text.split_once('-') {
        Some((kind, id)) if !kind.is_empty() && !id.is_empty() => Ok(()),
        Some((kind, id)) => {
            let kind = if kind.is_empty() { "order" } else { kind };
            let id = if id.is_empty() { "1" } else { id };
            Err(InvalidName::NotAStream { text: text.to_owned(), hint: format!("{kind}-{id}") })
        }
        None => Err(InvalidName::NotAStream { text: text.to_owned(), hint: format!("{text}-1") }),
    }
}

fn check_type(text: &str, system: bool) -> Result<(), InvalidName> {
    check("event type", text, EVENT_TYPE_BYTES_MAX, system)
}

fn check_tag(text: &str, system: bool) -> Result<(), InvalidName> {
    check("tag", text, TAG_BYTES_MAX, system)?;
    match text.split_once(':') {
        Some((key, _)) if !key.is_empty() => Ok(()),
        _ => Err(InvalidName::NotATag {
            text: text.to_owned(),
            hint: format!("key:{}", text.trim_start_matches(':')),
        }),
    }
}

impl StreamName {
    /// The text before the first `-`.
    pub fn aggregate_type(&self) -> &str {
        self.as_str().split_once('-').map_or(self.as_str(), |(kind, _)| kind)
    }

    /// The text after the first `-`.
    pub fn aggregate_id(&self) -> &str {
        self.as_str().split_once('-').map_or("", |(_, id)| id)
    }
}

impl Tag {
    /// The text before the first `:`.
    pub fn key(&self) -> &str {
        self.as_str().split_once(':').map_or(self.as_str(), |(key, _)| key)
    }

    /// The text after the first `:`.
    pub fn value(&self) -> &str {
        self.as_str().split_once(':').map_or("", |(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_named_type_and_id() {
        let stream = StreamName::new("order-a-b").unwrap();
        assert_eq!((stream.aggregate_type(), stream.aggregate_id()), ("order", "a-b"));
        for bad in ["order", "-1", "order-", "-"] {
            let error = StreamName::new(bad).unwrap_err();
            assert!(matches!(error, InvalidName::NotAStream { .. }), "{error:?}");
        }
    }

    #[test]
    fn names_of_trunkline_itself_are_refused_from_outside() {
        for result in [
            StreamName::new("$saga.order-1").err(),
            EventType::new("$Outcome").err(),
            Tag::new("$command:1").err(),
        ] {
            assert!(matches!(result, Some(InvalidName::Reserved { .. })), "{result:?}");
        }
        assert!(StreamName::system("$saga.order-1").unwrap().is_system());
    }

    #[test]
    fn names_are_bounded_and_printable() {
        let long = format!("order-{}", "x".repeat(STREAM_NAME_BYTES_MAX));
        assert!(matches!(StreamName::new(&long), Err(InvalidName::TooLong { .. })));
        assert!(StreamName::new(&long[..STREAM_NAME_BYTES_MAX]).is_ok());
        assert!(matches!(EventType::new("a\nb"), Err(InvalidName::Control { at: 1, .. })));
        assert!(matches!(EventType::new(""), Err(InvalidName::Empty { .. })));
    }

    #[test]
    fn a_tag_has_a_key() {
        let tag = Tag::new("url:http://h/p").unwrap();
        assert_eq!((tag.key(), tag.value()), ("url", "http://h/p"));
        assert!(Tag::new("sku").unwrap_err().to_string().contains("`key:sku`"));
        assert!(Tag::new(":x").is_err());
    }
}
