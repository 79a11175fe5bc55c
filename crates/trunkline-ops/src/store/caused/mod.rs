//! The events that have a cause in common: through the index of causes, which is brought up to date for it (`fill`);
//! what it doesn't have is looked for among all events (`found`).

mod fill;
mod found;

use std::sync::Arc;

use futures::{StreamExt as _, future};
use trunkline_core::{MetadataView, Position, RecordedEvent};
use trunkline_store::derived::{CauseIndex, CauseKey};
use trunkline_store::{AllRead, EventStore, EventStream, ReadError};

/// What events were caused by, as their metadata says; each id that is given must be the event's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caused {
    /// What all that follows from one cause has in common.
    pub correlation_id: Option<String>,
    /// The message, the command or the event that caused it.
    pub causation_id: Option<String>,
}

impl Caused {
    /// Whether every event is wanted.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an event with this metadata is wanted.
    pub fn is_in(&self, metadata: &[u8]) -> bool {
        let view = MetadataView::of(metadata);
        let has = |wanted: &Option<String>, name| {
            wanted.as_deref().is_none_or(|wanted| view.text(name).as_deref() == Some(wanted))
        };
        has(&self.correlation_id, MetadataView::CORRELATION_ID)
            && has(&self.causation_id, MetadataView::CAUSATION_ID)
    }

    /// What to look for in an index: a cause has fewer events than what all has in common that follows from one.
    fn key(&self) -> Option<CauseKey> {
        let causation = self.causation_id.as_deref().map(CauseKey::causation);
        causation.or_else(|| self.correlation_id.as_deref().map(CauseKey::correlation))
    }

    /// Those of the events of a read that are wanted, through an index that is brought up to date before.
    ///
    /// What is in the index is found through it, and each event is looked at before it is given out. Where the index
    /// can't be used, or can't be written and is older, every event is looked at instead. Where that, or the reading for
    /// the index, has come is told.
    pub async fn read(
        self,
        store: &Arc<dyn EventStore>,
        index: &Arc<dyn CauseIndex>,
        read: AllRead,
        seen: impl Fn(Position) + Send + Sync + 'static,
    ) -> Result<EventStream, ReadError> {
        let limit = read.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let read = AllRead { limit: None, ..read };
        let Some(key) = self.key() else { return Ok(store.read_all(read).take(limit).boxed()) };
        let read_to = fill::bring_up(&**index, &**store, &seen).await?;
        let found = found::Found {
            store: Arc::clone(store),
            index: Arc::clone(index),
            key,
            caused: Arc::new(self),
            seen: Arc::new(seen),
        };
        Ok(found.events(read, read_to).take(limit).boxed())
    }

    /// Those of some events that are wanted; every one of them is looked at.
    fn among(
        self: &Arc<Self>,
        events: EventStream,
        seen: Arc<dyn Fn(Position) + Send + Sync>,
    ) -> EventStream {
        let caused = Arc::clone(self);
        let wanted = move |event: &Result<RecordedEvent, _>| {
            future::ready(match event {
                Ok(event) => {
                    seen(event.position());
                    caused.is_in(event.metadata())
                }
                Err(_) => true,
            })
        };
        events.filter(wanted).boxed()
    }
}
