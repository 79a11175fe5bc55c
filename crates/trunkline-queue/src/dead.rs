//! Dead letters: messages that a group gave up, and what operators decide about them.

use std::fmt;

use trunkline_core::Timestamp;

use crate::{GroupName, Message, MessageId, NewMessage, TopicName};

/// The id of a dead letter: text that its backend made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeadLetterId(pub String);

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A message that a group gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id; the same message, dead again, is another dead letter.
    pub id: DeadLetterId,
    /// The group that gave it up.
    pub group: GroupName,
    /// The message, as it was published; where it is [`damaged`](DeadLetter::damaged), a stand-in of what is known.
    pub message: Message,
    /// Where its stored bytes are and what is wrong with them, if they are not what was published.
    pub damaged: Option<String>,
    /// How many attempts there were.
    pub attempts: u32,
    /// The latest attempts that failed, oldest first; at most [`TRIES_MAX`](crate::limits::TRIES_MAX).
    pub tries: Vec<Try>,
    /// When it was given up.
    pub died_at: Timestamp,
    /// The decision that had brought the message back before, by the number of its [`DecisionRecord`].
    pub decision: Option<u64>,
    /// The names of consumers under which it may have been handled before its group adopted it, the oldest first.
    pub former: Vec<String>,
}

impl DeadLetter {
    /// Why the last attempt failed.
    pub fn error(&self) -> &str {
        self.tries.last().map_or("", |last| &last.error)
    }
}

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// Which attempt it was.
    pub attempt: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it failed.
    pub failed_at: Timestamp,
    /// The consumer that tried.
    pub consumer: String,
    /// Why it failed.
    pub error: String,
}

/// Which dead letters; what is given must match.
#[derive(Clone, Debug, Default)]
pub struct DeadLetterFilter {
    /// Of this topic.
    pub topic: Option<TopicName>,
    /// Of this group.
    pub group: Option<GroupName>,
    /// Of messages of this type.
    pub message_type: Option<String>,
    /// Whose error is like this one, as [`likeness`] has it.
    pub error_like: Option<String>,
}

impl DeadLetterFilter {
    /// Whether the dead letter is one of those.
    pub fn matches(&self, letter: &DeadLetter) -> bool {
        self.topic.as_ref().is_none_or(|topic| *topic == letter.message.topic)
            && self.group.as_ref().is_none_or(|group| *group == letter.group)
            && self.message_type.as_ref().is_none_or(|kind| *kind == letter.message.message_type)
            && self.error_like.as_ref().is_none_or(|like| likeness(like) == likeness(letter.error()))
    }
}

/// A page of dead letters.
#[derive(Clone, Debug)]
pub struct DeadLettersRead {
    /// Which.
    pub filter: DeadLetterFilter,
    /// Only those that died after this one.
    pub after: Option<DeadLetterId>,
    /// At most so many.
    pub max: usize,
}

impl Default for DeadLettersRead {
    fn default() -> Self {
        Self { filter: DeadLetterFilter::default(), after: None, max: 100 }
    }
}

/// What an operator decides about a dead letter.
#[derive(Clone, Debug)]
pub enum DeadLetterDecision {
    /// The message goes back to its group, with its attempts counted from 1 again; in an ordered group to its place in
    /// the order, before what it held.
    Replay,
    /// A message takes its place, in an ordered group that in the order too: new, linked to the old one, and only for
    /// the group that gave the old one up.
    Edit(Box<NewMessage>),
    /// It is given up for good; what it held goes on.
    Discard,
}

/// What was decided, without the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionKind {
    /// [`DeadLetterDecision::Replay`].
    Replay,
    /// [`DeadLetterDecision::Edit`].
    Edit,
    /// [`DeadLetterDecision::Discard`].
    Discard,
}

/// The record of a decision about a dead letter, with how it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRecord {
    /// Its number; later ones are higher.
    pub number: u64,
    /// When it was taken.
    pub at: Timestamp,
    /// Who took it.
    pub by: String,
    /// What was decided.
    pub kind: DecisionKind,
    /// About which dead letter.
    pub dead_letter: DeadLetterId,
    /// The topic.
    pub topic: TopicName,
    /// The group.
    pub group: GroupName,
    /// The message that was dead.
    pub message_id: MessageId,
    /// The message that took its place.
    pub new_message_id: Option<MessageId>,
    /// How many messages it had held at that time, which go on: behind the message that came back, or at once.
    pub released: u64,
    /// How it came out so far.
    pub outcome: DecisionOutcome,
}

/// How a decision about a dead letter came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecisionOutcome {
    /// The message is waiting, or being worked on.
    Waiting,
    /// A consumer acknowledged the message.
    Done {
        /// When.
        at: Timestamp,
    },
    /// The message is a dead letter again.
    DeadAgain {
        /// When.
        at: Timestamp,
        /// Which.
        dead_letter: DeadLetterId,
    },
    /// It is gone: discarded by this decision, or purged since.
    Gone,
}

/// What errors have in common that are alike: the text with its numbers, ids and quoted parts left out.
///
/// ```
/// use trunkline_queue::likeness;
/// assert_eq!(likeness("order 17: timeout after 31.5 ms"), "order …: timeout after … ms");
/// assert_eq!(likeness("no such sku 'A-1'"), likeness("no such sku 'B-22'"));
/// assert_ne!(likeness("refused"), likeness("timeout"));
/// ```
pub fn likeness(error: &str) -> String {
    let mut like = String::new();
    let mut rest = error.lines().next().unwrap_or_default().trim();
    while let Some(c) = rest.chars().next() {
        let len = match c {
            '"' | '\'' | '`' => quoted(rest, c),
            c if c.is_alphanumeric() => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || "-_.".contains(c)));
                let word = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
                if word.chars().any(|c| c.is_ascii_digit()) { word.len() } else { 0 }
            }
            _ => 0,
        };
        if len > 0 {
            like.push('…');
            rest = &rest[len..];
            continue;
        }
        let plain = if c.is_alphanumeric() {
            rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len())
        } else {
            c.len_utf8()
        };
        like.push_str(&rest[..plain]);
        rest = &rest[plain..];
        if like.len() > 200 {
            break;
        }
    }
    like
}

/// How long the quoted part is that the text begins with; 0 where the quote isn't closed, or is an apostrophe.
fn quoted(text: &str, quote: char) -> usize {
    let inner = &text[quote.len_utf8()..];
    match inner.find(quote) {
        Some(end) => end + 2 * quote.len_utf8(),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn errors_are_alike_but_for_numbers_ids_and_quotes() {
        for (error, like) in [
            ("connection refused", "connection refused"),
            ("500 Internal Server Error", "… Internal Server Error"),
            ("id bd75590e-464f-5f27-9c32-235a94416fd3 is unknown", "id … is unknown"),
            ("at 2010-12-01T08:26:00Z: late", "at …:…:…: late"),
            ("can't read \"a b\"", "can't read …"),
            ("first line 1\nsecond", "first line …"),
            ("sku85123A out of stock.", "… out of stock."),
            ("", ""),
        ] {
            assert_eq!(likeness(error), like, "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn likeness_is_bounded_and_of_any_text(error in ".{0,300}") {
            prop_assert!(likeness(&error).len() <= 200 + error.len());
        }
    }
}
