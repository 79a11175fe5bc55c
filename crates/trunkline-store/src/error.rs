//! What appends and reads can fail with, and what the caller can do.

use trunkline_core::{Advice, EventId, Expected, Position, StorageError, StreamName, Version};

/// Why an append stored nothing, or why its outcome is unknown.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The stream is not as expected: someone else appended first.
    #[error("stream `{stream}` is not as expected: expected {expected}, found version {found}")]
    Conflict {
        /// The stream.
        stream: StreamName,
        /// What the append expected.
        expected: Expected,
        /// The version that the stream has.
        found: Version,
    },
    /// An event that a condition excludes was appended first.
    #[error("condition `{name}` failed: the event at position {position} matches it")]
    ConditionFailed {
        /// The name of the condition.
        name: String,
        /// The matching event's position.
        position: Position,
    },
    /// The command has had its outcome.
    #[error("the command was handled before; its outcome is at position {position}")]
    AlreadyHandled {
        /// The position of the outcome's first event.
        position: Position,
    },
    /// An id is in use for another event, or only a part of the batch was stored before.
    #[error(
        "event id {event_id} is taken by the event at position {position}, and this batch is not a repeat of it"
    )]
    EventIdTaken {
        /// The id.
        event_id: EventId,
        /// Where the event with that id stands.
        position: Position,
    },
    /// The ids are stored already, and one of them for an event of another type or with other data.
    #[error(
        "event id {event_id} is that of the event at position {position}, which has another type or other data"
    )]
    EventIdReused {
        /// The id.
        event_id: EventId,
        /// Where the event with that id stands.
        position: Position,
    },
    /// Something exceeds its limit.
    #[error("{what} too large: {bytes} bytes, limit {bytes_max}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        bytes_max: usize,
    },
    /// The batch makes no sense.
    #[error("invalid append: {reason}")]
    Invalid {
        /// What is wrong with it.
        reason: String,
    },
    /// The store was opened for reading only.
    #[error("the store is open for reading only: {reason}")]
    ReadOnly {
        /// Why it is, and what to do about it.
        reason: String,
    },
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl AppendError {
    /// What the caller can do.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Conflict { .. } | Self::ConditionFailed { .. } => Advice::Reload,
            Self::AlreadyHandled { .. }
            | Self::EventIdTaken { .. }
            | Self::EventIdReused { .. }
            | Self::TooLarge { .. }
            | Self::Invalid { .. } => Advice::FixRequest,
            Self::ReadOnly { .. } => Advice::Stop,
            Self::Storage(error) => error.advice(),
        }
    }
}

/// Why a read could not go on.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// What is stored is damaged: the bytes there are not those that were written.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// What is damaged, and where.
        what: String,
    },
    /// The storage could not be read.
    #[error("the store could not be read: {reason}")]
    Storage {
        /// What happened.
        reason: String,
    },
}

impl ReadError {
    /// What the caller can do.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Damaged { .. } => Advice::Stop,
            Self::Storage { .. } => Advice::Retry,
        }
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no store at that place.
    #[error("there is no event store in {path}")]
    NotFound {
        /// The folder.
        path: String,
    },
    /// Another process has the store open for writing.
    #[error("the event store in {path} is in use by {owner}")]
    InUse {
        /// The folder.
        path: String,
        /// Who holds it.
        owner: String,
    },
    /// The folder is something else, or lies in it; nothing was changed.
    #[error("{path} holds {held}, and an event store is made in a folder of its own; name another folder")]
    Occupied {
        /// The folder.
        path: String,
        /// What it holds, and the file that shows it.
        held: String,
    },
    /// What is stored is damaged; nothing is written to it.
    #[error("the event store is corrupt: {what}")]
    Corrupt {
        /// What is damaged, where, and what to do.
        what: String,
    },
    /// The store was written by another version of this program.
    #[error(
        "{file} has format version {version}, which this version doesn't read; use the one that wrote it"
    )]
    Version {
        /// The file.
        file: String,
        /// Its version.
        version: u32,
    },
    /// A file could not be read or written.
    #[error("could not {act}")]
    Io {
        /// What was being done, to which file.
        act: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}
