//! Where things are kept and how, as a configuration says: what a program says in code goes before it.

use std::time::Duration;

use crate::ReplaySettings;

/// What a configuration says of the places of an application; nothing is opened for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The event store.
    pub event_store: StoreSettings,
    /// The message queue.
    pub message_queue: QueueSettings,
    /// The DSN of the read database.
    pub read_db: Option<String>,
    /// Whether states are kept in snapshots.
    pub snapshots: bool,
    /// How what has happened already is read again.
    pub replay: ReplaySettings,
}

impl Default for Settings {
    fn default() -> Self {
        let (event_store, message_queue) = (StoreSettings::default(), QueueSettings::default());
        Self { event_store, message_queue, read_db: None, snapshots: true, replay: ReplaySettings::default() }
    }
}

/// Where events are kept, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreSettings {
    /// The DSN; where the environment or the default says when there is none.
    pub dsn: Option<String>,
    /// The size of a segment in bytes, for the embedded log.
    pub segment_bytes: Option<u64>,
    /// Whether appends may be acknowledged before they are on disk: only for stores to throw away.
    pub never_sync: bool,
}

/// Where messages wait, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueSettings {
    /// The DSN; where the environment or the default says when there is none.
    pub dsn: Option<String>,
    /// How long dead letters are kept.
    pub dead_letter_ttl: Option<Duration>,
    /// The topics that other programs take from.
    pub external: Vec<String>,
}
