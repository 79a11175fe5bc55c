//! The operations: each judges, makes its change, and returns it for the journal.

use std::sync::Arc;
use std::time::Duration;

use trunkline_core::Timestamp;

use super::adopt::names_at;
use super::{At, Bell, Body, Change, Engine, IdHash, Touched};
use crate::clock::{later, since};
use crate::limits::{ERROR_BYTES_MAX, PARTITIONS_MAX, RECEIVE_BYTES_MAX, RECEIVE_MESSAGES_MAX};
use crate::{
    DeadLetterId, DecisionKind, GroupName, GroupOptions, Lease, LeaseToken, MessageId, OnDead, OperateError,
    Receive, ReceiveError, SettleError, SubscribeError, TopicName,
};

/// How many messages that are due are made ready at a time.
const WAKE: usize = 1_000;

/// A message that was picked for a consumer.
#[derive(Debug)]
pub(crate) struct Picked<B> {
    pub(crate) body: B,
    pub(crate) attempt: u32,
    pub(crate) last_error: Option<String>,
    pub(crate) decision: Option<u64>,
    pub(crate) former: Vec<String>,
    pub(crate) lease: Lease,
}

/// What a receive came to.
#[derive(Debug)]
pub(crate) struct Received<B> {
    pub(crate) picked: Vec<Picked<B>>,
    /// What rings when there may be more.
    pub(crate) bell: Arc<Bell>,
}

/// Whether a message's dead letter may hold its key: not when a saga is told of it.
pub(crate) type Holds<'a, B> = &'a dyn Fn(&TopicName, &B) -> bool;

/// How a lease is settled.
#[derive(Debug)]
pub(crate) enum Settlement {
    Ack,
    Extend(Duration),
    Retry(Duration, String),
    Reject(String),
}

impl<B: Body> Engine<B> {
    /// The number of the topic, which appears if it was not there.
    pub(crate) fn open_topic(&mut self, name: &TopicName, changes: &mut Vec<Change>) -> u32 {
        if let Some(number) = self.topic_number(name) {
            return number;
        }
        let change = Change::Topic { name: name.clone() };
        self.apply(&change);
        changes.push(change);
        self.topics.len() as u32 - 1
    }

    pub(crate) fn subscribe(
        &mut self,
        topic: &TopicName,
        name: &GroupName,
        options: GroupOptions,
        holds: Holds<'_, B>,
        changes: &mut Vec<Change>,
    ) -> Result<bool, SubscribeError> {
        let GroupOptions { ordered, on_dead } = options;
        if ordered.is_some_and(|partitions| partitions == 0 || partitions > PARTITIONS_MAX) {
            let reason = format!("an ordered group has 1 to {PARTITIONS_MAX} partitions");
            return Err(SubscribeError::Invalid { reason });
        }
        let number = self.open_topic(topic, changes);
        let found = &self.topics[number as usize];
        let known = found.names.get(name).and_then(|group| found.group(*group));
        let new = known.is_none();
        if let Some(group) = known.filter(|group| group.ordered() != ordered) {
            return Err(SubscribeError::OtherOptions {
                topic: topic.clone(),
                group: name.clone(),
                found: describe(group.ordered()),
                wanted: describe(ordered),
            });
        }
        if known.is_none_or(|group| !group.subscribed) {
            self.make(Change::Subscribe { topic: number, name: name.clone(), ordered }, changes);
        }
        if ordered.is_some() {
            self.on_dead(number, name, on_dead, holds, changes);
        }
        Ok(new)
    }

    /// Has the dead letters of an ordered group hold, or not, from now on.
    fn on_dead(
        &mut self,
        topic: u32,
        name: &GroupName,
        on_dead: OnDead,
        holds: Holds<'_, B>,
        changes: &mut Vec<Change>,
    ) {
        let found = &self.topics[topic as usize];
        let Some(number) = found.names.get(name).copied() else { return };
        let Some(group) = found.group(number).filter(|group| group.on_dead != on_dead) else { return };
        let holding = (on_dead == OnDead::Hold).then(|| {
            let may_hold =
                |place| found.table.get(place).is_some_and(|entry| holds(&found.name, &entry.body));
            let dead = group.died.iter().filter(|(place, _)| may_hold(**place));
            dead.map(|(_, died)| died.number).collect()
        });
        self.make(Change::OnDead { topic, group: number, holding }, changes);
    }

