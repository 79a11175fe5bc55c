//! What waits in queues, and what consumers do, as metrics.
//!
//! Gauges of a queue, by topic and group: `trunkline_queue_waiting`, `trunkline_queue_leased`,
//! `trunkline_queue_delayed`, `trunkline_queue_held` (behind a dead letter of their key), `trunkline_queue_dead` and
//! `trunkline_queue_oldest_age_seconds`.
//! Counters of a consumer: `trunkline_consumer_delivered_total`, `trunkline_consumer_retried_total` and
//! `trunkline_consumer_dead_total`.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use trunkline_queue::{MessageQueue, QueueStats};

/// How often a queue's metrics are recorded.
const EVERY: Duration = Duration::from_secs(5);

/// Records a queue's metrics, now and every few seconds, until it is dropped. Of a queue that has no statistics for
/// operators nothing is recorded: its broker has metrics of its own.
pub(crate) async fn record_queue_metrics(queue: &dyn MessageQueue) -> Infallible {
    let Some(queue) = queue.operating() else { return std::future::pending().await };
    let mut pace = tokio::time::interval(EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        match queue.stats().await {
            Ok(stats) => record(&stats),
            // Relays and consumers meet the same queue, and know what to do about it.
            Err(error) => tracing::warn!(%error, "the queue's numbers are not known"),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and exact up to 2^53 messages")]
fn record(stats: &QueueStats) {
    for topic in &stats.topics {
        for group in &topic.groups {
            let gauge = |name: &'static str| {
                let (topic, group) = (topic.topic.to_string(), group.group.to_string());
                metrics::gauge!(name, "topic" => topic, "group" => group)
            };
            gauge("trunkline_queue_waiting").set(group.waiting as f64);
            gauge("trunkline_queue_leased").set(group.leased as f64);
            gauge("trunkline_queue_delayed").set(group.delayed as f64);
            gauge("trunkline_queue_held").set(group.held as f64);
            gauge("trunkline_queue_dead").set(group.dead as f64);
            gauge("trunkline_queue_oldest_age_seconds")
                .set(group.oldest_age.unwrap_or_default().as_secs_f64());
        }
    }
}

/// Messages that a consumer has got.
pub(super) fn count_delivered(consumer: &str, messages: usize) {
    metrics::counter!("trunkline_consumer_delivered_total", "consumer" => consumer.to_owned())
        .increment(messages as u64);
}

/// A message that a consumer has put off, to try it again.
pub(super) fn count_retried(consumer: &str) {
    metrics::counter!("trunkline_consumer_retried_total", "consumer" => consumer.to_owned()).increment(1);
}

/// A message that a consumer has given up.
pub(super) fn count_dead(consumer: &str) {
    metrics::counter!("trunkline_consumer_dead_total", "consumer" => consumer.to_owned()).increment(1);
}
