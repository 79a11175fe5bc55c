//! The index, brought up to the head from the sagas' streams.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use trunkline_core::saga::{self, SagaState, Status, Transition};
use trunkline_core::{EventType, Position, QueryItem, RecordedEvent, Timestamp, Version};
use trunkline_store::derived::{Checkpoint, IndexedSaga, SagaIndex, SagaKey, SagaRow};
use trunkline_store::{AllRead, EventStoreExt as _};

use super::runner::{NAME, next_chunk};
use super::states;
use super::{SagaError, Sagas};

/// How many sagas that have not ended are followed at a time; the streams of others are read once more.
const FOLLOWED_MAX: usize = 16_384;

/// A saga, and when it is due: never, when its definition is gone.
pub(super) type Standing = (Arc<SagaState>, Option<Timestamp>);

/// How they stand, as the index has it. What was never started is no saga.
pub(super) fn rows(states: &[Standing]) -> Vec<IndexedSaga> {
    let row = |(state, due): &Standing| {
        let row = SagaRow {
            name: state.name.clone(),
            id: state.id.clone(),
            status: state.status?,
            step: state.waiting.as_ref().map(|waiting| waiting.step.clone()),
            started_at: state.started_at,
            changed_at: state.changed_at,
            due: *due,
            reason: state.stuck.clone().or_else(|| state.reason.clone()),
        };
        Some(IndexedSaga { row, version: state.version })
    };
    states.iter().filter_map(row).collect()
}

impl Sagas {
    /// The index, brought up to the head from the sagas' streams.
    pub(super) async fn refresh(&self) -> Result<&dyn SagaIndex, SagaError> {
        let index = &*self.index;
        let after = match index.read_to().await? {
            Some(read_to) if read_to.check(NAME, &*self.store).await.is_ok() => read_to.position,
            Some(_) => {
                index.clear().await?;
                Position::START
            }
            None => Position::START,
        };
        let head = self.store.head().await?;
        if head <= after {
            return Ok(index);
        }
        let types = Transition::TYPES.iter().map(|name| EventType::system(name).expect("these are names"));
        let query = QueryItem { event_types: types.collect(), ..QueryItem::default() };
        let read = AllRead { to: head, ..AllRead::after(after) }.matching(query.into());
        let mut events = self.store.read_all(read);
        // Not those at hand: whoever runs sagas must not find a state there that is older than what was read.
        let mut followed = IndexMap::new();
        loop {
            let chunk = next_chunk(&mut events).await?;
            let Some(last) = chunk.last() else { break };
            let states = self.follow(&mut followed, &chunk).await?;
            index.put(rows(&states), Some(self.checkpoint(last))).await?;
        }
        // The log was read to its head, also past events that are no transitions.
        if let Some(last) = self.store.event_at(head).await? {
            index.put(Vec::new(), Some(self.checkpoint(&last))).await?;
        }
        Ok(index)
    }

    /// How the sagas stand to which these events happened.
    async fn follow(
        &self,
        followed: &mut IndexMap<SagaKey, Arc<SagaState>>,
        events: &[RecordedEvent],
    ) -> Result<Vec<Standing>, SagaError> {
        let mut touched = IndexSet::new();
        for event in events {
            let Some((name, id)) = saga::of_stream(event.stream()) else { continue };
            let key: SagaKey = (name.to_owned(), id.to_owned());
            if !followed.contains_key(&key) {
                let is_first = event.version() == Version::FIRST;
                let state = if is_first { SagaState::new(name, id) } else { self.states.load(&key).await? };
                followed.insert(key.clone(), Arc::new(state));
            }
            let state = &mut followed[&key];
            if state.version.next() == event.version() {
                let recording = states::read(event)?;
                Arc::make_mut(state).apply(&recording.transition, recording.at, recording.event_id);
            }
            touched.insert(key);
        }
        let standing = |key: &SagaKey| {
            let state = Arc::clone(&followed[key]);
            let due = self.due(&state);
            (state, due)
        };
        let states = touched.iter().map(standing).collect();
        followed.retain(|_, state| !state.status.is_some_and(Status::is_ended));
        if followed.len() > FOLLOWED_MAX {
            followed.clear();
        }
        Ok(states)
    }

    pub(super) fn checkpoint(&self, event: &RecordedEvent) -> Checkpoint {
        Checkpoint { store: self.store.id(), position: event.position(), event_id: event.event_id() }
    }

    /// How sagas stand.
    pub(super) async fn standings(&self, keys: &IndexSet<SagaKey>) -> Result<Vec<Standing>, SagaError> {
        let mut states = Vec::with_capacity(keys.len());
        for key in keys {
            let state = self.states.find(key).await?;
            let due = self.due(&state);
            states.push((state, due));
        }
        Ok(states)
    }

    fn due(&self, state: &SagaState) -> Option<Timestamp> {
        self.routes.definition(&state.name).and_then(|_| state.due())
    }
}
