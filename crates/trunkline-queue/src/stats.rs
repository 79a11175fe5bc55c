//! The numbers of a queue: what its health is read from.

use std::time::Duration;

use trunkline_core::Timestamp;

use crate::{DeadLetterId, GroupName, Message, TopicName};

/// The numbers of a queue at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueStats {
    /// When they were taken, by the queue's clock.
    pub at: Timestamp,
    /// The bytes that the queue takes where it is kept; 0 for one in memory.
    pub stored_bytes: u64,
    /// Each topic, by name.
    pub topics: Vec<TopicStats>,
}

/// The numbers of a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicStats {
    /// The topic.
    pub topic: TopicName,
    /// Messages that some group has not finished, or that wait for a first group.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// It has no group: messages are kept up to an age and a size, then dropped.
    pub unread: bool,
    /// Messages dropped for their age or the topic's size, while it had no group.
    pub dropped: u64,
    /// Messages published since the topic began.
    pub published: u64,
    /// Messages published a second, over the last minute.
    pub publish_rate: f64,
    /// Each group, by name.
    pub groups: Vec<GroupStats>,
}

/// The numbers of a group in a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupStats {
    /// The group.
    pub group: GroupName,
    /// Whether it is subscribed; messages are kept for it also when it isn't any more.
    pub subscribed: bool,
    /// In how many partitions it is ordered, if it is.
    pub ordered: Option<u16>,
    /// Messages that can be handed out; in an ordered group, some after others.
    pub waiting: u64,
    /// Messages that consumers hold.
    pub leased: u64,
    /// Messages that wait for their time: published with a delay, or failed and to be tried again.
    pub delayed: u64,
    /// The one of them whose time comes first; not told beside the process that has the queue.
    pub next_due: Option<NextDue>,
    /// Messages that wait for a dead letter of their key to be decided about, in an ordered group.
    pub held: u64,
    /// Messages given up and not decided about.
    pub dead: u64,
    /// How long ago the oldest message was published that is waiting, leased, delayed or held.
    pub oldest_age: Option<Duration>,
    /// Messages handed out since the group began, each attempt counted.
    pub delivered: u64,
    /// Messages acknowledged since the group began.
    pub acked: u64,
    /// Messages put off to be tried again since the group began.
    pub retried: u64,
    /// Messages that became dead letters since the group began.
    pub died: u64,
    /// Messages handed out a second, over the last minute.
    pub deliver_rate: f64,
    /// Messages acknowledged a second, over the last minute.
    pub ack_rate: f64,
}

/// When a delayed message is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextDue {
    /// Then.
    pub at: Timestamp,
    /// After how many attempts: none of a message that was published with a delay.
    pub attempts: u32,
}

/// Which messages to look at.
#[derive(Clone, Debug)]
pub struct Peek {
    /// The topic.
    pub topic: TopicName,
    /// Only what this group has not finished, with its state there.
    pub group: Option<GroupName>,
    /// Only messages after this place.
    pub after: Option<u64>,
    /// At most so many.
    pub max: usize,
}

impl Peek {
    /// The first messages of a topic.
    pub fn new(topic: TopicName) -> Self {
        Self { topic, group: None, after: None, max: 20 }
    }
}

/// A message that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Peeked {
    /// Its place: later messages of the topic have higher ones.
    pub place: u64,
    /// The message; where it is damaged, a stand-in of what is known.
    pub message: Message,
    /// Where its stored bytes are and what is wrong with them, if they are not what was published.
    pub damaged: Option<String>,
    /// Its state in each group that has not finished it.
    pub states: Vec<(GroupName, MessageState)>,
}

/// The state of a message in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// It can be handed out.
    Waiting,
    /// A consumer has it.
    Leased {
        /// Which.
        consumer: String,
        /// Which attempt this is.
        attempt: u32,
        /// From when on others may get it.
        until: Timestamp,
    },
    /// It waits for its time.
    Delayed {
        /// Until then.
        until: Timestamp,
        /// How many attempts there were.
        attempts: u32,
        /// Why the last one failed.
        last_error: Option<String>,
    },
    /// It waits for a dead letter of its key to be decided about.
    Held {
        /// Which.
        dead_letter: DeadLetterId,
    },
    /// It was given up.
    Dead,
}
