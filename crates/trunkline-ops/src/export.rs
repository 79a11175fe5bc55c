//! Export: every event as a line that an import takes back.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use serde::Serialize;
use trunkline_core::{Position, json};
use trunkline_store::{AllRead, EventStore, ReadError};

use crate::OpsError;
use crate::whole_file::{WholeFile, may_hold_lines};

/// How many events are written between two looks at the progress.
const PROGRESS_EVERY: u64 = 1000;

/// How many bytes are handed to a file at once.
const BUFFER_BYTES: usize = 64 << 10;

/// What was exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportReport {
    /// How many events.
    pub events: u64,
    /// The position of the last event.
    pub position: Position,
    /// The file that has them, if there is one.
    pub output: Option<PathBuf>,
}

/// Why an export ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What was read could not be written.
    #[error("writing events")]
    Write(#[source] io::Error),
}

/// Writes the events after a position up to the head, as it is now; `progress` hears how many there are of how many.
///
/// The read has no end of its own, so that it says when the store ends in damage, after what can be read.
pub async fn export(
    store: &dyn EventStore,
    after: Position,
    out: &mut (impl Write + ?Sized),
    mut progress: impl FnMut(u64, u64),
) -> Result<ExportReport, ExportError> {
    // Nobody knows how much a damaged store has; what can be read is exported all the same.
    let head = store.head().await.map_or(0, Position::get);
    let total = head.saturating_sub(after.get());
    let mut events = store.read_all(AllRead::after(after));
    let mut report = ExportReport { events: 0, position: after, output: None };
    while let Some(event) = events.next().await {
        let event = event?;
        writeln!(out, "{}", json::to_line(&event)).map_err(ExportError::Write)?;
        report.events += 1;
        report.position = event.position();
        if report.events.is_multiple_of(PROGRESS_EVERY) {
            progress(report.events, total);
        }
    }
    Ok(report)
}

/// The same to a file, which appears under its name once it is whole.
pub async fn export_to_file(
    store: &dyn EventStore,
    after: Position,
    path: &Path,
    progress: impl FnMut(u64, u64),
) -> Result<ExportReport, OpsError> {
    let failed = |source| OpsError::File { what: format!("writing {}", path.display()), source };
    may_hold_lines(path)?;
    let file = WholeFile::begin(path).map_err(failed)?;
    let mut writer = BufWriter::with_capacity(BUFFER_BYTES, file);
    let report = export(store, after, &mut writer, progress).await.map_err(|error| match error {
        ExportError::Read(error) => error.into(),
        ExportError::Write(error) => failed(error),
    })?;
    let file = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    file.put_in_place().map_err(failed)?;
    Ok(ExportReport { output: Some(path.to_owned()), ..report })
}
