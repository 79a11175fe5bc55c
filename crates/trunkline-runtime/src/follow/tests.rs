//! Many followers over one tail: whoever waits, falls behind or starts again, each gets its events once and in order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use tokio::task::JoinSet;
use trunkline_core::{Append, Appended, Expected, NewEvent, Position, StoreId, StreamName};
use trunkline_store::{
    AllRead, AppendError, EventStore, EventStream, MemoryStore, ReadError, StreamList, StreamRead,
    StreamsRead,
};

use super::{Bounds, FollowError, Follower, Tail, Wanted};

const BOUNDS: Bounds = Bounds { events: 100, bytes: 1 << 20 };

/// How long a test waits for what must come.
const SOON: Duration = Duration::from_secs(10);

async fn append(store: &dyn EventStore, event_type: &str, count: usize) {
    let events = (0..count).map(|_| NewEvent::json(event_type, "1").unwrap());
    let append = Append::to("s-1".parse().unwrap(), Expected::Any).with_events(events);
    store.append(append).await.unwrap();
}

/// The positions that a follower gets until it has come to a position.
async fn all(follower: &mut Follower, to: u64) -> Result<Vec<u64>, FollowError> {
    let mut got = Vec::new();
    while follower.position().get() < to {
        let piece =
            tokio::time::timeout(SOON, follower.next()).await.expect("what is in the log is given")?;
        got.extend(piece.events.iter().map(|event| event.position().get()));
    }
    Ok(got)
}

