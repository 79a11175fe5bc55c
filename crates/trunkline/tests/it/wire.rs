//! A queue whose publishing fails when told to, and which looks whether what is published was recorded before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use trunkline::queue::{
    DeadLetter, DeadLetterId, Delivery, GroupName, GroupOptions, Lease, MemoryQueue, MessageQueue,
    NewMessage, OperateError, OperateQueue, PublishError, Published, Receive, ReceiveError, SettleError,
    StorageError, SubscribeError, TopicName, Unfinished,
};
use trunkline::{EventId, EventStore, EventStoreExt as _, RecordedEvent, StreamName, Timestamp};

const WORKS: u8 = 0;
const REFUSES: u8 = 1;
const LOSES_ANSWERS: u8 = 2;

/// The way to a queue.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    queue: MemoryQueue,
    store: Arc<dyn EventStore>,
    state: Arc<AtomicU8>,
    failed: Arc<AtomicU64>,
    counted: Arc<AtomicU64>,
}

impl Wire {
    pub(crate) fn new(queue: &MemoryQueue, store: &Arc<dyn EventStore>) -> Self {
        let (queue, store) = (queue.clone(), Arc::clone(store));
        Self { queue, store, state: Arc::default(), failed: Arc::default(), counted: Arc::default() }
    }

    pub(crate) fn works(&self) {
        self.state.store(WORKS, Ordering::SeqCst);
    }

    /// Nothing is published.
    pub(crate) fn refuses(&self) {
        self.state.store(REFUSES, Ordering::SeqCst);
    }

    /// What is published is stored, and nobody learns of it.
    pub(crate) fn loses_answers(&self) {
        self.state.store(LOSES_ANSWERS, Ordering::SeqCst);
    }

    /// How often publishing has failed.
    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Ordering::SeqCst)
    }

    /// How often it was asked what is not finished.
    pub(crate) fn counted(&self) -> u64 {
        self.counted.load(Ordering::SeqCst)
    }

    /// Every message stands for a transition that is in the log already.
    async fn look(&self, message: &NewMessage) {
        let header = |name: &str| message.system_headers[name].clone();
        let stream = StreamName::system(&format!("$saga.{}", header("$saga"))).unwrap();
        let sent: EventId = header("$saga_message").parse().unwrap();
        let events = self.store.stream_events(&stream).await.unwrap();
        let recorded = events.iter().find(|event| event.event_id() == sent);
        assert_eq!(recorded.map(RecordedEvent::event_type), Some("$SagaSent"), "{sent} of {stream}");
    }
}

impl MessageQueue for Wire {
    fn publish(
        &self,
        topic: TopicName,
        messages: Vec<NewMessage>,
    ) -> BoxFuture<'_, Result<Vec<Published>, PublishError>> {
        async move {
            for message in &messages {
                self.look(message).await;
            }
            let state = self.state.load(Ordering::SeqCst);
            let published = match state {
                REFUSES => Ok(Vec::new()),
                _ => self.queue.publish(topic, messages).await,
            };
            if state == WORKS {
                return published;
            }
            self.failed.fetch_add(1, Ordering::SeqCst);
            let reason = "the cable is out".to_owned();
            published.and(Err(StorageError::NotStored { reason }.into()))
        }
        .boxed()
    }

    fn subscribe(
        &self,
        topic: TopicName,
        group: GroupName,
        options: GroupOptions,
    ) -> BoxFuture<'_, Result<bool, SubscribeError>> {
        self.queue.subscribe(topic, group, options)
    }

    fn unsubscribe(&self, topic: TopicName, group: GroupName) -> BoxFuture<'_, Result<(), OperateError>> {
        self.queue.unsubscribe(topic, group)
    }

    fn receive(&self, receive: Receive) -> BoxFuture<'_, Result<Vec<Delivery>, ReceiveError>> {
        self.queue.receive(receive)
    }

    fn ack(&self, lease: &Lease) -> BoxFuture<'_, Result<(), SettleError>> {
        self.queue.ack(lease)
    }

    fn extend(&self, lease: &Lease, visibility: Duration) -> BoxFuture<'_, Result<Timestamp, SettleError>> {
        self.queue.extend(lease, visibility)
    }

    fn retry(&self, lease: &Lease, delay: Duration, error: String) -> BoxFuture<'_, Result<(), SettleError>> {
        self.queue.retry(lease, delay, error)
    }

    fn reject(&self, lease: &Lease, error: String) -> BoxFuture<'_, Result<(), SettleError>> {
        self.queue.reject(lease, error)
    }

    fn unfinished(&self, topic: Option<TopicName>) -> BoxFuture<'_, Result<Unfinished, StorageError>> {
        self.counted.fetch_add(1, Ordering::SeqCst);
        self.queue.unfinished(topic)
    }

    fn given_up(
        &self,
        topic: TopicName,
        group: GroupName,
        after: Option<DeadLetterId>,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StorageError>> {
        self.queue.given_up(topic, group, after, max)
    }

    // Nothing that an application does rests on more than delivery.
    fn operating(&self) -> Option<&dyn OperateQueue> {
        None
    }
}
