//! An event as a reader sees it, to be compared; two backends may lay out the same event differently.

use bytes::Bytes;
use futures::TryStreamExt;
use trunkline_core::{EventId, Position, RecordedEvent, Timestamp, Version};

use crate::{AllRead, Direction, EventStore, EventStream, StreamRead};

/// Everything that a reader can see of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) position: Position,
    pub(super) stream: String,
    pub(super) version: Version,
    pub(super) event_id: EventId,
    pub(super) event_type: String,
    pub(super) schema_version: u32,
    pub(super) data: Bytes,
    pub(super) metadata: Bytes,
    pub(super) tags: Vec<String>,
    pub(super) occurred_at: Timestamp,
    pub(super) recorded_at: Timestamp,
}

impl From<RecordedEvent> for Seen {
    fn from(event: RecordedEvent) -> Self {
        Self {
            position: event.position(),
            stream: event.stream().to_owned(),
            version: event.version(),
            event_id: event.event_id(),
            event_type: event.event_type().to_owned(),
            schema_version: event.schema_version(),
            data: event.data_bytes(),
            metadata: Bytes::copy_from_slice(event.metadata()),
            tags: event.tags().map(str::to_owned).collect(),
            occurred_at: event.occurred_at(),
            recorded_at: event.recorded_at(),
        }
    }
}

impl Seen {
    /// The stream's name up to the first `-`.
    pub(super) fn aggregate_type(&self) -> &str {
        self.stream.split('-').next().unwrap_or_default()
    }
}

/// Everything that a read yields.
pub(super) async fn collect(read: EventStream) -> Vec<Seen> {
    let events: Vec<RecordedEvent> = read.try_collect().await.expect("a read of a sound store succeeds");
    events.into_iter().map(Seen::from).collect()
}

/// Everything that is stored.
pub(super) async fn everything(store: &dyn EventStore) -> Vec<Seen> {
    collect(store.read_all(AllRead::default())).await
}

/// Everything in one stream.
pub(super) async fn everything_in(store: &dyn EventStore, stream: &str) -> Vec<Seen> {
    collect(store.read_stream(&super::sample::stream(stream), StreamRead::default())).await
}

/// What a read of these events, which are in order, should yield.
pub(super) fn cut(
    events: impl DoubleEndedIterator<Item = Seen>,
    direction: Direction,
    limit: Option<u64>,
) -> Vec<Seen> {
    let limit = limit.map_or(usize::MAX, |limit| limit as usize);
    match direction {
        Direction::Forward => events.take(limit).collect(),
        Direction::Backward => events.rev().take(limit).collect(),
    }
}
