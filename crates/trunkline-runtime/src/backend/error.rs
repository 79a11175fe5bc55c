//! Why a text names no place.

use std::fmt;

use super::Role;
use super::schemes::REDIS_VARIABLE;

/// Why a text is not the DSN of a place that this program can open.
///
/// A DSN may hold a password, so no more of it is repeated than its scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DsnError {
    /// It has no scheme.
    NoScheme {
        /// What was to be kept there.
        role: Role,
        /// The text.
        text: String,
    },
    /// Its backend makes nothing of it.
    Unusable {
        /// What was to be kept there.
        role: Role,
        /// What is wrong with it.
        problem: DsnProblem,
    },
    /// Its backend was left out when the program was built.
    LeftOut {
        /// What was to be kept there.
        role: Role,
        /// Its scheme.
        scheme: String,
        /// The cargo feature that brings its backend.
        feature: &'static str,
    },
    /// Its backend is not there yet.
    NotInThisVersion {
        /// What was to be kept there.
        role: Role,
        /// Its scheme.
        scheme: String,
    },
    /// Its backend keeps something else.
    OtherRole {
        /// What was to be kept there.
        role: Role,
        /// Its scheme.
        scheme: String,
        /// What is kept there.
        other: Role,
    },
    /// Nothing that Trunkline knows.
    UnknownScheme {
        /// What was to be kept there.
        role: Role,
        /// Its scheme.
        scheme: String,
    },
    /// The environment means a Redis server.
    RedisHost,
}

/// What a backend finds wrong with a DSN of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DsnProblem {
    /// What is wrong, without repeating what may be a password.
    pub what: String,
    /// What to write instead, if the backend knows better than to name the usual place.
    pub hint: Option<String>,
}

impl DsnError {
    /// What to write instead.
    pub fn hint(&self) -> String {
        let role = match self {
            Self::RedisHost => {
                let usual = "QUEUE_DSN=embedded:PATH, such as embedded:./data/queue";
                return format!("unset it, or say which queue is meant: {usual}");
            }
            Self::NoScheme { role: Role::Events, text } if !text.is_empty() && !may_be_secret(text) => {
                return format!("for the embedded log in that folder, write log:{text}");
            }
            Self::Unusable { problem: DsnProblem { hint: Some(hint), .. }, .. } => return hint.clone(),
            Self::LeftOut { feature, .. } => {
                return format!(
                    "build it with the feature `{feature}`, or write memory: for what may be lost"
                );
            }
            Self::NoScheme { role, .. }
            | Self::Unusable { role, .. }
            | Self::NotInThisVersion { role, .. }
            | Self::OtherRole { role, .. }
            | Self::UnknownScheme { role, .. } => role,
        };
        match role {
            Role::Events => "write log:PATH for the embedded log in a folder, such as log:./data/events",
            Role::Messages => "write embedded:PATH for the queue in a folder, such as embedded:./data/queue",
            Role::ReadModels => "write sqlite:PATH, such as sqlite:./data/read.db",
        }
        .to_owned()
    }
}

/// Whether a text without a scheme may be a server's address that lost it.
fn may_be_secret(text: &str) -> bool {
    text.contains('@') && text.contains(':')
}

impl fmt::Display for DsnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoScheme { role, text } => {
                if *role == Role::Messages || may_be_secret(text) {
                    f.write_str("it")?;
                } else {
                    write!(f, "{text:?}")?;
                }
                write!(f, " does not say which kind of {} it is", role.keeper())
            }
            Self::Unusable { problem, .. } => f.write_str(&problem.what),
            Self::LeftOut { role, scheme, feature } => write!(
                f,
                "`{scheme}:` {}s come with the feature `{feature}`, which this program was built without",
                role.keeper()
            ),
            Self::NotInThisVersion { role, scheme } => {
                let has = match role {
                    Role::Events => "the embedded log",
                    Role::Messages => "the embedded one",
                    Role::ReadModels => "SQLite",
                };
                let keepers = role.keeper();
                write!(f, "`{scheme}:` {keepers}s are not in this version of trunkline, which has only {has}")
            }
            Self::OtherRole { role, scheme, other } => {
                write!(f, "`{scheme}:` is {}, not {}", other.keeper_in_full(), role.keeper_in_full())
            }
            Self::UnknownScheme { role, scheme } => {
                write!(f, "there is no kind of {} named `{scheme}:`", role.keeper())
            }
            Self::RedisHost => write!(
                f,
                "{REDIS_VARIABLE} is set, which means the queue of that Redis server, and Redis is not in this \
                 version of trunkline"
            ),
        }
    }
}

impl std::error::Error for DsnError {}
