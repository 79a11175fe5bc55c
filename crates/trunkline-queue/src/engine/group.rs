//! What a group made of the messages of its topic.
//!
//! A message is *untouched* until the group takes it up for the first time; those are not listed, only counted,
//! since they are all those from the group's place in the topic on.
//! Then it is *touched*: ready, delayed or leased; and at last *died*, or finished and not listed any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use trunkline_core::Timestamp;

use super::adopt::Former;
use super::hold::Hold;
use super::{Bell, Rate};
use crate::limits::TRIES_MAX;
use crate::{GroupName, LeaseToken, NextDue, OnDead, Try};

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: GroupName,
    pub(crate) subscribed: bool,
    /// The names of consumers under which its messages may have been handled, the oldest first.
    pub(crate) former: Vec<Former>,
    /// The first place that may be untouched, of a group without order.
    pub(crate) cursor: u64,
    /// Of an ordered group; a group without order has none.
    pub(crate) partitions: Vec<Partition>,
    /// What each partition has to hand out next: the message's place and the partition.
    offers: BTreeSet<(u64, u16)>,
    pub(crate) untouched: u64,
    pub(crate) touched: BTreeMap<u64, Touched>,
    pub(crate) died: BTreeMap<u64, Died>,
    /// What becomes of a key that has a dead letter; of an ordered group.
    pub(crate) on_dead: OnDead,
    /// The keys that dead letters hold.
    pub(super) holds: BTreeMap<u32, Hold>,
    /// How many messages they hold, of those that are found.
    pub(super) held: u64,
    /// The partitions that may have messages in line that are held.
    pub(super) unswept: BTreeSet<u16>,
    /// The dead letters whose messages are edited and come by a decision of that number: each holds until then.
    pub(super) edited: BTreeMap<u64, Edited>,
    /// The touched messages that are ready.
    ready: BTreeSet<u64>,
    /// The touched messages that are delayed, by their time in microseconds.
    delayed: BTreeSet<(i64, u64)>,
    /// The touched messages that are leased, by the end of their leases.
    leased: BTreeSet<(i64, u64)>,
    pub(crate) delivered: Rate,
    pub(crate) acked: Rate,
    pub(crate) retried: u64,
    pub(crate) dead_total: u64,
    pub(crate) bell: Arc<Bell>,
}

/// A partition of an ordered group.
#[derive(Debug, Default)]
pub(crate) struct Partition {
    /// The first place that may be untouched.
    pub(crate) cursor: u64,
    /// Untouched and ready messages in line, but for the one that holds the partition, and those in `instead`.
    waiting: BTreeSet<u64>,
    /// The messages in line that stand in the place of an earlier one: that place, and their own. Several may stand in
    /// one, where a group has adopted another's.
    instead: BTreeSet<(u64, u64)>,
    /// The message that is being worked on, or waits for its retry: nothing else is handed out.
    held: Option<u64>,
    offer: Option<u64>,
}

/// A message that the group has taken up.
#[derive(Clone, Debug)]
pub(crate) struct Touched {
    pub(crate) at: At,
    /// One that only waits for its time has none, and there may be millions of those.
    past: Option<Box<Past>>,
}

/// What became of a message so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) attempts: u32,
    /// The token of the last lease, unless that was settled.
    pub(crate) token: Option<LeaseToken>,
    /// When the last attempt began, and whose it is.
    pub(crate) started_at: Timestamp,
    pub(crate) consumer: String,
    pub(crate) tries: Vec<Try>,
    /// The decision that brought it back, whose outcome this message is.
    pub(crate) action: Option<u64>,
    /// The place that it has in the order, where that is not its own.
    pub(crate) instead: Option<u64>,
}

impl Default for Past {
    fn default() -> Self {
        Self {
            attempts: 0,
            token: None,
            started_at: Timestamp::from_micros(0),
            consumer: String::new(),
            tries: Vec::new(),
            action: None,
            instead: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Ready,
    Delayed(i64),
    Leased(i64),
}

/// A dead letter of the group.
#[derive(Clone, Debug)]
pub(crate) struct Died {
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
    pub(crate) attempts: u32,
    pub(crate) tries: Vec<Try>,
    /// The decision that had brought it back before.
    pub(crate) action: Option<u64>,
    /// The place that it has in the order.
    pub(crate) order: u64,
    /// It holds what comes after it under its key.
    pub(crate) holds: bool,
}

/// A dead letter whose message is edited, until the one that takes its place is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edited {
    pub(super) number: u64,
    /// The place that it has in the order.
    pub(super) order: u64,
    pub(super) key: u32,
    /// It holds what comes after it under its key.
    pub(super) holds: bool,
}

impl Touched {
    pub(crate) fn new(at: At) -> Self {
        Self { at, past: None }
    }

