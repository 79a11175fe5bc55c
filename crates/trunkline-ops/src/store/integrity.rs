//! Whether everything that is stored is whole.

use serde::Serialize;
use trunkline_store::{Maintain, MaintainError, VerifyReport};

use crate::Verdict;

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IntegrityReport {
    /// Whether there is no problem.
    pub clean: bool,
    /// Events that were read.
    pub events: u64,
    /// Their streams.
    pub streams: u64,
    /// Files that hold them.
    pub segments: u64,
    /// Bytes after the last synced event.
    pub unconfirmed_bytes: u64,
    /// What is damaged.
    pub problems: Vec<IntegrityProblem>,
}

/// Something that is damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IntegrityProblem {
    /// What.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// Reads everything that is stored; `progress` hears how many events are done of how many.
pub fn verify(
    store: &dyn Maintain,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<IntegrityReport, MaintainError> {
    Ok(store.verify(progress)?.into())
}

impl From<VerifyReport> for IntegrityReport {
    fn from(report: VerifyReport) -> Self {
        let problems = report.problems.into_iter();
        let problems: Vec<IntegrityProblem> =
            problems.map(|found| IntegrityProblem { what: found.what, remedy: found.remedy }).collect();
        Self {
            clean: problems.is_empty(),
            events: report.events,
            streams: report.streams,
            segments: report.segments,
            unconfirmed_bytes: report.unconfirmed_bytes,
            problems,
        }
    }
}

impl IntegrityReport {
    /// Whether there is no problem.
    pub fn verdict(&self) -> Result<(), Verdict> {
        match self.problems.len() as u64 {
            0 => Ok(()),
            count => Err(Verdict::Damaged { count }),
        }
    }
}
