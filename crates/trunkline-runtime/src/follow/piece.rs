//! A piece of the log: as many events as there are, within bounds.

use std::sync::Arc;

use futures::StreamExt as _;
use trunkline_core::{Position, RecordedEvent};
use trunkline_store::derived::Checkpoint;
use trunkline_store::{AllRead, EventStore, EventStoreExt as _, ReadError};

use super::Wanted;

/// A piece of the log.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// The wanted events.
    pub(crate) events: Arc<Vec<RecordedEvent>>,
    /// The last event of the piece, wanted or not: no wanted one up to there is missing.
    pub(crate) end: Checkpoint,
    /// The head as it was when the piece was read.
    pub(crate) head: Position,
}

impl Piece {
    /// Whether nothing was behind it when it was read.
    pub(crate) fn is_last(&self) -> bool {
        self.end.position >= self.head
    }
}

/// How much a piece has at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Events: enough that what is done once a piece costs little beside them.
    pub(crate) events: usize,
    /// Bytes of their data, so that large events don't fill the memory.
    pub(crate) bytes: usize,
}

impl Bounds {
    /// Bounds for who commits a piece in one transaction.
    pub(crate) const TRANSACTION: Self = Self { events: 1_000, bytes: 8 << 20 };
}

/// What an event takes beside its data and metadata, roughly.
const EVENT_BYTES: usize = 256;

/// How many bytes of memory an event takes, roughly.
pub(super) fn size(event: &RecordedEvent) -> usize {
    event.data().len() + event.metadata().len() + EVENT_BYTES
}

pub(super) fn checkpoint(store: &dyn EventStore, event: &RecordedEvent) -> Checkpoint {
    Checkpoint { store: store.id(), position: event.position(), event_id: event.event_id() }
}

/// Waits for an event after a position, and reads from there, up to another position, through the index: as many as
/// there are, or as one piece may have.
///
/// A failed read is the answer once all events before it were given. Nothing when the log's last event can't be found, which is
/// a store that shrank.
pub(super) async fn read(
    store: &Arc<dyn EventStore>,
    after: Position,
    until: Position,
    wanted: &Wanted,
    bounds: Bounds,
) -> Result<Option<Piece>, ReadError> {
    let head = store.wait_beyond(after).await?;
    let to = head.min(until);
    let mut events = Vec::new();
    let mut bytes = 0;
    let mut full = false;
    // Who wants no event moves along all the same.
    if !wanted.is_empty() {
        let read = AllRead { to, limit: Some(bounds.events as u64), ..AllRead::after(after) };
        let mut read = store.read_all(read.matching(wanted.query()));
        while let Some(event) = read.next().await {
            match event {
                Ok(event) => {
                    bytes += size(&event);
                    events.push(event);
                    full = events.len() == bounds.events || bytes >= bounds.bytes;
                }
                Err(error) if events.is_empty() => return Err(error),
                // What comes before it is given first; the next piece is the error.
                Err(_) => full = true,
            }
            if full {
                break;
            }
        }
    }
    let end = match events.last() {
        Some(last) if full || last.position() == to => Some(checkpoint(&**store, last)),
        _ => store.event_at(to).await?.map(|event| checkpoint(&**store, &event)),
    };
    Ok(end.map(|end| Piece { events: Arc::new(events), end, head }))
}
