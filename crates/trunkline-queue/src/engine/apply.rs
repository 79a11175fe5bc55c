//! What changes do to the state.

use trunkline_core::Timestamp;

use super::group::{At, Died, Edited, Group, Past, Touched};
use super::{Body, Change, Engine, Entry, Topic};
use crate::{DeadLetterId, DecisionKind, DecisionOutcome, DecisionRecord, TopicName};

/// Whom a message is for, when it is not for all groups: a group, and the decision that sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Addressed {
    pub(crate) group: u32,
    pub(crate) action: u64,
}

impl<B: Body> Engine<B> {
    /// The message is in the topic now, and every group of it has one more.
    pub(crate) fn publish(
        &mut self,
        topic: u32,
        place: u64,
        mut entry: Entry<B>,
        due: Option<i64>,
        to: Option<Addressed>,
    ) {
        let Some(topic) = self.topic_mut(topic) else { return };
        topic.next = topic.next.max(place + 1);
        topic.published.count(entry.enqueued_at(), 1);
        let at = due.map_or(At::Ready, At::Delayed);
        let key = entry.key;
        let to = to.map(|to| topic.addressee(to));
        let mut pending = 0;
        for (number, group) in topic.groups.iter_mut().enumerate() {
            let Some(group) = group else { continue };
            match to {
                Some(to) if to.group as usize != number => continue,
                Some(to) => group.put_edited(place, key, at, to.action),
                None if due.is_some() => group.put(place, key, Touched::new(at)),
                None => group.add_untouched(place, key),
            }
            pending += 1;
        }
        entry.pending = pending;
        if pending == 0 && to.is_some() {
            // Its group was forgotten meanwhile.
            topic.remember(entry.id);
            self.free(Some(entry));
            return;
        }
        note_directness(topic, place, due, to);
        topic.table.insert(place, entry);
    }

