//! DSNs of event stores.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use trunkline_sql::{SqliteSagaIndex, SqliteSnapshots};
use trunkline_store::derived::{DerivedHome, FileCheckpoints};

/// Where an event store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dsn {
    /// In this process, gone with it.
    Memory,
    /// The embedded log in this folder.
    Log(PathBuf),
}

/// Why a text is not the DSN of an event store.
///
/// A DSN may hold a password, so no more of it is repeated than its scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DsnError {
    /// It has no scheme.
    #[error("{text:?} does not say which kind of store it is")]
    NoScheme {
        /// The text.
        text: String,
    },
    /// `log:` alone.
    #[error("`log:` is not followed by the path of a folder")]
    NoPath,
    /// `memory:` with more.
    #[error("`memory:` is followed by something; it takes nothing")]
    MemoryWithPath,
    /// A kind of store that this program was built without.
    #[error("`{scheme}:` stores are not in this version of trunkline, which has only the embedded log")]
    NotInThisVersion {
        /// Its scheme.
        scheme: String,
    },
    /// A message queue.
    #[error("`{scheme}:` is a message queue, not an event store")]
    Queue {
        /// Its scheme.
        scheme: String,
    },
    /// Nothing that Trunkline knows.
    #[error("there is no kind of store named `{scheme}:`")]
    UnknownScheme {
        /// Its scheme.
        scheme: String,
    },
}

impl Dsn {
    /// Where snapshots of this store are kept: a file beside it, which may be removed at any time. None for a
    /// store that is gone with its process.
    pub fn snapshots(&self) -> Option<PathBuf> {
        self.beside(".snapshots")
    }

    /// Where checkpoints of who reads this store are kept: a folder beside it. None for a store that is gone with
    /// its process.
    pub fn checkpoints(&self) -> Option<PathBuf> {
        self.beside(".checkpoints")
    }

    /// Where the index of sagas of this store is kept: a file beside it, which may be removed at any time. None for a
    /// store that is gone with its process.
    pub fn sagas(&self) -> Option<PathBuf> {
        self.beside(".sagas")
    }

    /// Where all is kept that is derived from this store: beside it, or in memory for a store that is gone with its
    /// process.
    pub fn derived_home(&self) -> DerivedHome {
        let mut home = DerivedHome::memory();
        if let Some(folder) = self.checkpoints() {
            home.checkpoints = Arc::new(FileCheckpoints::new(folder));
        }
        if let Some(file) = self.snapshots() {
            home.snapshots = Arc::new(SqliteSnapshots::new(file));
        }
        if let Some(file) = self.sagas() {
            home.saga_index = Arc::new(SqliteSagaIndex::new(file));
        }
        home
    }

    fn beside(&self, suffix: &str) -> Option<PathBuf> {
        match self {
            Self::Memory => None,
            Self::Log(folder) => {
                let mut beside = folder.clone().into_os_string();
                beside.push(suffix);
                Some(beside.into())
            }
        }
    }
}

impl DsnError {
    /// What to write instead.
    pub fn hint(&self) -> String {
        match self {
            Self::NoScheme { text } if !text.is_empty() => {
                format!("for the embedded log in that folder, write log:{text}")
            }
            Self::MemoryWithPath => "write memory: alone, or log:PATH for a store that stays".to_owned(),
            Self::NoScheme { .. }
            | Self::NoPath
            | Self::NotInThisVersion { .. }
            | Self::Queue { .. }
            | Self::UnknownScheme { .. } => {
                "write log:PATH for the embedded log in a folder, such as log:./data/events".to_owned()
            }
        }
    }
}

impl Dsn {
    /// Reads a DSN.
    pub fn parse(text: &str) -> Result<Self, DsnError> {
        // A drive letter is the beginning of a path.
        let scheme = text.split_once(':').filter(|(scheme, _)| scheme.len() > 1 && is_scheme(scheme));
        let Some((scheme, rest)) = scheme else {
            return Err(DsnError::NoScheme { text: text.to_owned() });
        };
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "log" if rest.is_empty() => Err(DsnError::NoPath),
            "log" => Ok(Self::Log(rest.into())),
            "memory" if rest.is_empty() => Ok(Self::Memory),
            "memory" => Err(DsnError::MemoryWithPath),
            "sqlite" | "postgres" | "postgresql" | "pgsql" | "mysql" | "mariadb" => {
                Err(DsnError::NotInThisVersion { scheme })
            }
            "redis" | "rediss" | "nats" | "embedded" => Err(DsnError::Queue { scheme }),
            _ => Err(DsnError::UnknownScheme { scheme }),
        }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-".contains(c))
}

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Log(path) => write!(f, "log:{}", path.display()),
        }
    }
}
