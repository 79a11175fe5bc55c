//! Who did something and why, as an event's metadata says it.

use std::fmt;

use serde::Serialize;

use super::MetadataView;

/// Who did something and why, as an event's metadata says it; empty where it says nothing.
///
/// ```
/// use trunkline_core::Origin;
/// let origin = Origin::of(br#"{"command":"Pay","causation_id":"m1","correlation_id":"7","actor":"ada"}"#);
/// assert_eq!(origin.to_string(), "by ada, command Pay, cause m1, correlation 7");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The name of the command that it came of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What caused it: a message, a command or another event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// What all that follows from one cause has in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

impl Origin {
    /// The field of the command's name.
    const COMMAND: &'static str = "command";

    /// What metadata says. A field that is no text says nothing, and doesn't hide the others.
    pub fn of(metadata: &[u8]) -> Self {
        let view = MetadataView::of(metadata);
        let text = |name| view.text(name).map(std::borrow::Cow::into_owned);
        Self {
            actor: text(MetadataView::ACTOR),
            command: text(Self::COMMAND),
            causation_id: text(MetadataView::CAUSATION_ID),
            correlation_id: text(MetadataView::CORRELATION_ID),
        }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// In words; a correlation that is the cause's own id is said once.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let correlation = self.correlation_id.as_ref().filter(|id| self.causation_id.as_ref() != Some(*id));
        let parts = [
            ("by", self.actor.as_ref()),
            ("command", self.command.as_ref()),
            ("cause", self.causation_id.as_ref()),
            ("correlation", correlation),
        ];
        let mut between = "";
        for (word, text) in parts {
            if let Some(text) = text {
                write!(f, "{between}{word} {text}")?;
                between = ", ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_hides_nothing_else() {
        let origin = Origin::of(br#"{"actor":"ada","command":7,"causation_id":null}"#);
        assert_eq!(origin.to_string(), "by ada");
        assert!(Origin::of(b"{}").is_empty() && Origin::of(b"").is_empty());
    }

    #[test]
    fn a_cause_that_is_the_correlation_is_said_once() {
        let origin = Origin::of(br#"{"causation_id":"c1","correlation_id":"c1"}"#);
        assert_eq!(origin.to_string(), "cause c1");
        let origin = Origin::of(br#"{"correlation_id":"c1"}"#);
        assert_eq!(origin.to_string(), "correlation c1");
    }
}
