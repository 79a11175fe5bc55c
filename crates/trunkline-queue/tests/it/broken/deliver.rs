//! Faults of delivery, of counting and of what was given up.

use std::mem::take;
use std::time::Duration;

use trunkline_queue::limits::DELAY_MAX;
use trunkline_queue::{
    Clock, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLettersRead, Delivery, Due, GroupName,
    GroupOptions, Lease, LeaseToken, MessageId, MessageQueue, NewMessage, OnDead, OperateError, OperateQueue,
    PublishError, Published, Receive, ReceiveError, SettleError, StorageError, SubscribeError, TopicName,
    Unfinished,
};

use super::fault::Fault;
use super::queue::Broken;

const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

/// What a large message has at least.
const LARGE: usize = 100_000;

impl Broken {
    pub(super) async fn broken_publish(
        &self,
        topic: TopicName,
        mut messages: Vec<NewMessage>,
    ) -> Result<Vec<Published>, PublishError> {
        self.spoil(&mut messages);
        let large = messages.iter().find(|message| message.payload.len() > LARGE);
        match (self.fault, large) {
            (Fault::AcknowledgesWithoutStoring, _) => {
                self.noted().calls += 1;
                if self.noted().calls.is_multiple_of(3) {
                    return Ok(vec![Published::Stored; messages.len()]);
                }
            }
            (Fault::KnowsIdsOfAllTopics, _) => {
                let ids: Vec<MessageId> = messages.iter().map(|message| message.id.clone()).collect();
                let mut noted = self.noted();
                if ids.iter().all(|id| noted.ids.contains(id)) {
                    return Ok(vec![Published::AlreadyThere; ids.len()]);
                }
                noted.ids.extend(ids);
            }
            (Fault::RefusesLargeMessages, Some(large)) => {
                let (id, size) = (large.id.clone(), large.payload.len());
                return Err(PublishError::TooLarge { id, what: "payload", size, size_max: LARGE });
            }
            _ => {}
        }
        let published = self.queue.publish(topic.clone(), messages.clone()).await;
        match (self.fault, published) {
            (Fault::AnswersOutOfOrder | Fault::PublishesBackward, Ok(mut published)) => {
                published.reverse();
                Ok(published)
            }
            (Fault::ForgetsIds, Ok(published)) => {
                let there = published.iter().zip(messages);
                let there = there.filter(|(one, _)| **one == Published::AlreadyThere);
                let anew = there.map(|(_, message)| NewMessage { id: MessageId::generate(), ..message });
                self.queue.publish(topic, anew.collect()).await?;
                Ok(vec![Published::Stored; published.len()])
            }
            (Fault::StoresWhatIsSound, Err(error)) => {
                for message in messages {
                    // What is wrong is refused again.
                    drop(self.queue.publish(topic.clone(), vec![message]).await);
                }
                Err(error)
            }
            (_, published) => {
                let stored = published.iter().flatten().filter(|one| **one == Published::Stored).count();
                self.noted().published += stored as u64;
                published
            }
        }
    }

    /// Makes other messages of them.
    fn spoil(&self, messages: &mut [NewMessage]) {
        match self.fault {
            Fault::PublishesBackward => messages.reverse(),
            Fault::HoldsBehindSagas => messages.iter_mut().for_each(|message| message.system_headers.clear()),
            Fault::DropsHeaders => messages.iter_mut().for_each(|message| message.headers.clear()),
            Fault::IgnoresDelays => messages.iter_mut().for_each(|message| message.due = Due::Now),
            Fault::HalvesDelays => {
                for message in messages {
                    if let Due::After(delay) = &mut message.due {
                        *delay /= 2;
                    }
                }
            }
            Fault::CutsDelaysToAYear | Fault::CutsDelaysInsteadOfRefusing => {
                for message in messages {
                    if let Due::After(delay) = &mut message.due {
                        let longest = if self.has(Fault::CutsDelaysToAYear) { YEAR } else { DELAY_MAX };
                        *delay = (*delay).min(longest);
                    }
                }
            }
            Fault::DelaysThePast => {
                for message in messages {
                    if matches!(message.due, Due::At(time) if time < self.clock.now()) {
                        message.due = Due::After(Duration::from_secs(1));
                    }
                }
            }
            _ => {}
        }
    }

