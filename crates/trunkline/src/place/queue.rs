//! DSNs of message queues, who said which one is meant, and how it is opened.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use trunkline_queue::{EmbeddedOptions, EmbeddedQueue, Keep, MemoryQueue, MessageQueue, OpenError};

use super::{DATA_VARIABLE, Origin};

/// The variable that names the queue.
pub(super) const QUEUE_VARIABLE: &str = "QUEUE_DSN";

/// The variable that names a Redis server, which then is the queue.
const REDIS_VARIABLE: &str = "REDIS_HOST";

/// Where a message queue is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueDsn {
    /// In this process, gone with it.
    Memory,
    /// The embedded queue in this folder.
    Embedded(PathBuf),
}

/// Where a message queue is, and who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuePlace {
    /// The queue.
    pub dsn: QueueDsn,
    /// Who said so.
    pub origin: Origin,
}

/// Why a text is not the DSN of a queue that this version has.
///
/// A DSN may hold a password, so no more of it is repeated than its scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueueDsnError {
    /// It has no scheme.
    #[error("it does not say which kind of queue it is")]
    NoScheme,
    /// `embedded:` alone.
    #[error("`embedded:` is not followed by the path of a folder")]
    NoPath,
    /// `memory:` with more.
    #[error("`memory:` is followed by something; it takes nothing")]
    MemoryWithPath,
    /// A kind that this program doesn't have.
    #[error("`{scheme}:` queues are not in this version of trunkline, which has only the embedded one")]
    NotInThisVersion {
        /// Its scheme.
        scheme: String,
    },
    /// An event store.
    #[error("`{scheme}:` is an event store, not a message queue")]
    Store {
        /// Its scheme.
        scheme: String,
    },
    /// Nothing that Trunkline knows.
    #[error("there is no kind of queue named `{scheme}:`")]
    UnknownScheme {
        /// Its scheme.
        scheme: String,
    },
    /// The environment means a Redis server.
    #[error(
        "{REDIS_VARIABLE} is set, which means the queue of that Redis server, \
         and Redis is not in this version of trunkline"
    )]
    RedisHost,
}

impl QueueDsnError {
    /// What to write instead.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::RedisHost => {
                "unset it, or say which queue is meant: QUEUE_DSN=embedded:PATH, such as embedded:./data/queue"
            }
            Self::MemoryWithPath => "write memory: alone, or embedded:PATH for a queue that stays",
            _ => "write embedded:PATH for the queue in a folder, such as embedded:./data/queue",
        }
    }
}

impl QueueDsn {
    /// Reads a DSN.
    pub fn parse(text: &str) -> Result<Self, QueueDsnError> {
        // A drive letter is the beginning of a path.
        let scheme =
            text.split_once(':').filter(|(scheme, _)| scheme.len() > 1 && !scheme.contains(['/', '\\', '.']));
        let (scheme, rest) = scheme.ok_or(QueueDsnError::NoScheme)?;
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "embedded" if rest.is_empty() => Err(QueueDsnError::NoPath),
            "embedded" => Ok(Self::Embedded(rest.into())),
            "memory" if rest.is_empty() => Ok(Self::Memory),
            "memory" => Err(QueueDsnError::MemoryWithPath),
            "redis" | "rediss" | "nats" => Err(QueueDsnError::NotInThisVersion { scheme }),
            "log" | "sqlite" | "postgres" | "postgresql" | "pgsql" | "mysql" | "mariadb" => {
                Err(QueueDsnError::Store { scheme })
            }
            _ => Err(QueueDsnError::UnknownScheme { scheme }),
        }
    }
}

impl fmt::Display for QueueDsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Embedded(path) => write!(f, "embedded:{}", path.display()),
        }
    }
}

impl QueuePlace {
    /// The queue that the flag names, else the application file, else the environment, else the embedded one in
    /// the data folder.
    pub fn find(
        flag: Option<&str>,
        file: Option<&str>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, QueueDsnError> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(text) = flag {
            return Ok(Self { dsn: QueueDsn::parse(text)?, origin: Origin::QueueFlag });
        }
        if let Some(text) = file {
            return Ok(Self { dsn: QueueDsn::parse(text)?, origin: Origin::File });
        }
        if let Some(text) = variable(QUEUE_VARIABLE) {
            let dsn = QueueDsn::parse(&text.to_string_lossy())?;
            return Ok(Self { dsn, origin: Origin::QueueVariable });
        }
        // Messages are originals: they are not put elsewhere than where the environment says.
        if variable(REDIS_VARIABLE).is_some() {
            return Err(QueueDsnError::RedisHost);
        }
        if let Some(folder) = variable(DATA_VARIABLE) {
            let path = PathBuf::from(folder).join("queue");
            return Ok(Self { dsn: QueueDsn::Embedded(path), origin: Origin::DataVariable });
        }
        Ok(Self { dsn: QueueDsn::Embedded("./data/queue".into()), origin: Origin::Default })
    }
}

