//! Whether relays have handed on what they should.

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
                checks.push(Check::bad(NAME, format!("{called}: {error}"), remedy(subject, &relay.name)));
            }
        }
    }
    if all > 0 && checks.is_empty() {
        checks.push(Check::ok(NAME, format!("{all} current")));
    }
    Ok(checks)
}

/// What helps where a checkpoint is of another log, or can't be read.
pub(super) fn remedy(subject: &Subject<'_>, name: &str) -> String {
    let verify = subject.command_on_events("verify", "");
    let place = subject.events.dsn.path().display();
    format!(
        "{verify} says whether the log is whole; where an older one was restored, restore what is as new as the \
         checkpoint, or remove the file of {name} in {place}.checkpoints, to begin again at the first event: what was \
         done already has the same ids, and is done once"
    )
}
