//! Export: every event as a line that an import takes back, or as others read it.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use serde::Serialize;
use trunkline::messages::{cloudevent, is_of_an_application};
use trunkline_core::{Position, RecordedEvent, StoreId, json};
use trunkline_store::{AllRead, EventStore, ReadError};

use crate::OpsError;
use crate::whole_file::{WholeFile, may_hold_lines};

/// How many events are written between two looks at the progress.
const PROGRESS_EVERY: u64 = 1000;

/// How many bytes are handed to a file at once.
const BUFFER_BYTES: usize = 64 << 10;

/// As what events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportForm {
    /// All that the store knows of an event, as an import takes it back.
    #[default]
    Native,
    /// `CloudEvents` 1.0 objects, as relays publish them, for others to read. Trunkline's own events are left out.
    CloudEvents,
}

impl ExportForm {
    /// The line of an event, unless it has none in this form.
    fn line(self, event: &RecordedEvent, store: StoreId) -> Option<Vec<u8>> {
        let mut line = match self {
            Self::Native => json::to_line(event).into_bytes(),
            Self::CloudEvents if !is_of_an_application(event) => return None,
            Self::CloudEvents => cloudevent(event, store),
        };
        // Such bytes stand between tokens, since texts escape theirs.
        line.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        line.push(b'\n');
        Some(line)
    }
}

/// What was exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportReport {
    /// How many events.
    pub events: u64,
    /// The position of the last event.
    pub position: Position,
    /// How many of Trunkline's own events were left out.
    #[serde(skip_serializing_if = "is_none_left_out")]
    pub left_out: u64,
    /// The file that has them, if there is one.
    pub output: Option<PathBuf>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_none_left_out(count: &u64) -> bool {
    *count == 0
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
    form: ExportForm,
    out: &mut (impl Write + ?Sized),
    mut progress: impl FnMut(u64, u64),
) -> Result<ExportReport, ExportError> {
    // Nobody knows how much a damaged store has; what can be read is exported all the same.
    let head = store.head().await.map_or(0, Position::get);
    let total = head.saturating_sub(after.get());
    let mut events = store.read_all(AllRead::after(after));
    let mut report = ExportReport { events: 0, position: after, left_out: 0, output: None };
    let id = store.id();
    while let Some(event) = events.next().await {
        let event = event?;
        match form.line(&event, id) {
            Some(line) => {
                out.write_all(&line).map_err(ExportError::Write)?;
                report.events += 1;
            }
            None => report.left_out += 1,
        }
        report.position = event.position();
        let read = report.events + report.left_out;
        if read.is_multiple_of(PROGRESS_EVERY) {
            progress(read, total);
        }
    }
    Ok(report)
}

/// The same to a file, which appears under its name once it is whole.
pub async fn export_to_file(
    store: &dyn EventStore,
    after: Position,
    form: ExportForm,
    path: &Path,
    progress: impl FnMut(u64, u64),
) -> Result<ExportReport, OpsError> {
    let failed = |source| OpsError::File { what: format!("writing {}", path.display()), source };
    may_hold_lines(path)?;
    let file = WholeFile::begin(path).map_err(failed)?;
    let mut writer = BufWriter::with_capacity(BUFFER_BYTES, file);
    let report = export(store, after, form, &mut writer, progress).await.map_err(|error| match error {
        ExportError::Read(error) => error.into(),
        ExportError::Write(error) => failed(error),
    })?;
    let file = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    file.put_in_place().map_err(failed)?;
    Ok(ExportReport { output: Some(path.to_owned()), ..report })
}
