//! Text that must not be shown: it prints as `***` wherever it is formatted, and is wiped when dropped.

use std::fmt;

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

/// What stands for a secret in any output.
pub const MASK: &str = "***";

/// A secret text.
///
/// There is no way to print it by accident: `Debug`, `Display` and `Serialize` all give `***`, so neither an
/// error, a log line, JSON nor a panic message shows it. [`Secret::expose`] is the one door, easy to search for.
/// The memory is overwritten with zeros when the secret is dropped.
///
/// ```
/// use trunkline_config::Secret;
///
/// let secret = Secret::new("hunter2");
/// assert_eq!(format!("{secret} {secret:?}"), "*** ***");
/// assert_eq!(secret.expose(), "hunter2");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for the one place that must have it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

/// Takes the same time wherever the texts differ.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (left, right) = (self.0.as_bytes(), other.0.as_bytes());
        let difference =
            left.iter().zip(right).fold(0, |difference, (left, right)| difference | (left ^ right));
        left.len() == right.len() && std::hint::black_box(difference) == 0
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_cannot_be_printed() {
        let secret = Secret::new("hunter2");
        let everything = format!(
            "{secret} {secret:?} {secret:#?} {secret:>9} {} {:?}",
            serde_json::to_string(&secret).unwrap(),
            Some(vec![&secret]),
        );
        assert!(!everything.contains("hunter2"), "{everything}");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
    }

    #[test]
    fn a_panic_with_a_secret_does_not_show_it() {
        let panic = std::panic::catch_unwind(|| {
            assert_eq!(Secret::new("hunter2"), Secret::new("hunter3"));
        });
        let message = *panic.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("***") && !message.contains("hunter"), "{message}");
    }

    #[test]
    fn secrets_compare_by_their_text() {
        assert_eq!(Secret::new("a"), Secret::new("a"));
        assert_ne!(Secret::new("a"), Secret::new("b"));
        assert_ne!(Secret::new("a"), Secret::new("ab"));
        assert_ne!(Secret::new(""), Secret::new("a"));
    }
}
