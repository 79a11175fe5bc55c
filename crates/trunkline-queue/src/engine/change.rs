//! The changes of a queue's state, as a journal has them.
//!
//! Topics and groups are numbered in the order in which they appear.

use trunkline_core::Timestamp;

use crate::{DecisionKind, GroupName, LeaseToken, MessageId, TopicName};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A topic appears.
    Topic { name: TopicName },
    /// A group begins, or is subscribed again.
    Subscribe { topic: u32, name: GroupName, ordered: Option<u16> },
    /// A group's subscription ends.
    Unsubscribe { topic: u32, group: u32 },
    /// A group is gone with all it has.
    Forget { topic: u32, group: u32 },
    /// A consumer has a message.
    Lease {
        topic: u32,
        group: u32,
        place: u64,
        token: LeaseToken,
        until: Timestamp,
        at: Timestamp,
        consumer: String,
    },
    /// It has it for longer, or shorter.
    Extend { topic: u32, group: u32, place: u64, until: Timestamp },
    /// The message is finished for the group.
    Ack { topic: u32, group: u32, place: u64, at: Timestamp },
    /// The message is to be tried again.
    Retry { topic: u32, group: u32, place: u64, due: Timestamp, at: Timestamp, error: String },
    /// The message is a dead letter, of that number, and may hold what comes after it under its key.
    Dead { topic: u32, group: u32, place: u64, number: u64, at: Timestamp, error: String, holds: bool },
    /// Delayed messages are due, all or one.
    RetryNow { topic: u32, group: u32, place: Option<u64>, at: Timestamp },
    /// What waits or is delayed is gone, in one group or in all.
    Purge { topic: u32, group: Option<u32>, at: Timestamp },
    /// The messages before a place are dropped, of a topic without a group.
    Trim { topic: u32, before: u64 },
    /// Somebody decided about a dead letter. A message that takes its place is a record of its own.
    Decide {
        action: u64,
        dead: u64,
        kind: DecisionKind,
        at: Timestamp,
        by: String,
        message_id: MessageId,
        new_message_id: Option<MessageId>,
    },
    /// A dead letter has been kept for long enough.
    Lapse { dead: u64 },
    /// Dead letters of an ordered group hold from now on, of those that are there these; or none do.
    OnDead { topic: u32, group: u32, holding: Option<Vec<u64>> },
    /// The process that had the queue is gone, and with it all whom it had handed messages.
    #[cfg_attr(
        not(feature = "embedded"),
        expect(dead_code, reason = "a queue in memory goes with its process")
    )]
    Reopened,
    /// What a group has is another's, and was handled under a name so far.
    Adopt { topic: u32, from: u32, to: GroupName, name: String },
    /// A topic has another name.
    RenameTopic { topic: u32, name: TopicName },
}

impl Change {
    /// Whether numbers of topics and groups that begin later rest on it.
    #[cfg(feature = "embedded")]
    pub(crate) fn numbers(&self) -> bool {
        matches!(
            self,
            Self::Topic { .. }
                | Self::Subscribe { .. }
                | Self::Forget { .. }
                | Self::Adopt { .. }
                | Self::RenameTopic { .. }
        )
    }

    /// Whether it is an original, which nothing else could restore: it is synced before it is acknowledged.
    #[cfg(feature = "embedded")]
    pub(crate) fn is_original(&self) -> bool {
        match self {
            Self::Topic { .. }
            | Self::Subscribe { .. }
            | Self::Unsubscribe { .. }
            | Self::Forget { .. }
            | Self::Purge { .. }
            | Self::Adopt { .. }
            | Self::RenameTopic { .. }
            | Self::Decide { .. }
            | Self::OnDead { .. } => true,
            Self::Lease { .. }
            | Self::Extend { .. }
            | Self::Ack { .. }
            | Self::Retry { .. }
            | Self::Dead { .. }
            | Self::RetryNow { .. }
            | Self::Trim { .. }
            | Self::Lapse { .. }
            | Self::Reopened => false,
        }
    }
}