    /// Brought back by a decision, in the place of an earlier one if one is given.
    pub(crate) fn by(action: u64, at: At, instead: Option<u64>) -> Self {
        Self::with(Past { action: Some(action), instead, ..Past::default() }, at)
    }

    /// The place in the order of a message that has this place.
    pub(crate) fn order(&self, place: u64) -> u64 {
        self.past().and_then(|past| past.instead).unwrap_or(place)
    }

    pub(crate) fn with(past: Past, at: At) -> Self {
        Self { at, past: Some(Box::new(past)) }
    }

    pub(crate) fn past(&self) -> Option<&Past> {
        self.past.as_deref()
    }

    pub(crate) fn past_mut(&mut self) -> &mut Past {
        self.past.get_or_insert_default()
    }

    pub(crate) fn into_past(self) -> Past {
        self.past.map(|past| *past).unwrap_or_default()
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.past().map_or(0, |past| past.attempts)
    }

    pub(crate) fn token(&self) -> Option<LeaseToken> {
        self.past().and_then(|past| past.token)
    }

    pub(crate) fn consumer(&self) -> &str {
        self.past().map_or("", |past| &past.consumer)
    }

    pub(crate) fn action(&self) -> Option<u64> {
        self.past().and_then(|past| past.action)
    }

    pub(crate) fn last_error(&self) -> Option<&str> {
        self.past().and_then(|past| past.tries.last()).map(|last| &*last.error)
    }

    /// The attempt failed.
    pub(crate) fn failed(&mut self, failed_at: Timestamp, error: &str) {
        let past = self.past_mut();
        if past.tries.len() >= TRIES_MAX {
            past.tries.remove(0);
        }
        past.tries.push(Try {
            attempt: past.attempts,
            started_at: past.started_at,
            failed_at,
            consumer: past.consumer.clone(),
            error: error.to_owned(),
        });
    }

    /// Where it is now: what time has made of it is only noted when that matters.
    pub(crate) fn at(&self, now: i64) -> At {
        match self.at {
            At::Delayed(time) | At::Leased(time) if time <= now => At::Ready,
            at => at,
        }
    }

    /// Whether its partition is its own.
    fn holds(&self) -> bool {
        self.attempts() > 0
    }
}

impl Group {
    pub(crate) fn new(name: GroupName, ordered: Option<u16>) -> Self {
        let partitions = std::iter::repeat_with(Partition::default).take(usize::from(ordered.unwrap_or(0)));
        Self {
            name,
            subscribed: true,
            former: Vec::new(),
            cursor: 0,
            partitions: partitions.collect(),
            offers: BTreeSet::new(),
            untouched: 0,
            touched: BTreeMap::new(),
            died: BTreeMap::new(),
            on_dead: OnDead::Pass,
            holds: BTreeMap::new(),
            held: 0,
            unswept: BTreeSet::new(),
            edited: BTreeMap::new(),
            ready: BTreeSet::new(),
            delayed: BTreeSet::new(),
            leased: BTreeSet::new(),
            delivered: Rate::new(0),
            acked: Rate::new(0),
            retried: 0,
            dead_total: 0,
            bell: Bell::new(),
        }
    }

    pub(crate) fn ordered(&self) -> Option<u16> {
        (!self.partitions.is_empty()).then_some(self.partitions.len() as u16)
    }

    /// How many messages can be handed out, are delayed, leased, and held.
    pub(crate) fn counts(&self, now: i64) -> [u64; 4] {
        let due = |set: &BTreeSet<(i64, u64)>| set.range(..=(now, u64::MAX)).count() as u64;
        let (ready, over) = (due(&self.delayed), due(&self.leased));
        [
            self.untouched + self.ready.len() as u64 + ready + over - self.held,
            self.delayed.len() as u64 - ready,
            self.leased.len() as u64 - over,
            self.held,
        ]
    }

    /// Whether a touched message is known to be ready.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The partition of messages whose key has that hash.
    pub(crate) fn partition(&self, key: u32) -> u16 {
        (u64::from(key) % self.partitions.len().max(1) as u64) as u16
    }

