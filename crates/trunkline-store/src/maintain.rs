//! What an operator does with a store: look, verify, back up.

use std::path::Path;

use trunkline_core::Position;

/// How far a long piece of work has come: done and expected in all, in the work's own unit.
pub type Progress<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// A store that can be looked at, verified and backed up.
///
/// These methods block for as long as the work takes; call them where that is allowed.
pub trait Maintain: Send + Sync {
    /// Counts and sizes.
    fn stats(&self) -> Result<StoreStats, MaintainError>;

    /// Reads everything that is stored and checks it: checksums, order, versions, indexes.
    ///
    /// Progress is in events.
    fn verify(&self, progress: Progress<'_>) -> Result<VerifyReport, MaintainError>;

    /// The same for the newest events, as far as so many bytes go, and at least some: a look that takes no longer however
    /// much is stored. What it says was read is what it looked at.
    fn verify_newest(&self, bytes_max: u64) -> Result<VerifyReport, MaintainError>;

    /// Copies everything that is synced to a folder, while the store is in use.
    ///
    /// A folder that holds an earlier backup of the same store receives only what has come since.
    /// Progress is in bytes.
    fn backup(&self, to: &Path, progress: Progress<'_>) -> Result<BackupReport, MaintainError>;

    /// The mark of a store that was made of a backup, until it is [reconciled](Self::mark_reconciled); none of a store
    /// that never was, and where this kind of store can't be.
    fn restored(&self) -> Result<Option<RestoredMark>, MaintainError> {
        Ok(None)
    }

    /// Marks a store that was put into its place by other means.
    fn mark_restored(&self, mark: &RestoredMark) -> Result<(), MaintainError> {
        let _ = mark;
        Err(MaintainError::Unsupported { what: "marking it as restored", hint: "it is made anew each time" })
    }

    /// Takes the mark away: all beside the store is of its history.
    fn mark_reconciled(&self) -> Result<(), MaintainError> {
        Ok(())
    }
}

/// What is known of a store that was made of a backup: what stands beside it may know a later history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoredMark {
    /// This restore, and no other.
    pub id: uuid::Uuid,
    /// The position of the last event of the backup.
    pub position: Position,
    /// Whether the queue and the checkpoints were restored with it, as of the same moment.
    pub whole: bool,
}

impl RestoredMark {
    /// The mark of a restore that is done now.
    pub fn new(position: Position, whole: bool) -> Self {
        Self { id: uuid::Uuid::new_v4(), position, whole }
    }
}

/// Counts and sizes of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreStats {
    /// How many events are stored; those that can be read, when the store is damaged.
    pub events: u64,
    /// How many segments (files of the log) hold them; 0 where there are none.
    pub segments: u64,
    /// Bytes of events with their framing.
    pub event_bytes: u64,
    /// Bytes of indexes.
    pub index_bytes: u64,
    /// How many index files there are.
    pub index_runs: u64,
    /// What is damaged and where, if that was noticed when the store was opened; `verify` finds all damage.
    pub damage: Option<String>,
}

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// How many events were read.
    pub events: u64,
    /// How many streams they belong to.
    pub streams: u64,
    /// How many segments hold them.
    pub segments: u64,
    /// Bytes after the last synced event: an append in flight, or one that was cut off and will be rolled back
    /// when the store is next opened for appending.
    pub unconfirmed_bytes: u64,
    /// Whatever is not as it should be; empty when the store is clean.
    pub problems: Vec<VerifyProblem>,
}

/// Something in a store that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyProblem {
    /// What is wrong, and where.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// What a backup copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// The position up to which the backup now holds every event.
    pub position: u64,
    /// How many bytes were copied this time.
    pub bytes_copied: u64,
    /// How many bytes the backup holds.
    pub bytes: u64,
    /// How many segments the backup holds.
    pub segments: u64,
}

/// Why a store could not be looked at, verified or backed up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MaintainError {
    /// This kind of store doesn't do that.
    #[error("{what} is not possible with this kind of store: {hint}")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
        /// What to do instead.
        hint: &'static str,
    },
    /// There is no backup at that place.
    #[error("there is no backup in {folder}")]
    NotFound {
        /// The folder.
        folder: String,
    },
    /// What is stored is damaged.
    #[error("{what}")]
    Damaged {
        /// What is damaged, and where.
        what: String,
    },
    /// The folder to write to holds something else; nothing was changed.
    #[error("{folder} holds {held}; name an empty or a new folder")]
    Occupied {
        /// The folder.
        folder: String,
        /// What it holds, and the file that shows it.
        held: String,
    },
    /// Something else is being done with the folder to write to.
    #[error("{folder} is in use by another process; try again when it has ended")]
    InUse {
        /// The folder.
        folder: String,
    },
    /// What stands in the way, and the remedy.
    #[error("{reason}")]
    Refused {
        /// What and why.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{what}")]
    Io {
        /// What was being done, to which file.
        what: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}
