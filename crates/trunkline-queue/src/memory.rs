//! The memory backend: the reference that the others are compared with, and a queue for tests.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use trunkline_core::Timestamp;

use crate::check::{IdHasher, bytes, check, keep, key_hash};
use crate::engine::{
    Addressed, Bell, Body, DeadLook, Engine, Entry, Keep, Look, Picked, Received, Settlement,
};
use crate::{
    Adopted, Adoption, Clock, DeadLetter, DeadLetterDecision, DeadLetterId, DeadLettersRead, DecisionKind,
    DecisionRecord, Delivery, GroupName, GroupOptions, Lease, Message, MessageId, MessageQueue, NewMessage,
    OperateError, OperateQueue, Peek, Peeked, PublishError, Published, QueueStats, Receive, ReceiveError,
    SettleError, StorageError, SubscribeError, SystemClock, TopicName, Unfinished,
};

/// A queue that lasts as long as its handles; clones are the same queue.
///
/// ```
/// use trunkline_queue::{GroupOptions, MemoryQueue, MessageQueue, NewMessage, Receive};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let queue = MemoryQueue::new();
/// queue.subscribe("orders".parse()?, "mail".parse()?, GroupOptions::default()).await?;
/// queue.publish("orders".parse()?, vec![NewMessage::new("Ping", r#"{"n":1}"#)]).await?;
/// let deliveries = queue.receive(Receive::new("orders".parse()?, "mail".parse()?)).await?;
/// assert_eq!(deliveries[0].message.message_type, "Ping");
/// queue.ack(&deliveries[0].lease).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryQueue {
    clock: Arc<dyn Clock>,
    hasher: IdHasher,
    /// Held for the length of one operation, which does no I/O and doesn't wait.
    engine: Arc<Mutex<Engine<Arc<Message>>>>,
}

impl Default for MemoryQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryQueue {
    /// An empty queue by the system's clock.
    pub fn new() -> Self {
        Self::with(Keep::default(), Arc::new(SystemClock))
    }

    /// An empty queue that keeps things for so long, by that clock.
    pub fn with(keep: Keep, clock: Arc<dyn Clock>) -> Self {
        let engine = Engine::new(keep, uuid::Uuid::new_v4().as_u64_pair().0);
        Self { clock, hasher: IdHasher::new(), engine: Arc::new(Mutex::new(engine)) }
    }

