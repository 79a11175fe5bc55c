//! Whether each projection is current, and whole.

use trunkline::{LeftOver, ProjectionError, ProjectionState, ProjectionStatus};

use super::process::Runs;
use super::{Check, Subject, waiting};
use crate::OpsError;
use crate::words::counted;

pub(super) const NAME: &str = "read models";

pub(super) async fn look(subject: &Subject<'_>, runs: &Runs) -> Result<Vec<Check>, OpsError> {
    let mut checks = Vec::new();
    let mut current = Vec::new();
    for one in subject.app.projections().status().await? {
        match check(&one, subject, runs) {
            Some(check) => checks.push(check),
            None => current.push(one.name),
        }
    }
    for LeftOver { name, read_db, .. } in
        subject.app.projections().left_over().await.map_err(ProjectionError::from)?
    {
        let says =
            format!("{name} is left over in {read_db}: {} has no projection of this name", subject.file);
        let drop = subject.command("projection drop", &name);
        let remedy = format!("{drop}, unless another application keeps its rows there");
        checks.push(Check::note(NAME, says, remedy));
    }
    if !current.is_empty() {
        checks.push(Check::ok(NAME, format!("{} current", current.join(", "))));
    }
    Ok(checks)
}

/// What there is to say of a projection that is not current.
fn check(one: &ProjectionStatus, subject: &Subject<'_>, runs: &Runs) -> Option<Check> {
    let name = one.name.as_str();
    if one.state == ProjectionState::Paused {
        let says = format!("{name} is paused, {} behind", counted(one.backlog.events, "event"));
        return Some(Check::note(NAME, says, subject.command("projection resume", name)));
    }
    let error = one.error.as_deref();
    if one.needs_rebuild {
        let says = error.map_or_else(
            || format!("{name} waits: its statements have changed since its rows were made"),
            |error| format!("{name} can't go on: {error}"),
        );
        return Some(Check::bad(NAME, says, subject.command("projection rebuild", name)));
    }
    if let Some(error) = error {
        let remedy = format!(
            "correct the statement or the data that it meets, or give it `on_error: \"park\"`; then {}",
            subject.command_with_queue("run", "")
        );
        return Some(Check::bad(NAME, format!("{name} stopped: {error}"), remedy));
    }
    if one.changed {
        let says = format!("{name} shows rows that earlier statements made");
        return Some(Check::bad(NAME, says, subject.command("projection rebuild", name)));
    }
    if one.parked > 0 {
        let says = format!("{name} put {} aside", counted(one.parked, "event"));
        let list = subject.command("projection parked list", name);
        return Some(Check::bad(
            NAME,
            says,
            format!("{list} shows them; `parked retry` or `parked discard` decides"),
        ));
    }
    waiting::check(NAME, &one.backlog, &format!("to be applied to {name}"), subject, runs)
}
