//! What one look says: how something is, in words, and what to do about it.

use serde::Serialize;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Ok,
    /// Worth knowing, and nothing to worry about.
    Note,
    /// Somebody has to do something.
    Bad,
}

/// What was looked at, and how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at: events, read models, sagas, messages, laws, the disk.
    pub name: &'static str,
    /// How it is.
    pub state: Health,
    /// The same in words, with numbers.
    pub says: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Check {
    pub(super) fn ok(name: &'static str, says: impl Into<String>) -> Self {
        Self { name, state: Health::Ok, says: says.into(), remedy: None }
    }

    pub(super) fn note(name: &'static str, says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, state: Health::Note, says: says.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn bad(name: &'static str, says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, state: Health::Bad, says: says.into(), remedy: Some(remedy.into()) }
    }
}
