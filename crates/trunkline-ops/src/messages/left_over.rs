//! What a queue has that no consumer of an application handles now: what is delayed for long, and what is for a group that
//! no consumer takes.

use serde::{Deserialize, Serialize};
use trunkline::App;
use trunkline::messages::topic_of;
use trunkline::queue::QueueStats;
use trunkline_core::Timestamp;
use trunkline_queue::{GroupName, TopicName};

use crate::doctor::command_on_queue;
use crate::words::counted;

/// What a group of a topic has left.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct LeftOver {
    /// The topic.
    pub topic: String,
    /// The group.
    pub group: String,
    /// The consumer that takes its messages; none when the application has no such consumer.
    pub consumer: Option<String>,
    /// How many messages wait, are delayed, or are held by a dead letter of their key.
    pub messages: u64,
    /// How many dead letters no consumer would take when they are replayed.
    pub dead: u64,
    /// When the first of the messages is due that are delayed.
    pub not_before: Option<Timestamp>,
    /// What to do, where the messages don't move by themselves.
    pub remedy: Option<String>,
}

/// What is left in a queue with these numbers when the application is at rest, group by group.
pub fn left_over(app: &App, stats: &QueueStats) -> Vec<LeftOver> {
    let mut left = Vec::new();
    for topic in &stats.topics {
        for group in &topic.groups {
            let consumer = app.consumer_of(&topic.topic, &group.group).map(str::to_owned);
            let messages = group.waiting + group.leased + group.delayed + group.held;
            // A consumer's own dead letters are counted elsewhere.
            let dead = if consumer.is_some() { 0 } else { group.dead };
            if messages + dead == 0 {
                continue;
            }
            let remedy =
                consumer.is_none().then(|| stranded_remedy(app, &topic.topic, &group.group, messages, dead));
            let (topic, not_before) = (topic.topic.to_string(), group.next_due.map(|next| next.at));
            let group = group.group.to_string();
            left.push(LeftOver { topic, group, consumer, messages, dead, not_before, remedy });
        }
    }
    left
}

/// What to do about so many messages and dead letters of a group that no consumer of the application is in.
pub(crate) fn stranded_remedy(
    app: &App,
    topic: &TopicName,
    group: &GroupName,
    messages: u64,
    dead: u64,
) -> String {
    let mut gone = Vec::new();
    if messages > 0 {
        gone.push(command_on_queue(app, "queue purge", &format!("{topic} --group {group} --yes")));
    }
    if dead > 0 {
        gone.push(command_on_queue(app, "dlq discard", &format!("--topic {topic} --group {group}")));
    }
    let remove = if gone.len() == 1 { "removes" } else { "remove" };
    let gone = gone.join(" and ");
    // Whoever takes the log itself has to take over how far it was read, too.
    let adopt = if topic_of(group).is_ok_and(|window| window == *topic) {
        String::new()
    } else {
        let adopt = command_on_queue(app, "queue adopt", &format!("{topic} --from {group} --to GROUP"));
        format!(", and {adopt} gives them to another group")
    };
    format!(
        "a consumer that has another name now takes them over with `was: \"{group}\"` in its section, once the \
         application runs; {gone} {remove} them{adopt}"
    )
}

impl LeftOver {
    /// The same in words.
    pub fn says(&self) -> String {
        let Self { topic, group, consumer, messages, dead, not_before, .. } = self;
        let mut what = Vec::new();
        if *messages > 0 {
            what.push(counted(*messages, "message"));
        }
        if *dead > 0 {
            what.push(counted(*dead, "dead letter"));
        }
        let what = what.join(" and ");
        let not_before = not_before.map(|time| format!(", not before {time}")).unwrap_or_default();
        match consumer {
            Some(consumer) => format!("{what} of topic `{topic}` for consumer `{consumer}`{not_before}"),
            None => format!(
                "{what} of topic `{topic}` for group `{group}`{not_before}, which no consumer of this application takes"
            ),
        }
    }
}