    /// Makes a change that was decided before.
    ///
    /// What it names may be gone, when the change is older than the state: then it does nothing.
    #[expect(clippy::too_many_lines, reason = "one arm a change, and none is of use elsewhere")]
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Topic { name } => self.make_topic(name),
            Change::Subscribe { topic, name, ordered } => {
                let Some(topic) = self.topic_mut(*topic) else { return };
                if let Some(number) = topic.names.get(name).copied() {
                    if let Some(group) = topic.group_mut(number) {
                        group.subscribed = true;
                    }
                    return;
                }
                begin(topic, Group::new(name.clone(), *ordered));
            }
            Change::Unsubscribe { topic, group } => {
                let group = self.topic_mut(*topic).and_then(|topic| topic.group_mut(*group));
                if let Some(group) = group {
                    group.subscribed = false;
                    group.bell.everybody();
                }
            }
            Change::Forget { topic, group } => self.forget(*topic, *group),
            Change::Lease { topic, group, place, token, until, at, consumer } => {
                let Some((topic, key, direct)) = self.find(*topic, *place) else { return };
                let Some(group) = topic.group_mut(*group) else { return };
                let mut touched = match group.touched.get(place) {
                    Some(touched) => {
                        let touched = touched.clone();
                        if !direct {
                            // It was held, or in line with what was, before its partition came to it.
                            group.pass(*place, key);
                        }
                        touched
                    }
                    None if !direct && group.is_untouched(*place, key) => {
                        group.touch(*place, key);
                        Touched::new(At::Ready)
                    }
                    None => return,
                };
                touched.at = At::Leased(until.as_micros());
                let past = touched.past_mut();
                past.attempts = past.attempts.saturating_add(1);
                past.token = Some(*token);
                past.started_at = *at;
                past.consumer.clone_from(consumer);
                group.put(*place, key, touched);
                group.delivered.count(at.as_micros(), 1);
            }
            Change::Extend { topic, group, place, until } => {
                let Some((topic, key, _)) = self.find(*topic, *place) else { return };
                let Some(group) = topic.group_mut(*group) else { return };
                let Some(mut touched) = group.touched.get(place).cloned() else { return };
                touched.at = At::Leased(until.as_micros());
                group.put(*place, key, touched);
            }
            Change::Ack { topic, group, place, at } => {
                let Some((found, key, _)) = self.find(*topic, *place) else { return };
                let Some(group) = found.group_mut(*group) else { return };
                let Some(touched) = group.take(*place, key) else { return };
                group.acked.count(at.as_micros(), 1);
                let gone = found.finish(*place);
                self.free(gone);
                self.came_out(touched.action(), DecisionOutcome::Done { at: *at });
            }
            Change::Retry { topic, group, place, due, at, error } => {
                let Some((topic, key, _)) = self.find(*topic, *place) else { return };
                let Some(group) = topic.group_mut(*group) else { return };
                let Some(mut touched) = group.touched.get(place).cloned() else { return };
                touched.failed(*at, error);
                touched.past_mut().token = None;
                touched.at = At::Delayed(due.as_micros());
                group.put(*place, key, touched);
                group.retried += 1;
            }
            Change::Dead { topic, group, place, number, at, error, holds } => {
                self.next_dead = self.next_dead.max(number + 1);
                let Some((found, key, _)) = self.find(*topic, *place) else { return };
                let Some(in_group) = found.group_mut(*group) else { return };
                let Some(mut touched) = in_group.take(*place, key) else { return };
                touched.failed(*at, error);
                let order = touched.order(*place);
                let Past { attempts, tries, action, .. } = touched.into_past();
                let (number, at) = (*number, *at);
                let died = Died { number, at, attempts, tries, action, order, holds: *holds };
                if *holds {
                    in_group.hold(key, died.order, number);
                }
                in_group.died.insert(*place, died);
                in_group.dead_total += 1;
                self.dead.insert(number, (*topic, *group, *place));
                let dead_letter = letter_id(number);
                self.came_out(action, DecisionOutcome::DeadAgain { at, dead_letter });
            }
            Change::RetryNow { topic, group, place, at } => {
                self.wake(*topic, *group, *at);
                let Some(found) = self.topic_mut(*topic) else { return };
                let places = match (place, found.group(*group)) {
                    (Some(place), _) => vec![*place],
                    (None, Some(group)) => group.delayed_places(),
                    (None, None) => return,
                };
                for place in places {
                    self.ready(*topic, *group, place);
                }
            }
            Change::Purge { topic, group, at } => self.purge_now(*topic, *group, *at),
            Change::Trim { topic, before } => self.trim_now(*topic, *before),
            Change::Decide { action, dead, kind, at, by, message_id, new_message_id } => {
                let Some((topic, group, place)) = self.dead.remove(dead) else { return };
                self.next_decision = self.next_decision.max(action + 1);
                // What time alone has done is in no journal, and what it has made due may be released.
                self.wake(topic, group, *at);
                let Some((found, key, _)) = self.find(topic, place) else { return };
                let topic_name = found.name.clone();
                let Some(in_group) = found.group_mut(group) else { return };
                let group_name = in_group.name.clone();
                let Some(died) = in_group.died.remove(&place) else { return };
                let instead = Some(died.order).filter(|order| *order != place);
                let outcome = match kind {
                    DecisionKind::Replay => {
                        in_group.put(place, key, Touched::by(*action, At::Ready, instead));
                        DecisionOutcome::Waiting
                    }
                    DecisionKind::Edit => {
                        // It holds until the message that takes its place is there.
                        let Died { number, order, holds, .. } = died;
                        in_group.edited.insert(*action, Edited { number, order, key, holds });
                        DecisionOutcome::Waiting
                    }
                    DecisionKind::Discard => DecisionOutcome::Gone,
                };
                let released = match kind {
                    DecisionKind::Edit => found.held_behind(group, place, &died),
                    DecisionKind::Replay | DecisionKind::Discard => found.give_back(group, place, &died),
                };
                if *kind != DecisionKind::Replay {
                    let gone = found.finish(place);
                    self.free(gone);
                }
                self.record(DecisionRecord {
                    number: *action,
                    at: *at,
                    by: by.clone(),
                    kind: *kind,
                    dead_letter: letter_id(*dead),
                    topic: topic_name,
                    group: group_name,
                    message_id: message_id.clone(),
                    new_message_id: new_message_id.clone(),
                    released,
                    outcome,
                });
            }
            Change::Adopt { topic, from, to, name } => self.adopt_now(*topic, *from, to, name),
            Change::RenameTopic { topic, name } => self.rename_topic_now(*topic, name),
            Change::Lapse { dead } => {
                let Some((topic, group, place)) = self.dead.remove(dead) else { return };
                let Some((found, ..)) = self.find(topic, place) else { return };
                let died = found.group_mut(group).and_then(|group| group.died.remove(&place));
                let released = died.map_or(0, |died| found.give_back(group, place, &died));
                let gone = found.finish(place);
                self.free(gone);
                self.lapsed += released;
            }
            Change::OnDead { topic, group, holding } => {
                if let Some((group, table)) =
                    self.topic_mut(*topic).and_then(|topic| topic.with_table(*group))
                {
                    group.hold_by(table, holding.as_deref());
                }
            }
            Change::Reopened => {
                for (topic, group, place) in self.leased() {
                    self.ready(topic, group, place);
                }
            }
        }
    }

    /// Every message that is leased, whether its time is over or not.
    pub(crate) fn leased(&self) -> Vec<(u32, u32, u64)> {
        let mut leased = Vec::new();
        for (topic, found) in (0..).zip(&self.topics) {
            for (group, found) in (0..).zip(&found.groups) {
                let places = found.iter().flat_map(Group::leased_places);
                leased.extend(places.map(|place| (topic, group, place)));
            }
        }
        leased
    }

    /// The message is ready, if the group has it as delayed or leased.
    pub(crate) fn ready(&mut self, topic: u32, group: u32, place: u64) {
        let Some((topic, key, _)) = self.find(topic, place) else { return };
        let Some(group) = topic.group_mut(group) else { return };
        let Some(mut touched) = group.touched.get(&place).cloned() else { return };
        touched.at = At::Ready;
        group.put(place, key, touched);
    }

    fn make_topic(&mut self, name: &TopicName) {
        if !self.names.contains_key(name) {
            self.names.insert(name.clone(), self.topics.len() as u32);
            self.topics.push(Topic::new(name.clone()));
        }
    }

    /// The topic with a message's key, and whether groups don't come to it by themselves.
    fn find(&mut self, topic: u32, place: u64) -> Option<(&mut Topic<B>, u32, bool)> {
        let topic = self.topic_mut(topic)?;
        let entry = topic.table.get(place)?;
        let (key, direct) = (entry.key, entry.is_direct());
        Some((topic, key, direct))
    }

    pub(crate) fn free(&mut self, gone: Option<Entry<B>>) {
        self.freed.extend(gone.map(|entry| entry.body));
    }

    /// How a decision came out.
    pub(super) fn came_out(&mut self, action: Option<u64>, outcome: DecisionOutcome) {
        let Some(number) = action else { return };
        let found = self.decisions.binary_search_by_key(&number, |action| action.number);
        if let Ok(found) = found {
            self.decisions[found].outcome = outcome;
        }
    }

    fn record(&mut self, action: DecisionRecord) {
        self.decisions.push_back(action);
        while self.decisions.len() > crate::limits::DECISIONS_MAX {
            self.decisions.pop_front();
        }
    }

    fn forget(&mut self, topic: u32, number: u32) {
        let Some(found) = self.topic_mut(topic) else { return };
        let Some(group) = found.groups.get_mut(number as usize).and_then(Option::take) else { return };
        found.names.remove(&group.name);
        group.bell.everybody();
        let places: Vec<u64> = found
            .table
            .iter_from(0)
            .filter(|(place, entry)| group.has(*place, entry.key, entry.is_direct()))
            .map(|(place, _)| place)
            .collect();
        for place in places {
            let gone = self.topic_mut(topic).and_then(|topic| topic.finish(place));
            self.free(gone);
        }
        for died in group.died.values() {
            self.dead.remove(&died.number);
        }
        let touched = group.touched.values().filter_map(Touched::action);
        for action in touched.chain(group.edited.keys().copied()) {
            self.came_out(Some(action), DecisionOutcome::Gone);
        }
        if let Some(topic) = self.topic_mut(topic).filter(|topic| !topic.has_groups()) {
            topic.floor = topic.next;
        }
    }

    fn purge_now(&mut self, topic: u32, group: Option<u32>, at: Timestamp) {
        let Some(found) = self.topic_mut(topic) else { return };
        if group.is_none() && !found.has_groups() {
            let next = found.next;
            self.remove_before(topic, next);
            return;
        }
        let numbers = match group {
            Some(group) => vec![group],
            None => (0..found.groups.len() as u32).collect(),
        };
        for number in numbers {
            // What time alone has done is in no journal.
            self.wake(topic, number, at);
            self.purge_group(topic, number);
        }
    }

    fn purge_group(&mut self, topic: u32, number: u32) {
        let Some(found) = self.topic_mut(topic) else { return };
        let next = found.next;
        let Some(group) = found.groups.get_mut(number as usize).and_then(Option::as_mut) else { return };
        let untouched: Vec<u64> = if group.untouched == 0 {
            Vec::new()
        } else {
            let entries = found.table.iter_from(if group.partitions.is_empty() { group.cursor } else { 0 });
            entries
                .filter(|(place, entry)| {
                    !entry.is_direct()
                        && !group.touched.contains_key(place)
                        && !group.died.contains_key(place)
                        && group.is_untouched(*place, entry.key)
                })
                .map(|(place, _)| place)
                .collect()
        };
        let mut decisions = Vec::new();
        let unheld = group.unheld_places();
        for &place in &unheld {
            let Some(key) = found.table.get(place).map(|entry| entry.key) else { continue };
            decisions.extend(group.take(place, key).and_then(|touched| touched.action()));
        }
        group.skip_untouched(next);
        for place in untouched.into_iter().chain(unheld) {
            let gone = self.topic_mut(topic).and_then(|topic| topic.finish(place));
            self.free(gone);
        }
        for action in decisions {
            self.came_out(Some(action), DecisionOutcome::Gone);
        }
    }

    fn trim_now(&mut self, topic: u32, before: u64) {
        let dropped = self.remove_before(topic, before);
        if let Some(topic) = self.topic_mut(topic) {
            topic.dropped += dropped;
        }
    }

    fn remove_before(&mut self, topic: u32, before: u64) -> u64 {
        let Some(found) = self.topic_mut(topic) else { return 0 };
        let entries = found.table.iter_from(0).take_while(|(place, _)| *place < before);
        let places: Vec<u64> = entries.map(|(place, _)| place).collect();
        found.floor = found.floor.max(before);
        for &place in &places {
            let gone = self.topic_mut(topic).and_then(|topic| topic.remove(place));
            self.free(gone);
        }
        places.len() as u64
    }
}

