//! The trait of message queues: delivery, with every promise in its documentation.

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use trunkline_core::Timestamp;

use crate::{
    DeadLetter, DeadLetterId, Delivery, GroupName, GroupOptions, Lease, NewMessage, OperateError,
    OperateQueue, PublishError, Published, Receive, ReceiveError, SettleError, StorageError, SubscribeError,
    TopicName, Unfinished,
};

/// A place where messages wait for consumers.
///
/// Every sentence here is a promise, and each has a test in `conformance` (the feature of that name brings it)
/// that every backend passes; those about media that fail are tested by the backends that have such.
/// What operators see and order is a trait of its own, [`OperateQueue`], which not every broker can offer.
///
/// # What is kept
///
/// A published message is handed to each group at least once, until a consumer of that group has settled it:
/// never lost, and with the id, key, type, payload, headers and cause that it was given.
/// Topics appear on first use.
/// A group gets every message that is kept when it begins and every one published later; consumers of one
/// group share them.
/// A message that all groups have finished is removed.
/// A dead letter is kept for a configured time.
/// A topic without a group keeps its messages up to a configured age and size, and drops the oldest beyond.
///
/// # Order
///
/// In an ordered group a key belongs to one partition, a partition's messages are handed out in the order of
/// their publishing, and none before the one before it is settled: acknowledged, or a dead letter.
/// One that waits for its retry holds its partition; one published with a delay does not.
///
/// A dead letter frees its partition and, with [`OnDead::Hold`](crate::OnDead), holds its key: what comes after it
/// under that key, published before or later, is not handed out until somebody has decided about it, or it has been
/// kept for its time.
/// Keys are told apart by a hash of 32 bits.
/// One that comes back takes its place in the order, before what it held.
/// A dead letter of a message with the header [`SAGA_HEADER`](crate::SAGA_HEADER) holds nothing: its saga is told of
/// it, and what that sends to make up for it would wait behind it for ever.
///
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
    ///   clock, however many years that is; one with a delay of more than [`DELAY_MAX`](crate::limits::DELAY_MAX)
    ///   is invalid.
    fn publish(
        &self,
        topic: TopicName,
        messages: Vec<NewMessage>,
    ) -> BoxFuture<'_, Result<Vec<Published>, PublishError>>;

    /// Subscribes a group to a topic; says whether it is new.
    ///
    /// - A new group begins at the oldest message that is kept.
    /// - Subscribing again changes nothing, and after unsubscribing goes on where the group was.
    /// - Another order than the group has is refused with [`SubscribeError::OtherOptions`].
    /// - What becomes of keys with dead letters is as was said last, and for all dead letters that the group has.
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
    /// - Attempts and delays survive the reopening of a durable queue.
    /// - A lease lasts on when the queue is reopened, where something else than the process has the queue; where
    ///   the process itself has it, its leases end with it, as if their time were over: the attempts count.
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

    /// How much is not finished in a topic, or in the whole queue; [`Unfinished`] says what counts as what.
    ///
    /// - It is never too low: what was published before the call, and isn't finished, is counted.
    /// - It may be too high for a moment: what was finished just before the call may still be counted.
    ///   Once nothing has changed for a second, it is exact.
    /// - A topic that isn't there has nothing.
    /// - It costs about as much as a receive, however many messages there are: who waits asks it again and
    ///   again.
    fn unfinished(&self, topic: Option<TopicName>) -> BoxFuture<'_, Result<Unfinished, StorageError>>;

    /// The messages that a group of a topic has given up, in the order in which they died: those after one of
    /// them, or from the first, at most so many, and none only when there are none.
    ///
    /// - Both are there: what a consumer rejected, and what the queue gave up when the last lease ran out.
    /// - Who goes on after the last one that was handed out misses none, also while others die.
    /// - The one to go on after need not be there any more.
    /// - A message that was replayed and is given up again is there again, as another dead letter.
    /// - A topic or a group that isn't there has none.
    fn given_up(
        &self,
        topic: TopicName,
        group: GroupName,
        after: Option<DeadLetterId>,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StorageError>>;

    /// What operators see and order, where the backend has it.
    ///
    /// Where it has, it is of the same queue; [`operate`](crate::MessageQueueExt::operate) makes an error of
    /// where it hasn't.
    fn operating(&self) -> Option<&dyn OperateQueue>;
}
