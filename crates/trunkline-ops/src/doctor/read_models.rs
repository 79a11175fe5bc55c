//! Whether each projection is current, and whole.

use trunkline::ProjectionState;

use super::{Check, Subject};
use crate::OpsError;
use crate::words::counted;

pub(super) const NAME: &str = "read models";

/// A read model whose oldest missing event is older than this, in seconds, is not current.
const LAG_MAX: f64 = 60.0;

pub(super) async fn look(subject: &Subject<'_>) -> Result<Vec<Check>, OpsError> {
    let mut checks = Vec::new();
    let mut current = Vec::new();
    for one in subject.app.projections().status().await? {
        let name = &one.name;
        let behind = counted(one.lag_events, "event");
        if let Some(error) = one.error.filter(|_| one.state != ProjectionState::Paused) {
            let rebuild = subject.command("projection rebuild", name);
            let remedy = format!("mend the file or the event's cause; then {rebuild}");
            checks.push(Check::bad(NAME, format!("{name} stopped: {error}"), remedy));
        } else if one.state == ProjectionState::Paused {
            let remedy = subject.command("projection resume", name);
            checks.push(Check::note(NAME, format!("{name} is paused, {behind} behind"), remedy));
        } else if one.lag_seconds.is_none_or(|seconds| seconds > LAG_MAX) {
            let run = subject.command_with_queue("run", "");
            let remedy = format!("{run} or any `trunkline query` brings it to the head");
            checks.push(Check::bad(NAME, format!("{name} is {behind} behind"), remedy));
        } else if one.parked > 0 {
            let says = format!("{name} put {} aside", counted(one.parked, "event"));
            checks.push(Check::bad(NAME, says, subject.command("projection parked list", name)));
        } else {
            current.push(one.name);
        }
    }
    if !current.is_empty() {
        checks.push(Check::ok(NAME, format!("{} current", current.join(", "))));
    }
    Ok(checks)
}
