//! A piece of the log: as many events as there are, within bounds.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use trunkline_core::{EventType, Position, Query, QueryItem, RecordedEvent};
use trunkline_sql::{Batch, BatchEnd};
use trunkline_store::{AllRead, EventStore, EventStoreExt, ReadError};

/// Events of a chunk: enough that a transaction costs little beside them, few enough that it stays short.
const EVENTS_MAX: u64 = 1_000;

/// Bytes of a chunk's data, so that large events don't fill the memory.
const BYTES_MAX: usize = 8 << 20;

/// A piece of the log.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    /// The wanted events.
    pub(super) events: Arc<Vec<RecordedEvent>>,
    /// Where the piece ends: no wanted event up to there is missing.
    pub(super) reached: BatchEnd,
    /// The head as it was when the piece was read.
    pub(super) head: Position,
    /// What its reader's statements get of the events; not there when others share the piece.
    pub(super) batch: Option<Arc<Batch>>,
}

/// The query of all events of these types.
fn wanted(types: &BTreeSet<String>) -> Query {
    // What is no event type is the type of no event.
    let event_types = types.iter().filter_map(|name| EventType::system(name).ok()).collect();
    QueryItem { event_types, ..QueryItem::default() }.into()
}

/// How many chunks are read ahead, so that reading and applying go on at the same time; finding the values that
/// statements get of the events is part of reading.
const AHEAD_MAX: usize = 2;

/// Chunks that are read ahead, from a position to another.
pub(super) struct Ahead {
    chunks: mpsc::Receiver<Result<Option<Chunk>, ReadError>>,
    reading: JoinHandle<()>,
}

impl Ahead {
    /// Begins to read.
    pub(super) fn read(
        store: &Arc<dyn EventStore>,
        mut after: Position,
        until: Position,
        types: &BTreeSet<String>,
        batch: impl Fn(&Arc<Vec<RecordedEvent>>) -> Option<Batch> + Send + 'static,
    ) -> Self {
        let (sender, chunks) = mpsc::channel(AHEAD_MAX);
        let (store, types) = (Arc::clone(store), types.clone());
        let reading = tokio::spawn(async move {
            while after < until {
                let mut chunk = read(&store, after, until, &types).await;
                let reached = match &mut chunk {
                    Ok(Some(chunk)) => {
                        chunk.batch = batch(&chunk.events).map(Arc::new);
                        Some(chunk.reached.position)
                    }
                    _ => None,
                };
                // Nobody takes any more, or there is nothing to go on with.
                if sender.send(chunk).await.is_err() {
                    return;
                }
                let Some(reached) = reached else { return };
                after = reached;
            }
        });
        Self { chunks, reading }
    }

    /// The next chunk; nothing when all was read.
    pub(super) async fn next(&mut self) -> Option<Result<Option<Chunk>, ReadError>> {
        let next = self.chunks.recv().await;
        // Once it has ended, how it ended: to read again what made it panic would go on for ever.
        if next.is_none()
            && let Err(error) = (&mut self.reading).await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
        next
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Waits for an event after a position, and reads from there: as many as there are, or as one chunk may have.
///
/// Nothing when the log's last event can't be found, which is a store that shrank.
pub(super) async fn read(
    store: &Arc<dyn EventStore>,
    after: Position,
    until: Position,
    types: &BTreeSet<String>,
) -> Result<Option<Chunk>, ReadError> {
    let head = store.wait_beyond(after).await?;
    let to = head.min(until);
    let mut events = Vec::new();
    let mut bytes = 0;
    let mut full = false;
    // A projection that wants no event moves its checkpoint along all the same.
    if !types.is_empty() {
        let read = AllRead { to, limit: Some(EVENTS_MAX), ..AllRead::after(after) };
        let mut read = store.read_all(read.matching(wanted(types)));
        while let Some(event) = read.next().await.transpose()? {
            bytes += event.data().len();
            events.push(event);
            full = events.len() as u64 == EVENTS_MAX || bytes >= BYTES_MAX;
            if full {
                break;
            }
        }
    }
    let reached = match events.last() {
        Some(last) if full => Some(BatchEnd::event(last)),
        Some(last) if last.position() == to => Some(BatchEnd::event(last)),
        _ => store.event_at(to).await?.map(|event| BatchEnd::event(&event)),
    };
    Ok(reached.map(|reached| Chunk { events: Arc::new(events), reached, head, batch: None }))
}
