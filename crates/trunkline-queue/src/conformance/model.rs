//! A queue as a list: for each message and group what the group has it as. Nothing here is clever.

use std::collections::BTreeMap;

/// Microseconds.
pub(super) type Time = i64;

/// A message of the one topic.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) id: String,
    due: Time,
    /// For this group only.
    only: Option<&'static str>,
    /// Some group has or had it.
    had_group: bool,
    /// What groups that have not finished it have it as.
    states: BTreeMap<&'static str, State>,
}

#[derive(Clone, Debug)]
pub(super) struct State {
    at: At,
    attempts: u32,
    /// Which of the leases that were given was the last, unless it was settled.
    lease: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Handed out from then on.
    From(Time),
    /// Leased until then.
    Leased(Time),
    Dead,
}

/// A group: whether it is subscribed, whether it is ordered in one partition, and whether dead letters hold.
#[derive(Clone, Debug)]
struct Group {
    subscribed: bool,
    ordered: bool,
    /// Its dead letters hold what comes after them; all messages have one key.
    holds: bool,
}

/// The one topic.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    kept: Vec<Kept>,
    known: Vec<String>,
    groups: BTreeMap<&'static str, Group>,
    leases: usize,
}

impl Model {
    /// Whether it is stored.
    pub(super) fn publish(&mut self, now: Time, id: &str, delay: Time, only: Option<&'static str>) -> bool {
        if self.known.iter().any(|known| known == id) {
            return false;
        }
        self.known.push(id.to_owned());
        let due = now + delay;
        let mut kept = Kept { id: id.to_owned(), due, only, had_group: false, states: BTreeMap::new() };
        for name in self.groups.keys().filter(|name| only.is_none_or(|only| only == **name)) {
            kept.had_group = true;
            kept.states.insert(name, State { at: At::From(due), attempts: 0, lease: None });
        }
        self.kept.push(kept);
        true
    }

    /// Whether the group is new.
    pub(super) fn subscribe(&mut self, name: &'static str, ordered: bool, holds: bool) -> bool {
        if let Some(group) = self.groups.get_mut(name) {
            group.subscribed = true;
            group.holds = holds;
            return false;
        }
        self.groups.insert(name, Group { subscribed: true, ordered, holds });
        for kept in self.kept.iter_mut().filter(|kept| kept.only.is_none()) {
            kept.had_group = true;
            kept.states.insert(name, State { at: At::From(kept.due), attempts: 0, lease: None });
        }
        true
    }

    /// Whether the group is there.
    pub(super) fn unsubscribe(&mut self, name: &str) -> bool {
        self.groups.get_mut(name).map(|group| group.subscribed = false).is_some()
    }

    pub(super) fn is_subscribed(&self, name: &str) -> bool {
        self.groups.get(name).is_some_and(|group| group.subscribed)
    }

    /// The messages that may be handed out now.
    pub(super) fn due(&self, now: Time, name: &str) -> Vec<String> {
        let state = |kept: &&Kept| kept.states.get(name).cloned();
        let ready = |kept: &&Kept| match state(kept).map(|state| state.at) {
            Some(At::From(time) | At::Leased(time)) => time <= now,
            _ => false,
        };
        if !self.groups.get(name).is_some_and(|group| group.ordered) {
            return self.kept.iter().filter(ready).map(|kept| kept.id.clone()).collect();
        }
        let held = self.held(name);
        let tried =
            |kept: &&Kept| state(kept).is_some_and(|state| state.attempts > 0 && state.at != At::Dead);
        let in_hand = self.kept.iter().find(tried);
        let is_free = |kept: &&Kept| ready(kept) && !held.contains(&kept.id);
        let next = in_hand.or_else(|| self.kept.iter().find(is_free)).filter(ready);
        next.map(|kept| kept.id.clone()).into_iter().collect()
    }

    /// The messages that nobody has tried and that come after a dead letter which holds.
    fn held(&self, name: &str) -> Vec<String> {
        if !self.groups.get(name).is_some_and(|group| group.ordered && group.holds) {
            return Vec::new();
        }
        let states = self.kept.iter().filter_map(|kept| Some((&kept.id, kept.states.get(name)?)));
        let after = states.skip_while(|(_, state)| state.at != At::Dead);
        let untried = after.filter(|(_, state)| state.at != At::Dead && state.attempts == 0);
        untried.map(|(id, _)| id.clone()).collect()
    }

    /// How many messages a dead letter alone holds.
    pub(super) fn held_behind(&mut self, now: Time, name: &str, id: &str) -> u64 {
        let before = self.counts(now, name)[4];
        let Some(state) = self.state(name, id) else { return 0 };
        let at = std::mem::replace(&mut state.at, At::Leased(Time::MAX));
        let after = self.counts(now, name)[4];
        if let Some(state) = self.state(name, id) {
            state.at = at;
        }
        before - after
    }

    /// Publishes a message for a group in the place of one that it has given up, unless its id is known.
    pub(super) fn publish_instead(&mut self, now: Time, id: &str, name: &'static str, old: &str) -> bool {
        if !self.publish(now, id, 0, Some(name)) {
            return false;
        }
        let place = self.kept.iter().position(|kept| kept.id == old);
        if let (Some(place), Some(new)) = (place, self.kept.pop()) {
            self.kept.insert(place, new);
        }
        true
    }

