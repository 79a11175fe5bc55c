//! Groups whose messages become another's, and topics that get another name.
//!
//! A consumer's name is part of the ids of what it makes of a message. So a group remembers under which names the
//! messages up to a place may have been handled, and says so with each of them.

use trunkline_core::Timestamp;

use super::group::{At, Died, Edited, Touched};
use super::{Body, Change, Engine};
use crate::{Adopted, Adoption, DecisionOutcome, GroupName, OperateError, TopicName};

/// A name under which messages before a place may have been handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Former {
    pub(crate) name: String,
    pub(crate) before: u64,
}

/// The names under which the message at a place may have been handled before, the oldest first.
pub(crate) fn names_at(former: &[Former], place: u64) -> Vec<String> {
    let at = former.iter().filter(|former| place < former.before);
    at.map(|former| former.name.clone()).collect()
}

impl<B: Body> Engine<B> {
    pub(crate) fn adopt(
        &mut self,
        now: Timestamp,
        Adoption { topic, from, to, name }: Adoption,
        changes: &mut Vec<Change>,
    ) -> Result<Adopted, OperateError> {
        let same = from == to;
        let (topic, from) = self.look_up(&topic, &from)?;
        let Some(group) = self.topic(topic).and_then(|topic| topic.group(from)) else {
            return Ok(Adopted::default());
        };
        let adopted = if same {
            Adopted::default()
        } else {
            let [waiting, delayed, leased, held] = group.counts(now.as_micros());
            let edited = group.edited.len() as u64;
            Adopted { messages: waiting + delayed + leased + held + edited, dead: group.died.len() as u64 }
        };
        if !(same && group.former.iter().any(|former| former.name == name)) {
            let change = Change::Adopt { topic, from, to, name };
            self.apply(&change);
            changes.push(change);
        }
        Ok(adopted)
    }

    pub(crate) fn rename_topic(
        &mut self,
        from: TopicName,
        to: TopicName,
        changes: &mut Vec<Change>,
    ) -> Result<(), OperateError> {
        let Some(topic) = self.topic_number(&from) else { return Err(OperateError::NoTopic { topic: from }) };
        if self.topic_number(&to).is_some() {
            return Err(OperateError::TopicTaken { topic: to });
        }
        let change = Change::RenameTopic { topic, name: to };
        self.apply(&change);
        changes.push(change);
        Ok(())
    }

    pub(super) fn rename_topic_now(&mut self, number: u32, name: &TopicName) {
        let Some(topic) = self.topic_mut(number) else { return };
        let old = std::mem::replace(&mut topic.name, name.clone());
        // Who waits finds that there is no such topic.
        topic.groups.iter().flatten().for_each(|group| group.bell.everybody());
        self.names.remove(&old);
        self.names.insert(name.clone(), number);
    }

    pub(super) fn adopt_now(&mut self, topic: u32, from: u32, to: &GroupName, name: &str) {
        let Some(found) = self.topic_mut(topic) else { return };
        let into = match found.names.get(to).copied() {
            Some(into) if into != from => {
                self.move_messages(topic, from, into);
                into
            }
            Some(into) => into,
            None => {
                let Some(group) = found.group_mut(from) else { return };
                let old = std::mem::replace(&mut group.name, to.clone());
                group.bell.everybody();
                found.names.remove(&old);
                found.names.insert(to.clone(), from);
                from
            }
        };
        let Some(found) = self.topic_mut(topic) else { return };
        let before = found.next;
        if let Some(group) = found.group_mut(into) {
            group.former.push(Former { name: name.to_owned(), before });
        }
    }

    /// Moves what one group has to another, which keeps as it has it what both have.
    fn move_messages(&mut self, topic: u32, from: u32, into: u32) {
        let Some(found) = self.topic_mut(topic) else { return };
        let Some(mut old) = found.groups.get_mut(from as usize).and_then(Option::take) else { return };
        found.names.remove(&old.name);
        old.bell.everybody();
        let left: Vec<(u64, u32, bool)> = found
            .table
            .iter_from(0)
            .filter(|(place, entry)| old.has(*place, entry.key, entry.is_direct()))
            .map(|(place, entry)| (place, entry.key, entry.is_direct()))
            .collect();
        for (place, key, direct) in left {
            let (touched, died) = (old.touched.remove(&place), old.died.remove(&place));
            let Some(found) = self.topic_mut(topic) else { return };
            let Some(group) = found.group_mut(into) else { return };
            if group.has(place, key, direct) {
                let gone = found.finish(place);
                self.free(gone);
                died.map(|died| self.dead.remove(&died.number));
                self.came_out(touched.and_then(|touched| touched.action()), DecisionOutcome::Gone);
            } else if let Some(died) = died {
                let number = died.number;
                let holds = died.holds && group.holds_dead();
                let died = Died { holds, ..died };
                if holds {
                    group.hold(key, died.order, number);
                }
                group.died.insert(place, died);
                self.dead.insert(number, (topic, into, place));
            } else {
                // In an ordered group, one that was tried would have its partition to itself, and another may.
                let touched = match touched {
                    Some(touched) if group.ordered().is_none() => touched,
                    Some(touched) => match touched.action() {
                        Some(action) => {
                            let instead = Some(touched.order(place)).filter(|order| *order != place);
                            Touched::by(action, touched.at, instead)
                        }
                        None => Touched::new(touched.at),
                    },
                    None => Touched::new(At::Ready),
                };
                group.put(place, key, touched);
            }
        }
        if let Some(group) = self.topic_mut(topic).and_then(|topic| topic.group_mut(into)) {
            // Their messages come with this commit.
            for (action, edited) in std::mem::take(&mut old.edited) {
                let holds = edited.holds && group.holds_dead();
                if holds {
                    group.hold(edited.key, edited.order, edited.number);
                }
                group.edited.insert(action, Edited { holds, ..edited });
            }
            old.former.append(&mut group.former);
            group.former = old.former;
        }
    }
}