    /// The change that makes a dead letter of a message.
    fn dies(
        &self,
        at: Timestamp,
        (topic, group, place): (u32, u32, u64),
        error: String,
        holds: Holds<'_, B>,
    ) -> Change {
        let found = &self.topics[topic as usize];
        let may = found.group(group).is_some_and(|group| group.on_dead == OnDead::Hold);
        let body = found.table.get(place).map(|entry| &entry.body).filter(|_| may);
        let holds = body.is_some_and(|body| holds(&found.name, body));
        Change::Dead { topic, group, place, number: self.next_dead, at, error, holds }
    }

    pub(crate) fn unsubscribe(
        &mut self,
        topic: &TopicName,
        group: &GroupName,
        changes: &mut Vec<Change>,
    ) -> Result<(), OperateError> {
        let (topic, group) = self.look_up(topic, group)?;
        self.make(Change::Unsubscribe { topic, group }, changes);
        Ok(())
    }

    pub(crate) fn receive(
        &mut self,
        now: Timestamp,
        receive: &Receive,
        holds: Holds<'_, B>,
        changes: &mut Vec<Change>,
    ) -> Result<Received<B>, ReceiveError> {
        let not_subscribed =
            || ReceiveError::NotSubscribed { topic: receive.topic.clone(), group: receive.group.clone() };
        let (topic, group) = self.look_up(&receive.topic, &receive.group).map_err(|_| not_subscribed())?;
        let found = self.topics[topic as usize].group(group).filter(|group| group.subscribed);
        let bell = Arc::clone(&found.ok_or_else(not_subscribed)?.bell);
        let until = later(now, receive.visibility);
        let mut picked = Vec::new();
        let mut bytes = 0;
        while picked.len() < receive.max.clamp(1, RECEIVE_MESSAGES_MAX) && bytes < RECEIVE_BYTES_MAX {
            self.wake_some(topic, group, now);
            let Some(place) = self.candidate(topic, group) else { break };
            if let Some(error) = self.spent(topic, group, place, receive.max_attempts) {
                self.make(self.dies(now, (topic, group, place), error, holds), changes);
                continue;
            }
            self.next_token += 1;
            let token = LeaseToken(u128::from(self.opening) << 64 | u128::from(self.next_token));
            let consumer = receive.consumer.clone();
            self.make(Change::Lease { topic, group, place, token, until, at: now, consumer }, changes);
            let found = &self.topics[topic as usize];
            let (Some(entry), Some(in_group)) = (found.table.get(place), found.group(group)) else { break };
            let Some(touched) = in_group.touched.get(&place) else { break };
            bytes += entry.body.bytes() as usize;
            picked.push(Picked {
                body: entry.body.clone(),
                attempt: touched.attempts(),
                last_error: touched.last_error().map(str::to_owned),
                decision: touched.action(),
                former: names_at(&in_group.former, place),
                lease: Lease {
                    topic: receive.topic.clone(),
                    group: receive.group.clone(),
                    place,
                    token,
                    until,
                },
            });
        }
        if let Some(group) = self.topics[topic as usize].group(group) {
            bell.next_due(group.next_due());
        }
        Ok(Received { picked, bell })
    }

    /// Makes ready some of what is due, where nothing is ready that can be handed out before it.
    ///
    /// When a million messages are due at one moment, whoever asks first doesn't wait for all of them.
    /// In an ordered group any of them may be the one to hand out.
    fn wake_some(&mut self, topic: u32, group: u32, now: Timestamp) {
        let Some(found) = self.topics[topic as usize].group(group) else { return };
        if found.ordered().is_some() {
            self.wake(topic, group, now);
        } else if !found.has_ready() {
            for _ in 0..WAKE {
                let found = self.topics[topic as usize].group(group);
                let Some(place) = found.and_then(|group| group.first_due(now.as_micros())) else { break };
                self.ready(topic, group, place);
            }
        }
    }

    /// Makes ready what is due, and what consumers have had for too long.
    pub(crate) fn wake(&mut self, topic: u32, group: u32, now: Timestamp) {
        while let Some(place) = self
            .topic(topic)
            .and_then(|topic| topic.group(group))
            .and_then(|group| group.first_due(now.as_micros()))
        {
            self.ready(topic, group, place);
        }
    }

