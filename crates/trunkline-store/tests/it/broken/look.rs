//! Looking things up in the store that has the fault.

use futures::TryStreamExt;
use trunkline_core::{Append, EventId, RecordedEvent, Version};
use trunkline_store::{AllRead, EventStore, EventStoreExt, MemoryStore};

use super::store::Broken;

impl Broken {
    pub(super) async fn is_stored(&self, append: &Append) -> bool {
        let ids = self.ids().await;
        append.events().any(|event| ids.contains(&event.event_id))
    }

    pub(super) async fn ids(&self) -> Vec<EventId> {
        all(&self.store).await.iter().map(RecordedEvent::event_id).collect()
    }

    pub(super) async fn with_id(&self, id: Option<EventId>) -> Option<RecordedEvent> {
        all(&self.store).await.into_iter().find(|event| Some(event.event_id()) == id)
    }

    pub(super) async fn versions(&self, append: &Append) -> Vec<Version> {
        let mut versions = Vec::new();
        for write in &append.writes {
            versions.push(self.store.version(&write.stream).await.expect("a memory store is read"));
        }
        versions
    }
}

pub(super) async fn all(store: &MemoryStore) -> Vec<RecordedEvent> {
    store.read_all(AllRead::default()).try_collect().await.expect("a memory store is read")
}