    /// The group that is meant, where all are one.
    fn group(&self, group: GroupName) -> GroupName {
        if self.has(Fault::SharesAmongGroups) { "all".parse().unwrap() } else { group }
    }

    pub(super) async fn broken_subscribe(
        &self,
        topic: TopicName,
        group: GroupName,
        mut options: GroupOptions,
    ) -> Result<bool, SubscribeError> {
        let group = self.group(group);
        if matches!(self.fault, Fault::IgnoresOrder | Fault::ReversesDeliveries) {
            options.ordered = None;
        }
        match self.fault {
            Fault::PassesDeadLettersBy => options.on_dead = OnDead::Pass,
            Fault::HoldsAlways => options.on_dead = OnDead::Hold,
            Fault::FixesWhetherDeadLettersHold => {
                options = *self.noted().options.entry(group.clone()).or_insert(options);
            }
            _ => {}
        }
        let subscribed = self.queue.subscribe(topic.clone(), group.clone(), options).await;
        match (self.fault, subscribed) {
            (Fault::BeginsAtTheEnd, Ok(true)) => {
                self.queue.purge(topic, Some(group)).await.unwrap();
                Ok(true)
            }
            (Fault::SaysAlwaysNew, Ok(_)) => Ok(true),
            (Fault::TakesAnyOptions, Err(SubscribeError::OtherOptions { .. })) => Ok(false),
            (_, subscribed) => subscribed,
        }
    }

    pub(super) async fn broken_unsubscribe(
        &self,
        topic: TopicName,
        group: GroupName,
    ) -> Result<(), OperateError> {
        let group = self.group(group);
        self.queue.unsubscribe(topic.clone(), group.clone()).await?;
        if self.has(Fault::ForgetsOnUnsubscribe) {
            self.queue.purge(topic, Some(group)).await?;
        }
        Ok(())
    }

    pub(super) async fn broken_receive(&self, mut receive: Receive) -> Result<Vec<Delivery>, ReceiveError> {
        receive.group = self.group(receive.group);
        match self.fault {
            Fault::HandsOutMore => receive.max *= 2,
            Fault::ReversesDeliveries => receive.max = 100,
            Fault::WaitsNotAtAll => receive.wait = false,
            Fault::HalvesLeases => receive.visibility /= 2,
            Fault::ForgetsAttempts => receive.max_attempts = u32::MAX,
            Fault::HandsOutToTwo => {
                let again = take(&mut self.noted().handed);
                if !again.is_empty() {
                    return Ok(again);
                }
            }
            Fault::SleepsThroughMessages | Fault::WaitsForEver => {
                let sleeps = receive.wait == self.has(Fault::SleepsThroughMessages);
                let deliveries = self.queue.receive(receive.clone().now()).await?;
                if !deliveries.is_empty() {
                    return Ok(deliveries);
                }
                if sleeps {
                    std::future::pending::<()>().await;
                }
            }
            _ => {}
        }
        let wait = Wait { broken: self, is_over: !receive.wait };
        let received = self.queue.receive(receive).await;
        wait.end();
        let mut deliveries = match (self.fault, received) {
            (Fault::HidesMissingSubscriptions, Err(_)) => Vec::new(),
            (_, received) => received?,
        };
        for delivery in &mut deliveries {
            self.spoil_delivery(delivery);
        }
        match self.fault {
            Fault::ReversesDeliveries => deliveries.reverse(),
            Fault::HandsOutToTwo => self.noted().handed.clone_from(&deliveries),
            Fault::LosesWhatNobodyWaitsFor => {
                let lost = take(&mut self.noted().given_up_waits).min(deliveries.len());
                for delivery in deliveries.drain(..lost) {
                    self.queue.ack(&delivery.lease).await.unwrap();
                }
            }
            _ => {}
        }
        Ok(deliveries)
    }

