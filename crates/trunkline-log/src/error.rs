//! What each operation of a log can fail with.

use std::io;
use std::sync::Arc;

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no log in the folder.
    #[error("there is no log in {folder}")]
    NotFound {
        /// The folder.
        folder: String,
    },
    /// Another process has it open for writing.
    #[error("the log in {folder} is in use by {owner}")]
    InUse {
        /// The folder.
        folder: String,
        /// Who has it.
        owner: String,
    },
    /// The folder is something else, or lies in it; nothing was changed.
    #[error("{folder} holds {held}, and a log is made in a folder of its own; name another folder")]
    Occupied {
        /// The folder.
        folder: String,
        /// What it holds, and the file that shows it.
        held: String,
    },
    /// Bytes that were once synced are not what they were; nothing was changed.
    #[error("{file} is damaged at byte {offset}: {what}")]
    Corrupt {
        /// The file.
        file: String,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// The log was written by another version of this program.
    #[error("{file} has format version {version}; this program reads version 1")]
    Version {
        /// The file.
        file: String,
        /// Its version.
        version: u32,
    },
    /// The disk failed.
    #[error("could not {act}")]
    Io {
        /// What was being done.
        act: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged { file, offset, what } => Self::Corrupt { file, offset, what },
            ReadError::Io { file, source } => {
                Self::Io { act: format!("read {file}"), source: io::Error::other(source) }
            }
        }
    }
}

impl OpenError {
    pub(crate) fn io(act: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let act = act.into();
        move |source| Self::Io { act, source }
    }
}

/// Why an append stored nothing, or why its outcome is unknown. Places are given by their number in the batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// A stream is not at the expected version.
    #[error("write {write} found its stream at version {found}")]
    Conflict {
        /// The write.
        write: usize,
        /// The version that the stream has.
        found: u64,
    },
    /// A record that a condition excludes is in the log.
    #[error("condition {condition} is failed by the record at position {position}")]
    ConditionFailed {
        /// The condition.
        condition: usize,
        /// The position of the first such record.
        position: u64,
    },
    /// An id is in the log already, and the batch is not a repeat of an earlier one.
    #[error("the id of record {record} is taken by the record at position {position}")]
    IdTaken {
        /// The record.
        record: usize,
        /// The position of the record that has the id.
        position: u64,
    },
    /// All ids are in the log already, and one of them belongs to another record than that of the batch.
    #[error("the id of record {record} is that of the record at position {position}, which is another")]
    IdReused {
        /// The record.
        record: usize,
        /// The position of the record that has the id.
        position: u64,
    },
    /// The batch is larger than a frame can be.
    #[error("{what} too large: {bytes} bytes, limit {bytes_max}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        bytes_max: usize,
    },
    /// The log was opened for reading only.
    #[error("the log is open for reading only")]
    ReadOnly,
    /// Certainly nothing was stored, and the log goes on.
    #[error("nothing was stored: {0}")]
    NotStored(Arc<str>),
    /// Whether the batch was stored shows when the log is opened again.
    #[error("unknown outcome: {0}")]
    Unknown(Arc<str>),
    /// The log refuses appends since an earlier failure; nothing was stored.
    #[error("refused since an earlier failure: {0}")]
    Poisoned(Arc<str>),
    /// The log was closed; nothing was stored.
    #[error("the log is closed")]
    Closed,
}

/// Why a read could not go on.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The bytes on disk are not those that were written.
    #[error("{file} is damaged at byte {offset}: {what}")]
    Damaged {
        /// The file.
        file: String,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// The disk failed.
    #[error("could not read {file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// Why.
        source: Arc<io::Error>,
    },
}

impl ReadError {
    pub(crate) fn io(file: impl Into<String>, source: io::Error) -> Self {
        Self::Io { file: file.into(), source: Arc::new(source) }
    }
}

/// A disk's error, with what to do about the one that users can mend.
pub(crate) fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => {
            format!("the disk is full ({error}); free some space, then append again")
        }
        io::ErrorKind::QuotaExceeded => {
            format!("the quota is used up ({error}); free some space, then append again")
        }
        _ => error.to_string(),
    }
}