    /// Whether the message, not a direct one, is untouched.
    pub(crate) fn is_untouched(&self, place: u64, key: u32) -> bool {
        match self.partitions.get(usize::from(self.partition(key))) {
            Some(partition) => place >= partition.cursor,
            None => place >= self.cursor,
        }
    }

    /// Whether the group has not finished the message.
    pub(crate) fn has(&self, place: u64, key: u32, direct: bool) -> bool {
        self.touched.contains_key(&place)
            || self.died.contains_key(&place)
            || (!direct && self.is_untouched(place, key))
    }

    /// A message that the group will come to.
    pub(crate) fn add_untouched(&mut self, place: u64, key: u32) {
        self.untouched += 1;
        if !self.partitions.is_empty() {
            if self.held_by(key, place).is_some() {
                return self.hold_back(place, key, place);
            }
            let number = self.partition(key);
            self.partitions[usize::from(number)].waiting.insert(place);
            self.offer(number);
        }
        self.bell.message();
    }

    /// The first place that may be untouched is this.
    pub(crate) fn go_on_from(&mut self, place: u64) {
        self.cursor = place;
        for partition in &mut self.partitions {
            partition.cursor = place;
        }
    }

    /// Takes up the untouched message: it is leased next.
    pub(crate) fn touch(&mut self, place: u64, key: u32) {
        self.untouched -= 1;
        if self.partitions.is_empty() {
            self.cursor = place + 1;
        } else {
            self.pass(place, key);
        }
    }

    /// The partition comes past a message that is handed out: once that is finished, its place says so.
    pub(crate) fn pass(&mut self, place: u64, key: u32) {
        let number = usize::from(self.partition(key));
        let Some(partition) = self.partitions.get_mut(number).filter(|partition| place >= partition.cursor)
        else {
            return;
        };
        // What is held is passed over, and no longer told by its place.
        let passed: Vec<u64> = partition.waiting.range(partition.cursor..place).copied().collect();
        partition.cursor = place + 1;
        for place in passed {
            if !self.touched.contains_key(&place) {
                self.untouched -= 1;
                self.make_ready(place);
            }
        }
    }

    /// Lists a message as ready that nobody has tried.
    pub(super) fn make_ready(&mut self, place: u64) {
        self.touched.insert(place, Touched::new(At::Ready));
        self.ready.insert(place);
    }

    /// Puts a message where it is now: ready, delayed or leased.
    pub(crate) fn put(&mut self, place: u64, key: u32, touched: Touched) {
        self.leave(place);
        let (holds, order) = (touched.holds(), touched.order(place));
        match touched.at {
            At::Ready => {
                self.ready.insert(place);
                self.bell.message();
            }
            At::Delayed(due) => {
                self.delayed.insert((due, place));
                self.bell.due(due);
            }
            At::Leased(until) => {
                self.leased.insert((until, place));
                self.bell.due(until);
            }
        }
        let ready = touched.at == At::Ready;
        self.touched.insert(place, touched);
        if !self.partitions.is_empty() {
            let number = self.partition(key);
            self.leave_line(number, order, place);
            self.leave_back(place, key, order);
            let partition = &mut self.partitions[usize::from(number)];
            if holds {
                partition.held = Some(place);
            } else {
                partition.held = partition.held.filter(|held| *held != place);
                if ready && self.held_by(key, order).is_some() {
                    self.hold_back(place, key, order);
                } else if ready {
                    self.line_up(number, order, place);
                }
            }
            self.offer(number);
        }
    }

    /// Puts a message in its partition's line.
    pub(super) fn line_up(&mut self, number: u16, order: u64, place: u64) {
        let partition = &mut self.partitions[usize::from(number)];
        if order == place {
            partition.waiting.insert(place);
        } else {
            partition.instead.insert((order, place));
        }
    }

    /// Takes a message out of its partition's line, if it is there.
    pub(super) fn leave_line(&mut self, number: u16, order: u64, place: u64) {
        let partition = &mut self.partitions[usize::from(number)];
        if order == place {
            partition.waiting.remove(&place);
        } else {
            partition.instead.remove(&(order, place));
        }
    }

    /// A partition's line: the place in the order, and the place, of each message.
    pub(super) fn in_line(&self, number: u16) -> Vec<(u64, u64)> {
        let partition = &self.partitions[usize::from(number)];
        let own = partition.waiting.iter().map(|&place| (place, place));
        own.chain(partition.instead.iter().copied()).collect()
    }

    /// Notes a message that the group had taken up before the queue was opened; it is put in its place once it is
    /// found.
    #[cfg(feature = "embedded")]
    pub(crate) fn recall(&mut self, place: u64, touched: Touched) {
        self.touched.insert(place, touched);
    }

