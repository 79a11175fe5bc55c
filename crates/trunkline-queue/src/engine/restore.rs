//! What a backend that keeps its state needs to make it again, and to say where bodies are.

use super::apply::note_directness;
use super::{Addressed, Body, Engine, Entry, Topic};

impl<B: Body> Engine<B> {
    /// The message was published before the state that is there now: each group has it or has finished it.
    ///
    /// Returns whether it is kept. It is not found by its id before [`Engine::restored`].
    pub(crate) fn restore(
        &mut self,
        topic: u32,
        place: u64,
        mut entry: Entry<B>,
        due: Option<i64>,
        to: Option<Addressed>,
    ) -> bool {
        let Some(topic) = self.topic_mut(topic) else { return false };
        if place < topic.floor {
            return false;
        }
        entry.pending = 0;
        for group in topic.groups.iter_mut().flatten() {
            if !group.has(place, entry.key, entry.is_direct()) {
                continue;
            }
            entry.pending += 1;
            if let Some(touched) = group.touched.get(&place).cloned() {
                group.put(place, entry.key, touched);
            } else if let Some(died) = group.died.get(&place).cloned() {
                if died.holds {
                    group.hold(entry.key, died.order, died.number);
                }
            } else {
                group.add_untouched(place, entry.key);
            }
        }
        if entry.pending == 0 && topic.has_groups() {
            return false;
        }
        note_directness(topic, place, due, to);
        topic.table.restore(place, entry);
        true
    }

    /// Everybody who waits has to look again.
    pub(crate) fn everybody(&self) {
        for group in self.topics.iter().flat_map(|topic| topic.groups.iter().flatten()) {
            group.bell.everybody();
        }
    }

    /// All messages that were published before the state are there now.
    pub(crate) fn restored(&mut self) {
        for topic in &mut self.topics {
            topic.table.find_all();
        }
        self.drop_missing();
    }

    /// Lets groups forget what is not there: its messages were finished by all, and that is what was lost.
    pub(crate) fn drop_missing(&mut self) {
        for topic in &mut self.topics {
            let Topic { table, groups, .. } = topic;
            for group in groups.iter_mut().flatten() {
                group.touched.retain(|place, _| table.get(*place).is_some());
                group.died.retain(|place, _| table.get(*place).is_some());
            }
        }
        let topics = &self.topics;
        self.dead.retain(|_, (topic, group, place)| {
            let group = topics.get(*topic as usize).and_then(|topic| topic.group(*group));
            group.is_some_and(|group| group.died.contains_key(place))
        });
    }

    /// The bodies of all messages.
    pub(crate) fn each_body(&self, each: impl FnMut(&B)) {
        self.topics
            .iter()
            .flat_map(|topic| topic.table.iter_from(0))
            .map(|(_, entry)| &entry.body)
            .for_each(each);
    }

    /// The message's body is somewhere else now; whether there is such a message.
    pub(crate) fn move_body(&mut self, topic: u32, place: u64, body: B) -> bool {
        let entry = self.topic_mut(topic).and_then(|topic| topic.table.get_mut(place));
        entry.map(|entry| entry.body = body).is_some()
    }

    /// Whether the message is there, with this body.
    pub(crate) fn is_at(&self, topic: u32, place: u64, body: &B) -> bool
    where
        B: PartialEq,
    {
        let entry = self.topic(topic).and_then(|topic| topic.table.get(place));
        entry.is_some_and(|entry| entry.body == *body)
    }
}
