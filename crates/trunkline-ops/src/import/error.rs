//! Why an import ended before its end, and how far it had come.

use std::fmt;

use super::ImportReport;
use crate::OpsError;

/// An import that ended before its end.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct ImportError {
    /// Why.
    #[source]
    pub problem: ImportProblem,
    /// How far it had come.
    pub so_far: ImportSoFar,
}

/// Why an import ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportProblem {
    /// A line could not be imported, and the import was to stop then.
    #[error("line {line} of {file}: {reason}")]
    Line {
        /// What is imported, as errors name it.
        file: String,
        /// Its number.
        line: u64,
        /// Why.
        reason: String,
    },
    /// The store or the input failed.
    #[error("{cause}")]
    Failed {
        /// Why.
        #[source]
        cause: Box<OpsError>,
    },
    /// Somebody asked the import to stop.
    #[error("interrupted")]
    Interrupted,
}

/// How far an import had come when it ended early.
#[derive(Clone, Debug)]
pub struct ImportSoFar {
    /// What was done until then.
    pub report: ImportReport,
    /// The first line of which nothing was stored.
    pub from_line: u64,
    /// Whether that is certain.
    pub certain: bool,
}

impl fmt::Display for ImportSoFar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { report, from_line, certain } = self;
        if *certain {
            write!(f, "{}; nothing from line {from_line} on was stored", report.counts())
        } else {
            write!(f, "{}; whether lines from {from_line} on were stored is unknown", report.counts())
        }
    }
}