    fn engine(&self) -> MutexGuard<'_, Engine<Arc<Message>>> {
        self.engine.lock().expect("no code panics while it holds this lock")
    }

    /// Does one operation at one time, after what time itself has done.
    fn run<T>(&self, operation: impl FnOnce(&mut Engine<Arc<Message>>, Timestamp) -> T) -> T {
        let now = self.clock.now();
        let mut engine = self.engine();
        engine.tidy(now, &mut Vec::new());
        let answer = operation(&mut engine, now);
        engine.tidy(now, &mut Vec::new());
        engine.freed.clear();
        answer
    }

    fn publish_now(
        &self,
        topic: &TopicName,
        messages: Vec<NewMessage>,
    ) -> Result<Vec<Published>, PublishError> {
        check(&messages)?;
        Ok(self.run(|engine, now| {
            let number = engine.open_topic(topic, &mut Vec::new());
            let store = |new: NewMessage| self.store(engine, number, keep(topic, new, now), None);
            messages.into_iter().map(store).collect()
        }))
    }

    fn store(
        &self,
        engine: &mut Engine<Arc<Message>>,
        number: u32,
        message: Message,
        to: Option<Addressed>,
    ) -> Published {
        let id = self.hasher.hash(&message.id);
        let Some(topic) = engine.topic(number) else { return Published::AlreadyThere };
        if topic.knows(id) {
            return Published::AlreadyThere;
        }
        let due = message.not_before.map(Timestamp::as_micros);
        let (key, enqueued_at) = (key_hash(&message), message.enqueued_at.as_micros());
        let direct = due.is_some() || to.is_some();
        let entry = Entry::new(Arc::new(message), id, key, enqueued_at, direct);
        let place = topic.next;
        engine.publish(number, place, entry, due, to);
        Published::Stored
    }

    fn receive_now(&self, receive: &Receive) -> Result<(Vec<Delivery>, Arc<Bell>), ReceiveError> {
        let Received { picked, bell } =
            self.run(|engine, now| engine.receive(now, receive, &may_hold, &mut Vec::new()))?;
        let deliver = |picked: Picked<Arc<Message>>| Delivery {
            message: of_topic(&picked.lease.topic, &picked.body),
            attempt: picked.attempt,
            last_error: picked.last_error,
            decision: picked.decision,
            former: picked.former,
            lease: picked.lease,
        };
        Ok((picked.into_iter().map(deliver).collect(), bell))
    }

    async fn receive_waiting(&self, receive: Receive) -> Result<Vec<Delivery>, ReceiveError> {
        let (mut deliveries, bell) = self.receive_now(&receive)?;
        while receive.wait && deliveries.is_empty() {
            let ring = bell.ring(&*self.clock);
            (deliveries, _) = self.receive_now(&receive)?;
            if deliveries.is_empty() {
                ring.wait().await;
            }
        }
        Ok(deliveries)
    }

    fn settle(&self, lease: &Lease, settlement: Settlement) -> Result<Timestamp, SettleError> {
        self.run(|engine, now| engine.settle(now, lease, settlement, &may_hold, &mut Vec::new()))
    }

    fn decide_now(
        &self,
        id: &DeadLetterId,
        decision: DeadLetterDecision,
        by: String,
    ) -> Result<DecisionRecord, OperateError> {
        self.run(|engine, now| {
            let old = engine.dead_one(id)?;
            let old = of_topic(&old.topic, &old.body);
            let (kind, new) = match decision {
                DeadLetterDecision::Replay => (DecisionKind::Replay, None),
                DeadLetterDecision::Discard => (DecisionKind::Discard, None),
                DeadLetterDecision::Edit(new) => {
                    check(std::slice::from_ref(&*new)).map_err(OperateError::Message)?;
                    let number = engine.topic_number(&old.topic);
                    let topic = number.and_then(|number| engine.topic(number));
                    if topic.is_some_and(|topic| topic.knows(self.hasher.hash(&new.id))) {
                        return Err(OperateError::IdTaken { topic: old.topic.clone(), id: new.id });
                    }
                    let new = Message { edited_from: Some(old.id.clone()), ..keep(&old.topic, *new, now) };
                    (DecisionKind::Edit, Some(new))
                }
            };
            let new_id = new.as_ref().map(|new| new.id.clone());
            let changes = &mut Vec::new();
            let (topic, group, action) = engine.decide(now, id, kind, by, old.id.clone(), new_id, changes)?;
            if let Some(new) = new {
                self.store(engine, topic, new, Some(Addressed { group, action }));
            }
            let recorded = engine.decisions_after(action - 1, 1).pop();
            recorded.ok_or_else(|| OperateError::NoDeadLetter { id: id.clone() })
        })
    }
}

fn may_hold(_: &TopicName, body: &Arc<Message>) -> bool {
    body.may_hold()
}

impl Body for Arc<Message> {
    fn bytes(&self) -> u32 {
        bytes(self)
    }
}

/// A message as it is in its topic, whose name may be another by now than when it was published.
fn of_topic(topic: &TopicName, message: &Message) -> Message {
    Message { topic: topic.clone(), ..message.clone() }
}

fn letter(look: DeadLook<Arc<Message>>) -> DeadLetter {
    DeadLetter {
        id: look.id,
        group: look.group,
        message: of_topic(&look.topic, &look.body),
        damaged: None,
        attempts: look.attempts,
        tries: look.tries,
        died_at: look.died_at,
        decision: look.decision,
        former: look.former,
    }
}

/// Everything is answered at once but a receive that waits.
fn at_once<'a, T: Send + 'a>(answer: T) -> BoxFuture<'a, T> {
    ready(answer).boxed()
}

