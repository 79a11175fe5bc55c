//! The rules of a queue, without I/O, clock or randomness: what both of our backends run.
//!
//! The [`Engine`] is the state of all topics and groups.
//! An operation decides, changes the state, and returns the [`Change`] that it made; a backend that keeps
//! changes makes the same state again by applying them in their order.
//! Bodies of messages are the backend's: here they are whatever it finds them by.
//!
//! `table` has the messages of a topic and finds them by place, and by id with `ids`; `group` has what a group made of them;
//! `hold` the keys that a dead letter holds;
//! `decide` has the operations, `apply` what changes do, `adopt` both for what gets another name;
//! `look` answers questions; `restore` makes the state again.

mod adopt;
mod apply;
mod bell;
mod change;
mod decide;
mod group;
mod hold;
mod ids;
mod look;
mod rate;
#[cfg(feature = "embedded")]
mod restore;
mod table;
mod topic;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

#[cfg(feature = "embedded")]
pub(crate) use adopt::Former;
pub(crate) use apply::Addressed;
pub(crate) use bell::Bell;
pub(crate) use change::Change;
pub(crate) use decide::{Picked, Received, Settlement};
pub(crate) use group::{At, Group, Touched};
#[cfg(feature = "embedded")]
pub(crate) use group::{Died, Past};
pub(crate) use ids::IdHash;
pub(crate) use look::{DeadLook, Look};
pub(crate) use rate::Rate;
pub(crate) use table::Entry;
pub(crate) use topic::Topic;

use crate::limits::{DEAD_LETTER_AGE_DEFAULT, UNREAD_AGE_DEFAULT, UNREAD_BYTES_DEFAULT};
use crate::{DecisionRecord, TopicName};

/// How long a queue keeps what it need not keep for good.
///
/// ```
/// use trunkline_queue::Keep;
/// let keep = Keep { unread_bytes: 1 << 20, ..Keep::default() };
/// # drop(keep);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// For how long a topic without a group keeps its messages.
    pub unread_age: Duration,
    /// How many bytes of messages a topic without a group keeps.
    pub unread_bytes: u64,
    /// For how long a dead letter is kept.
    pub dead_letter_age: Duration,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            unread_age: UNREAD_AGE_DEFAULT,
            unread_bytes: UNREAD_BYTES_DEFAULT,
            dead_letter_age: DEAD_LETTER_AGE_DEFAULT,
        }
    }
}

/// What a backend finds a message's own bytes by.
pub(crate) trait Body: Clone {
    /// How many bytes count, where bytes are counted.
    fn bytes(&self) -> u32;
}

/// The state of a queue.
#[derive(Debug)]
pub(crate) struct Engine<B> {
    pub(crate) keep: Keep,
    pub(crate) topics: Vec<Topic<B>>,
    pub(crate) names: BTreeMap<TopicName, u32>,
    /// Each dead letter by its number: topic, group, message.
    pub(crate) dead: BTreeMap<u64, (u32, u32, u64)>,
    pub(crate) next_dead: u64,
    pub(crate) decisions: VecDeque<DecisionRecord>,
    pub(crate) next_decision: u64,
    /// What tokens begin with: another value each time the queue is opened.
    opening: u64,
    next_token: u64,
    /// The bodies of messages that are gone, until the backend takes them.
    pub(crate) freed: Vec<B>,
    /// How many messages go on since the dead letter that held them has lapsed, until the backend says so.
    pub(crate) lapsed: u64,
}

impl<B: Body> Engine<B> {
    /// A queue without topics; `opening` distinguishes it from every other that has the same state.
    pub(crate) fn new(keep: Keep, opening: u64) -> Self {
        Self {
            keep,
            topics: Vec::new(),
            names: BTreeMap::new(),
            dead: BTreeMap::new(),
            next_dead: 1,
            decisions: VecDeque::new(),
            next_decision: 1,
            opening,
            next_token: 0,
            freed: Vec::new(),
            lapsed: 0,
        }
    }

    /// The number of a topic, if it is there.
    pub(crate) fn topic_number(&self, name: &TopicName) -> Option<u32> {
        self.names.get(name).copied()
    }

    pub(crate) fn topic(&self, number: u32) -> Option<&Topic<B>> {
        self.topics.get(number as usize)
    }

    fn topic_mut(&mut self, number: u32) -> Option<&mut Topic<B>> {
        self.topics.get_mut(number as usize)
    }
}