#[tokio::test(start_paused = true)]
async fn who_waits_at_the_head_keeps_nobody_from_reading_what_is_there() {
    let store = MemoryStore::new();
    append(&store, "A", 10).await;
    let tail = Arc::new(Tail::new(Arc::new(store.clone())));
    let mut ahead = Follower::new(&tail, Wanted::All, BOUNDS, Position::new(10));
    let mut next = ahead.next().boxed();
    assert!(futures::poll!(next.as_mut()).is_pending());
    let mut behind = Follower::new(&tail, Wanted::All, BOUNDS, Position::new(5));
    assert_eq!(all(&mut behind, 10).await.unwrap(), [6, 7, 8, 9, 10]);
    append(&store, "A", 1).await;
    assert_eq!(next.await.unwrap().events.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_stops_only_those_who_want_it() {
    let store = MemoryStore::new();
    for event_type in ["A", "A", "Damaged", "A"] {
        append(&store, event_type, 1).await;
    }
    let tail = Arc::new(Tail::new(Arc::new(Damaged { store, at: Position::new(3) })));
    let wanted = Wanted::types(["A".to_owned()]);
    let mut passes = Follower::new(&tail, wanted, BOUNDS, Position::START);
    assert_eq!(all(&mut passes, 4).await.unwrap(), [1, 2, 4]);
    let mut stops = Follower::new(&tail, Wanted::All, BOUNDS, Position::START);
    // What comes before it is given first.
    assert_eq!(all(&mut stops, 2).await.unwrap(), [1, 2]);
    assert!(matches!(all(&mut stops, 4).await, Err(FollowError::Read(ReadError::Damaged { .. }))));
    assert_eq!(stops.position(), Position::new(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_that_pause_and_start_again_get_each_of_their_events_once_and_in_order() {
    const EVENTS: u64 = 12_000;
    const TYPES: [&str; 6] = ["A", "A", "A", "B", "C", "Seldom"];
    let store = MemoryStore::new();
    let tail = Arc::new(Tail::new(Arc::new(store.clone())));
    let mut at_work = JoinSet::new();
    for number in 0..40_usize {
        let wanted: Option<BTreeSet<String>> = match number % 5 {
            0 => None,
            1 => Some(BTreeSet::new()),
            2 => Some(["Seldom".to_owned()].into()),
            _ => Some(TYPES.iter().filter(|_| fastrand::bool()).map(|&name| name.to_owned()).collect()),
        };
        at_work.spawn(follow(Arc::clone(&tail), store.clone(), wanted, EVENTS));
    }
    for writer in 0..3 {
        let store = store.clone();
        at_work.spawn(async move {
            let stream: StreamName = format!("s-{writer}").parse().unwrap();
            let mut left = EVENTS / 3;
            while left > 0 {
                let count = fastrand::u64(1..=40).min(left);
                left -= count;
                let events = (0..count).map(|_| {
                    // The seldom one in two hundred, so that its followers go over to the index.
                    let kind = if fastrand::u8(0..200) == 0 { 5 } else { fastrand::usize(0..5) };
                    NewEvent::json(TYPES[kind], "1").unwrap()
                });
                let append = Append::to(stream.clone(), Expected::Any).with_events(events);
                store.append(append).await.unwrap();
                if fastrand::u8(0..8) == 0 {
                    pause(fastrand::usize(0..200)).await;
                }
            }
        });
    }
    while let Some(ended) = at_work.join_next().await {
        ended.unwrap();
    }
}

/// Follows with restarts, pauses and dropped calls to a position, and compares what came with what a read has.
async fn follow(tail: Arc<Tail>, store: MemoryStore, types: Option<BTreeSet<String>>, to: u64) {
    let wanted = types.clone().map_or(Wanted::All, Wanted::types);
    let mut got: Vec<u64> = Vec::new();
    let mut after = Position::START;
    while after.get() < to {
        let bounds = Bounds { events: fastrand::usize(1..400), bytes: fastrand::usize(1..2_000) };
        let mut follower = Follower::new(&tail, wanted.clone(), bounds, after);
        for _ in 0..fastrand::usize(1..60) {
            // Now and then it is asked for and let go, as by who is asked to stop.
            let asked = (fastrand::u8(0..10) == 0).then(|| follower.next().now_or_never());
            let piece = match asked {
                Some(Some(piece)) => piece.unwrap(),
                Some(None) => break,
                None => {
                    let next = tokio::time::timeout(SOON, follower.next()).await;
                    next.expect("no follower stands still").unwrap()
                }
            };
            assert!(piece.end.position > after && piece.end.position <= piece.head);
            got.extend(piece.events.iter().map(|event| event.position().get()));
            after = piece.end.position;
            if after.get() >= to {
                break;
            }
            if fastrand::u8(0..100) == 0 {
                pause(fastrand::usize(0..2_000)).await;
            }
        }
    }
    let read = store.read_all(AllRead::default()).map(Result::unwrap);
    let model = read.filter(|event| {
        let wanted = types.as_ref().is_none_or(|types| types.contains(event.event_type()));
        std::future::ready(wanted)
    });
    let model: Vec<u64> = model.map(|event| event.position().get()).collect().await;
    let differs = got.iter().zip(&model).find(|(got, model)| got != model);
    assert!(got == model, "{} of {} events, first other: {differs:?}", got.len(), model.len());
}

/// A store in which an event is damaged.
#[derive(Debug)]
struct Damaged {
    store: MemoryStore,
    at: Position,
}

impl EventStore for Damaged {
    fn id(&self) -> StoreId {
        self.store.id()
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        self.store.append(append)
    }

    fn read_stream(&self, stream: &StreamName, read: StreamRead) -> EventStream {
        self.store.read_stream(stream, read)
    }

    fn read_all(&self, read: AllRead) -> EventStream {
        let at = self.at;
        let events = self.store.read_all(read).map(move |event| match event {
            Ok(event) if event.position() == at => Err(ReadError::Damaged { what: "an event".to_owned() }),
            event => event,
        });
        events.boxed()
    }

    fn streams(&self, read: StreamsRead) -> StreamList {
        self.store.streams(read)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.store.head()
    }

    fn wait_beyond(&self, position: Position) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.store.wait_beyond(position)
    }
}

/// Lets others go on, so many times.
async fn pause(turns: usize) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}
