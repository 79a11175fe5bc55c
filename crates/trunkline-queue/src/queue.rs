//! The trait of message queues, with every promise in its documentation.

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use trunkline_core::Timestamp;

use crate::{
    Action, DeadLetter, DeadLetterId, DeadLettersRead, Decision, Delivery, GroupName, GroupOptions, Lease,
    MessageId, NewMessage, OperateError, Peek, Peeked, PublishError, Published, QueueStats, Receive,
    ReceiveError, SettleError, SubscribeError, TopicName,
};

/// A place where messages wait for consumers.
///
/// Every sentence here is a promise, and each has a test in `conformance` (the feature of that name brings it)
/// that every backend passes; those about media that fail are tested by the backends that have such.
///
/// # What is kept
///
/// A published message is handed to each group at least once, until a consumer of that group has settled it:
/// never lost, and with the id, key, type, payload, headers and cause that it was given.
/// Topics appear on first use.
/// A group gets every message that is kept when it begins and every one published later; consumers of one
/// group share them.
/// A message that all groups have finished is removed.
/// A topic without a group keeps its messages up to a configured age and size, drops the oldest beyond, counts
/// what it dropped, and is flagged.
///
/// # Order
///
/// In an ordered group a key belongs to one partition, a partition's messages are handed out in the order of
/// their publishing, and none before the one before it is settled: acknowledged, or a dead letter.
/// One that waits for its retry holds its partition; one published with a delay does not.
/// Elsewhere messages are handed out roughly in the order of their publishing.
///
/// # Cancellation
///
/// Dropping the future of a change does not undo it.
/// Dropping the future of a receive may leave messages leased, until their visibility ends.
pub trait MessageQueue: fmt::Debug + Send + Sync + 'static {
    /// Publishes messages to a topic, which appears if it was not there.
    ///
    /// - When this returns, each message survives whatever the backend is durable against, and every group of
    ///   the topic will be handed it.
    /// - A message whose id is kept in the topic, or was finished there not long ago, is not stored again:
    ///   [`Published::AlreadyThere`]; so it is for an id given twice in one call. Ids of other topics don't
    ///   count.
    /// - The answers are in the order of the messages; messages of one call are published in that order.
    /// - After an error, a backend may have stored some of the messages; publishing the same again tells.
    ///   Nothing is stored when the error is [`PublishError::Invalid`] or [`PublishError::TooLarge`].
    /// - A message with a delay is handed out no earlier than that, to the millisecond and by the queue's
    ///   clock.
    fn publish(
        &self,
        topic: TopicName,
        messages: Vec<NewMessage>,
    ) -> BoxFuture<'_, Result<Vec<Published>, PublishError>>;

    /// Subscribes a group to a topic; says whether it is new.
    ///
    /// - A new group begins at the oldest message that is kept.
    /// - Subscribing again changes nothing, and after unsubscribing goes on where the group was.
    /// - Other options than the group has are refused with [`SubscribeError::OtherOptions`].
    fn subscribe(
        &self,
        topic: TopicName,
        group: GroupName,
        options: GroupOptions,
    ) -> BoxFuture<'_, Result<bool, SubscribeError>>;

    /// Ends a group's subscription; its messages are kept, and further ones too, until it is purged.
    ///
    /// Who waits for its messages is answered [`ReceiveError::NotSubscribed`].
    fn unsubscribe(&self, topic: TopicName, group: GroupName) -> BoxFuture<'_, Result<(), OperateError>>;

    /// Leases messages that are due, at most [`Receive::max`].
    ///
    /// - No message is leased to two consumers of one group at a time, while leases are alive.
    /// - With [`Receive::wait`], the answer has at least one message, and comes once one is due; without, it
    ///   comes at once.
    /// - Each lease has a token of its own, and keeps the message from others for [`Receive::visibility`].
    /// - A lease that ends without being settled counts as an attempt; the message is handed out again, or is
    ///   a dead letter when it has had [`Receive::max_attempts`].
    /// - Leases, attempts and delays survive the reopening of a durable queue.
    fn receive(&self, receive: Receive) -> BoxFuture<'_, Result<Vec<Delivery>, ReceiveError>>;

    /// Acknowledges a message: it is finished for the group.
    ///
    /// A lease is good until its message is settled or leased again, even when its time is over; then it is
    /// [`SettleError::Lost`], and nothing changes. That holds for all four ways to settle.
    fn ack(&self, lease: &Lease) -> BoxFuture<'_, Result<(), SettleError>>;

    /// Keeps the message from others until so long from now, and returns that time.
    fn extend(&self, lease: &Lease, visibility: Duration) -> BoxFuture<'_, Result<Timestamp, SettleError>>;

    /// Gives the message back, to be handed out again after a delay, with why this attempt failed.
    fn retry(&self, lease: &Lease, delay: Duration, error: String) -> BoxFuture<'_, Result<(), SettleError>>;

    /// Makes the message a dead letter of the group, with why the last attempt failed.
    fn reject(&self, lease: &Lease, error: String) -> BoxFuture<'_, Result<(), SettleError>>;

    /// The numbers of the queue.
    ///
    /// Every message that a group has not finished is exactly one of waiting, leased, delayed and dead there.
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

    /// Reads dead letters in the order in which they died.
    fn dead_letters(&self, read: DeadLettersRead) -> BoxFuture<'_, Result<Vec<DeadLetter>, OperateError>>;

    /// The dead letter of an id.
    fn dead_letter(&self, id: DeadLetterId) -> BoxFuture<'_, Result<DeadLetter, OperateError>>;

    /// Decides about a dead letter, in somebody's name: see [`Decision`].
    ///
    /// When this returns, the decision is durable, on record, and the dead letter is gone.
    fn decide(
        &self,
        id: DeadLetterId,
        decision: Decision,
        by: String,
    ) -> BoxFuture<'_, Result<Action, OperateError>>;

    /// The record of decisions after a number, oldest first, at most so many, each with its outcome so far.
    fn actions(&self, after: u64, max: usize) -> BoxFuture<'_, Result<Vec<Action>, OperateError>>;
}
