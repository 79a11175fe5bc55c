//! Keys of an ordered group that a dead letter holds: what comes after it under its key waits until it is decided about.
//!
//! A message that is held is *ready* and lies in its key's `back`, in the stead of its partition's line.
//! A key that begins to be held may have messages in the line; they are moved when they would be handed out, and all at
//! once ([`Group::sweep`]) when somebody asks how many there are. So a death costs nothing that grows with the line.

use std::collections::BTreeSet;

use super::apply::letter_id;
use super::group::{At, Died, Edited, Group, Touched};
use super::table::Table;
use super::{Body, Engine, Topic};
use trunkline_core::Timestamp;

use crate::{DeadLetterId, OnDead};

/// A key that is held.
#[derive(Debug, Default)]
pub(crate) struct Hold {
    /// The dead letters that hold it: the place that the message has in the order, and the number of each. Several may
    /// have one place, where a group has adopted another's.
    dead: BTreeSet<(u64, u64)>,
    /// What is held: its place in the order, and its own.
    back: BTreeSet<(u64, u64)>,
}

impl Group {
    /// The number of the dead letter that holds a message of that key and place in the order, if one does.
    pub(crate) fn held_by(&self, key: u32, order: u64) -> Option<u64> {
        let (first, number) = self.holds.get(&key)?.dead.first()?;
        (*first < order).then_some(*number)
    }

    /// The dead letter that holds a message which waits, if one does; what was tried goes on.
    pub(super) fn held_by_letter(
        &self,
        place: u64,
        key: u32,
        touched: Option<&Touched>,
    ) -> Option<DeadLetterId> {
        if touched.is_some_and(|touched| touched.attempts() > 0) {
            return None;
        }
        let order = touched.map_or(place, |touched| touched.order(place));
        self.held_by(key, order).map(letter_id)
    }

    /// Whether dead letters of the group may hold.
    pub(super) fn holds_dead(&self) -> bool {
        self.ordered().is_some() && self.on_dead == OnDead::Hold
    }

    /// The dead letter holds its key from now on.
    pub(super) fn hold(&mut self, key: u32, order: u64, number: u64) {
        self.holds.entry(key).or_default().dead.insert((order, number));
        self.unswept.insert(self.partition(key));
    }

    /// The dead letter holds its key no longer.
    pub(super) fn release(&mut self, key: u32, order: u64, number: u64) {
        let Some(hold) = self.holds.get_mut(&key) else { return };
        hold.dead.remove(&(order, number));
        let released = match hold.dead.first() {
            Some(&(next, _)) => {
                let still = hold.back.split_off(&(next.saturating_add(1), 0));
                std::mem::replace(&mut hold.back, still)
            }
            None => self.holds.remove(&key).map(|hold| hold.back).unwrap_or_default(),
        };
        self.held -= released.len() as u64;
        let number = self.partition(key);
        for (order, place) in released {
            self.line_up(number, order, place);
        }
        self.offer(number);
    }

    /// How many messages one dead letter alone holds, once all have been swept.
    pub(super) fn held_behind(&self, key: u32, order: u64, number: u64) -> u64 {
        let Some(hold) = self.holds.get(&key) else { return 0 };
        let mut dead = hold.dead.iter().copied();
        if dead.next() != Some((order, number)) {
            return 0;
        }
        let until = dead.next().map_or(u64::MAX, |(next, _)| next.saturating_add(1));
        hold.back.range(..(until, 0)).count() as u64
    }

    /// Puts a message behind the dead letter that holds it.
    pub(super) fn hold_back(&mut self, place: u64, key: u32, order: u64) {
        let number = self.partition(key);
        self.leave_line(number, order, place);
        if !self.touched.contains_key(&place) {
            // It is passed over by what comes after it in its partition.
            self.untouched -= 1;
            self.make_ready(place);
        }
        if let Some(hold) = self.holds.get_mut(&key)
            && hold.back.insert((order, place))
        {
            self.held += 1;
        }
        self.offer(number);
    }

    /// Takes a message out of the back of its key, if it is there.
    pub(super) fn leave_back(&mut self, place: u64, key: u32, order: u64) {
        if let Some(hold) = self.holds.get_mut(&key)
            && hold.back.remove(&(order, place))
        {
            self.held -= 1;
        }
    }

