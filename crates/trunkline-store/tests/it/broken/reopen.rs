//! Faults of reopening: the store that is there afterwards is a copy, and not a good one.

use trunkline_core::{Append, EventId, EventType, Expected, Metadata, NewEvent, RecordedEvent, Tag};
use trunkline_store::{EventStore, MemoryStore};

use super::fault::Fault;
use super::look::all;
use super::store::Broken;

impl Broken {
    /// The store as the fault leaves it after reopening.
    pub(super) async fn reopened(self) -> Self {
        if !matches!(
            self.fault,
            Fault::LosesTheLastEvent | Fault::LosesIdsOnReopening | Fault::IsAnotherStoreWhenReopened
        ) {
            return self;
        }
        let mut events = all(&self.store).await;
        if self.has(Fault::LosesTheLastEvent) {
            events.pop();
        }
        let store = MemoryStore::new();
        for event in events {
            let mut copy = copy(&event);
            if self.has(Fault::LosesIdsOnReopening) {
                copy.event_id = EventId::generate();
            }
            let append = Append::to(event.stream_name(), Expected::Any).event(copy);
            store.append(append).await.expect("a copy is stored");
        }
        Self { store, ..self }
    }
}

/// The event as it was given.
fn copy(event: &RecordedEvent) -> NewEvent {
    NewEvent {
        event_id: event.event_id(),
        event_type: EventType::system(event.event_type()).expect("a stored name is a name"),
        schema_version: event.schema_version(),
        data: event.data_bytes(),
        metadata: Metadata::parse(event.metadata().to_vec()).expect("stored metadata is metadata"),
        tags: event.tags().map(|tag| Tag::system(tag).expect("a stored tag is a tag")).collect(),
        occurred_at: Some(event.occurred_at()),
        recorded_at: Some(event.recorded_at()),
    }
}
