//! Dead letters, one by one and by likeness.

use serde::Serialize;
use trunkline_core::Timestamp;
use trunkline_queue::{DeadLetter, DeadLetterGroup};

use super::MessageReport;

/// A dead letter with its message and its attempts.
#[derive(Debug, Serialize)]
pub struct DeadLetterReport<'a> {
    /// Its id.
    pub dead_letter: &'a str,
    /// The group that gave it up.
    pub group: &'a str,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub died_at: Timestamp,
    /// Why it failed last.
    pub error: &'a str,
    /// The attempts that are remembered.
    pub tries: Vec<TryReport<'a>>,
    /// The message; where it is damaged, a stand-in of what is known.
    pub message: MessageReport,
    /// Where its stored bytes are and what is wrong with them, if they are not what was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damaged: Option<&'a str>,
    /// The letter itself.
    #[serde(skip)]
    pub letter: &'a DeadLetter,
}

/// An attempt that failed.
#[derive(Debug, Serialize)]
pub struct TryReport<'a> {
    /// Its number; the first is 1.
    pub attempt: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it failed.
    pub failed_at: Timestamp,
    /// Who tried.
    pub consumer: &'a str,
    /// Why it failed.
    pub error: &'a str,
}

impl<'a> From<&'a DeadLetter> for DeadLetterReport<'a> {
    fn from(letter: &'a DeadLetter) -> Self {
        let tries = letter.tries.iter().map(|one| TryReport {
            attempt: one.attempt,
            started_at: one.started_at,
            failed_at: one.failed_at,
            consumer: &one.consumer,
            error: &one.error,
        });
        Self {
            dead_letter: &letter.id.0,
            group: letter.group.as_str(),
            attempts: letter.attempts,
            died_at: letter.died_at,
            error: letter.error(),
            tries: tries.collect(),
            message: MessageReport::from(&letter.message),
            damaged: letter.damaged.as_deref(),
            letter,
        }
    }
}

/// Dead letters of a topic and group that failed alike.
#[derive(Debug, Serialize)]
pub struct DeadLetterGroupReport<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The group that gave them up.
    pub group: &'a str,
    /// How they failed; numbers, ids and quoted parts may differ.
    pub error_like: &'a str,
    /// How many there are.
    pub count: u64,
    /// When the first died.
    pub first_at: Timestamp,
    /// When the last died.
    pub last_at: Timestamp,
    /// The first.
    pub first_id: &'a str,
    /// The last.
    pub last_id: &'a str,
}

impl<'a> From<&'a DeadLetterGroup> for DeadLetterGroupReport<'a> {
    fn from(group: &'a DeadLetterGroup) -> Self {
        Self {
            topic: group.topic.as_str(),
            group: group.group.as_str(),
            error_like: &group.likeness,
            count: group.count,
            first_at: group.first.died_at,
            last_at: group.last.died_at,
            first_id: &group.first.id.0,
            last_id: &group.last.id.0,
        }
    }
}
