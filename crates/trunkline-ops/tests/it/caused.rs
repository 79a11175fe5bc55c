//! Events that have a cause in common: found through the index, whatever the index is like.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::BoxFuture;
use futures::{FutureExt as _, TryStreamExt as _};
use trunkline_core::{Append, EventId, Expected, Metadata, NewEvent, Position, Query, QueryItem, StoreId};
use trunkline_ops::store::Caused;
use trunkline_store::derived::{
    CauseIndex, CauseIndexError, CauseKey, CauseQuery, Checkpoint, FoundCauses, MemoryCauseIndex,
};
use trunkline_store::{AllRead, Direction, EventStore, EventStoreExt as _, MemoryStore};

/// A store with an event for each of these, which has the text as its `correlation_id`, and its end as its `causation_id`.
async fn store(causes: &[&str]) -> Arc<dyn EventStore> {
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    more(&store, causes).await;
    store
}

async fn more(store: &Arc<dyn EventStore>, causes: &[&str]) {
    for cause in causes {
        let metadata = format!(r#"{{"correlation_id":"{cause}","causation_id":"{}"}}"#, &cause[1..]);
        let metadata = Metadata::parse(metadata).unwrap();
        let event = NewEvent::json("Happened", "1").unwrap().metadata(metadata);
        let stream = format!("{}-1", &cause[..1]).parse().unwrap();
        store.append(Append::to(stream, Expected::Any).event(event)).await.unwrap();
    }
}

fn correlated(id: &str) -> Caused {
    Caused { correlation_id: Some(id.to_owned()), causation_id: None }
}

/// Where the events stand that are found.
async fn positions(
    store: &Arc<dyn EventStore>,
    index: &Arc<dyn CauseIndex>,
    caused: Caused,
    read: AllRead,
) -> Vec<u64> {
    let events = caused.read(store, index, read, |_| ()).await.unwrap();
    events.map_ok(|event| event.position().get()).try_collect().await.unwrap()
}

fn memory() -> Arc<dyn CauseIndex> {
    Arc::new(MemoryCauseIndex::default())
}

async fn checkpoint(store: &Arc<dyn EventStore>, position: u64) -> Checkpoint {
    let event = store.event_at(Position::new(position)).await.unwrap().unwrap();
    Checkpoint { store: store.id(), position: event.position(), event_id: event.event_id() }
}

/// An index that says that it was read to a position, and has these events of a cause.
async fn said(store: &Arc<dyn EventStore>, to: u64, cause: &str, positions: &[u64]) -> Arc<dyn CauseIndex> {
    let causes = positions.iter().map(|at| (CauseKey::correlation(cause), Position::new(*at))).collect();
    let index = memory();
    assert_eq!(index.put(None, causes, checkpoint(store, to).await).await, Ok(true));
    index
}

#[tokio::test]
async fn the_index_is_read_to_the_head_and_then_answers() {
    let store = store(&["a1", "b1", "a1"]).await;
    let index = memory();
    assert_eq!(positions(&store, &index, correlated("a1"), AllRead::default()).await, [1, 3]);
    assert_eq!(index.read_to().await, Ok(Some(checkpoint(&store, 3).await)));
    more(&store, &["a1", "a2"]).await;
    assert_eq!(positions(&store, &index, correlated("a1"), AllRead::default()).await, [1, 3, 4]);
    assert_eq!(index.read_to().await, Ok(Some(checkpoint(&store, 5).await)));
    // No event is looked at that the index doesn't have.
    let index = said(&store, 5, "a1", &[3]).await;
    assert_eq!(positions(&store, &index, correlated("a1"), AllRead::default()).await, [3]);
}

#[tokio::test]
async fn what_the_index_has_of_another_cause_is_not_shown() {
    let store = store(&["a1", "b1", "a1", "b2"]).await;
    let index = said(&store, 4, "a1", &[1, 2, 3, 4]).await;
    assert_eq!(positions(&store, &index, correlated("a1"), AllRead::default()).await, [1, 3]);
}

#[tokio::test]
async fn an_index_of_another_history_is_made_anew() {
    let store = store(&["a1", "b1", "a1"]).await;
    let right = checkpoint(&store, 2).await;
    for wrong in [
        Checkpoint { store: StoreId::from_bytes([7; 16]), ..right },
        Checkpoint { event_id: EventId::from_bytes([7; 16]), ..right },
        Checkpoint { position: Position::new(9), ..right },
    ] {
        let index = memory();
        assert_eq!(
            index.put(None, vec![(CauseKey::correlation("a1"), Position::new(2))], wrong).await,
            Ok(true)
        );
        assert_eq!(
            positions(&store, &index, correlated("a1"), AllRead::default()).await,
            [1, 3],
            "{wrong:?}"
        );
        assert_eq!(index.read_to().await, Ok(Some(checkpoint(&store, 3).await)));
    }
}

/// What keeps an index from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It can't be opened.
    Gone,
    /// It can be read only.
    ReadOnly,
    /// Its answers are damaged, each time.
    Damaged,
    /// It is damaged once, and as new then.
    DamagedOnce,
    /// Another process makes it anew while it is asked, and has not come as far.
    MadeAnew,
    /// Another process makes it anew while it is asked, of another log.
    OfAnother,
    /// Another process goes on with it.
    Shared,
}

