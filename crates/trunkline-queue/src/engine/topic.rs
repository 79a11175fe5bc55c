//! A topic: its messages and its groups.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use super::table::Table;
use super::{Addressed, Body, Entry, Group, IdHash, Rate};
use crate::limits::FINISHED_IDS_MAX;
use crate::{GroupName, TopicName};

#[derive(Debug)]
pub(crate) struct Topic<B> {
    pub(crate) name: TopicName,
    /// The place of the next message; the first is 1.
    pub(crate) next: u64,
    /// Messages before this place are gone for every group, also for those to come.
    pub(crate) floor: u64,
    pub(crate) table: Table<B>,
    /// By number; a group that was forgotten leaves its number empty.
    pub(crate) groups: Vec<Option<Group>>,
    pub(crate) names: BTreeMap<GroupName, u32>,
    /// When the messages that have a delay are due, for groups to come.
    pub(crate) delays: BTreeMap<u64, i64>,
    /// The messages that are for one group.
    pub(crate) targets: BTreeSet<u64>,
    pub(crate) published: Rate,
    pub(crate) dropped: u64,
    finished: VecDeque<IdHash>,
    finished_set: HashSet<IdHash>,
}

impl<B: Body> Topic<B> {
    pub(crate) fn new(name: TopicName) -> Self {
        Self {
            name,
            next: 1,
            floor: 0,
            table: Table::new(),
            groups: Vec::new(),
            names: BTreeMap::new(),
            delays: BTreeMap::new(),
            targets: BTreeSet::new(),
            published: Rate::new(0),
            dropped: 0,
            finished: VecDeque::new(),
            finished_set: HashSet::new(),
        }
    }

    pub(crate) fn group(&self, number: u32) -> Option<&Group> {
        self.groups.get(number as usize)?.as_ref()
    }

    pub(crate) fn group_mut(&mut self, number: u32) -> Option<&mut Group> {
        self.groups.get_mut(number as usize)?.as_mut()
    }

    /// Whom a message is for that takes an edited one's place: its group may be another's since the decision.
    pub(crate) fn addressee(&self, to: Addressed) -> Addressed {
        let awaits =
            |group: &Option<Group>| group.as_ref().is_some_and(|group| group.edited.contains_key(&to.action));
        let group = (0..).zip(&self.groups).find(|(_, group)| awaits(group));
        Addressed { group: group.map_or(to.group, |(number, _)| number), ..to }
    }

    pub(crate) fn has_groups(&self) -> bool {
        !self.names.is_empty()
    }

    /// Whether a message with that id is kept, or was finished not long ago.
    pub(crate) fn knows(&self, id: IdHash) -> bool {
        self.finished_set.contains(&id) || self.table.find(id).is_some()
    }

    /// Remembers the id of a message that is finished.
    pub(crate) fn remember(&mut self, id: IdHash) {
        if self.finished_set.insert(id) {
            self.finished.push_back(id);
        }
        while self.finished.len() > FINISHED_IDS_MAX {
            if let Some(oldest) = self.finished.pop_front() {
                self.finished_set.remove(&oldest);
            }
        }
    }

    /// The ids of finished messages that are remembered, oldest first.
    #[cfg(feature = "embedded")]
    pub(crate) fn remembered(&self) -> impl ExactSizeIterator<Item = &IdHash> {
        self.finished.iter()
    }

    /// The place from which on no message is missing.
    pub(crate) fn dense_from(&self) -> u64 {
        let (mut from, mut expected) = (0, 0);
        for (place, _) in self.table.iter_from(0) {
            if place != expected {
                from = place;
            }
            expected = place + 1;
        }
        if expected == self.next { from } else { self.next }
    }

    /// A message that a group has finished; the message itself when that was the last of its groups.
    pub(crate) fn finish(&mut self, place: u64) -> Option<Entry<B>> {
        let entry = self.table.get_mut(place)?;
        entry.pending = entry.pending.saturating_sub(1);
        if entry.pending > 0 {
            return None;
        }
        self.remove(place)
    }

    /// Takes a message away.
    pub(crate) fn remove(&mut self, place: u64) -> Option<Entry<B>> {
        let entry = self.table.remove(place)?;
        self.delays.remove(&place);
        self.targets.remove(&place);
        self.remember(entry.id);
        Some(entry)
    }
}
