//! A memory queue in a wrapper that has a fault.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use trunkline_core::Timestamp;
use trunkline_queue::conformance::Fixture;
use trunkline_queue::{
    Adopted, Adoption, DeadLetter, DeadLetterDecision, DeadLetterFilter, DeadLetterId, DeadLettersRead,
    DecisionRecord, Delivery, GroupName, GroupOptions, Keep, Lease, ManualClock, MemoryQueue, MessageId,
    MessageQueue, NewMessage, OperateError, OperateQueue, Peek, Peeked, PublishError, Published, QueueStats,
    Receive, ReceiveError, SettleError, StorageError, SubscribeError, TopicName, Unfinished,
};

use super::fault::Fault;

/// A memory queue with a fault.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) queue: MemoryQueue,
    pub(super) clock: ManualClock,
    pub(super) fault: Fault,
    noted: Mutex<Noted>,
}

/// What some faults remember.
#[derive(Debug, Default)]
pub(super) struct Noted {
    /// How many calls there were.
    pub(super) calls: u64,
    /// How many messages were published.
    pub(super) published: u64,
    pub(super) ids: BTreeSet<MessageId>,
    /// What was handed out last.
    pub(super) handed: Vec<Delivery>,
    /// How many waits were given up.
    pub(super) given_up_waits: usize,
    /// The last lease of each group and place.
    pub(super) leases: BTreeMap<(GroupName, u64), Lease>,
    /// The last count of each topic.
    pub(super) counts: BTreeMap<Option<TopicName>, Unfinished>,
    pub(super) decided: BTreeMap<DeadLetterId, DecisionRecord>,
    /// The options that each group had first.
    pub(super) options: BTreeMap<GroupName, GroupOptions>,
}

/// Little enough that the suite reaches it.
fn keep() -> Keep {
    Keep { unread_bytes: 256 << 10, ..Keep::default() }
}

/// A fixture with a fault.
pub(super) fn broken(fault: Fault) -> Fixture {
    let clock = ManualClock::default();
    let kept = match fault {
        Fault::KeepsEverything => Keep { unread_bytes: u64::MAX, unread_age: Duration::MAX, ..keep() },
        Fault::KeepsDeadLettersForEver => Keep { dead_letter_age: Duration::MAX, ..keep() },
        _ => keep(),
    };
    let queue = MemoryQueue::with(kept, Arc::new(clock.clone()));
    let broken = Broken { queue, clock: clock.clone(), fault, noted: Mutex::default() };
    let fixture = Fixture::durable(broken, |old| async move { old.reopened() });
    let fixture = fixture.with_clock(clock).with_keep(keep());
    // The queue in it is never closed.
    if fault == Fault::KeepsLeasesOfProcessesThatAreGone { fixture } else { fixture.keeping_leases() }
}

impl Broken {
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    pub(super) fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap()
    }

    fn reopened(self) -> Self {
        if self.has(Fault::LosesEverythingOnReopening) {
            let queue = MemoryQueue::with(keep(), Arc::new(self.clock.clone()));
            return Self { queue, ..self };
        }
        self
    }
}