impl MessageQueue for MemoryQueue {
    fn publish(
        &self,
        topic: TopicName,
        messages: Vec<NewMessage>,
    ) -> BoxFuture<'_, Result<Vec<Published>, PublishError>> {
        at_once(self.publish_now(&topic, messages))
    }

    fn subscribe(
        &self,
        topic: TopicName,
        group: GroupName,
        options: GroupOptions,
    ) -> BoxFuture<'_, Result<bool, SubscribeError>> {
        at_once(self.run(|engine, _| engine.subscribe(&topic, &group, options, &may_hold, &mut Vec::new())))
    }

    fn unsubscribe(&self, topic: TopicName, group: GroupName) -> BoxFuture<'_, Result<(), OperateError>> {
        at_once(self.run(|engine, _| engine.unsubscribe(&topic, &group, &mut Vec::new())))
    }

    fn receive(&self, receive: Receive) -> BoxFuture<'_, Result<Vec<Delivery>, ReceiveError>> {
        self.receive_waiting(receive).boxed()
    }

    fn ack(&self, lease: &Lease) -> BoxFuture<'_, Result<(), SettleError>> {
        at_once(self.settle(lease, Settlement::Ack).map(drop))
    }

    fn extend(&self, lease: &Lease, visibility: Duration) -> BoxFuture<'_, Result<Timestamp, SettleError>> {
        at_once(self.settle(lease, Settlement::Extend(visibility)))
    }

    fn retry(&self, lease: &Lease, delay: Duration, error: String) -> BoxFuture<'_, Result<(), SettleError>> {
        at_once(self.settle(lease, Settlement::Retry(delay, error)).map(drop))
    }

    fn reject(&self, lease: &Lease, error: String) -> BoxFuture<'_, Result<(), SettleError>> {
        at_once(self.settle(lease, Settlement::Reject(error)).map(drop))
    }

    fn unfinished(&self, topic: Option<TopicName>) -> BoxFuture<'_, Result<Unfinished, StorageError>> {
        at_once(Ok(self.run(|engine, now| engine.unfinished(now, topic.as_ref()))))
    }

    fn given_up(
        &self,
        topic: TopicName,
        group: GroupName,
        after: Option<DeadLetterId>,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StorageError>> {
        let letters = |engine: &mut Engine<_>, _| {
            engine.given_up(&topic, &group, after.as_ref()).take(max).map(letter).collect()
        };
        at_once(Ok(self.run(letters)))
    }

    fn operating(&self) -> Option<&dyn OperateQueue> {
        Some(self)
    }
}

impl OperateQueue for MemoryQueue {
    fn stats(&self) -> BoxFuture<'_, Result<QueueStats, OperateError>> {
        let stats =
            |engine: &mut Engine<_>, at| QueueStats { at, stored_bytes: 0, topics: engine.topic_stats(at) };
        at_once(Ok(self.run(stats)))
    }

    fn peek(&self, peek: Peek) -> BoxFuture<'_, Result<Vec<Peeked>, OperateError>> {
        let looks = self.run(|engine, now| engine.peek(now, &peek));
        let topic = peek.topic;
        let peeked = |look: Look<Arc<Message>>| Peeked {
            place: look.place,
            message: of_topic(&topic, &look.body),
            damaged: None,
            states: look.states,
        };
        at_once(looks.map(|looks| looks.into_iter().map(peeked).collect()))
    }

    fn retry_now(
        &self,
        topic: TopicName,
        group: GroupName,
        id: Option<MessageId>,
    ) -> BoxFuture<'_, Result<u64, OperateError>> {
        at_once(self.run(|engine, now| {
            let hash = id.as_ref().map(|id| self.hasher.hash(id));
            engine.retry_now(now, &topic, &group, id.as_ref().zip(hash), &mut Vec::new())
        }))
    }

    fn purge(&self, topic: TopicName, group: Option<GroupName>) -> BoxFuture<'_, Result<u64, OperateError>> {
        at_once(self.run(|engine, now| engine.purge(now, &topic, group.as_ref(), &mut Vec::new())))
    }

    fn adopt(&self, adoption: Adoption) -> BoxFuture<'_, Result<Adopted, OperateError>> {
        at_once(self.run(|engine, now| engine.adopt(now, adoption, &mut Vec::new())))
    }

    fn rename_topic(&self, from: TopicName, to: TopicName) -> BoxFuture<'_, Result<(), OperateError>> {
        at_once(self.run(|engine, _| engine.rename_topic(from, to, &mut Vec::new())))
    }

    fn dead_letters(&self, read: DeadLettersRead) -> BoxFuture<'_, Result<Vec<DeadLetter>, OperateError>> {
        let letters = self.run(|engine, _| {
            let letters = engine.dead_after(read.after.as_ref()).map(letter);
            letters.filter(|letter| read.filter.matches(letter)).take(read.max).collect()
        });
        at_once(Ok(letters))
    }

    fn dead_letter(&self, id: DeadLetterId) -> BoxFuture<'_, Result<DeadLetter, OperateError>> {
        at_once(self.run(|engine, _| engine.dead_one(&id)).map(letter))
    }

    fn decide(
        &self,
        id: DeadLetterId,
        decision: DeadLetterDecision,
        by: String,
    ) -> BoxFuture<'_, Result<DecisionRecord, OperateError>> {
        at_once(self.decide_now(&id, decision, by))
    }

    fn decisions(&self, after: u64, max: usize) -> BoxFuture<'_, Result<Vec<DecisionRecord>, OperateError>> {
        at_once(Ok(self.run(|engine, _| engine.decisions_after(after, max))))
    }
}
