//! Whether events can be read, what is damaged of them, and when the last one came.

use std::sync::Arc;

use futures::StreamExt as _;
use trunkline::saga::STARTS_STREAM;
use trunkline_core::Position;
use trunkline_store::{AllRead, EventStore, Maintain, MaintainError};

use super::{Check, Subject, waiting};
use crate::OpsError;
use crate::store::{IntegrityReport, verify};
use crate::words::{counted, span};

pub(super) const NAME: &str = "events";

/// Up to so many bytes of events all of them are verified, which takes a moment; of more, the last events.
const BYTES_MAX: u64 = 256 << 20;

/// How many of the last events are read where there are more bytes.
const LAST_READ: u64 = 50_000;

/// How many problems are told; `verify` tells all.
const PROBLEMS_MAX: usize = 5;

pub(super) async fn look(subject: &Subject<'_>) -> Result<Vec<Check>, OpsError> {
    let store = subject.app.store();
    let head = store.head().await?;
    let mut checks = verified(subject).await?;
    if !checks.is_empty() {
        return Ok(checks);
    }
    if is_new(&**store).await? {
        let (dispatch, import) =
            (subject.command("dispatch", "COMMAND"), subject.command_on_events("import", ""));
        let remedy = format!("{dispatch} makes some, and {import} brings some");
        return Ok(vec![Check::note(NAME, "there are none yet", remedy)]);
    }
    let from = Position::new(head.get().saturating_sub(LAST_READ).max(1));
    let mut read = store.read_all(AllRead { from, to: head, ..AllRead::default() });
    let mut last = None;
    while let Some(event) = read.next().await.transpose()? {
        last = Some(event);
    }
    let Some(last) = last.filter(|last| last.position() == head) else {
        let verify = subject.command_on_events("verify", "");
        return Ok(vec![Check::bad(
            NAME,
            "the last one can't be found",
            format!("{verify} says what is damaged"),
        )]);
    };
    let age = span(waiting::age(last.recorded_at()));
    checks.push(Check::ok(NAME, format!("{}, the last {age} ago", counted(head.get(), "event"))));
    Ok(checks)
}

/// Whether nothing has happened yet: the log has no more than what says from where on sagas are started.
pub(super) async fn is_new(store: &dyn EventStore) -> Result<bool, OpsError> {
    let mut read = store.read_all(AllRead::default());
    while let Some(event) = read.next().await.transpose()? {
        if event.stream() != STARTS_STREAM {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a verification finds, where it takes no more than a moment.
async fn verified(subject: &Subject<'_>) -> Result<Vec<Check>, OpsError> {
    let Some(opened) = subject.app.opened_store() else { return Ok(Vec::new()) };
    let maintain = Arc::clone(&opened.maintain);
    let looked = tokio::task::spawn_blocking(move || looked(&*maintain)).await;
    let Some(report) = looked.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))? else {
        return Ok(Vec::new());
    };
    let verify = subject.command_on_events("verify", "");
    let found = report.problems.iter().take(PROBLEMS_MAX);
    let mut checks: Vec<Check> =
        found.map(|problem| Check::bad(NAME, problem.what.as_str(), problem.remedy.as_str())).collect();
    let unlisted = report.problems.len() - checks.len();
    if unlisted > 0 {
        checks.push(Check::bad(
            NAME,
            counted(unlisted as u64, "more problem"),
            format!("{verify} lists all"),
        ));
    }
    Ok(checks)
}

fn looked(maintain: &dyn Maintain) -> Result<Option<IntegrityReport>, MaintainError> {
    let is_small = maintain.stats()?.event_bytes <= BYTES_MAX;
    is_small.then(|| verify(maintain, &mut |_, _| ())).transpose()
}