#[deny(clippy::missing_trait_methods)]
impl MessageQueue for Broken {
    fn publish(
        &self,
        topic: TopicName,
        messages: Vec<NewMessage>,
    ) -> BoxFuture<'_, Result<Vec<Published>, PublishError>> {
        self.broken_publish(topic, messages).boxed()
    }

    fn subscribe(
        &self,
        topic: TopicName,
        group: GroupName,
        options: GroupOptions,
    ) -> BoxFuture<'_, Result<bool, SubscribeError>> {
        self.broken_subscribe(topic, group, options).boxed()
    }

    fn unsubscribe(&self, topic: TopicName, group: GroupName) -> BoxFuture<'_, Result<(), OperateError>> {
        self.broken_unsubscribe(topic, group).boxed()
    }

    fn receive(&self, receive: Receive) -> BoxFuture<'_, Result<Vec<Delivery>, ReceiveError>> {
        self.broken_receive(receive).boxed()
    }

    fn ack(&self, lease: &Lease) -> BoxFuture<'_, Result<(), SettleError>> {
        let lease = self.meant(lease);
        self.settled(lease.clone(), (), async move { self.queue.ack(&lease).await }).boxed()
    }

    fn extend(&self, lease: &Lease, visibility: Duration) -> BoxFuture<'_, Result<Timestamp, SettleError>> {
        let lease = self.meant(lease);
        let until = Timestamp::from_micros(lease.until.as_micros() + 1);
        if self.has(Fault::ExtendsNothing) {
            return async move { Ok(until) }.boxed();
        }
        self.settled(lease.clone(), until, async move { self.queue.extend(&lease, visibility).await }).boxed()
    }

    fn retry(&self, lease: &Lease, delay: Duration, error: String) -> BoxFuture<'_, Result<(), SettleError>> {
        let lease = self.meant(lease);
        let delay = if self.has(Fault::HalvesDelays) { delay / 2 } else { delay };
        self.settled(lease.clone(), (), async move { self.queue.retry(&lease, delay, error).await }).boxed()
    }

    fn reject(&self, lease: &Lease, error: String) -> BoxFuture<'_, Result<(), SettleError>> {
        let lease = self.meant(lease);
        let of = lease.clone();
        let reject = async move {
            match self.fault {
                Fault::DropsDeadLetters => self.queue.ack(&lease).await,
                Fault::HoldsWhatIsRejected => {
                    self.queue.extend(&lease, Duration::from_secs(3_600)).await.map(drop)
                }
                _ => self.queue.reject(&lease, error).await,
            }
        };
        self.settled(of, (), reject).boxed()
    }

    fn unfinished(&self, topic: Option<TopicName>) -> BoxFuture<'_, Result<Unfinished, StorageError>> {
        self.broken_count(topic).boxed()
    }

    fn given_up(
        &self,
        topic: TopicName,
        group: GroupName,
        after: Option<DeadLetterId>,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StorageError>> {
        self.broken_given_up(topic, group, after, max).boxed()
    }

    fn operating(&self) -> Option<&dyn OperateQueue> {
        Some(self)
    }
}

#[deny(clippy::missing_trait_methods)]
impl OperateQueue for Broken {
    fn stats(&self) -> BoxFuture<'_, Result<QueueStats, OperateError>> {
        self.broken_stats().boxed()
    }

    fn peek(&self, peek: Peek) -> BoxFuture<'_, Result<Vec<Peeked>, OperateError>> {
        self.broken_peek(peek).boxed()
    }

    fn retry_now(
        &self,
        topic: TopicName,
        group: GroupName,
        id: Option<MessageId>,
    ) -> BoxFuture<'_, Result<u64, OperateError>> {
        let id = if self.has(Fault::MakesAllDue) { None } else { id };
        async move { self.found(self.queue.retry_now(topic, group, id).await) }.boxed()
    }

    fn purge(&self, topic: TopicName, group: Option<GroupName>) -> BoxFuture<'_, Result<u64, OperateError>> {
        self.broken_purge(topic, group).boxed()
    }

    fn adopt(&self, adoption: Adoption) -> BoxFuture<'_, Result<Adopted, OperateError>> {
        self.broken_adopt(adoption).boxed()
    }

    fn rename_topic(&self, from: TopicName, to: TopicName) -> BoxFuture<'_, Result<(), OperateError>> {
        if self.has(Fault::RenamesNoTopic) {
            return std::future::ready(Ok(())).boxed();
        }
        self.queue.rename_topic(from, to)
    }

    fn dead_letters(&self, read: DeadLettersRead) -> BoxFuture<'_, Result<Vec<DeadLetter>, OperateError>> {
        let read = match self.fault {
            Fault::IgnoresFilters => DeadLettersRead { filter: DeadLetterFilter::default(), ..read },
            _ => read,
        };
        self.queue.dead_letters(read)
    }

    fn dead_letter(&self, id: DeadLetterId) -> BoxFuture<'_, Result<DeadLetter, OperateError>> {
        self.queue.dead_letter(id)
    }

    fn decide(
        &self,
        id: DeadLetterId,
        decision: DeadLetterDecision,
        by: String,
    ) -> BoxFuture<'_, Result<DecisionRecord, OperateError>> {
        self.broken_decide(id, decision, by).boxed()
    }

    fn decisions(&self, after: u64, max: usize) -> BoxFuture<'_, Result<Vec<DecisionRecord>, OperateError>> {
        self.broken_decisions(after, max).boxed()
    }
}