    /// The next message to hand out.
    fn candidate(&mut self, topic: u32, group: u32) -> Option<u64> {
        let (in_order, table) = self.topics[topic as usize].with_table(group)?;
        if in_order.ordered().is_some() {
            return in_order.first_free_offer(table);
        }
        let topic = &self.topics[topic as usize];
        let group = topic.group(group)?;
        let ready = group.first_ready();
        if group.untouched == 0 {
            return ready;
        }
        let mut on = topic.table.iter_from(group.cursor).filter(|(_, entry)| !entry.is_direct());
        let untouched = on.next().map(|(place, _)| place);
        [ready, untouched].into_iter().flatten().min()
    }

    /// Why the message is not handed out again, if its last attempt ended without a word.
    fn spent(&self, topic: u32, group: u32, place: u64, max_attempts: u32) -> Option<String> {
        let touched = self.topics[topic as usize].group(group)?.touched.get(&place)?;
        let silent = touched.token().is_some() && touched.attempts() >= max_attempts.max(1);
        silent.then(|| {
            let consumer = touched.consumer();
            format!("consumer `{consumer}` neither finished nor failed before its lease ended")
        })
    }

    pub(crate) fn settle(
        &mut self,
        now: Timestamp,
        lease: &Lease,
        settlement: Settlement,
        holds: Holds<'_, B>,
        changes: &mut Vec<Change>,
    ) -> Result<Timestamp, SettleError> {
        let lost = || SettleError::Lost { topic: lease.topic.clone(), group: lease.group.clone() };
        let (topic, group) = self.look_up(&lease.topic, &lease.group).map_err(|_| lost())?;
        let place = lease.place;
        let touched = self.topics[topic as usize].group(group).and_then(|group| group.touched.get(&place));
        if touched.and_then(Touched::token) != Some(lease.token) {
            return Err(lost());
        }
        let mut until = now;
        let change = match settlement {
            Settlement::Ack => Change::Ack { topic, group, place, at: now },
            Settlement::Extend(visibility) => {
                until = later(now, visibility);
                Change::Extend { topic, group, place, until }
            }
            Settlement::Retry(delay, error) => {
                let due = later(now, delay);
                Change::Retry { topic, group, place, due, at: now, error: shorten(error) }
            }
            Settlement::Reject(error) => self.dies(now, (topic, group, place), shorten(error), holds),
        };
        self.make(change, changes);
        Ok(until)
    }

    pub(crate) fn retry_now(
        &mut self,
        now: Timestamp,
        topic: &TopicName,
        group: &GroupName,
        id: Option<(&MessageId, IdHash)>,
        changes: &mut Vec<Change>,
    ) -> Result<u64, OperateError> {
        let (topic_number, number) = self.look_up(topic, group)?;
        self.wake(topic_number, number, now);
        let in_topic = &self.topics[topic_number as usize];
        let found = in_topic.group(number);
        let place = id.and_then(|(_, hash)| in_topic.table.find(hash));
        let delayed = |place: u64| {
            let touched = found.and_then(|group| group.touched.get(&place));
            touched.is_some_and(|touched| matches!(touched.at, At::Delayed(_)))
        };
        let count = match (id, place) {
            (None, _) => found.map_or(0, |group| group.counts(now.as_micros())[1]),
            (Some(_), Some(place)) if delayed(place) => 1,
            (Some((id, _)), _) => {
                return Err(OperateError::NoMessage {
                    topic: topic.clone(),
                    group: group.clone(),
                    id: id.clone(),
                });
            }
        };
        if count > 0 {
            self.make(Change::RetryNow { topic: topic_number, group: number, place, at: now }, changes);
        }
        Ok(count)
    }

    pub(crate) fn purge(
        &mut self,
        now: Timestamp,
        topic: &TopicName,
        group: Option<&GroupName>,
        changes: &mut Vec<Change>,
    ) -> Result<u64, OperateError> {
        let Some(number) = self.topic_number(topic) else {
            return Err(OperateError::NoTopic { topic: topic.clone() });
        };
        let before = self.topics[number as usize].table.len();
        let Some(name) = group else {
            let gone: Vec<u32> = self.groups_of(number, false);
            self.make(Change::Purge { topic: number, group: None, at: now }, changes);
            for group in gone {
                self.make(Change::Forget { topic: number, group }, changes);
            }
            return Ok(before - self.topics[number as usize].table.len());
        };
        let (topic, group) = self.look_up(topic, name)?;
        self.wake(topic, group, now);
        let found = self.topics[topic as usize].group(group);
        let [waiting, delayed, leased, held] = found.map_or([0; 4], |group| group.counts(now.as_micros()));
        let count = waiting + delayed + held;
        if found.is_some_and(|group| !group.subscribed) {
            let others = leased + found.map_or(0, |group| group.died.len() as u64);
            self.make(Change::Forget { topic, group }, changes);
            return Ok(count + others);
        }
        self.make(Change::Purge { topic, group: Some(group), at: now }, changes);
        Ok(count)
    }

