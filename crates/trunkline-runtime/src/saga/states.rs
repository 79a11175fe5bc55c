//! The states of sagas: folds of their streams, the latest of them kept at hand.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;
use indexmap::IndexMap;
use trunkline_core::saga::{self, SagaState, Status, Transition};
use trunkline_core::{EventId, Position, RecordedEvent, StreamName, Timestamp, Version};
use trunkline_store::derived::SagaKey;
use trunkline_store::{EventStore, StreamRead};

use super::SagaError;
use super::refresh::Standing;

/// How many states are kept at hand: those that are busy at the same time, each a few kilobytes.
const KEPT_MAX: usize = 4_096;

/// An event of a saga's stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Its version there.
    pub version: Version,
    /// Its position.
    pub position: Position,
    /// Its id.
    pub event_id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub transition: Transition,
}

/// The states of sagas, the latest of them kept at hand.
pub(super) struct SagaStates {
    store: Arc<dyn EventStore>,
    // Held to look and to put, never while the log is read.
    kept: Mutex<IndexMap<SagaKey, Arc<SagaState>>>,
}

impl SagaStates {
    pub(super) fn new(store: Arc<dyn EventStore>) -> Self {
        Self { store, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, IndexMap<SagaKey, Arc<SagaState>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a saga stands.
    pub(super) async fn find(&self, key: &SagaKey) -> Result<Arc<SagaState>, SagaError> {
        if let Some(state) = self.kept().get(key) {
            return Ok(Arc::clone(state));
        }
        let state = Arc::new(self.load(key).await?);
        self.keep(Arc::clone(&state));
        Ok(state)
    }

    /// Where a saga stands, as its stream says.
    pub(super) async fn load(&self, (name, id): &SagaKey) -> Result<SagaState, SagaError> {
        let mut state = SagaState::new(name, id);
        let Ok(stream) = saga::stream(name, id) else { return Ok(state) };
        let mut events = self.store.read_stream(&stream, StreamRead::default());
        while let Some(event) = events.next().await.transpose()? {
            let recording = read(&event)?;
            state.apply(&recording.transition, recording.at, recording.event_id);
        }
        Ok(state)
    }

    /// All that happened to a saga.
    pub(super) async fn history(&self, stream: &StreamName) -> Result<Vec<Recording>, SagaError> {
        let mut history = Vec::new();
        let mut events = self.store.read_stream(stream, StreamRead::default());
        while let Some(event) = events.next().await.transpose()? {
            history.push(read(&event)?);
        }
        Ok(history)
    }

    /// Puts a state in the place of an older one.
    pub(super) fn keep(&self, state: Arc<SagaState>) {
        let key = (state.name.clone(), state.id.clone());
        let mut kept = self.kept();
        match kept.get_mut(&key) {
            Some(there) if there.version > state.version => {}
            Some(there) => *there = state,
            None => {
                if kept.len() >= KEPT_MAX {
                    // Any of them: when more are busy than are kept, the oldest are those that are wanted next.
                    let any = fastrand::usize(..kept.len());
                    kept.swap_remove_index(any);
                }
                kept.insert(key, state);
            }
        }
    }

    /// Drops those of these sagas that have ended.
    pub(super) fn evict_ended(&self, states: &[Standing]) {
        let mut kept = self.kept();
        for (state, _) in states {
            if state.status.is_some_and(Status::is_ended) {
                kept.swap_remove(&(state.name.clone(), state.id.clone()));
            }
        }
    }

    /// Drops a state that is older than this version of the stream: another process has appended.
    pub(super) fn evict_older(&self, key: &SagaKey, version: Version) {
        let mut kept = self.kept();
        if kept.get(key).is_some_and(|state| state.version < version) {
            kept.swap_remove(key);
        }
    }

    /// Drops a state that may not be what the stream says.
    pub(super) fn forget(&self, key: &SagaKey) {
        self.kept().swap_remove(key);
    }
}

/// An event of a saga's stream, read.
pub(super) fn read(event: &RecordedEvent) -> Result<Recording, SagaError> {
    let unreadable = |reason: String| SagaError::Unreadable {
        stream: event.stream_name(),
        version: event.version(),
        reason,
    };
    let transition = match Transition::from_data(event.event_type(), event.data()) {
        Some(read) => read.map_err(|error| unreadable(error.to_string()))?,
        None => return Err(unreadable(format!("no saga has an event {}", event.event_type()))),
    };
    Ok(Recording {
        version: event.version(),
        position: event.position(),
        event_id: event.event_id(),
        at: event.occurred_at(),
        transition,
    })
}