    /// Takes a touched message out of the group's hands.
    pub(crate) fn take(&mut self, place: u64, key: u32) -> Option<Touched> {
        self.leave(place);
        let touched = self.touched.remove(&place)?;
        if !self.partitions.is_empty() {
            let (number, order) = (self.partition(key), touched.order(place));
            self.leave_line(number, order, place);
            self.leave_back(place, key, order);
            let partition = &mut self.partitions[usize::from(number)];
            partition.held = partition.held.filter(|held| *held != place);
            self.offer(number);
        }
        Some(touched)
    }

    /// Takes the message out of the list that it is in.
    fn leave(&mut self, place: u64) {
        let Some(touched) = self.touched.get(&place) else { return };
        match touched.at {
            At::Ready => self.ready.remove(&place),
            At::Delayed(due) => self.delayed.remove(&(due, place)),
            At::Leased(until) => self.leased.remove(&(until, place)),
        };
    }

    /// Says anew what a partition has to hand out.
    pub(super) fn offer(&mut self, number: u16) {
        let partition = &mut self.partitions[usize::from(number)];
        let offer = match partition.held {
            Some(held) => Some(held).filter(|held| self.ready.contains(held)),
            None => match (partition.waiting.first(), partition.instead.first()) {
                (Some(own), Some((order, _))) if own < order => Some(*own),
                (_, Some((_, place))) => Some(*place),
                (own, None) => own.copied(),
            },
        };
        if offer == partition.offer {
            return;
        }
        if let Some(old) = partition.offer {
            self.offers.remove(&(old, number));
        }
        partition.offer = offer;
        if let Some(new) = offer {
            self.offers.insert((new, number));
            self.bell.message();
        }
    }

    /// The first message of those that are ready, in a group without order.
    pub(crate) fn first_ready(&self) -> Option<u64> {
        self.ready.first().copied()
    }

    /// The first message that an ordered group may hand out.
    pub(crate) fn first_offer(&self) -> Option<u64> {
        self.offers.first().map(|&(place, _)| place)
    }

    /// The message whose time has come, or whose lease is over: the first such.
    pub(crate) fn first_due(&self, now: i64) -> Option<u64> {
        let first = [self.delayed.first(), self.leased.first()].into_iter().flatten().min();
        first.filter(|(time, _)| *time <= now).map(|&(_, place)| place)
    }

    /// When a message is due next, or a lease over.
    pub(crate) fn next_due(&self) -> i64 {
        let first = |set: &BTreeSet<(i64, u64)>| set.first().map_or(i64::MAX, |&(time, _)| time);
        first(&self.delayed).min(first(&self.leased))
    }

    /// The delayed message whose time comes first, of those whose time has not come.
    pub(crate) fn next_delayed(&self, now: i64) -> Option<NextDue> {
        let after = (now.saturating_add(1), 0);
        let &(due, place) = self.delayed.range(after..).next()?;
        let attempts = self.touched.get(&place).map_or(0, Touched::attempts);
        Some(NextDue { at: Timestamp::from_micros(due), attempts })
    }

    /// The places of all delayed messages.
    pub(crate) fn delayed_places(&self) -> Vec<u64> {
        self.delayed.iter().map(|&(_, place)| place).collect()
    }

    /// The places of all messages that are leased.
    pub(crate) fn leased_places(&self) -> impl Iterator<Item = u64> {
        self.leased.iter().map(|&(_, place)| place)
    }

    /// The places of the touched messages that are not leased.
    pub(crate) fn unheld_places(&self) -> Vec<u64> {
        self.ready.iter().copied().chain(self.delayed.iter().map(|&(_, place)| place)).collect()
    }

    /// The oldest place of a message that is waiting in a partition.
    pub(crate) fn oldest_in_partitions(&self) -> Option<u64> {
        // What stands in another's place is touched, and so is what is held.
        self.partitions.iter().filter_map(|partition| partition.waiting.first().copied()).min()
    }

    /// Everything up to `next` is no longer untouched.
    pub(crate) fn skip_untouched(&mut self, next: u64) {
        self.untouched = 0;
        self.cursor = next;
        for number in 0..self.partitions.len() {
            let partition = &mut self.partitions[number];
            partition.cursor = next;
            partition.waiting.retain(|place| self.ready.contains(place));
            self.offer(number as u16);
        }
        self.clear_back();
    }
}
