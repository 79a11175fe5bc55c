//! What [`subscribe`] yields.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{StreamExt, poll, stream};
use trunkline_core::{Append, Appended, Position, Query, QueryItem, StoreId, StreamName};

use super::Fixture;
use super::sample::{append, event, kind, one, several, soon, to};
use super::seen::{Seen, everything};
use crate::{
    AllRead, AppendError, EventStore, EventStream, ReadError, StreamList, StreamRead, StreamsRead, subscribe,
};

/// A subscription yields what came after its position, and then what comes.
pub async fn a_subscription_begins_after_its_position_and_goes_on_live(fixture: Fixture) {
    let store = fixture.store();
    for name in ["order-1", "order-2", "order-1"] {
        append(&*store, several(name, 2)).await;
    }
    let after = everything(&*store).await[2].position;
    let mut events = subscribe(&store, Query::all(), after);
    let mut seen = take(&mut events, 3).await;
    assert!(poll!(events.next()).is_pending(), "nothing more has come");
    for _ in 0..5 {
        append(&*store, several("order-3", 2)).await;
        seen.extend(take(&mut events, 2).await);
    }
    assert_eq!(seen, everything(&*store).await[3..]);
}

/// A subscription may begin where nothing stands yet.
pub async fn a_subscription_to_an_empty_store_waits_for_the_first_event(fixture: Fixture) {
    let store = fixture.store();
    let mut events = subscribe(&store, Query::all(), Position::START);
    assert!(poll!(events.next()).is_pending(), "nothing has come");
    append(&*store, one("order-1")).await;
    let mut seen = take(&mut events, 1).await;
    append(&*store, several("order-1", 2)).await;
    seen.extend(take(&mut events, 2).await);
    assert_eq!(seen, everything(&*store).await);
}

/// A subscription yields what its query selects, and isn't held up by what it doesn't.
pub async fn a_subscription_yields_what_its_query_selects(fixture: Fixture) {
    let store = fixture.store();
    let query = Query::from(QueryItem::default().event_type(kind("Wanted")));
    let mut events = subscribe(&store, query, Position::START);
    for round in 0..5 {
        append(&*store, several("order-1", 1 + round)).await;
        assert!(poll!(events.next()).is_pending(), "nothing that is selected has come");
        let wanted = to("order-1", trunkline_core::Expected::Any).event(event("Wanted"));
        append(&*store, wanted.event(event("Other"))).await;
        let seen = take(&mut events, 1).await;
        assert_eq!(seen[0].event_type, "Wanted");
        assert_eq!(seen[0].version.get(), everything(&*store).await.len() as u64 - 1);
    }
}

/// An error is yielded where it occurs, and then the subscription is over.
pub async fn only_an_error_ends_a_subscription(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, several("order-1", 3)).await;
    let all = everything(&*store).await;
    let failing: Arc<dyn EventStore> = Arc::new(Failing { store, at: all[1].position });
    let mut events = subscribe(&failing, Query::all(), Position::START);
    assert_eq!(take(&mut events, 1).await, all[..1]);
    let error = soon(events.next()).await;
    assert!(matches!(error, Some(Err(ReadError::Storage { .. }))), "{error:?}");
    for _ in 0..2 {
        let end = soon(events.next()).await;
        assert!(end.is_none(), "{end:?}");
    }
    // Who subscribes again goes on with what was missing.
    append(&*failing, one("order-1")).await;
    let mut events = subscribe(&failing, Query::all(), all[1].position);
    assert_eq!(take(&mut events, 1).await, all[2..]);
}

async fn take(events: &mut EventStream, count: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    for _ in 0..count {
        let event = soon(events.next()).await.expect("a subscription has no end");
        seen.push(Seen::from(event.expect("a sound store is read")));
    }
    seen
}

/// A store that can't read the event at one position.
#[derive(Debug)]
struct Failing {
    store: Arc<dyn EventStore>,
    at: Position,
}

#[deny(clippy::missing_trait_methods)]
impl EventStore for Failing {
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
        let events = self.store.read_all(read);
        let broken = events.map(move |event| match event {
            Ok(event) if event.position() == at => {
                Err(ReadError::Storage { reason: "the test says so".to_owned() })
            }
            event => event,
        });
        let failed = broken.scan(false, |failed, event| {
            let last = std::mem::replace(failed, event.is_err());
            std::future::ready((!last).then_some(event))
        });
        Box::pin(failed.chain(stream::empty()))
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
