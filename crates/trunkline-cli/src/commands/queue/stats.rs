//! `queue stats`: the numbers of topics and groups.

use std::io::{self, Write};

use clap::Args;
use indicatif::HumanBytes;
use serde::Serialize;
use trunkline_core::Timestamp;
use trunkline_queue::{GroupStats, QueueStats, TopicStats};

use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::queue::{QueueArgs, age, numbers, time};

const EXAMPLES: &str = "\
Examples:
  trunkline queue stats
  trunkline queue stats --queue embedded:/srv/shop/queue --format json

Works beside the process that has the queue: the numbers are then those that it published last, at most a \
second ago while it works. With --format json, one object: at, held_by, stored_bytes, and topics, each with \
topic, messages, bytes, unread, dropped, published, publish_rate, and groups, each with group, subscribed, \
ordered, waiting, leased, delayed, dead, oldest_age_ms, delivered, acked, retried, died, deliver_rate, \
ack_rate. Rates are a second, over the last minute. A topic that is unread has no group: it keeps \
messages for a week, and no more than 1 GiB.";

/// Say what waits, what is being worked on, and what is dead
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StatsArgs {
    #[command(flatten)]
    queue: QueueArgs,
}

#[derive(Debug, Serialize)]
struct Stats {
    at: Timestamp,
    held_by: Option<String>,
    stored_bytes: u64,
    topics: Vec<TopicLine>,
}

#[derive(Debug, Serialize)]
struct TopicLine {
    topic: String,
    messages: u64,
    bytes: u64,
    unread: bool,
    dropped: u64,
    published: u64,
    publish_rate: f64,
    groups: Vec<GroupLine>,
}

#[derive(Debug, Serialize)]
struct GroupLine {
    group: String,
    subscribed: bool,
    ordered: Option<u16>,
    waiting: u64,
    leased: u64,
    delayed: u64,
    dead: u64,
    oldest_age_ms: Option<u64>,
    delivered: u64,
    acked: u64,
    retried: u64,
    died: u64,
    deliver_rate: f64,
    ack_rate: f64,
}

impl StatsArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let (QueueStats { at, stored_bytes, topics }, held_by) = numbers(&self.queue).await?;
        let topics = topics.into_iter().map(TopicLine::from).collect();
        output.report(&Stats { at, held_by, stored_bytes, topics })
    }
}

impl From<TopicStats> for TopicLine {
    fn from(stats: TopicStats) -> Self {
        let TopicStats { topic, messages, bytes, unread, dropped, published, publish_rate, groups } = stats;
        let groups = groups.into_iter().map(GroupLine::from).collect();
        Self { topic: topic.to_string(), messages, bytes, unread, dropped, published, publish_rate, groups }
    }
}

impl From<GroupStats> for GroupLine {
    fn from(stats: GroupStats) -> Self {
        Self {
            group: stats.group.to_string(),
            subscribed: stats.subscribed,
            ordered: stats.ordered,
            waiting: stats.waiting,
            leased: stats.leased,
            delayed: stats.delayed,
            dead: stats.dead,
            oldest_age_ms: stats.oldest_age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
            delivered: stats.delivered,
            acked: stats.acked,
            retried: stats.retried,
            died: stats.died,
            deliver_rate: stats.deliver_rate,
            ack_rate: stats.ack_rate,
        }
    }
}

impl Report for Stats {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        if let Some(owner) = &self.held_by {
            writeln!(out, "as of {}, held by {owner}", time(self.at))?;
        }
        writeln!(out, "stored  {}", HumanBytes(self.stored_bytes))?;
        for topic in &self.topics {
            writeln!(
                out,
                "\n{}  {} messages, {}, {:.1}/s published{}",
                topic.topic,
                topic.messages,
                HumanBytes(topic.bytes),
                topic.publish_rate,
                if topic.unread { ", no group: kept for a while, then dropped" } else { "" },
            )?;
            if topic.groups.is_empty() {
                continue;
            }
            writeln!(
                out,
                "  {:20} {:>10} {:>8} {:>10} {:>8} {:>8} {:>9} {:>9}",
                "group", "waiting", "leased", "delayed", "dead", "oldest", "out/s", "acked/s"
            )?;
            for group in &topic.groups {
                let oldest = group
                    .oldest_age_ms
                    .map_or_else(|| "-".to_owned(), |millis| age(std::time::Duration::from_millis(millis)));
                writeln!(
                    out,
                    "  {:20} {:>10} {:>8} {:>10} {:>8} {:>8} {:>9.1} {:>9.1}{}",
                    group.group,
                    group.waiting,
                    group.leased,
                    group.delayed,
                    group.dead,
                    oldest,
                    group.deliver_rate,
                    group.ack_rate,
                    if group.subscribed { "" } else { "  not subscribed" },
                )?;
            }
        }
        Ok(())
    }
}
