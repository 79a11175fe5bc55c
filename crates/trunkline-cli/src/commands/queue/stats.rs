//! `queue stats`: the numbers of topics and groups.

use std::io::{self, Write};

use clap::Args;
use trunkline_ops::messages::QueueReport;
use trunkline_ops::words::size;

use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::queue::{QueueArgs, numbers};
use crate::render::{age, time};

const EXAMPLES: &str = "\
Examples:
  trunkline queue stats
  trunkline queue stats --queue embedded:/srv/shop/queue --format json

Works beside the process that has the queue: the numbers are then those that it published last, at most a \
second ago while it works. With --format json, one object: at, held_by, stored_bytes, and topics, each with \
topic, messages, bytes, unread, dropped, published, publish_rate, and groups, each with group, subscribed, \
ordered, waiting, leased, delayed, held, dead, oldest_age_ms, delivered, acked, retried, died, deliver_rate, \
ack_rate. Rates are a second, over the last minute. What is held waits for a dead letter of its key to be \
decided about; `trunkline queue peek` says for which. A topic that is unread has no group: it keeps \
messages for a week, and no more than 1 GiB.";

/// Say what waits, what is being worked on, and what is dead
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StatsArgs {
    #[command(flatten)]
    queue: QueueArgs,
}

impl StatsArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let (stats, held_by) = numbers(&self.queue).await?;
        output.report(&QueueReport::of(stats, held_by))
    }
}

impl Report for QueueReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        if let Some(owner) = &self.held_by {
            writeln!(out, "as of {}, held by {owner}", time(self.at))?;
        }
        writeln!(out, "stored  {}", size(self.stored_bytes))?;
        for topic in &self.topics {
            writeln!(
                out,
                "\n{}  {} messages, {}, {:.1}/s published{}",
                topic.topic,
                topic.messages,
                size(topic.bytes),
                topic.publish_rate,
                if topic.unread { ", no group: kept for a while, then dropped" } else { "" },
            )?;
            if topic.groups.is_empty() {
                continue;
            }
            writeln!(
                out,
                "  {:20} {:>10} {:>8} {:>10} {:>8} {:>8} {:>8} {:>9} {:>9}",
                "group", "waiting", "leased", "delayed", "held", "dead", "oldest", "out/s", "acked/s"
            )?;
            for group in &topic.groups {
                let oldest = group
                    .oldest_age_ms
                    .map_or_else(|| "-".to_owned(), |millis| age(std::time::Duration::from_millis(millis)));
                writeln!(
                    out,
                    "  {:20} {:>10} {:>8} {:>10} {:>8} {:>8} {:>8} {:>9.1} {:>9.1}{}",
                    group.group,
                    group.waiting,
                    group.leased,
                    group.delayed,
                    group.held,
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
