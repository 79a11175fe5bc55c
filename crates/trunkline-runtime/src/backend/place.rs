//! What is kept at a place, and what named it.

use std::fmt;

use super::Dsn;

/// What is kept at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Events: an event store.
    Events,
    /// Messages: a message queue.
    Messages,
    /// Read models: a read database.
    ReadModels,
}

impl Role {
    /// What keeps it, in messages: `kind of …`, and with an s for several.
    pub(super) fn keeper(self) -> &'static str {
        match self {
            Self::Events => "store",
            Self::Messages => "queue",
            Self::ReadModels => "read database",
        }
    }

    /// The same in full, with its article.
    pub(super) fn keeper_in_full(self) -> &'static str {
        match self {
            Self::Events => "an event store",
            Self::Messages => "a message queue",
            Self::ReadModels => "a read database",
        }
    }

    /// The flag of the command line that names such a place.
    pub(super) fn flag(self) -> &'static str {
        match self {
            Self::Events => "--store",
            Self::Messages => "--queue",
            Self::ReadModels => "--read-db",
        }
    }

    /// The environment's variable that names it.
    pub(super) fn variable(self) -> &'static str {
        match self {
            Self::Events => "EVENT_STORE_DSN",
            Self::Messages => "QUEUE_DSN",
            Self::ReadModels => "READ_DB_DSN",
        }
    }

    /// The section of an application file that names it.
    fn section(self) -> &'static str {
        match self {
            Self::Events => "event_store",
            Self::Messages => "message_queue",
            Self::ReadModels => "read_db",
        }
    }

    /// Where it is when nothing names a place: a scheme, and a name in the data folder.
    pub(super) fn usual(self) -> (&'static str, &'static str) {
        match self {
            Self::Events => ("log", "events"),
            Self::Messages => ("embedded", "queue"),
            Self::ReadModels => ("sqlite", "read.db"),
        }
    }
}

/// What named the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This flag of the command line.
    Flag(&'static str),
    /// The application file.
    File,
    /// This variable of the environment.
    Variable(&'static str),
    /// The event store, since what belongs to it is not to outlive it.
    Events,
    /// Nothing: it is the default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag(name) | Self::Variable(name) => name,
            Self::File => "the application file",
            Self::Events => "as the event store",
            Self::Default => "default",
        })
    }
}

/// Where something is kept, and what named the place; found without opening anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What is kept there.
    pub role: Role,
    /// Where.
    pub dsn: Dsn,
    /// What named it.
    pub origin: Origin,
}

impl Place {
    /// What names a place of the same kind at another path, as it is typed or written.
    pub fn elsewhere(&self, path: &str) -> String {
        let (role, dsn) = (self.role, Dsn::new(self.dsn.scheme(), path));
        match self.origin {
            Origin::Flag(flag) => format!("{flag} {dsn}"),
            Origin::File => format!("`dsn: \"{dsn}\"` in [{}]", role.section()),
            Origin::Variable(_) | Origin::Events | Origin::Default => format!("{}={dsn}", role.variable()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.dsn, self.origin)
    }
}
