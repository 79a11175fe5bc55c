//! What the worker appends: batches that follow from a seed, so that whoever has it knows what should be there.

use trunkline_core::{Append, EventId, Expected, NewEvent, StreamName};

use crate::random::Random;

/// So many streams are written to by all tasks.
const SHARED_STREAMS: u64 = 4;

/// The type of every event that is to be stored.
pub(super) const STORED: &str = "Worked";

/// The type of events that are refused.
pub(super) const REFUSED: &str = "Refused";

/// Names a batch: which run of the worker, which of its tasks, which of the task's batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) run: u32,
    pub(super) task: u32,
    pub(super) number: u32,
}

/// Whose stream it is that is written to, which says what can be expected of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Only this task writes to it, and knows its version.
    Own,
    /// Nobody has written to it yet.
    New,
    /// All tasks write to it, and expect nothing.
    Shared,
    /// All tasks write to it, and each expects the version that it has found there.
    Contended,
}

/// What a batch writes to one stream.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) whose: Whose,
    pub(super) stream: StreamName,
    events: Vec<NewEvent>,
}

/// A batch.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) writes: Vec<Write>,
}

impl Load {
    /// The batch of this name.
    pub(super) fn of(seed: u64, key: Key) -> Self {
        let Key { run, task, number } = key;
        let mut random = Random::new(seed);
        for part in [run, task, number] {
            random = Random::new(random.below(u64::MAX) ^ u64::from(part));
        }
        let mut streams = vec![(Whose::Own, format!("own-{task}"))];
        if random.one_in(3) {
            streams.push((Whose::New, format!("new-{run}.{task}.{number}")));
        }
        if random.one_in(2) {
            let whose = if random.one_in(2) { Whose::Shared } else { Whose::Contended };
            streams.push((whose, format!("shared-{}", random.below(SHARED_STREAMS))));
        }
        let mut next = 0;
        let writes = streams.into_iter().map(|(whose, stream)| {
            let events = (0..=random.below(3)).map(|_| {
                next += 1;
                event(key, next - 1, &mut random)
            });
            Write { whose, events: events.collect(), stream: stream.parse().unwrap() }
        });
        Self { writes: writes.collect() }
    }

    /// The batch as an append, with what is expected of each stream.
    pub(super) fn append(&self, mut expected: impl FnMut(&Write) -> Expected) -> Append {
        self.writes.iter().fold(Append::default(), |append, write| {
            append.and_to(write.stream.clone(), expected(write)).with_events(write.events.iter().cloned())
        })
    }

    /// Its events, each with its stream, in order.
    pub(super) fn events(&self) -> impl Iterator<Item = (&StreamName, &NewEvent)> {
        self.writes.iter().flat_map(|write| write.events.iter().map(|event| (&write.stream, event)))
    }
}

fn event(key: Key, number: u32, random: &mut Random) -> NewEvent {
    let Key { run, task, number: batch } = key;
    let padding = if random.one_in(16) { random.below(20_000) } else { random.below(200) };
    let padding = "x".repeat(padding as usize);
    let data =
        format!(r#"{{"run":{run},"task":{task},"batch":{batch},"event":{number},"padding":"{padding}"}}"#);
    NewEvent::json(STORED, data).unwrap().id(id_of(key, number)).tag(format!("task:{task}").parse().unwrap())
}

/// An event that is appended where it doesn't belong, and must never show.
pub(super) fn refused_event() -> NewEvent {
    NewEvent::json(REFUSED, "{}").unwrap()
}

/// The id of a batch's event: the batch's name and the event's number in it.
fn id_of(key: Key, event: u32) -> EventId {
    let mut bytes = [0; 16];
    for (place, part) in bytes.chunks_mut(4).zip([key.run, key.task, key.number, event]) {
        place.copy_from_slice(&part.to_be_bytes());
    }
    EventId::from_bytes(bytes)
}

/// The batch that an event with this id belongs to; `None` where no batch has such an id.
pub(super) fn key_of(id: EventId) -> Option<Key> {
    let bytes = id.into_bytes();
    let part =
        |number: usize| Some(u32::from_be_bytes(bytes.get(number * 4..number * 4 + 4)?.try_into().ok()?));
    Some(Key { run: part(0)?, task: part(1)?, number: part(2)? })
}
