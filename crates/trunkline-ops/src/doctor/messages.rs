//! Whether messages are handled, and by whom.

use std::collections::BTreeSet;

use trunkline_queue::{GroupStats, QueueStats, TopicName, TopicStats};

use super::process::Runs;
use super::{Check, Subject, waiting::WAIT_MAX};
use crate::messages::{queue_numbers, stranded_remedy};
use crate::words::{counted, span};
use crate::{Exit, OpsError};

pub(super) const NAME: &str = "messages";

pub(super) async fn look(subject: &Subject<'_>, runs: &Runs) -> Result<Vec<Check>, OpsError> {
    let Some(place) = subject.app.queue_place()? else { return Ok(Vec::new()) };
    match queue_numbers(&place).await {
        Ok((stats, _)) => Ok(checks(&stats, subject, runs)),
        Err(error) if Exit::of(&error) == Exit::NotFound => Ok(vec![Check::ok(NAME, "no queue yet")]),
        Err(error) => Err(error),
    }
}

fn checks(stats: &QueueStats, subject: &Subject<'_>, runs: &Runs) -> Vec<Check> {
    let declared: BTreeSet<(&str, &str)> = subject
        .app
        .consumers()
        .flat_map(|consumer| consumer.topics.iter().map(|topic| (topic.as_str(), consumer.group.as_str())))
        .collect();
    let mut checks = Vec::new();
    let (mut waiting, mut leased) = (0, 0);
    for TopicStats { topic, groups, messages, unread, .. } in &stats.topics {
        for group in groups {
            waiting += group.waiting + group.delayed;
            leased += group.leased;
            if declared.contains(&(topic.as_str(), group.group.as_str())) {
                checks.extend(handled(topic, group, subject, runs));
            } else {
                checks.extend(stranded(topic, group, subject));
            }
        }
        if *unread && *messages > 0 {
            let says = format!("{} of {topic} for a first group", to_do(*messages));
            checks.push(Check::note(NAME, says, subject.command_on_queue("queue peek", topic.as_str())));
        }
    }
    if checks.is_empty() {
        checks.push(Check::ok(NAME, format!("{waiting} waiting, {leased} in work, 0 dead")));
    }
    checks
}

/// What a consumer of the application has not handled, and should have.
fn handled(topic: &TopicName, group: &GroupStats, subject: &Subject<'_>, runs: &Runs) -> Vec<Check> {
    let mut checks = Vec::new();
    let name = format!("{topic} for {}", group.group);
    if group.dead > 0 {
        let list = subject.command_on_queue("dlq list", "");
        let remedy = format!("{list} shows why; `dlq replay`, `edit` or `discard` decides");
        let mut says = format!("{} of {name}", counted(group.dead, "dead letter"));
        if group.held > 0 {
            says = format!("{says}, which hold {}", counted(group.held, "message"));
        }
        checks.push(Check::bad(NAME, says, remedy));
    }
    let open = group.waiting + group.leased + group.delayed;
    let oldest = group.oldest_age.unwrap_or_default();
    if runs.is_nobody() && open > 0 {
        let says = format!("{} of {name} to be handled; no process runs the application", to_do(open));
        checks.push(Check::bad(NAME, says, runs.remedy(subject)));
    } else if group.waiting > 0 && group.held == 0 && oldest > WAIT_MAX {
        // Else the oldest may be one that is held, which is said above.
        let says =
            format!("{} of {name} to be handled, the oldest for {}", to_do(group.waiting), span(oldest));
        checks.push(Check::bad(NAME, says, runs.remedy(subject)));
    }
    checks
}

/// What waits for a group that no consumer of the application is in.
fn stranded(topic: &TopicName, group: &GroupStats, subject: &Subject<'_>) -> Option<Check> {
    let GroupStats { group, waiting, leased, delayed, held, dead, .. } = group;
    let open = waiting + leased + delayed + held;
    if open + dead == 0 {
        return None;
    }
    let says = format!(
        "{} and {} of {topic} are the group {group}'s, which no consumer of {} is in",
        counted(open, "message"),
        counted(*dead, "dead letter"),
        subject.file
    );
    let remedy = stranded_remedy(subject.app, topic, group, open, *dead);
    Some(Check::bad(NAME, says, remedy))
}

fn to_do(messages: u64) -> String {
    format!("{} {}", counted(messages, "message"), if messages == 1 { "waits" } else { "wait" })
}
