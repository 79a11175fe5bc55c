//! Faults of reading.

use std::pin::Pin;
use std::sync::Arc;

use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt, stream};
use trunkline_core::{Position, Query, QueryItem, RecordedEvent, StreamName, Tag, Version};
use trunkline_store::{
    AllRead, Direction, EventStore, EventStoreExt, EventStream, ReadError, StreamInfo, StreamList,
    StreamRead, StreamsRead,
};

use super::fault::Fault;
use super::store::Broken;

impl Broken {
    pub(super) fn broken_read_stream(&self, stream: &StreamName, mut read: StreamRead) -> EventStream {
        match self.fault {
            Fault::ReadsOnAndOn if read.direction == Direction::Forward => {
                let (store, stream) = (self.store.clone(), stream.clone());
                return on_and_on(read.limit, move |past| {
                    let from = past.map_or(read.from, |event| event.version().next());
                    store.read_stream(&stream, StreamRead { from, limit: Some(1), ..read })
                });
            }
            Fault::EndsWhereTheReadWasMade => {
                let version = self.store.version(stream).now_or_never();
                let version =
                    version.expect("a memory store answers at once").expect("a memory store is read");
                read.to = read.to.min(version);
            }
            Fault::IgnoresDirection => read.direction = Direction::Forward,
            Fault::IgnoresLimits => read.limit = None,
            Fault::IgnoresLowest => read.from = Version::FIRST,
            Fault::ExcludesLowest => read.from = read.from.next(),
            Fault::ExcludesHighest => read.to = Version::new(read.to.get().saturating_sub(1)),
            Fault::StreamsByPrefix => {
                let name = stream.as_str().to_owned();
                let events = self.store.read_all(AllRead { direction: read.direction, ..AllRead::default() });
                let kept = events.try_filter(move |event| {
                    let kept =
                        event.stream().starts_with(&name) && (read.from..=read.to).contains(&event.version());
                    std::future::ready(kept)
                });
                return kept.take(limit(read.limit)).boxed();
            }
            _ => {}
        }
        let events = self.spoil_read(self.store.read_stream(stream, read));
        if self.has(Fault::FailsOnNothing) { or_error(events) } else { events }
    }

    pub(super) fn broken_read_all(&self, mut read: AllRead) -> EventStream {
        self.spoil_query(&mut read.query);
        match self.fault {
            Fault::ReadsOnAndOn if read.direction == Direction::Forward => {
                let store = self.store.clone();
                return on_and_on(read.limit, move |past| {
                    let from = past.map_or(read.from, |event| event.position().next());
                    store.read_all(AllRead { from, limit: Some(1), ..read.clone() })
                });
            }
            Fault::EndsWhereTheReadWasMade => {
                let head = self.store.head().now_or_never();
                let head = head.expect("a memory store answers at once").expect("a memory store has a head");
                read.to = read.to.min(head);
            }
            Fault::IgnoresDirection => read.direction = Direction::Forward,
            Fault::IgnoresLimits => read.limit = None,
            Fault::IgnoresLowest => read.from = Position::FIRST,
            Fault::ExcludesLowest => read.from = read.from.next(),
            Fault::ExcludesHighest => read.to = Position::new(read.to.get().saturating_sub(1)),
            Fault::LimitsBeforeSelecting | Fault::GivesUpSearching => {
                let most = if self.has(Fault::GivesUpSearching) { 1000 } else { limit(read.limit) };
                let query = std::mem::take(&mut read.query);
                let wanted = limit(read.limit.take());
                let looked_at = self.store.read_all(read).take(most);
                let selected =
                    looked_at.try_filter(move |event| std::future::ready(query.matches(event))).take(wanted);
                return selected.boxed();
            }
            Fault::SelectsByPrefix => {
                let query = std::mem::take(&mut read.query);
                let wanted = limit(read.limit.take());
                let selected = self.store.read_all(read).try_filter(move |event| {
                    std::future::ready(
                        query.items.is_empty() || query.items.iter().any(|item| begins(item, event)),
                    )
                });
                return selected.take(wanted).boxed();
            }
            _ => {}
        }
        let events = self.spoil_read(self.store.read_all(read));
        if self.has(Fault::FailsOnNothing) { or_error(events) } else { events }
    }