impl fmt::Display for QueuePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.dsn, self.origin)
    }
}

/// How a queue is opened.
#[derive(Clone, Debug)]
pub struct OpenQueueOptions {
    /// Who opens it, as others are told that want to.
    pub owner: String,
    /// Whether to make it when there is none.
    pub create: bool,
    /// How long dead letters are kept.
    pub dead_letter_ttl: Duration,
}

impl Default for OpenQueueOptions {
    fn default() -> Self {
        let owner = EmbeddedOptions::default().owner;
        Self { owner, create: true, dead_letter_ttl: Keep::default().dead_letter_age }
    }
}

/// An open message queue.
#[derive(Clone)]
pub struct OpenQueue {
    /// To publish, receive and operate.
    pub queue: Arc<dyn MessageQueue>,
    /// What has to be closed in its own way.
    embedded: Option<EmbeddedQueue>,
}

/// Why a message queue could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenQueueError {
    /// Its DSN is none.
    #[error("the queue's DSN: {error}; {}", .error.hint())]
    Dsn {
        /// What is wrong with it.
        error: QueueDsnError,
    },
    /// It could not be opened.
    #[error("the message queue {place} can't be opened: {source}")]
    Open {
        /// Which queue, and who said so.
        place: QueuePlace,
        /// Why.
        source: OpenError,
    },
}

impl OpenQueue {
    /// Opens the queue of a place.
    pub fn open(place: &QueuePlace, options: OpenQueueOptions) -> Result<Self, OpenQueueError> {
        let OpenQueueOptions { owner, create, dead_letter_ttl } = options;
        let keep = Keep { dead_letter_age: dead_letter_ttl, ..Keep::default() };
        let folder = match &place.dsn {
            QueueDsn::Memory => {
                let queue = MemoryQueue::with(keep, EmbeddedOptions::default().clock);
                return Ok(Self { queue: Arc::new(queue), embedded: None });
            }
            QueueDsn::Embedded(folder) => folder,
        };
        let options = EmbeddedOptions { keep, owner, create, ..EmbeddedOptions::default() };
        let embedded = EmbeddedQueue::open(folder, options)
            .map_err(|source| OpenQueueError::Open { place: place.clone(), source })?;
        Ok(Self { queue: Arc::new(embedded.clone()), embedded: Some(embedded) })
    }

    /// How many bytes of a commit that was cut off were rolled back when the queue was opened.
    pub fn rolled_back_bytes(&self) -> u64 {
        self.embedded.as_ref().map_or(0, EmbeddedQueue::rolled_back_bytes)
    }

    /// Closes the queue, which confirms what was done; another process may open it then.
    pub async fn close(self) {
        let Self { queue, embedded } = self;
        drop(queue);
        if let Some(embedded) = embedded {
            embedded.close().await;
        }
    }
}

impl fmt::Debug for OpenQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenQueue").field("embedded", &self.embedded).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(flag: Option<&str>, file: Option<&str>, variables: &[(&str, &str)]) -> String {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        match QueuePlace::find(flag, file, variable) {
            Ok(place) => place.to_string(),
            Err(error) => format!("{error}; {}", error.hint()),
        }
    }

    #[test]
    fn the_flag_goes_before_the_file_that_before_the_environment_and_that_before_the_default() {
        let both = [("QUEUE_DSN", "embedded:e"), ("TRUNKLINE_DATA", "d")];
        assert_eq!(find(Some("embedded:f"), Some("embedded:a"), &both), "embedded:f (--queue)");
        assert_eq!(find(None, Some("embedded:a"), &both), "embedded:a (the application file)");
        assert_eq!(find(None, None, &both), "embedded:e (QUEUE_DSN)");
        assert_eq!(find(None, None, &both[1..]), "embedded:d/queue (TRUNKLINE_DATA)");
        assert_eq!(find(None, None, &[("QUEUE_DSN", "")]), "embedded:./data/queue (default)");
    }

    #[test]
    fn a_redis_of_the_environment_is_not_passed_over() {
        let redis = [("REDIS_HOST", "cache"), ("TRUNKLINE_DATA", "d")];
        assert!(find(None, None, &redis).contains("REDIS_HOST is set"));
        assert!(find(None, None, &redis).contains("QUEUE_DSN=embedded:PATH"));
        assert_eq!(find(None, Some("memory:"), &redis), "memory: (the application file)");
    }

    #[test]
    fn what_is_no_queue_is_refused() {
        for (dsn, words) in [
            ("./data", "which kind of queue"),
            ("C:\\data", "which kind of queue"),
            ("embedded:", "not followed by the path"),
            ("memory:x", "takes nothing"),
            ("redis://:secret@host", "`redis:` queues are not in this version"),
            ("log:x", "`log:` is an event store"),
            ("rabbit:x", "no kind of queue named `rabbit:`"),
        ] {
            let said = find(Some(dsn), None, &[]);
            assert!(said.contains(words) && !said.contains("secret"), "{said}");
        }
    }
}
