//! Looking after a [`LogStore`].

use std::path::Path;

use trunkline_core::Position;
use trunkline_log::disk::RealDisk;
use trunkline_log::{self as engine, Problem};

use super::LogStore;
use crate::maintain::Progress;
use crate::{BackupReport, Maintain, MaintainError, RestoredMark, StoreStats, VerifyProblem, VerifyReport};

fn maintain_error(error: engine::BackupError) -> MaintainError {
    match error {
        engine::BackupError::Io { act, source } => {
            MaintainError::Io { what: format!("could not {act}"), source }
        }
        engine::BackupError::NotFound { folder } => MaintainError::NotFound { folder },
        engine::BackupError::Damaged { .. } | engine::BackupError::Read(_) => {
            MaintainError::Damaged { what: error.to_string() }
        }
        engine::BackupError::Occupied { folder, held } => MaintainError::Occupied { folder, held },
        engine::BackupError::InUse { folder } => MaintainError::InUse { folder },
        other => MaintainError::Refused { reason: other.to_string() },
    }
}

fn problem(problem: &Problem) -> VerifyProblem {
    let (what, remedy) = match problem {
        Problem::Damage(what) | Problem::Contradiction(what) => {
            (what, "restore the store from a backup; what is readable can be exported first")
        }
        Problem::Index(what) => (
            what,
            "remove the store's folder `index`; it is made again when the store is next opened for appending",
        ),
    };
    VerifyProblem { what: what.clone(), remedy: remedy.to_owned() }
}

fn verified(found: &engine::Verified) -> VerifyReport {
    VerifyReport {
        events: found.records,
        streams: found.streams,
        segments: found.segments,
        unconfirmed_bytes: found.unconfirmed_bytes,
        problems: found.problems.iter().map(problem).collect(),
    }
}

impl Maintain for LogStore {
    fn stats(&self) -> Result<StoreStats, MaintainError> {
        let stats = self.log.stats();
        Ok(StoreStats {
            events: stats.records,
            segments: stats.segments,
            event_bytes: stats.segment_bytes,
            index_bytes: stats.run_bytes,
            index_runs: stats.runs,
            damage: self.log.damage().map(|damage| damage.to_string()),
        })
    }

    fn verify(&self, progress: Progress<'_>) -> Result<VerifyReport, MaintainError> {
        Ok(verified(&self.log.verify(progress)))
    }

    fn verify_newest(&self, bytes_max: u64) -> Result<VerifyReport, MaintainError> {
        Ok(verified(&self.log.verify_newest(bytes_max, &mut |_, _| {})))
    }

    fn backup(&self, to: &Path, progress: Progress<'_>) -> Result<BackupReport, MaintainError> {
        let backup = self.log.backup(&RealDisk::new(to), progress).map_err(maintain_error)?;
        Ok(report(backup))
    }

    fn restored(&self) -> Result<Option<RestoredMark>, MaintainError> {
        let mark = self.log.restored().map_err(mark_error("read"))?;
        Ok(mark.map(|engine::RestoredMark { id, position, whole }| RestoredMark {
            id: uuid::Uuid::from_bytes(id),
            position: Position::new(position),
            whole,
        }))
    }

    fn mark_restored(&self, mark: &RestoredMark) -> Result<(), MaintainError> {
        let RestoredMark { id, position, whole } = *mark;
        let mark = engine::RestoredMark { id: id.into_bytes(), position: position.get(), whole };
        self.log.mark_restored(&mark).map_err(mark_error("write"))
    }

    fn mark_reconciled(&self) -> Result<(), MaintainError> {
        self.log.mark_reconciled().map_err(mark_error("remove"))
    }
}

fn mark_error(what: &'static str) -> impl FnOnce(std::io::Error) -> MaintainError {
    move |source| {
        match source.kind() {
        std::io::ErrorKind::InvalidData => MaintainError::Damaged {
            what: "the file `restored` in the store's folder is damaged, which says to which history the store was \
                   restored; `trunkline reconcile FILE` takes what is there now for that history"
                .to_owned(),
        },
        _ => MaintainError::Io { what: format!("could not {what} the mark of a restored store"), source },
    }
    }
}

fn report(backup: engine::Backup) -> BackupReport {
    BackupReport {
        position: backup.position,
        bytes_copied: backup.bytes_copied,
        bytes: backup.bytes,
        segments: backup.segments,
    }
}

impl LogStore {
    /// Verifies all of a backup, as [`restore`](Self::restore) does, and writes nothing; progress is in bytes.
    pub fn verify_backup(from: &Path, progress: Progress<'_>) -> Result<(), MaintainError> {
        engine::verify_backup(&RealDisk::new(from), progress).map_err(maintain_error)
    }

    /// Makes a store of a backup, all of which is verified; the folder must be empty or absent.
    ///
    /// It is [marked](Maintain::restored) from the first moment on; `whole` says whether the queue and the checkpoints
    /// are restored with it, as of the same moment.
    pub fn restore(
        from: &Path,
        to: &Path,
        whole: bool,
        progress: Progress<'_>,
    ) -> Result<BackupReport, MaintainError> {
        let restored = engine::restore(&RealDisk::new(from), &RealDisk::new(to), whole, progress);
        restored.map(report).map_err(maintain_error)
    }
}