    pub(super) fn broken_list(&self, mut read: StreamsRead) -> StreamList {
        match self.fault {
            Fault::ListsByName => {
                let sorted = self.store.streams(StreamsRead { limit: None, ..read.clone() });
                let sorted = TryStreamExt::try_collect(sorted).map_ok(|mut infos: Vec<StreamInfo>| {
                    infos.sort_by(|one, other| one.stream.cmp(&other.stream));
                    stream::iter(infos.into_iter().map(Ok))
                });
                return sorted.try_flatten_stream().take(limit(read.limit)).boxed();
            }
            Fault::ListsIgnoringAfter => read.after = Position::START,
            Fault::ListsEveryAggregateType => read.aggregate_type = None,
            Fault::IgnoresLimits => read.limit = None,
            Fault::ListsOneStreamLess => return without(self.store.streams(read), 256),
            _ => {}
        }
        self.store.streams(read)
    }

    /// What the fault makes of the events that a read yields.
    fn spoil_read(&self, events: EventStream) -> EventStream {
        match self.fault {
            Fault::SkipsEverySeventh => without(events, 7),
            Fault::SkipsAtPageEnds => without(events, 256),
            Fault::ShowsSomeEventsLate => {
                let store = self.store.clone();
                let shown = events.try_filter_map(move |event| {
                    let store = store.clone();
                    async move {
                        let head = store.head().await?;
                        let position = event.position();
                        let late = position.get().is_multiple_of(5) && head < position.plus(2);
                        Ok((!late).then_some(event))
                    }
                });
                shown.boxed()
            }
            _ => events,
        }
    }

    fn spoil_query(&self, query: &mut Query) {
        match self.fault {
            Fault::SelectsByFirstItem => query.items.truncate(1),
            Fault::SelectsByFirstEventType => {
                for item in &mut query.items {
                    item.event_types.truncate(1);
                }
            }
            Fault::SelectsNothingWithoutDemands => {
                for item in query.items.iter_mut().filter(|item| item.is_all()) {
                    item.aggregate_types.push("nothing".to_owned());
                }
            }
            Fault::SelectsEverything => query.items.clear(),
            Fault::SelectsAnyTag => {
                let apart = |item: &QueryItem| -> Vec<QueryItem> {
                    let with = |tag: &Tag| QueryItem { tags: vec![tag.clone()], ..item.clone() };
                    if item.tags.is_empty() {
                        vec![item.clone()]
                    } else {
                        item.tags.iter().map(with).collect()
                    }
                };
                query.items = query.items.iter().flat_map(apart).collect();
            }
            _ => {}
        }
    }
}

/// Leaves out every so manieth.
fn without<T: Send + 'static>(
    things: stream::BoxStream<'static, Result<T, ReadError>>,
    every: usize,
) -> stream::BoxStream<'static, Result<T, ReadError>> {
    let kept = things.enumerate().filter_map(move |(number, thing)| {
        std::future::ready((!(number + 1).is_multiple_of(every)).then_some(thing))
    });
    kept.boxed()
}

fn or_error(events: EventStream) -> EventStream {
    let mut events = events.peekable();
    let checked = async move {
        let nothing = Pin::new(&mut events).peek().await.is_none();
        let error = nothing.then(|| Err(ReadError::Damaged { what: "there is nothing".to_owned() }));
        stream::iter(error).chain(events)
    };
    checked.flatten_stream().boxed()
}

fn limit(limit: Option<u64>) -> usize {
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// A forward read that asks again after each event, and so never knows where to end.
fn on_and_on(
    most: Option<u64>,
    read: impl Fn(Option<&RecordedEvent>) -> EventStream + Send + Sync + 'static,
) -> EventStream {
    let read = Arc::new(read);
    let events = stream::unfold(None, move |past: Option<RecordedEvent>| {
        let read = Arc::clone(&read);
        async move {
            let event = read(past.as_ref()).next().await?.expect("a memory store is read");
            Some((Ok(event.clone()), Some(event)))
        }
    });
    events.take(limit(most)).boxed()
}

/// Whether an event's names begin as the item says.
fn begins(item: &QueryItem, event: &RecordedEvent) -> bool {
    let aggregate =
        item.aggregate_types.iter().any(|wanted| event.aggregate_type().starts_with(wanted.as_str()));
    let kind = item.event_types.iter().any(|wanted| event.event_type().starts_with(wanted.as_str()));
    (item.aggregate_types.is_empty() || aggregate)
        && (item.event_types.is_empty() || kind)
        && item.tags.iter().all(|wanted| event.tags().any(|tag| tag.starts_with(wanted.as_str())))
}
