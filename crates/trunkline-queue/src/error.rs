//! What the operations of a queue can fail with, and what the caller can do.

use trunkline_core::{Advice, StorageError};

use crate::{DeadLetterId, GroupName, MessageId, TopicName};

/// Why messages were not published, or why that is unknown.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// Something exceeds its limit.
    #[error("message `{id}`: {what} too large: {size}, limit {size_max}")]
    TooLarge {
        /// The message.
        id: MessageId,
        /// What is too large.
        what: &'static str,
        /// How large it is.
        size: usize,
        /// How large it may be.
        size_max: usize,
    },
    /// The request makes no sense.
    #[error("invalid message `{id}`: {reason}")]
    Invalid {
        /// The message.
        id: MessageId,
        /// What is wrong with it.
        reason: String,
    },
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why a group did not subscribe.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The group is there with other options; they are fixed, since its order rests on them.
    #[error(
        "group `{group}` of topic `{topic}` is {found}, not {wanted}; unsubscribe and purge it to change that"
    )]
    OtherOptions {
        /// The topic.
        topic: TopicName,
        /// The group.
        group: GroupName,
        /// What it is.
        found: String,
        /// What was wanted.
        wanted: String,
    },
    /// The options make no sense.
    #[error("invalid options: {reason}")]
    Invalid {
        /// What is wrong with them.
        reason: String,
    },
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why no messages were handed out.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The group is not subscribed to the topic.
    #[error("group `{group}` is not subscribed to topic `{topic}`")]
    NotSubscribed {
        /// The topic.
        topic: TopicName,
        /// The group.
        group: GroupName,
    },
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why a lease did not settle its message.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettleError {
    /// The lease is no longer good: the message is settled, or another consumer has it.
    #[error(
        "the lease on a message of topic `{topic}` for group `{group}` is lost: the message is settled or leased again"
    )]
    Lost {
        /// The topic.
        topic: TopicName,
        /// The group.
        group: GroupName,
    },
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why an operator's question or order failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperateError {
    /// There is no such topic.
    #[error("there is no topic `{topic}`")]
    NoTopic {
        /// The topic.
        topic: TopicName,
    },
    /// There is no such group in the topic.
    #[error("topic `{topic}` has no group `{group}`")]
    NoGroup {
        /// The topic.
        topic: TopicName,
        /// The group.
        group: GroupName,
    },
    /// The group has no such message that waits for its time.
    #[error("group `{group}` of topic `{topic}` has no delayed message `{id}`")]
    NoMessage {
        /// The topic.
        topic: TopicName,
        /// The group.
        group: GroupName,
        /// The message.
        id: MessageId,
    },
    /// There is no such dead letter, or it was decided about.
    #[error("there is no dead letter `{id}`")]
    NoDeadLetter {
        /// Its id.
        id: DeadLetterId,
    },
    /// The dead letter's message is not what was published, so it can't be handed out again.
    #[error(
        "the message of dead letter `{id}` is damaged ({what}); discard it, or edit it to say what it was"
    )]
    Damaged {
        /// Its id.
        id: DeadLetterId,
        /// Where its bytes are, and what is wrong with them.
        what: String,
    },
    /// The edited message is refused.
    #[error(transparent)]
    Message(PublishError),
    /// A message with the edited one's id is there already.
    #[error("topic `{topic}` has a message `{id}` already; give the edited message an id of its own")]
    IdTaken {
        /// The topic.
        topic: TopicName,
        /// The id.
        id: MessageId,
    },
    /// There is a topic of that name already.
    #[error("there is a topic `{topic}` already")]
    TopicTaken {
        /// The topic.
        topic: TopicName,
    },
    /// The backend has nothing for operators: its broker's own tools are for that.
    #[error("this kind of queue is operated with its broker's own tools")]
    Unsupported,
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

macro_rules! advice {
    ($($name:ident)*) => {
        $(
            impl $name {
                /// What the caller can do.
                pub fn advice(&self) -> Advice {
                    match self {
                        Self::Storage(error) => error.advice(),
                        _ => Advice::FixRequest,
                    }
                }
            }
        )*
    };
}

advice! { PublishError SubscribeError ReceiveError SettleError OperateError }
