//! Whether messages are handled.

use std::time::Duration;

use super::{Check, Subject};
use crate::messages::queue_numbers;
use crate::words::{counted, span};
use crate::{Exit, OpsError};

pub(super) const NAME: &str = "messages";

/// A message that has waited longer than this is not being handled.
const WAIT_MAX: Duration = Duration::from_secs(60);

pub(super) async fn look(subject: &Subject<'_>) -> Result<Vec<Check>, OpsError> {
    let Some(place) = subject.app.queue_place()? else { return Ok(Vec::new()) };
    let stats = match queue_numbers(&place).await {
        Ok((stats, _)) => stats,
        Err(error) if Exit::of(&error) == Exit::NotFound => return Ok(vec![Check::ok(NAME, "no queue yet")]),
        Err(error) => return Err(error),
    };
    let mut checks = Vec::new();
    let (mut waiting, mut leased) = (0, 0);
    for topic in &stats.topics {
        for group in &topic.groups {
            waiting += group.waiting + group.delayed;
            leased += group.leased;
            let name = format!("{} of {}", topic.topic, group.group);
            if group.dead > 0 {
                let list = subject.command_on_queue("dlq list", "");
                let remedy = format!("{list} shows why; `dlq replay`, `edit` or `discard` decides");
                let says = format!("{} of {name}", counted(group.dead, "dead letter"));
                checks.push(Check::bad(NAME, says, remedy));
            }
            if group.waiting > 0 && group.oldest_age.is_some_and(|age| age > WAIT_MAX) {
                let age = span(group.oldest_age.unwrap_or_default());
                let says =
                    format!("{} of {name}, the oldest for {age}", counted(group.waiting, "waiting message"));
                let run = subject.command_with_queue("run", "");
                checks.push(Check::bad(NAME, says, format!("nothing handles them: {run}")));
            }
        }
    }
    if checks.is_empty() {
        checks.push(Check::ok(NAME, format!("{waiting} waiting, {leased} in work, 0 dead")));
    }
    Ok(checks)
}
