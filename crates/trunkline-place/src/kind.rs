//! The kinds of things that live at a path.

use std::fmt;
use std::path::PathBuf;

/// What lives somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder with the segments or the head of an event log, or one of its files.
    EventStore,
    /// A folder with a backup's manifest, or one of its files.
    Backup,
    /// A folder with a message queue, or one of its files.
    Queue,
    /// A read database or one of its generations, or what `SQLite` keeps beside them.
    ReadDatabase,
    /// The folder of checkpoints beside an event store, or one of them.
    Checkpoints,
    /// The file of snapshots beside an event store.
    Snapshots,
    /// The index of sagas beside an event store.
    SagaIndex,
    /// The index of causes beside an event store.
    CauseIndex,
    /// The lock of a store or a queue that has nothing else yet.
    Lock,
    /// What an interrupted restore, or an interrupted beginning of a store, has left.
    Unfinished,
    /// An application file, or the shapes that were locked beside it.
    ApplicationFile,
    /// Lines of JSON, as an export and an import's rejected lines are; an empty file, too.
    Lines,
    /// Whatever else is neither a folder without files nor a device.
    SomethingElse,
}

impl Kind {
    /// Whether it is Trunkline's own: what no verb for something else may touch.
    pub fn is_ours(self) -> bool {
        !matches!(self, Self::Lines | Self::SomethingElse)
    }

    fn words(self) -> &'static str {
        match self {
            Self::EventStore => "an event store",
            Self::Backup => "a backup",
            Self::Queue => "a message queue",
            Self::ReadDatabase => "a read database",
            Self::Checkpoints => "the checkpoints of an event store",
            Self::Snapshots => "the snapshots of an event store",
            Self::SagaIndex => "the index of sagas of an event store",
            Self::CauseIndex => "the index of causes of an event store",
            Self::Lock => "the lock of a store or a queue",
            Self::Unfinished => "an event store that was not finished",
            Self::ApplicationFile => "an application file or its locked shapes",
            Self::Lines => "lines of JSON",
            Self::SomethingElse => "something else",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// What was found at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What it is.
    pub kind: Kind,
    /// The file or folder that told.
    pub path: PathBuf,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.kind, self.path.display())
    }
}
