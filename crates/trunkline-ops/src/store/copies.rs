//! Backups, and stores that are made of them.

use std::path::{Path, PathBuf};

use serde::Serialize;
use trunkline_store::{BackupReport, Maintain, MaintainError};

/// What was backed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BackupDone {
    /// The position of the last event.
    pub position: u64,
    /// Bytes that were copied; the others were there.
    pub bytes_copied: u64,
    /// Bytes of the backup.
    pub bytes: u64,
    /// Its segments.
    pub segments: u64,
    /// Its folder.
    pub to: PathBuf,
    /// What it has none of.
    pub leaves_out: &'static [&'static str],
}

/// What is no part of a backup of events alone.
const BESIDE_EVENTS: &[&str] = &["queue", "checkpoints"];

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RestoreDone {
    /// The position of the last event.
    pub position: u64,
    /// Bytes of the store.
    pub bytes: u64,
    /// Its segments.
    pub segments: u64,
    /// What was not restored with it.
    pub leaves_out: &'static [&'static str],
}

/// Copies a store to a folder, also while it is in use; `progress` hears how many bytes are done of how many.
pub fn backup(
    store: &dyn Maintain,
    to: &Path,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<BackupDone, MaintainError> {
    if to.join(super::whole::MANIFEST).exists() {
        let reason = format!(
            "{} holds a backup of more than events; go on with it by `trunkline backup FILE`, or name another folder",
            to.display()
        );
        return Err(MaintainError::Refused { reason });
    }
    let BackupReport { position, bytes_copied, bytes, segments } = store.backup(to, progress)?;
    Ok(BackupDone { position, bytes_copied, bytes, segments, to: to.to_owned(), leaves_out: BESIDE_EVENTS })
}

impl From<BackupReport> for RestoreDone {
    fn from(BackupReport { position, bytes, segments, .. }: BackupReport) -> Self {
        Self { position, bytes, segments, leaves_out: BESIDE_EVENTS }
    }
}
