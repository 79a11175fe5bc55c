//! Comforts on top of [`EventStore`] that need nothing more from a backend.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use trunkline_core::{Position, Query, RecordedEvent, StreamName, Version};

use crate::{AllRead, Direction, EventStore, EventStream, ReadError, StreamRead};

/// What can be done with every [`EventStore`].
pub trait EventStoreExt: EventStore {
    /// The version of a stream: [`Version::EMPTY`] when it has no events.
    fn version(&self, stream: &StreamName) -> BoxFuture<'_, Result<Version, ReadError>> {
        let last = StreamRead { direction: Direction::Backward, limit: Some(1), ..StreamRead::default() };
        let mut read = self.read_stream(stream, last);
        Box::pin(async move {
            let last = read.next().await.transpose()?;
            Ok(last.map_or(Version::EMPTY, |event| event.version()))
        })
    }

    /// The event at a position, if there is one.
    fn event_at(&self, position: Position) -> BoxFuture<'_, Result<Option<RecordedEvent>, ReadError>> {
        let read = AllRead { from: position, to: position, limit: Some(1), ..AllRead::default() };
        let mut read = self.read_all(read);
        Box::pin(async move { read.next().await.transpose() })
    }

    /// All events of a stream, in memory.
    fn stream_events(&self, stream: &StreamName) -> BoxFuture<'_, Result<Vec<RecordedEvent>, ReadError>> {
        let read = self.read_stream(stream, StreamRead::default());
        Box::pin(read.try_collect())
    }
}

impl<S: EventStore + ?Sized> EventStoreExt for S {}

/// Every event after a position that the query selects, and then every further one as it is appended: a
/// stream that only an error ends.
///
/// It is a read up to the head, then a wait for the next event, then a read again: there is no other path
/// that live events could take.
///
/// ```
/// use std::sync::Arc;
/// use futures::StreamExt;
/// use trunkline_core::{Append, Expected, NewEvent, Position, Query};
/// use trunkline_store::{EventStore, MemoryStore, subscribe};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
/// let mut events = subscribe(&store, Query::all(), Position::START);
/// let append = Append::to("order-1".parse()?, Expected::Any).event(NewEvent::json("OrderCreated", "{}")?);
/// store.append(append).await?;
/// assert_eq!(events.next().await.transpose()?.map(|event| event.position()), Some(Position::FIRST));
/// # Ok(())
/// # }
/// ```
pub fn subscribe(store: &Arc<dyn EventStore>, query: Query, after: Position) -> EventStream {
    let state = Subscription {
        store: Arc::clone(store),
        query,
        done: after,
        watermark: after,
        read: None,
        failed: false,
    };
    let events = futures::stream::unfold(state, |mut state| async move {
        let next = state.next().await?;
        state.failed = next.is_err();
        Some((next, state))
    });
    Box::pin(events.fuse())
}

struct Subscription {
    store: Arc<dyn EventStore>,
    query: Query,
    /// Everything up to here was given out or isn't selected.
    done: Position,
    /// Where the current read ends.
    watermark: Position,
    read: Option<EventStream>,
    failed: bool,
}

impl Subscription {
    /// The next event, or the error that ends the subscription, or nothing once that was given out.
    async fn next(&mut self) -> Option<Result<RecordedEvent, ReadError>> {
        if self.failed {
            return None;
        }
        loop {
            let Some(read) = &mut self.read else {
                match self.store.wait_beyond(self.done).await {
                    Ok(head) => self.watermark = head,
                    Err(error) => return Some(Err(error)),
                }
                let read = AllRead { to: self.watermark, ..AllRead::after(self.done) };
                self.read = Some(self.store.read_all(read.matching(self.query.clone())));
                continue;
            };
            match read.next().await {
                Some(Ok(event)) => {
                    self.done = event.position();
                    return Some(Ok(event));
                }
                Some(Err(error)) => return Some(Err(error)),
                None => {
                    self.done = self.watermark;
                    self.read = None;
                }
            }
        }
    }
}
