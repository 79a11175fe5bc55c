//! Whether relays have handed on what they should.

use trunkline::RECONCILED_SAGAS;
use trunkline::messages::{CheckpointError, RelayError};
use trunkline_queue::limits::FINISHED_IDS_MAX;

use super::process::Runs;
use super::{Check, Subject, waiting};
use crate::OpsError;

pub(super) const NAME: &str = "relays";

pub(super) async fn look(subject: &Subject<'_>, runs: &Runs) -> Result<Vec<Check>, OpsError> {
    let app = subject.app;
    let (mut checks, mut all) = (Vec::new(), 0);
    for relay in app.relays() {
        all += 1;
        let called = format!("the relay {}", relay.name);
        match relay.backlog(&**app.store(), &**app.checkpoints()).await {
            Ok(backlog) => {
                let waits = format!("to be relayed by {}", relay.name);
                checks.extend(waiting::check(NAME, &backlog, &waits, subject, runs));
            }
            Err(error) => {
                let of_checkpoint = match &error {
                    RelayError::Checkpoint(error) => Some(error),
                    _ => None,
                };
                let remedy = remedy(subject, of_checkpoint);
                checks.push(Check::bad(NAME, format!("{called}: {error}"), remedy));
            }
        }
    }
    if all > 0 && checks.is_empty() {
        checks.push(Check::ok(NAME, format!("{all} current")));
    }
    Ok(checks)
}

/// What helps where a checkpoint can't be used, or else where the log can't be read.
pub(super) fn remedy(subject: &Subject<'_>, error: Option<&CheckpointError>) -> String {
    let verify = subject.command_on_events("verify", "");
    match error {
        // To begin again at the first event would post again, and new messages would be taken for those of the lost future.
        Some(CheckpointError::AheadOfLog { .. }) => {
            let reconcile = subject.command_with_queue("reconcile", "");
            format!(
                "{reconcile} goes on from the older history that this log is, before anything is appended to it: that would \
                 not be relayed; {verify} says whether it is whole"
            )
        }
        Some(CheckpointError::Damaged { name, file, .. }) => {
            let run = subject.command_with_queue("run", "");
            let removed = format!("remove the file {file}; {run} goes on without it");
            if name == RECONCILED_SAGAS {
                // What they did is in the log, and is known by its ids.
                return removed;
            }
            format!(
                "put an older copy of it back, or {removed}, from the first event: messages that are not finished are known by \
                 their ids, and of those that are the last {FINISHED_IDS_MAX} of each topic; what is older is published, \
                 and handled, once more"
            )
        }
        _ => format!("{verify} says whether the log is whole; then do what the message says"),
    }
}
