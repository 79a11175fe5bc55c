//! The trait of queues that can be operated, with every promise in its documentation.

use std::fmt;

use futures::future::BoxFuture;

use crate::{
    Adopted, Adoption, DeadLetter, DeadLetterDecision, DeadLetterId, DeadLettersRead, DecisionRecord,
    GroupName, MessageId, OperateError, Peek, Peeked, QueueStats, TopicName,
};

/// What operators see of a queue, and what they order.
///
/// A [`MessageQueue`](crate::MessageQueue) that has it hands it out as
/// [`operating`](crate::MessageQueue::operating); nothing that delivers messages rests on it.
/// Every sentence here is a promise, and each has a test in `conformance`.
pub trait OperateQueue: fmt::Debug + Send + Sync + 'static {
    /// The numbers of the queue.
    ///
    /// Every message that a group has not finished is exactly one of waiting, leased, delayed and dead there.
    /// Of the delayed ones, that whose time comes first is named, with the attempts that it has had.
    /// A topic without a group is flagged, and what it dropped is counted.
    fn stats(&self) -> BoxFuture<'_, Result<QueueStats, OperateError>>;

    /// Looks at the messages of a topic, oldest first, without leasing any.
    fn peek(&self, peek: Peek) -> BoxFuture<'_, Result<Vec<Peeked>, OperateError>>;

    /// Makes delayed messages of a group due now, all or the one of an id; says how many.
    fn retry_now(
        &self,
        topic: TopicName,
        group: GroupName,
        id: Option<MessageId>,
    ) -> BoxFuture<'_, Result<u64, OperateError>>;

    /// Removes what waits or is delayed in a group, or in the whole topic; says how many messages.
    ///
    /// Messages that consumers hold, and dead letters, stay.
    /// A group that is not subscribed any more is forgotten with all it has, its dead letters too.
    fn purge(&self, topic: TopicName, group: Option<GroupName>) -> BoxFuture<'_, Result<u64, OperateError>>;

    /// Gives what a group has left to another, for a consumer that has another name now; says how much that is.
    ///
    /// - What the one group has not finished is the other's: messages that wait, are delayed or held, with their attempts
    ///   and times, and dead letters under their ids. What both have, the other keeps as it has it.
    /// - The one group is gone then. Its leases are lost, and what they held is handed to the other once their time is
    ///   over.
    /// - Where the other group isn't there, it begins as the one was, with its order.
    /// - Every message that was published by then says whose it was, also as a dead letter, when it is replayed, and
    ///   after reopening: [`Delivery::former`](crate::Delivery::former). Those that come later don't.
    /// - Both groups may be the same: then nothing but that is noted, and once for each name.
    fn adopt(&self, adoption: Adoption) -> BoxFuture<'_, Result<Adopted, OperateError>>;

    /// Gives a topic another name, with all it has; refused where there is a topic of that name.
    fn rename_topic(&self, from: TopicName, to: TopicName) -> BoxFuture<'_, Result<(), OperateError>>;

    /// Reads dead letters in the order in which they died.
    fn dead_letters(&self, read: DeadLettersRead) -> BoxFuture<'_, Result<Vec<DeadLetter>, OperateError>>;

    /// The dead letter of an id.
    fn dead_letter(&self, id: DeadLetterId) -> BoxFuture<'_, Result<DeadLetter, OperateError>>;

    /// Decides about a dead letter, in somebody's name: see [`DeadLetterDecision`].
    ///
    /// When this returns, the decision is durable, on record, and the dead letter is gone.
    /// Each dead letter is decided about once.
    fn decide(
        &self,
        id: DeadLetterId,
        decision: DeadLetterDecision,
        by: String,
    ) -> BoxFuture<'_, Result<DecisionRecord, OperateError>>;

    /// The record of decisions after a number, oldest first, at most so many, each with its outcome so far.
    fn decisions(&self, after: u64, max: usize) -> BoxFuture<'_, Result<Vec<DecisionRecord>, OperateError>>;
}
