//! What waits for a process that runs the application: it is bad where none does, or where one hasn't done it for long.

use std::time::Duration;

use trunkline::Backlog;
use trunkline_core::{Clock as _, SystemClock, Timestamp};

use super::process::Runs;
use super::{Check, Subject};
use crate::words::{counted, span};

/// What has waited longer than this is not being done.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(60);

/// What is bad about events that wait for something to be done with them.
pub(super) fn check(
    name: &'static str,
    backlog: &Backlog,
    to_what: &str,
    subject: &Subject<'_>,
    runs: &Runs,
) -> Option<Check> {
    let Backlog { events, and_more, since, .. } = *backlog;
    let since = since?;
    let age = age(since);
    if !runs.is_nobody() && age <= WAIT_MAX {
        return None;
    }
    let number = counted(events, "event");
    let more = if and_more { "more than " } else { "" };
    let waits = if events == 1 { "waits" } else { "wait" };
    let why = if runs.is_nobody() {
        "no process runs the application".to_owned()
    } else {
        format!("the first for {}", span(age))
    };
    Some(Check::bad(name, format!("{more}{number} {waits} {to_what}; {why}"), runs.remedy(subject)))
}

/// How long ago something was.
pub(super) fn age(time: Timestamp) -> Duration {
    let micros = u64::try_from(SystemClock.now().as_micros() - time.as_micros()).unwrap_or_default();
    Duration::from_micros(micros)
}
