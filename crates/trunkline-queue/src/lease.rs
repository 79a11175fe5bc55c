//! Leases: what a consumer holds while it works on a message.

use std::fmt;
use std::time::Duration;

use trunkline_core::Timestamp;

use crate::{GroupName, Message, TopicName};

/// How a group is handed a topic's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupOptions {
    /// Ordered by key, in so many partitions; or without order. Fixed when the group begins.
    ///
    /// A key belongs to one partition for good, and a partition is worked on by one consumer at a time.
    pub ordered: Option<u16>,
    /// What becomes of a key whose message is a dead letter, in an ordered group; may be changed by subscribing again.
    pub on_dead: OnDead,
}

/// What becomes of a key of an ordered group when a message of it is a dead letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDead {
    /// What comes after it under its key is held until it is decided about: it keeps its place in the order.
    #[default]
    Hold,
    /// It is passed by: what comes after it is handed out, and comes before it should it be replayed.
    Pass,
}

/// What a consumer asks for.
///
/// ```
/// use std::time::Duration;
/// use trunkline_queue::Receive;
/// let receive = Receive::new("orders".parse()?, "mail".parse()?).max(10).visibility(Duration::from_secs(60));
/// # Ok::<(), trunkline_core::InvalidName>(())
/// ```
#[derive(Clone, Debug)]
pub struct Receive {
    /// The topic.
    pub topic: TopicName,
    /// The group.
    pub group: GroupName,
    /// Who asks, for operators.
    pub consumer: String,
    /// At most so many messages; at least 1.
    pub max: usize,
    /// How long the messages are kept from others.
    pub visibility: Duration,
    /// After so many attempts that ended without a word, a message becomes a dead letter instead of being
    /// handed out again; at least 1.
    pub max_attempts: u32,
    /// Whether to wait until there is a message, or else to answer at once.
    pub wait: bool,
}

impl Receive {
    /// One message at a time, kept from others for 30 seconds, waited for.
    pub fn new(topic: TopicName, group: GroupName) -> Self {
        Self {
            topic,
            group,
            consumer: "unnamed".to_owned(),
            max: 1,
            visibility: Duration::from_secs(30),
            max_attempts: crate::RetryPolicy::default().max_attempts,
            wait: true,
        }
    }

    /// Says who asks.
    #[must_use]
    pub fn consumer(mut self, consumer: impl Into<String>) -> Self {
        self.consumer = consumer.into();
        self
    }

    /// At most so many messages.
    #[must_use]
    pub fn max(mut self, max: usize) -> Self {
        self.max = max;
        self
    }

    /// How long the messages are kept from others.
    #[must_use]
    pub fn visibility(mut self, visibility: Duration) -> Self {
        self.visibility = visibility;
        self
    }

    /// After how many attempts without a word a message is a dead letter.
    #[must_use]
    pub fn max_attempts(mut self, max_attempts: u32) -> Self {
        self.max_attempts = max_attempts;
        self
    }

    /// Answers at once, with nothing if there is nothing.
    #[must_use]
    pub fn now(mut self) -> Self {
        self.wait = false;
        self
    }
}

/// A message handed to a consumer.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// Which attempt this is; the first is 1.
    pub attempt: u32,
    /// Why the attempt before failed.
    pub last_error: Option<String>,
    /// The decision about a dead letter that brought the message here, by the number of its
    /// [`DecisionRecord`](crate::DecisionRecord).
    pub decision: Option<u64>,
    /// The names of consumers under which it may have been handled before, the oldest first: those whose messages the
    /// group has adopted. What is made of the message has its ids from the first of them.
    pub former: Vec<String>,
    /// What to settle it with.
    pub lease: Lease,
}

/// The right to settle a message, until its time is over or another consumer has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The topic.
    pub topic: TopicName,
    /// The group.
    pub group: GroupName,
    /// What the backend finds the message by.
    pub place: u64,
    /// Unique among all leases, of this message and of all others.
    pub token: LeaseToken,
    /// From when on others may get the message.
    pub until: Timestamp,
}

/// Unique to one lease.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeaseToken(pub u128);

impl fmt::Debug for LeaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for LeaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
