//! The topic `events`: the event log itself, which each group reads from a checkpoint of its own.
//!
//! What a group has read and not finished waits in the queue, so that its leases, retries and dead letters are
//! those of any other message. It waits in a topic of the group's own: a group that is added later begins at the
//! first event, whatever the others have finished, and the queue never holds more of the log than a window.

use std::collections::BTreeMap;

use trunkline_core::InvalidName;
use trunkline_queue::{GroupName, TopicName};

use super::{Consumer, Relay};

/// The name that consumers call the log by.
const EVENTS: &str = "events";

/// How many events may wait in a group's topic before more of the log is read: enough for any consumer to be busy.
const WINDOW: u64 = 10_000;

/// Whether a topic is the log, unless a relay of the file's fills it.
pub fn is_the_log(topic: &TopicName) -> bool {
    topic.as_str() == EVENTS
}

/// The topic in which events wait for a group.
pub fn topic_of(group: &GroupName) -> Result<TopicName, InvalidName> {
    TopicName::new(&format!("{EVENTS}.{group}"))
}

/// Gives those that take the topic `events` the topics of their groups, and returns the relays that fill these.
///
/// Where a relay of the file's fills `events`, that is a topic like any other.
pub(crate) fn read_the_log<'a>(
    consumers: impl Iterator<Item = &'a mut Consumer>,
    relays: &[Relay],
) -> Result<Vec<Relay>, InvalidName> {
    let mut own = BTreeMap::new();
    if relays.iter().any(|relay| is_the_log(&relay.topic)) {
        return Ok(Vec::new());
    }
    for consumer in consumers {
        let Consumer { topics, group, was, .. } = consumer;
        for topic in topics.iter_mut().filter(|topic| is_the_log(topic)) {
            *topic = topic_of(group)?;
            let name = format!("${EVENTS}.{group}");
            let was = was.iter().filter_map(|older| GroupName::new(older).ok());
            let was = was.filter(|older| older != group).map(|older| format!("${EVENTS}.{older}")).collect();
            let relay = Relay { window: Some(WINDOW), was, ..Relay::new(&name, topic.clone()) };
            own.insert(name, relay);
        }
    }
    Ok(own.into_values().collect())
}