    /// Puts a message where it is now, in the place of the one that the decision edited.
    pub(super) fn put_edited(&mut self, place: u64, key: u32, at: At, action: u64) {
        let edited = self.edited.remove(&action);
        let instead = edited.map(|edited| edited.order).filter(|_| !self.partitions.is_empty());
        self.put(place, key, Touched::by(action, at, instead));
        if let Some(Edited { number, order, key, holds: true }) = edited {
            self.release(key, order, number);
        }
    }

    /// Nothing is held any more, as all of it is gone.
    pub(super) fn clear_back(&mut self) {
        self.holds.values_mut().for_each(|hold| hold.back.clear());
        self.held = 0;
    }

    /// Finds what is held among the messages in line.
    pub(super) fn sweep<B: Body>(&mut self, table: &Table<B>) {
        while let Some(number) = self.unswept.pop_first() {
            for (order, place) in self.in_line(number) {
                let Some(key) = table.get(place).map(|entry| entry.key) else { continue };
                if self.held_by(key, order).is_some() {
                    self.hold_back(place, key, order);
                }
            }
        }
    }

    /// The first message that may be handed out: what is held is put behind what holds it on the way.
    pub(super) fn first_free_offer<B: Body>(&mut self, table: &Table<B>) -> Option<u64> {
        loop {
            let place = self.first_offer()?;
            if self.holds.is_empty() {
                return Some(place);
            }
            let (key, touched) = (table.get(place)?.key, self.touched.get(&place));
            let order = touched.map_or(place, |touched| touched.order(place));
            if touched.is_some_and(|touched| touched.attempts() > 0) || self.held_by(key, order).is_none() {
                return Some(place);
            }
            self.hold_back(place, key, order);
        }
    }

    /// Dead letters hold, of which these do, or none do.
    pub(super) fn hold_by<B: Body>(&mut self, table: &Table<B>, holding: Option<&[u64]>) {
        let holding_before: Vec<(u32, u64, u64)> = self
            .died
            .iter()
            .filter(|(_, died)| died.holds)
            .filter_map(|(place, died)| Some((table.get(*place)?.key, died.order, died.number)))
            .collect();
        for (key, order, number) in holding_before {
            self.release(key, order, number);
        }
        self.on_dead = if holding.is_some() { OnDead::Hold } else { OnDead::Pass };
        let places: Vec<u64> = self.died.keys().copied().collect();
        for place in places {
            let Some(died) = self.died.get_mut(&place) else { continue };
            died.holds = holding.is_some_and(|holding| holding.contains(&died.number));
            let died = died.clone();
            if let Some(entry) = table.get(place)
                && died.holds
            {
                self.hold(entry.key, died.order, died.number);
            }
        }
    }
}

impl<B: Body> Topic<B> {
    /// A group of the topic, and its messages.
    pub(super) fn with_table(&mut self, group: u32) -> Option<(&mut Group, &Table<B>)> {
        let found = self.groups.get_mut(group as usize)?.as_mut()?;
        Some((found, &self.table))
    }

    /// How many messages a dead letter of a group alone holds.
    pub(super) fn held_behind(&mut self, group: u32, place: u64, died: &Died) -> u64 {
        let Some((group, table)) = self.with_table(group).filter(|_| died.holds) else { return 0 };
        group.sweep(table);
        table.get(place).map_or(0, |entry| group.held_behind(entry.key, died.order, died.number))
    }

    /// The same, and it holds nothing from now on.
    pub(super) fn give_back(&mut self, group: u32, place: u64, died: &Died) -> u64 {
        let behind = self.held_behind(group, place, died);
        if let Some((group, table)) = self.with_table(group)
            && let Some(entry) = table.get(place)
            && died.holds
        {
            group.release(entry.key, died.order, died.number);
        }
        behind
    }
}

impl<B: Body> Engine<B> {
    /// Has a group know all that is held in it now.
    pub(super) fn sweep(&mut self, topic: u32, group: u32, now: Timestamp) {
        let found = self.topic(topic).and_then(|topic| topic.group(group));
        if found.is_none_or(|group| group.holds.is_empty()) {
            return;
        }
        self.wake(topic, group, now);
        if let Some((group, table)) = self.topic_mut(topic).and_then(|topic| topic.with_table(group)) {
            group.sweep(table);
        }
    }
}