    fn groups_of(&self, topic: u32, subscribed: bool) -> Vec<u32> {
        let topic = &self.topics[topic as usize];
        let numbers = topic.names.values().copied();
        numbers
            .filter(|number| topic.group(*number).is_some_and(|group| group.subscribed == subscribed))
            .collect()
    }

    /// Decides about a dead letter; a message that takes its place is published by the caller, before or with
    /// this, addressed to the group that is returned, with the number of the action.
    #[expect(clippy::too_many_arguments, reason = "each is a part of the one record that it makes")]
    pub(crate) fn decide(
        &mut self,
        now: Timestamp,
        id: &DeadLetterId,
        kind: DecisionKind,
        by: String,
        message_id: MessageId,
        new_message_id: Option<MessageId>,
        changes: &mut Vec<Change>,
    ) -> Result<(u32, u32, u64), OperateError> {
        let none = || OperateError::NoDeadLetter { id: id.clone() };
        let dead: u64 = id.0.parse().map_err(|_| none())?;
        let (topic, group, _) = self.dead.get(&dead).copied().ok_or_else(none)?;
        let action = self.next_decision;
        let change = Change::Decide { action, dead, kind, at: now, by, message_id, new_message_id };
        self.make(change, changes);
        Ok((topic, group, action))
    }

    /// Drops what has been kept for long enough: messages of topics without a group, and dead letters.
    pub(crate) fn tidy(&mut self, now: Timestamp, changes: &mut Vec<Change>) {
        for number in 0..self.topics.len() as u32 {
            if let Some(before) = self.surplus(number, now) {
                self.make(Change::Trim { topic: number, before }, changes);
            }
        }
        // Not all at once, so that one commit stays small.
        for _ in 0..1_000 {
            let Some((&dead, &(topic, group, place))) = self.dead.first_key_value() else { break };
            let group = self.topics[topic as usize].group(group);
            let died = group.and_then(|group| group.died.get(&place)).map(|died| died.at);
            if died.is_some_and(|at| since(now, at) < self.keep.dead_letter_age) {
                break;
            }
            self.make(Change::Lapse { dead }, changes);
        }
    }

    /// Up to which place a topic without a group has more than it keeps.
    fn surplus(&self, number: u32, now: Timestamp) -> Option<u64> {
        let topic = &self.topics[number as usize];
        if topic.has_groups() {
            return None;
        }
        let mut bytes = topic.table.bytes();
        let mut before = None;
        for (place, entry) in topic.table.iter_from(0) {
            let old = since(now, Timestamp::from_micros(entry.enqueued_at())) > self.keep.unread_age;
            if !old && bytes <= self.keep.unread_bytes {
                break;
            }
            bytes -= u64::from(entry.body.bytes());
            before = Some(place + 1);
        }
        before
    }

    /// The numbers of a topic and a group of it.
    pub(crate) fn look_up(&self, topic: &TopicName, group: &GroupName) -> Result<(u32, u32), OperateError> {
        let number =
            self.topic_number(topic).ok_or_else(|| OperateError::NoTopic { topic: topic.clone() })?;
        let found = self.topics[number as usize].names.get(group).copied();
        let none = || OperateError::NoGroup { topic: topic.clone(), group: group.clone() };
        Ok((number, found.ok_or_else(none)?))
    }

    fn make(&mut self, change: Change, changes: &mut Vec<Change>) {
        self.apply(&change);
        changes.push(change);
    }
}

fn describe(ordered: Option<u16>) -> String {
    ordered.map_or_else(
        || "without order".to_owned(),
        |partitions| format!("ordered in {partitions} partitions"),
    )
}

/// The error, or as much of it as is kept.
fn shorten(mut error: String) -> String {
    if error.len() > ERROR_BYTES_MAX {
        let end = (0..=ERROR_BYTES_MAX).rev().find(|end| error.is_char_boundary(*end)).unwrap_or(0);
        error.truncate(end);
    }
    error
}