    /// Hands out a message; the number of the lease and of the attempt.
    pub(super) fn lease(&mut self, name: &str, id: &str, until: Time) -> (usize, u32) {
        let lease = self.leases;
        self.leases += 1;
        let state = self.state(name, id).expect("it is due");
        *state = State { at: At::Leased(until), attempts: state.attempts + 1, lease: Some(lease) };
        (lease, state.attempts)
    }

    /// Whether the lease is good.
    pub(super) fn is_good(&self, name: &str, id: &str, lease: usize) -> bool {
        let kept = self.kept.iter().find(|kept| kept.id == id);
        kept.and_then(|kept| kept.states.get(name)).is_some_and(|state| state.lease == Some(lease))
    }

    pub(super) fn ack(&mut self, name: &str, id: &str) {
        if let Some(kept) = self.kept.iter_mut().find(|kept| kept.id == id) {
            kept.states.remove(name);
        }
        self.remove_finished();
    }

    pub(super) fn extend(&mut self, name: &str, id: &str, until: Time) {
        if let Some(state) = self.state(name, id) {
            state.at = At::Leased(until);
        }
    }

    pub(super) fn retry(&mut self, name: &str, id: &str, due: Time) {
        if let Some(state) = self.state(name, id) {
            *state = State { at: At::From(due), lease: None, ..state.clone() };
        }
    }

    pub(super) fn reject(&mut self, name: &str, id: &str) {
        if let Some(state) = self.state(name, id) {
            *state = State { at: At::Dead, lease: None, ..state.clone() };
        }
    }

    pub(super) fn replay(&mut self, name: &str, id: &str) {
        if let Some(state) = self.state(name, id) {
            *state = State { at: At::From(Time::MIN), attempts: 0, lease: None };
        }
    }

    /// Ends all leases.
    pub(super) fn reopen(&mut self, now: Time) {
        for state in self.kept.iter_mut().flat_map(|kept| kept.states.values_mut()) {
            if let At::Leased(until) = &mut state.at {
                *until = now.min(*until);
            }
        }
    }

    /// Makes what is delayed due.
    pub(super) fn retry_now(&mut self, now: Time, name: &str) -> u64 {
        let mut count = 0;
        for state in self.kept.iter_mut().filter_map(|kept| kept.states.get_mut(name)) {
            if matches!(state.at, At::From(time) if time > now) {
                state.at = At::From(now);
                count += 1;
            }
        }
        count
    }

    /// Empties a group, or forgets it when it is not subscribed.
    pub(super) fn purge(&mut self, now: Time, name: &str) {
        let forget = !self.is_subscribed(name);
        for kept in &mut self.kept {
            let held = |state: &State| match state.at {
                At::From(_) => false,
                At::Leased(until) => until > now,
                At::Dead => true,
            };
            if forget || kept.states.get(name).is_some_and(|state| !held(state)) {
                kept.states.remove(name);
            }
        }
        if forget {
            self.groups.remove(name);
        }
        self.remove_finished();
    }

    /// What the group has, as waiting, leased, delayed, dead and held.
    pub(super) fn counts(&self, now: Time, name: &str) -> [u64; 5] {
        let mut counts = [0; 5];
        let held = self.held(name);
        for (id, state) in self.kept.iter().filter_map(|kept| Some((&kept.id, kept.states.get(name)?))) {
            let place = match state.at {
                At::From(time) if time <= now && held.contains(id) => 4,
                At::From(time) if time > now => 2,
                At::Leased(time) if time > now => 1,
                At::From(_) | At::Leased(_) => 0,
                At::Dead => 3,
            };
            counts[place] += 1;
        }
        counts
    }

    /// What is kept, and what is due and delayed in subscribed groups; and how many of the delayed are retries.
    pub(super) fn unfinished(&self, now: Time) -> ([u64; 3], u64) {
        let (mut wanted, mut retries) = ([self.messages(), 0, 0], 0);
        for name in self.groups().filter(|name| self.is_subscribed(name)) {
            let [waiting, leased, delayed, ..] = self.counts(now, name);
            wanted[1] += waiting + leased;
            wanted[2] += delayed;
            let waits =
                |state: &&State| matches!(state.at, At::From(time) if time > now) && state.attempts > 0;
            let states = self.kept.iter().filter_map(|kept| kept.states.get(name));
            retries += states.filter(waits).count() as u64;
        }
        (wanted, retries)
    }

    /// The ids of a group's dead letters, in the order of their publishing.
    pub(super) fn dead(&self, name: &str) -> Vec<String> {
        let dead = |kept: &&Kept| kept.states.get(name).is_some_and(|state| state.at == At::Dead);
        self.kept.iter().filter(dead).map(|kept| kept.id.clone()).collect()
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = &'static str> {
        self.groups.keys().copied()
    }

    pub(super) fn messages(&self) -> u64 {
        self.kept.len() as u64
    }

    fn state(&mut self, name: &str, id: &str) -> Option<&mut State> {
        self.kept.iter_mut().find(|kept| kept.id == id)?.states.get_mut(name)
    }

    /// What was for a group, and has no group left that has not finished it, is gone.
    fn remove_finished(&mut self) {
        self.kept.retain(|kept| !kept.had_group || !kept.states.is_empty());
    }
}
