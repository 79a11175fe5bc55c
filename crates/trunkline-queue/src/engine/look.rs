//! Questions that change nothing.

use std::slice::from_ref;
use std::time::Duration;

use trunkline_core::Timestamp;

use super::adopt::names_at;
use super::apply::letter_id;
use super::group::{At, Died, Group};
use super::{Body, Engine, Entry, Topic};
use crate::clock::since;
use crate::{
    DeadLetterId, DecisionRecord, GroupName, GroupStats, MessageState, OperateError, Peek, TopicName,
    TopicStats, Try, Unfinished,
};

/// A message that was looked at.
#[derive(Debug)]
pub(crate) struct Look<B> {
    pub(crate) place: u64,
    pub(crate) body: B,
    /// When it was published, in microseconds.
    #[cfg(feature = "embedded")]
    pub(crate) enqueued_at: i64,
    pub(crate) states: Vec<(GroupName, MessageState)>,
}

/// A dead letter that was looked at.
#[derive(Debug)]
pub(crate) struct DeadLook<B> {
    pub(crate) id: DeadLetterId,
    pub(crate) topic: TopicName,
    pub(crate) group: GroupName,
    pub(crate) body: B,
    /// When it was published, in microseconds.
    #[cfg(feature = "embedded")]
    pub(crate) enqueued_at: i64,
    pub(crate) attempts: u32,
    pub(crate) tries: Vec<Try>,
    pub(crate) died_at: Timestamp,
    pub(crate) decision: Option<u64>,
    pub(crate) former: Vec<String>,
}

impl<B: Body> Engine<B> {
    /// The numbers of all topics, by name.
    pub(crate) fn topic_stats(&mut self, now: Timestamp) -> Vec<TopicStats> {
        let numbers: Vec<u32> = self.names.values().copied().collect();
        let mut stats = Vec::new();
        for number in numbers {
            let groups: Vec<u32> = self.topics[number as usize].names.values().copied().collect();
            for group in &groups {
                self.sweep(number, *group, now);
            }
            let topic = &mut self.topics[number as usize];
            stats.push(TopicStats {
                topic: topic.name.clone(),
                messages: topic.table.len(),
                bytes: topic.table.bytes(),
                unread: groups.is_empty(),
                dropped: topic.dropped,
                published: topic.published.total,
                publish_rate: topic.published.per_second(now.as_micros()),
                groups: groups.iter().filter_map(|group| group_stats(topic, *group, now)).collect(),
            });
        }
        stats
    }

    pub(crate) fn peek(&self, now: Timestamp, peek: &Peek) -> Result<Vec<Look<B>>, OperateError> {
        let number = self.topic_number(&peek.topic);
        let number = number.ok_or_else(|| OperateError::NoTopic { topic: peek.topic.clone() })?;
        if let Some(group) = &peek.group {
            self.look_up(&peek.topic, group)?;
        }
        let topic = &self.topics[number as usize];
        let from = peek.after.map_or(0, |after| after.saturating_add(1));
        let looks = topic.table.iter_from(from).filter_map(|(place, entry)| {
            let groups =
                topic.names.iter().filter(|(name, _)| peek.group.as_ref().is_none_or(|only| only == *name));
            let states: Vec<(GroupName, MessageState)> = groups
                .filter_map(|(name, number)| {
                    Some((name.clone(), state(topic.group(*number)?, now, place, entry)?))
                })
                .collect();
            if peek.group.is_some() && states.is_empty() {
                return None;
            }
            Some(Look {
                place,
                body: entry.body.clone(),
                #[cfg(feature = "embedded")]
                enqueued_at: entry.enqueued_at(),
                states,
            })
        });
        Ok(looks.take(peek.max).collect())
    }

    /// How much a topic, or every topic, has that is not finished.
    pub(crate) fn unfinished(&mut self, now: Timestamp, topic: Option<&TopicName>) -> Unfinished {
        let numbers = match topic {
            Some(name) => self.topic_number(name).map_or(0..0, |number| number..number + 1),
            None => 0..self.topics.len() as u32,
        };
        for number in numbers {
            let groups = self.topics[number as usize].groups.len() as u32;
            for group in 0..groups {
                self.sweep(number, group, now);
            }
        }
        let topics = match topic {
            Some(name) => {
                self.topic_number(name).and_then(|number| self.topic(number)).map_or(&[][..], from_ref)
            }
            None => &self.topics,
        };
        let mut sum = Unfinished::default();
        for topic in topics {
            sum.kept += topic.table.len();
            if !topic.has_groups() {
                sum.longest = sum.longest.max(topic.table.len());
            }
            for group in topic.groups.iter().flatten() {
                let [waiting, delayed, leased, held] = group.counts(now.as_micros());
                sum.longest = sum.longest.max(waiting + delayed + leased);
                if !group.subscribed {
                    continue;
                }
                sum.held += held;
                sum.due += waiting + leased;
                sum.delayed += delayed;
            }
        }
        sum
    }

