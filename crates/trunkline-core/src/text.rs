//! The text of a name: kept in place when it is short, shared when it is long.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The longest text that is kept in place, in bytes: with its length and the kind of text, as much as three pointers.
const SHORT_BYTES_MAX: usize = 22;

/// A text that is copied without looking elsewhere in memory when it is short, as most names are: a name's clone would
/// otherwise wait for the memory where its counter is, and so would its drop.
#[derive(Clone)]
pub(crate) enum Text {
    Short { len: u8, bytes: [u8; SHORT_BYTES_MAX] },
    Long(Arc<str>),
}

impl Text {
    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Short { len, bytes } => {
                let text = &bytes[..usize::from(*len)];
                #[expect(unsafe_code, reason = "to check the text again takes longer than to copy it")]
                // SAFETY: a short text is only made in `from`, of the bytes of a `str` and its length, and never changed.
                unsafe {
                    std::str::from_utf8_unchecked(text)
                }
            }
            Self::Long(text) => text,
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        let mut bytes = [0; SHORT_BYTES_MAX];
        match bytes.get_mut(..text.len()) {
            Some(place) => {
                place.copy_from_slice(text.as_bytes());
                Self::Short { len: text.len() as u8, bytes }
            }
            None => Self::Long(text.into()),
        }
    }
}

// As the text is compared and hashed, since a name can be looked up by its text.

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    #[test]
    fn a_text_is_what_it_was_made_of_whatever_its_length() {
        let whole = "größer und größer als so viel, wie in den Platz paßt";
        let texts = whole.char_indices().map(|(end, _)| &whole[..end]);
        let hasher = RandomState::new();
        let mut before: Option<Text> = None;
        for text in texts {
            let made = Text::from(text);
            assert_eq!(made.clone().as_str(), text);
            assert_eq!(hasher.hash_one(&made), hasher.hash_one(text));
            assert_eq!(matches!(made, Text::Short { .. }), text.len() <= SHORT_BYTES_MAX);
            assert!(before.is_none_or(|before| before < made), "{text}");
            before = Some(made);
        }
    }
}
