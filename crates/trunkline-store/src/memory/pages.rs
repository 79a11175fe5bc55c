//! The reads of a memory store: one page at a time, up to an end that is fixed when the first is asked for.

use std::ops::RangeInclusive;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use trunkline_core::{Position, Query, QueryItem, StreamName};

use super::Shared;
use super::state::State;
use crate::{AllRead, Direction, EventStream, ReadError, StreamList, StreamRead, StreamsRead};

/// How many places a page looks at, so that the lock is held for a short while only.
const PAGE_MAX: usize = 256;

/// Reads a stream.
pub(super) fn stream(shared: Arc<Shared>, name: StreamName, read: StreamRead) -> EventStream {
    let bounds = {
        let name = name.clone();
        move |state: &State| read.from.get().max(1)..=read.to.min(state.version(&name)).get()
    };
    pages(shared, read.direction, read.limit, bounds, move |state, version| {
        let position = state.positions(&name)[version as usize - 1];
        Some(state.event(position).clone())
    })
}

/// Reads the store.
pub(super) fn all(shared: Arc<Shared>, read: AllRead) -> EventStream {
    let query = Arc::new(read.query);
    let bounds = {
        let query = Arc::clone(&query);
        move |state: &State| {
            let from = read.from.max(first_match(&query, state));
            from.get()..=read.to.min(state.head()).get()
        }
    };
    pages(shared, read.direction, read.limit, bounds, move |state, position| {
        let event = state.event(Position::new(position));
        query.matches(event).then(|| event.clone())
    })
}

/// No event before this position matches the query: none with all its tags has been stored before each of them
/// was. Nobody has to go through the store to learn that a tag is new.
fn first_match(query: &Query, state: &State) -> Position {
    let of_item = |item: &QueryItem| {
        let firsts = item.tags.iter().map(|tag| state.first_with_tag(tag).unwrap_or(Position::MAX));
        firsts.max().unwrap_or(Position::FIRST)
    };
    query.items.iter().map(of_item).min().unwrap_or(Position::FIRST)
}

/// Lists the streams.
pub(super) fn streams(shared: Arc<Shared>, read: StreamsRead) -> StreamList {
    let bounds = move |state: &State| {
        let begun = state.begun();
        let before = begun.partition_point(|stream| state.positions(stream)[0] <= read.after);
        before as u64 + 1..=begun.len() as u64
    };
    pages(shared, Direction::Forward, read.limit, bounds, move |state, number| {
        let stream = &state.begun()[number as usize - 1];
        let wanted = read.aggregate_type.as_ref().is_none_or(|wanted| wanted == stream.aggregate_type());
        wanted.then(|| state.info(stream))
    })
}

/// Goes through the places within the bounds, which are found when the first page is asked for, and yields
/// what is picked there.
fn pages<T: Send + 'static>(
    shared: Arc<Shared>,
    direction: Direction,
    limit: Option<u64>,
    bounds: impl FnOnce(&State) -> RangeInclusive<u64> + Send + 'static,
    pick: impl Fn(&State, u64) -> Option<T> + Send + 'static,
) -> BoxStream<'static, Result<T, ReadError>> {
    stream::once(async move {
        let bounds = bounds(&shared.state());
        let mut walk = Walk { bounds, direction, left: limit.unwrap_or(u64::MAX) };
        let next_page = move || walk.page(&shared.state(), &pick);
        stream::iter(std::iter::from_fn(next_page)).flat_map(|page| stream::iter(page).map(Ok))
    })
    .flatten()
    .boxed()
}

/// What is left of a read.
struct Walk {
    bounds: RangeInclusive<u64>,
    direction: Direction,
    /// How many more may be given out.
    left: u64,
}

impl Walk {
    /// The next page; it may be empty though others follow. `None` at the end.
    fn page<T>(&mut self, state: &State, pick: &impl Fn(&State, u64) -> Option<T>) -> Option<Vec<T>> {
        if self.left == 0 || self.bounds.is_empty() {
            return None;
        }
        let mut page = Vec::new();
        for _ in 0..PAGE_MAX.min(self.left as usize) {
            let place = match self.direction {
                Direction::Forward => self.bounds.next(),
                Direction::Backward => self.bounds.next_back(),
            };
            let Some(place) = place else { break };
            page.extend(pick(state, place));
        }
        self.left -= page.len() as u64;
        Some(page)
    }
}
