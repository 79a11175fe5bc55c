//! The log backend: events in the append-only log of `trunkline-log`, one folder a store.

mod ahead;
mod codec;
mod maintain;
mod open;
mod read;

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::{Semaphore, oneshot, watch};
use trunkline_core::{
    Append, Appended, Clock as _, EventId, Expected, Position, StoreId, StreamName, SystemClock, Version,
};
use trunkline_log as engine;

pub use open::LogStoreOptions;

use crate::{
    AllRead, AppendError, EventStore, EventStream, Limits, ReadError, StorageError, StreamList, StreamRead,
    StreamsRead, check,
};

/// How an error names this storage.
const STORE: &str = "the store";

/// How many KiB of batches may wait for the log's writer; further appends wait before they are handed over.
const WAITING_KIB_MAX: u32 = 256 << 10;

/// An event store on disk: durable, ordered, for one writing process and any number of reading ones.
///
/// ```
/// use trunkline_core::{Append, Expected, NewEvent, Position};
/// use trunkline_store::{EventStore, LogStore, LogStoreOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("events");
/// let store = LogStore::open(&path, LogStoreOptions::default())?;
/// let append = Append::to("order-1".parse()?, Expected::NoStream)
///     .event(NewEvent::json("OrderCreated", r#"{"order_id":"1"}"#)?);
/// store.append(append).await?;
/// store.close().await;
///
/// let store = LogStore::open_read_only(&path)?;
/// assert_eq!(store.head().await?, Position::FIRST);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct LogStore {
    log: Arc<engine::Log>,
    limits: Limits,
    /// Changes whenever the head moves; in a store that is only read it never does.
    head: watch::Receiver<u64>,
    read_only: bool,
    /// KiB that may still be handed to the writer.
    room: Arc<Semaphore>,
}

impl LogStore {
    /// Closes the store: what was appended is synced and confirmed, and another process may open it.
    ///
    /// Dropping the last clone of the store does the same, but blocks the thread it happens on.
    pub async fn close(self) {
        let log = Arc::clone(&self.log);
        let closed = tokio::task::spawn_blocking(move || log.close());
        if let Err(error) = closed.await {
            tracing::error!(%error, "closing the store was interrupted");
        }
    }

    /// How many bytes of a commit that was cut off were rolled back when the store was opened.
    pub fn rolled_back_bytes(&self) -> u64 {
        self.log.rolled_back_bytes()
    }

    async fn append_batch(&self, append: Append) -> Result<Appended, AppendError> {
        check(&append, self.limits)?;
        if self.read_only {
            let reason =
                "it was opened for reading; open it for appending, when no other process does".to_owned();
            return Err(AppendError::ReadOnly { reason });
        }
        let batch = codec::encode(&self.log, &append, SystemClock.now());
        let kib = u32::try_from(batch.len() >> 10).unwrap_or(WAITING_KIB_MAX).clamp(1, WAITING_KIB_MAX);
        // Permits are given in the order in which they were asked for, so appends keep theirs.
        let room = Arc::clone(&self.room).acquire_many_owned(kib).await;
        let room = room.map_err(|_| AppendError::Storage(StorageError::Closed { storage: STORE }))?;
        let (sender, receiver) = oneshot::channel();
        self.log.append(batch, move |answer| {
            drop(room);
            // Nobody may be waiting any more; the append stands all the same.
            drop(sender.send(answer));
        });
        // The events are in the batch; what is left of them makes room while the log writes.
        let asked = Asked::of(append);
        match receiver.await {
            Ok(Ok(appended)) => Ok(Appended {
                versions: appended.versions.into_iter().map(Version::new).collect(),
                position: Position::new(appended.position),
                repeated: appended.repeated,
            }),
            Ok(Err(error)) => Err(asked.error(error)),
            Err(_) => {
                let reason = "the log's writer ended before it answered".to_owned();
                Err(StorageError::Unknown { storage: STORE, reason }.into())
            }
        }
    }
}

/// What was asked of the log, as far as its errors speak of it: the log counts what it was given.
struct Asked {
    writes: Vec<(StreamName, Expected)>,
    ids: Vec<EventId>,
    /// Whether the first condition is that of the append's command.
    command: bool,
    conditions: Vec<String>,
}

impl Asked {
    fn of(append: Append) -> Self {
        Self {
            ids: append.events().map(|event| event.event_id).collect(),
            writes: append.writes.into_iter().map(|write| (write.stream, write.expected)).collect(),
            command: append.command.is_some(),
            conditions: append.conditions.into_iter().map(|condition| condition.name).collect(),
        }
    }

    /// The log's error in the store's words.
    fn error(mut self, error: engine::AppendError) -> AppendError {
        match error {
            engine::AppendError::Conflict { write, found } => {
                let (stream, expected) = self.writes.swap_remove(write);
                AppendError::Conflict { stream, expected, found: Version::new(found) }
            }
            engine::AppendError::ConditionFailed { condition, position } => {
                let position = Position::new(position);
                match condition.checked_sub(usize::from(self.command)) {
                    None => AppendError::AlreadyHandled { position },
                    Some(condition) => AppendError::ConditionFailed {
                        name: self.conditions.swap_remove(condition),
                        position,
                    },
                }
            }
            engine::AppendError::IdTaken { record, position } => {
                AppendError::EventIdTaken { event_id: self.ids[record], position: Position::new(position) }
            }
            engine::AppendError::IdReused { record, position } => {
                AppendError::EventIdReused { event_id: self.ids[record], position: Position::new(position) }
            }
            engine::AppendError::TooLarge { what, bytes, bytes_max } => {
                AppendError::TooLarge { what, bytes, bytes_max }
            }
            engine::AppendError::ReadOnly => {
                AppendError::ReadOnly { reason: "the log is open for reading".to_owned() }
            }
            engine::AppendError::NotStored(reason) => {
                StorageError::NotStored { reason: reason.to_string() }.into()
            }
            engine::AppendError::Poisoned(reason) => {
                StorageError::Poisoned { storage: STORE, reason: reason.to_string() }.into()
            }
            engine::AppendError::Closed => StorageError::Closed { storage: STORE }.into(),
            unknown => StorageError::Unknown { storage: STORE, reason: unknown.to_string() }.into(),
        }
    }
}

impl EventStore for LogStore {
    fn id(&self) -> StoreId {
        StoreId::from_bytes(self.log.store_id())
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        Box::pin(self.append_batch(append))
    }

    fn read_stream(&self, stream: &StreamName, read: StreamRead) -> EventStream {
        read::stream(self, stream, read)
    }

    fn read_all(&self, read: AllRead) -> EventStream {
        read::all(self, read)
    }

    fn streams(&self, read: StreamsRead) -> StreamList {
        read::streams(self, read)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(async move {
            let head = self.refreshed()?;
            match self.log.damage() {
                None => Ok(Position::new(head)),
                Some(damage) => Err(read::read_error(damage)),
            }
        })
    }

    fn wait_beyond(&self, position: Position) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(self.wait_for_head(position.get()))
    }
}