    /// The dead letters of a group after a number, in the order in which they died.
    pub(crate) fn given_up(
        &self,
        topic: &TopicName,
        group: &GroupName,
        after: Option<&DeadLetterId>,
    ) -> impl Iterator<Item = DeadLook<B>> {
        let of = self.look_up(topic, group).ok();
        let dead = self.dead.range(after_number(after)..);
        let of_group = dead.filter(move |(_, (topic, group, _))| of == Some((*topic, *group)));
        of_group.filter_map(|(number, place)| self.dead_look(*number, *place))
    }

    /// The dead letters after a number, in the order in which they died.
    pub(crate) fn dead_after(&self, after: Option<&DeadLetterId>) -> impl Iterator<Item = DeadLook<B>> {
        self.dead.range(after_number(after)..).filter_map(|(number, place)| self.dead_look(*number, *place))
    }

    pub(crate) fn dead_one(&self, id: &DeadLetterId) -> Result<DeadLook<B>, OperateError> {
        let number: Option<u64> = id.0.parse().ok();
        let place = number.and_then(|number| Some((number, *self.dead.get(&number)?)));
        let look = place.and_then(|(number, place)| self.dead_look(number, place));
        look.ok_or_else(|| OperateError::NoDeadLetter { id: id.clone() })
    }

    fn dead_look(&self, number: u64, (topic, group, place): (u32, u32, u64)) -> Option<DeadLook<B>> {
        let topic = self.topic(topic)?;
        let group = topic.group(group)?;
        let Died { attempts, tries, at, action, .. } = group.died.get(&place)?.clone();
        let entry = topic.table.get(place)?;
        Some(DeadLook {
            id: letter_id(number),
            topic: topic.name.clone(),
            group: group.name.clone(),
            body: entry.body.clone(),
            #[cfg(feature = "embedded")]
            enqueued_at: entry.enqueued_at(),
            attempts,
            tries,
            died_at: at,
            decision: action,
            former: names_at(&group.former, place),
        })
    }

    pub(crate) fn decisions_after(&self, after: u64, max: usize) -> Vec<DecisionRecord> {
        let first = self.decisions.partition_point(|action| action.number <= after);
        self.decisions.range(first..).take(max).cloned().collect()
    }
}

/// The number of the first dead letter that may come after one.
fn after_number(after: Option<&DeadLetterId>) -> u64 {
    after.and_then(|id| id.0.parse::<u64>().ok()).map_or(1, |number| number.saturating_add(1))
}

fn group_stats<B: Body>(topic: &mut Topic<B>, number: u32, now: Timestamp) -> Option<GroupStats> {
    let oldest_age = oldest(topic, topic.group(number)?, now);
    let [waiting, delayed, leased, held] = topic.group(number)?.counts(now.as_micros());
    let group = topic.group_mut(number)?;
    Some(GroupStats {
        group: group.name.clone(),
        subscribed: group.subscribed,
        ordered: group.ordered(),
        waiting,
        leased,
        delayed,
        held,
        next_due: group.next_delayed(now.as_micros()),
        dead: group.died.len() as u64,
        oldest_age,
        delivered: group.delivered.total,
        acked: group.acked.total,
        retried: group.retried,
        died: group.dead_total,
        deliver_rate: group.delivered.per_second(now.as_micros()),
        ack_rate: group.acked.per_second(now.as_micros()),
    })
}

/// The age of the oldest message that the group has not finished or given up.
fn oldest<B: Body>(topic: &Topic<B>, group: &Group, now: Timestamp) -> Option<Duration> {
    let touched = group.touched.first_key_value().map(|(place, _)| *place);
    let untouched = match group.ordered() {
        Some(_) => group.oldest_in_partitions(),
        None if group.untouched == 0 => None,
        None => {
            let mut on = topic.table.iter_from(group.cursor).filter(|(_, entry)| !entry.is_direct());
            on.next().map(|(place, _)| place)
        }
    };
    let place = [touched, untouched].into_iter().flatten().min()?;
    let enqueued_at = topic.table.get(place)?.enqueued_at();
    Some(since(now, Timestamp::from_micros(enqueued_at)))
}

/// The state of a message in a group that has not finished it.
fn state<B: Body>(group: &Group, now: Timestamp, place: u64, entry: &Entry<B>) -> Option<MessageState> {
    let waiting = |touched| match group.held_by_letter(place, entry.key, touched) {
        Some(dead_letter) => MessageState::Held { dead_letter },
        None => MessageState::Waiting,
    };
    let Some(touched) = group.touched.get(&place) else {
        if group.died.contains_key(&place) {
            return Some(MessageState::Dead);
        }
        let untouched = !entry.is_direct() && group.is_untouched(place, entry.key);
        return untouched.then(|| waiting(None));
    };
    Some(match touched.at(now.as_micros()) {
        At::Ready => waiting(Some(touched)),
        At::Leased(until) => MessageState::Leased {
            consumer: touched.consumer().to_owned(),
            attempt: touched.attempts(),
            until: Timestamp::from_micros(until),
        },
        At::Delayed(until) => MessageState::Delayed {
            until: Timestamp::from_micros(until),
            attempts: touched.attempts(),
            last_error: touched.last_error().map(str::to_owned),
        },
    })
}
