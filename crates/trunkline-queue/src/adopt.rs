//! Adoption: what a group has left goes to another, since its consumer has another name now.

use crate::{GroupName, TopicName};

/// Which group's messages become another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// The topic.
    pub topic: TopicName,
    /// The group that has them.
    pub from: GroupName,
    /// The group that gets them; the same one when only its consumer has another name.
    pub to: GroupName,
    /// The name of the consumer that took them so far: part of the ids of what it made of them.
    pub name: String,
}

/// What was adopted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    /// How many messages that wait, are delayed or held.
    pub messages: u64,
    /// How many dead letters.
    pub dead: u64,
}
