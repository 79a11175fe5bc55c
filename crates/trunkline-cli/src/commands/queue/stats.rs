//! `queue stats`: the numbers of topics and groups.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use trunkline_ops::messages::QueueReport;
use trunkline_ops::words::size;

use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::queue::{QueueArgs, numbers};
use crate::render::{Cell, Table, age, time};

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
        if self.topics.is_empty() {
            return Ok(());
        }
        let mut topics = Table::new(["topic", "messages#", "size#", "published/s#", ""]);
        let columns = [
            "topic", "group", "waiting#", "leased#", "delayed#", "held#", "dead#", "oldest#", "out/s#",
            "acked/s#", "",
        ];
        let mut groups = Table::new(columns);
        for topic in &self.topics {
            topics.row([
                Cell::from(topic.topic.as_str()),
                Cell::number(topic.messages),
                Cell::from(size(topic.bytes)),
                Cell::from(format!("{:.1}", topic.publish_rate)),
                Cell::from(if topic.unread { "no group: kept for a while, then dropped" } else { "" }),
            ]);
            for group in &topic.groups {
                groups.row([
                    Cell::from(topic.topic.as_str()),
                    Cell::from(group.group.as_str()),
                    Cell::number(group.waiting),
                    Cell::number(group.leased),
                    Cell::number(group.delayed),
                    Cell::number(group.held).bad_if(group.held > 0),
                    Cell::number(group.dead).bad_if(group.dead > 0),
                    Cell::maybe(group.oldest_age_ms.map(|millis| age(Duration::from_millis(millis)))),
                    Cell::from(format!("{:.1}", group.deliver_rate)),
                    Cell::from(format!("{:.1}", group.ack_rate)),
                    Cell::from(if group.subscribed { "" } else { "not subscribed" }),
                ]);
            }
        }
        writeln!(out)?;
        topics.release(out)?;
        if self.topics.iter().any(|topic| !topic.groups.is_empty()) {
            writeln!(out)?;
        }
        groups.release(out)
    }
}