    fn spoil_delivery(&self, delivery: &mut Delivery) {
        let lease = delivery.lease.clone();
        self.noted().leases.insert((lease.group.clone(), lease.place), lease);
        match self.fault {
            Fault::RepeatsTokens => delivery.lease.token = LeaseToken(7),
            Fault::ForgetsAttempts => delivery.attempt = 1,
            Fault::ForgetsErrors => delivery.last_error = None,
            Fault::CountsAttemptsOn => delivery.attempt += u32::from(delivery.decision.is_some()),
            Fault::ForgetsDecisions => delivery.decision = None,
            Fault::ForgetsWhoseItWas => delivery.former.clear(),
            _ => {}
        }
    }

    /// The lease that this one is taken for.
    pub(super) fn meant(&self, lease: &Lease) -> Lease {
        match self.fault {
            Fault::RepeatsTokens | Fault::AcknowledgesStaleLeases => {
                self.noted().leases[&(lease.group.clone(), lease.place)].clone()
            }
            _ => lease.clone(),
        }
    }

    /// What is said of a message that is settled with a lease.
    pub(super) async fn settled<T>(
        &self,
        lease: Lease,
        good: T,
        settle: impl Future<Output = Result<T, SettleError>>,
    ) -> Result<T, SettleError> {
        if self.has(Fault::LosesLateLeases) && lease.until < self.clock.now() {
            return Err(SettleError::Lost { topic: lease.topic, group: lease.group });
        }
        match settle.await {
            Err(SettleError::Lost { .. }) if self.has(Fault::SettlesTwice) => Ok(good),
            settled => settled,
        }
    }

    pub(super) async fn broken_count(&self, topic: Option<TopicName>) -> Result<Unfinished, StorageError> {
        let of = if self.has(Fault::CountsEverything) { None } else { topic.clone() };
        let mut count = self.queue.unfinished(of).await?;
        match self.fault {
            Fault::CountsTooLow => {
                count.kept = count.kept.saturating_sub(1);
                count.longest = count.longest.saturating_sub(1);
            }
            Fault::CountsLate => {
                count = self.noted().counts.insert(topic, count).unwrap_or_default();
            }
            Fault::CountsForAllGroups => {
                let topics = self.queue.stats().await.unwrap().topics;
                let topics = topics.iter().filter(|one| topic.as_ref().is_none_or(|only| *only == one.topic));
                let groups: Vec<_> = topics.flat_map(|topic| &topic.groups).collect();
                count.due = groups.iter().map(|group| group.waiting + group.leased).sum();
                count.delayed = groups.iter().map(|group| group.delayed).sum();
            }
            Fault::CountsDelayedAsDue => {
                count.due += take(&mut count.delayed);
            }
            Fault::CountsOnAndOn => count.kept = self.noted().published,
            _ => {}
        }
        Ok(count)
    }

    pub(super) async fn broken_given_up(
        &self,
        topic: TopicName,
        group: GroupName,
        after: Option<DeadLetterId>,
        max: usize,
    ) -> Result<Vec<DeadLetter>, StorageError> {
        if self.has(Fault::GivesUpForAllGroups) {
            let filter = DeadLetterFilter { topic: Some(topic), ..DeadLetterFilter::default() };
            return Ok(self.queue.dead_letters(DeadLettersRead { filter, after, max }).await.unwrap());
        }
        if let (Fault::NeedsTheOneBefore, Some(after)) = (self.fault, &after)
            && self.queue.dead_letter(after.clone()).await.is_err()
        {
            return Ok(Vec::new());
        }
        let mut letters = self.queue.given_up(topic, self.group(group), after, max).await?;
        match self.fault {
            Fault::GivesUpBackward => letters.reverse(),
            Fault::GivesUpWhatWasRejectedOnly => {
                letters.retain(|letter| !letter.error().contains("before its lease ended"));
            }
            Fault::SkipsGivenUp if letters.len() > 1 => {
                letters.remove(0);
            }
            Fault::ForgetsTries => letters.iter_mut().for_each(|letter| letter.tries.truncate(1)),
            _ => {}
        }
        Ok(letters)
    }
}

/// A wait, which is noted when it is given up.
struct Wait<'a> {
    broken: &'a Broken,
    is_over: bool,
}

impl Wait<'_> {
    fn end(mut self) {
        self.is_over = true;
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.broken.noted().given_up_waits += 1;
        }
    }
}
