//! The numbers of a queue, its topics and groups.

use serde::Serialize;
use trunkline::{OpenQueueError, Place};
use trunkline_core::Timestamp;
use trunkline_queue::{EmbeddedQueue, GroupStats, MessageQueueExt as _, OpenError, QueueStats, TopicStats};

use super::look_at_queue;
use crate::{OpsError, QueueError};

/// The numbers of a queue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueueReport {
    /// When these were the numbers.
    pub at: Timestamp,
    /// The process that has the queue, where its numbers were read beside it.
    pub held_by: Option<String>,
    /// How much disk space it takes.
    pub stored_bytes: u64,
    /// Every topic.
    pub topics: Vec<TopicReport>,
}

/// The numbers of a topic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TopicReport {
    /// The topic.
    pub topic: String,
    /// Messages that it keeps.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether no group reads it.
    pub unread: bool,
    /// Messages that were dropped, as no group read them.
    pub dropped: u64,
    /// Messages that were ever published.
    pub published: u64,
    /// Messages published a second, over the last minute.
    pub publish_rate: f64,
    /// Its groups.
    pub groups: Vec<GroupReport>,
}

/// The numbers of a group of a topic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupReport {
    /// The group.
    pub group: String,
    /// Whether it is subscribed.
    pub subscribed: bool,
    /// Into how many lanes it is ordered, if it is.
    pub ordered: Option<u16>,
    /// Messages that wait.
    pub waiting: u64,
    /// Messages that consumers hold.
    pub leased: u64,
    /// Messages whose time has not come.
    pub delayed: u64,
    /// Messages that wait for a dead letter of their key to be decided about.
    pub held: u64,
    /// Dead letters.
    pub dead: u64,
    /// For how long the oldest has waited.
    pub oldest_age_ms: Option<u64>,
    /// How often one was handed out.
    pub delivered: u64,
    /// How many were acknowledged.
    pub acked: u64,
    /// How often one was to be tried again.
    pub retried: u64,
    /// How many were given up.
    pub died: u64,
    /// Handed out a second, over the last minute.
    pub deliver_rate: f64,
    /// Acknowledged a second, over the last minute.
    pub ack_rate: f64,
}

/// The numbers of the queue of a place, also beside the process that has it; then with who that is.
pub async fn queue_numbers(place: &Place) -> Result<(QueueStats, Option<String>), OpsError> {
    let (source, place) = match look_at_queue(place).await {
        Ok(opened) => {
            let stats = async { opened.queue.operate()?.stats().await }.await;
            opened.close().await;
            return Ok((stats?, None));
        }
        Err(QueueError::Open(OpenQueueError::Open { source, place })) => (source, place),
        Err(error) => return Err(error.into()),
    };
    if let OpenError::InUse { folder, owner } = &source {
        let published = EmbeddedQueue::published_numbers(place.dsn.path());
        let what = || format!("reading the numbers of {folder}");
        if let Some(stats) = published.map_err(|source| OpsError::File { what: what(), source })? {
            return Ok((stats, Some(owner.clone())));
        }
    }
    Err(OpenQueueError::Open { source, place }.into())
}

impl QueueReport {
    /// The report of a queue's numbers, and of who has it.
    pub fn of(QueueStats { at, stored_bytes, topics }: QueueStats, held_by: Option<String>) -> Self {
        Self { at, held_by, stored_bytes, topics: topics.into_iter().map(TopicReport::from).collect() }
    }
}

impl From<TopicStats> for TopicReport {
    fn from(stats: TopicStats) -> Self {
        let TopicStats { topic, messages, bytes, unread, dropped, published, publish_rate, groups } = stats;
        let groups = groups.into_iter().map(GroupReport::from).collect();
        Self { topic: topic.to_string(), messages, bytes, unread, dropped, published, publish_rate, groups }
    }
}

impl From<GroupStats> for GroupReport {
    fn from(stats: GroupStats) -> Self {
        Self {
            group: stats.group.to_string(),
            subscribed: stats.subscribed,
            ordered: stats.ordered,
            waiting: stats.waiting,
            leased: stats.leased,
            delayed: stats.delayed,
            held: stats.held,
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