#[derive(Debug)]
struct Faulty {
    inner: Arc<dyn CauseIndex>,
    fault: Fault,
    /// What another process puts into it.
    others: Checkpoint,
    asked: AtomicU32,
}

impl Faulty {
    fn is_first(&self) -> bool {
        self.asked.fetch_add(1, Ordering::SeqCst) == 0
    }
}

fn failed<T>(damaged: bool) -> Result<T, CauseIndexError> {
    Err(CauseIndexError { reason: "it is tried".to_owned(), damaged })
}

impl CauseIndex for Faulty {
    fn read_to(&self) -> BoxFuture<'_, Result<Option<Checkpoint>, CauseIndexError>> {
        async move { if self.fault == Fault::Gone { failed(false) } else { self.inner.read_to().await } }
            .boxed()
    }

    fn put(
        &self,
        after: Option<Checkpoint>,
        causes: Vec<(CauseKey, Position)>,
        read_to: Checkpoint,
    ) -> BoxFuture<'_, Result<bool, CauseIndexError>> {
        async move {
            match self.fault {
                Fault::ReadOnly | Fault::Gone => return failed(false),
                Fault::DamagedOnce if self.is_first() => {
                    self.inner.clear().await?;
                    return failed(true);
                }
                Fault::Shared if self.is_first() => {
                    let shared = causes.iter().filter(|(_, at)| *at <= self.others.position).copied();
                    self.inner.put(after, shared.collect(), self.others).await?;
                }
                _ => {}
            }
            self.inner.put(after, causes, read_to).await
        }
        .boxed()
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), CauseIndexError>> {
        async move { if self.fault == Fault::ReadOnly { failed(false) } else { self.inner.clear().await } }
            .boxed()
    }

    fn find(&self, query: CauseQuery) -> BoxFuture<'_, Result<FoundCauses, CauseIndexError>> {
        async move {
            match self.fault {
                Fault::Damaged => return failed(true),
                Fault::MadeAnew => {
                    self.inner.clear().await?;
                    let causes = [1, 3, 5].map(|at| (query.key, Position::new(at)));
                    self.inner.put(None, causes.to_vec(), self.others).await?;
                }
                Fault::OfAnother => {
                    self.inner.clear().await?;
                    let other = Checkpoint { store: StoreId::from_bytes([7; 16]), ..self.others };
                    let other = Checkpoint { position: Position::new(20), ..other };
                    self.inner.put(None, Vec::new(), other).await?;
                }
                _ => {}
            }
            self.inner.find(query).await
        }
        .boxed()
    }
}

