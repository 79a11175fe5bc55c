//! What is looked at, each with when it is bad and what to do then.

use std::time::Duration;

use futures::StreamExt as _;
use trunkline::{App, Dsn, ProjectionState};
use trunkline_core::{Clock as _, Position, SystemClock, Timestamp};
use trunkline_store::AllRead;

use super::Check;
use crate::messages::queue_numbers;
use crate::words::{counted, size, span};
use crate::{Exit, OpsError, sagas};

/// A disk with less room than this is nearly full, whatever its size.
const ROOM_MIN: u64 = 1 << 30;

/// A read model whose oldest missing event is older than this is not current.
const LAG_MAX: f64 = 60.0;

/// A message that has waited longer than this is not being handled.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Whether events can be read, and when the last one came.
pub(super) async fn events(app: &App) -> Result<Check, OpsError> {
    let head = app.store().head().await?;
    if head == Position::START {
        return Ok(Check::note(
            "events",
            "there are none yet",
            "`trunkline dispatch` or `trunkline run` makes some",
        ));
    }
    let last = AllRead { from: head, ..AllRead::default() };
    let mut read = app.store().read_all(last);
    let Some(last) = read.next().await.transpose()? else {
        return Ok(Check::bad(
            "events",
            "the last one can't be found",
            "`trunkline verify` says what is damaged",
        ));
    };
    let age = age(last.recorded_at());
    Ok(Check::ok("events", format!("{}, the last {age} ago", counted(head.get(), "event"))))
}

/// Whether each projection is current, and whole.
pub(super) async fn read_models(app: &App, file: &str) -> Result<Vec<Check>, OpsError> {
    const NAME: &str = "read models";
    let mut checks = Vec::new();
    let mut current = Vec::new();
    for one in app.projections().status().await? {
        let name = &one.name;
        let behind = counted(one.lag_events, "event");
        if let Some(error) = one.error.filter(|_| one.state != ProjectionState::Paused) {
            let remedy = format!(
                "mend the file or the event's cause; then `trunkline projection rebuild {file} {name}`"
            );
            checks.push(Check::bad(NAME, format!("{name} stopped: {error}"), remedy));
        } else if one.state == ProjectionState::Paused {
            let remedy = format!("`trunkline projection resume {file} {name}`");
            checks.push(Check::note(NAME, format!("{name} is paused, {behind} behind"), remedy));
        } else if one.lag_seconds.is_none_or(|seconds| seconds > LAG_MAX) {
            let remedy = "`trunkline run` or any `trunkline query` brings it to the head";
            checks.push(Check::bad(NAME, format!("{name} is {behind} behind"), remedy));
        } else if one.parked > 0 {
            let remedy = format!("`trunkline projection parked list {file} {name}`");
            checks.push(Check::bad(
                NAME,
                format!("{name} put {} aside", counted(one.parked, "event")),
                remedy,
            ));
        } else {
            current.push(one.name);
        }
    }
    if !current.is_empty() {
        checks.push(Check::ok(NAME, format!("{} current", current.join(", "))));
    }
    Ok(checks)
}

/// Whether sagas end.
pub(super) async fn ends_of_sagas(app: &App, file: &str) -> Result<Option<Check>, OpsError> {
    if app.sagas().names().is_empty() {
        return Ok(None);
    }
    let counts = sagas::counts(app).await?;
    Ok(Some(if counts.stuck > 0 {
        let remedy = format!("`trunkline saga list {file} --stuck`, then retry or resolve each");
        Check::bad("sagas", counts.to_string(), remedy)
    } else {
        Check::ok("sagas", counts.to_string())
    }))
}

/// Whether messages are handled.
pub(super) async fn messages(app: &App) -> Vec<Check> {
    const NAME: &str = "messages";
    let place = match app.queue_place() {
        Ok(Some(place)) => place,
        Ok(None) => return Vec::new(),
        Err(error) => return vec![Check::bad(NAME, error.to_string(), error.hint())],
    };
    let stats = match queue_numbers(&place).await {
        Ok((stats, _)) => stats,
        Err(error) if Exit::of(&error) == Exit::NotFound => return vec![Check::ok(NAME, "no queue yet")],
        Err(error) => return vec![Check::bad(NAME, error.message(), error.hints().join("; "))],
    };
    let mut checks = Vec::new();
    let (mut waiting, mut leased) = (0, 0);
    for topic in &stats.topics {
        for group in &topic.groups {
            waiting += group.waiting + group.delayed;
            leased += group.leased;
            let name = format!("{} of {}", topic.topic, group.group);
            if group.dead > 0 {
                let remedy =
                    "`trunkline dlq list` shows why; `dlq replay`, `edit` or `discard` decides".to_owned();
                checks.push(Check::bad(
                    NAME,
                    format!("{} of {name}", counted(group.dead, "dead letter")),
                    remedy,
                ));
            }
            if group.waiting > 0 && group.oldest_age.is_some_and(|age| age > WAIT_MAX) {
                let age = span(group.oldest_age.unwrap_or_default());
                let says =
                    format!("{} of {name}, the oldest for {age}", counted(group.waiting, "waiting message"));
                checks.push(Check::bad(NAME, says, "nothing handles them: run the application"));
            }
        }
    }
    if checks.is_empty() {
        checks.push(Check::ok(NAME, format!("{waiting} waiting, {leased} in work, 0 dead")));
    }
    checks
}

/// Whether what must hold does.
pub(super) async fn laws(app: &App) -> Result<Vec<Check>, OpsError> {
    if app.store().head().await? == Position::START {
        return Ok(Vec::new());
    }
    let all = trunkline::law::laws(app).await?;
    let resting = sagas::counts(app).await.is_ok_and(|counts| counts.running + counts.compensating == 0);
    let mut checks = Vec::new();
    let held = all.iter().filter(|law| law.holds).count() as u64;
    for law in all.iter().filter(|law| !law.holds) {
        let breach = law.breaches.first().map(ToString::to_string).unwrap_or_default();
        let says = format!("broken: {}; {breach}", law.says);
        checks.push(if resting {
            Check::bad(
                "laws",
                says,
                "`trunkline run` lists more breaches, `trunkline read STREAM` shows what happened",
            )
        } else {
            Check::note("laws", says, "sagas are on their way, so this may still come right")
        });
    }
    if held > 0 {
        let verb = if held == 1 { "holds" } else { "hold" };
        checks.push(Check::ok("laws", format!("{} {verb}", counted(held, "law"))));
    }
    Ok(checks)
}

/// Whether there is room.
pub(super) fn disk(store: &Dsn) -> Option<Check> {
    if store.is_memory() {
        return None;
    }
    let path = store.path();
    room(path).map(|(free, all)| {
        let says = format!("{} free of {}", size(free), size(all));
        if free < ROOM_MIN {
            Check::bad("disk", says, "make room: a full disk refuses appends, and loses nothing")
        } else {
            Check::ok("disk", says)
        }
    })
}

/// The bytes that are free and that there are, where the system tells.
#[cfg(unix)]
fn room(path: &std::path::Path) -> Option<(u64, u64)> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some((found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize))
}

#[cfg(not(unix))]
fn room(_: &std::path::Path) -> Option<(u64, u64)> {
    None
}

fn age(time: Timestamp) -> String {
    let micros = u64::try_from(SystemClock.now().as_micros() - time.as_micros()).unwrap_or_default();
    span(Duration::from_micros(micros))
}
