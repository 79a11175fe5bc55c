//! A text that is shared, with a value of its own or with the document it stands in.

use crate::document::{Document, Kind};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

#[derive(Debug, Clone)]
pub(crate) enum Text {
    Own(Arc<str>),
    Json(Arc<Document>, u32),
}

impl Text {
    /// The text; none of a name that has half of a surrogate pair.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Text::Own(text) => Some(text),
            Text::Json(document, part) => match document.kind(*part) {
                Kind::Unheld(_) => None,
                _ => Some(document.text(*part)),
            },
        }
    }

    /// The text for a message, or for whoever has no way to say that it is none.
    pub(crate) fn shown(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    /// The text as it stands in its document, with its quotes.
    pub(crate) fn written(&self) -> &[u8] {
        match self {
            Text::Own(text) => text.as_bytes(),
            Text::Json(document, part) => document.raw(*part),
        }
    }

    /// The bytes, without checking again that they are UTF-8; not quite that, of a name with half of a surrogate pair.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Text::Own(text) => text.as_bytes(),
            Text::Json(document, part) => document.text_bytes(*part),
        }
    }
}

/// By code point, which is the order of the bytes in UTF-8.
impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Text {}