/// The id of the dead letter with a number.
pub(crate) fn letter_id(number: u64) -> DeadLetterId {
    DeadLetterId(number.to_string())
}

pub(super) fn note_directness<B: Body>(
    topic: &mut Topic<B>,
    place: u64,
    due: Option<i64>,
    to: Option<Addressed>,
) {
    if let Some(due) = due {
        topic.delays.insert(place, due);
    }
    if to.is_some() {
        topic.targets.insert(place);
    }
}

/// A group begins at the oldest message that is kept.
///
/// It goes on by itself from where no message is missing; what is kept before that it has one by one, since
/// what is missing there, all groups before it have finished.
fn begin<B: Body>(topic: &mut Topic<B>, mut group: Group) {
    let dense_from = topic.dense_from();
    group.go_on_from(dense_from);
    let Topic { table, delays, targets, names, groups, .. } = topic;
    for (place, entry) in table.iter_mut() {
        if targets.contains(&place) {
            continue;
        }
        entry.pending += 1;
        match delays.get(&place) {
            Some(due) => group.put(place, entry.key, Touched::new(At::Delayed(*due))),
            None if place < dense_from => group.put(place, entry.key, Touched::new(At::Ready)),
            None => group.add_untouched(place, entry.key),
        }
    }
    names.insert(group.name.clone(), groups.len() as u32);
    groups.push(Some(group));
}
