//! The events that have a cause in common.

use futures::{StreamExt as _, future};
use trunkline_core::{MetadataView, Position};
use trunkline_store::EventStream;

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

    /// Those of some events that are wanted, as many as the limit says.
    ///
    /// Every one of the events is looked at, as causes are in no index, and where that has come is told.
    pub fn among(
        self,
        events: EventStream,
        limit: Option<u64>,
        mut seen: impl FnMut(Position) + Send + 'static,
    ) -> EventStream {
        let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let wanted = move |event: &Result<trunkline_core::RecordedEvent, _>| {
            future::ready(match event {
                Ok(event) => {
                    seen(event.position());
                    self.is_in(event.metadata())
                }
                Err(_) => true,
            })
        };
        events.filter(wanted).take(limit).boxed()
    }
}