/// One way and the other, whatever is asked.
#[tokio::test]
async fn whatever_is_wrong_with_the_index_the_events_are_found() {
    let causes = ["a1", "b1", "a1", "b2", "a1", "a2", "b1", "a1", "a1"];
    let store = store(&causes).await;
    for fault in [
        Fault::Gone,
        Fault::ReadOnly,
        Fault::Damaged,
        Fault::DamagedOnce,
        Fault::MadeAnew,
        Fault::OfAnother,
        Fault::Shared,
    ] {
        for read_to in [0, 4, 9] {
            for (direction, expected) in
                [(Direction::Forward, [3, 5, 8, 9]), (Direction::Backward, [9, 8, 5, 3])]
            {
                let kept: Vec<u64> = [1, 3, 5, 8, 9].into_iter().filter(|at| *at <= read_to).collect();
                let inner = if read_to == 0 { memory() } else { said(&store, read_to, "a1", &kept).await };
                let others = checkpoint(&store, 6).await;
                let index: Arc<dyn CauseIndex> =
                    Arc::new(Faulty { inner, fault, others, asked: AtomicU32::default() });
                let read = AllRead { from: Position::new(2), direction, ..AllRead::default() };
                let found = positions(&store, &index, correlated("a1"), read.clone()).await;
                assert_eq!(found, expected, "{fault:?}, {read_to}");
                let read = AllRead { limit: Some(2), ..read };
                let found = positions(&store, &index, correlated("a1"), read).await;
                assert_eq!(found, expected[..2], "{fault:?}, {read_to}");
            }
        }
    }
}

/// Of an index of another history that can't be cleared nothing is believed.
#[tokio::test]
async fn an_index_of_another_history_that_can_not_be_written_is_not_believed() {
    let store = store(&["a1", "b1", "a1"]).await;
    let others = checkpoint(&store, 3).await;
    let inner = memory();
    let wrong = Checkpoint { event_id: EventId::from_bytes([7; 16]), ..others };
    assert_eq!(inner.put(None, Vec::new(), wrong).await, Ok(true));
    let index: Arc<dyn CauseIndex> =
        Arc::new(Faulty { inner, fault: Fault::ReadOnly, others, asked: AtomicU32::default() });
    assert_eq!(positions(&store, &index, correlated("a1"), AllRead::default()).await, [1, 3]);
}

/// As without an index, more events of a cause than are asked for in one go.
#[tokio::test]
async fn every_read_finds_what_looking_at_every_event_finds() {
    let many: Vec<&str> = (0..9_500).map(|n| if n % 19 == 0 { "b1" } else { "a1" }).collect();
    let store = store(&many).await;
    let index = memory();
    let gone = Faulty {
        inner: memory(),
        fault: Fault::Gone,
        others: checkpoint(&store, 1).await,
        asked: AtomicU32::default(),
    };
    let gone: Arc<dyn CauseIndex> = Arc::new(gone);
    let aggregate = |name: &str| Query::from(QueryItem::default().aggregate_type(name));
    let both = Caused { correlation_id: Some("b1".to_owned()), causation_id: Some("1".to_owned()) };
    for caused in [correlated("a1"), correlated("b1"), both] {
        for (query, from, to, limit) in [
            (Query::all(), 1, u64::MAX, None),
            (Query::all(), 20, 9_001, None),
            (Query::all(), 9_001, 20, None),
            (Query::all(), 3, 9_500, Some(4_100)),
            (aggregate("b"), 1, 9_500, None),
            (aggregate("a"), 5_000, 9_600, Some(7)),
        ] {
            for direction in [Direction::Forward, Direction::Backward] {
                let (from, to) = (Position::new(from), Position::new(to));
                let read = AllRead { query: query.clone(), from, to, direction, limit };
                let found = positions(&store, &index, caused.clone(), read.clone()).await;
                let looked_at = positions(&store, &gone, caused.clone(), read.clone()).await;
                assert_eq!(found, looked_at, "{caused:?}, {read:?}");
            }
        }
    }
}
