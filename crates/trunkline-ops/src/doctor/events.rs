//! Whether events can be read, what is damaged of them, and when the last one came.

use std::sync::Arc;

use futures::StreamExt as _;
use trunkline::saga::STARTS_STREAM;
use trunkline_core::Position;
use trunkline_store::{AllRead, EventStore};

use super::{Check, Subject, waiting};
use crate::OpsError;
use crate::store::IntegrityReport;
use crate::words::{counted, span};

pub(super) const NAME: &str = "events";

/// Up to so many bytes of events all of them are verified, which takes a moment; of more, the newest so many bytes.
const BYTES_MAX: u64 = 256 << 20;

/// How many of the last events are read.
const LAST_READ: u64 = 50_000;

/// How many problems are told; `verify` tells all.
const PROBLEMS_MAX: usize = 5;

pub(super) async fn look(subject: &Subject<'_>) -> Result<Vec<Check>, OpsError> {
    // First of all: nobody can tell where a damaged store ends.
    let verified = verified(subject).await?;
    if let Some(report) = verified.as_ref().filter(|report| !report.clean) {
        return Ok(damaged(report, subject));
    }
    let store = subject.app.store();
    let head = store.head().await?;
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
    let mut says = format!("{}, the last {age} ago", counted(head.get(), "event"));
    if let Some(report) = verified {
        says.push_str(&read_of(&report, head.get()));
    }
    Ok(vec![Check::ok(NAME, says)])
}

/// How much was verified, where that is not all.
fn read_of(report: &IntegrityReport, events: u64) -> String {
    if report.events < events {
        format!("; the newest {} were verified", report.events)
    } else {
        String::new()
    }
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

/// What a verification of the newest events finds, where the application opened its store.
async fn verified(subject: &Subject<'_>) -> Result<Option<IntegrityReport>, OpsError> {
    let Some(opened) = subject.app.opened_store() else { return Ok(None) };
    let maintain = Arc::clone(&opened.maintain);
    let looked = tokio::task::spawn_blocking(move || maintain.verify_newest(BYTES_MAX)).await;
    let report = looked.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
    Ok(Some(report.into()))
}

fn damaged(report: &IntegrityReport, subject: &Subject<'_>) -> Vec<Check> {
    let found = report.problems.iter().take(PROBLEMS_MAX);
    let mut checks: Vec<Check> =
        found.map(|problem| Check::bad(NAME, problem.what.as_str(), problem.remedy.as_str())).collect();
    let unlisted = report.problems.len() - checks.len();
    if unlisted > 0 {
        let verify = subject.command_on_events("verify", "");
        let says = counted(unlisted as u64, "more problem");
        checks.push(Check::bad(NAME, says, format!("{verify} lists all")));
    }
    checks
}

#[cfg(test)]
mod tests {
    use trunkline_store::VerifyReport;

    use super::*;

    #[test]
    fn it_is_said_where_not_all_was_verified() {
        let report = |events| IntegrityReport::from(VerifyReport { events, ..VerifyReport::default() });
        assert_eq!(read_of(&report(7), 7), "");
        assert_eq!(read_of(&report(9), 7), "", "some came meanwhile");
        assert_eq!(read_of(&report(5), 7), "; the newest 5 were verified");
    }
}
