//! Events found through the index of causes, and those that are looked at one by one.

use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _, future, stream};
use trunkline_core::Position;
use trunkline_store::derived::{CauseIndex, CauseKey, CauseQuery, Checkpoint};
use trunkline_store::{AllRead, Direction, EventStore, EventStoreExt as _, EventStream};

use super::Caused;

/// How many positions are asked of the index in one go.
const PAGE: usize = 4_096;

/// How many events are read at the same time.
const AT_ONCE: usize = 16;

/// What finds events.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) store: Arc<dyn EventStore>,
    pub(super) index: Arc<dyn CauseIndex>,
    pub(super) key: CauseKey,
    pub(super) caused: Arc<Caused>,
    pub(super) seen: Arc<dyn Fn(Position) + Send + Sync>,
}

/// Where the next events of a read come from.
enum Part {
    /// These positions, which the index has.
    Positions(Vec<Position>),
    /// All that is left to read.
    Everything(AllRead),
}

impl Found {
    /// The wanted events of a read: up to where the index was read through it, and beyond by looking at each.
    pub(super) fn events(self, read: AllRead, read_to: Option<Checkpoint>) -> EventStream {
        let Some(read_to) = read_to else { return self.looked_at(read) };
        let through = AllRead { to: read.to.min(read_to.position), ..read.clone() };
        let beyond = AllRead { from: read.from.max(read_to.position.next()), ..read.clone() };
        // What comes second is asked when it is needed.
        let first = self.clone();
        match read.direction {
            Direction::Forward => {
                let second = future::lazy(move |_| self.looked_at(beyond)).flatten_stream();
                first.through_index(through, read_to).chain(second).boxed()
            }
            Direction::Backward => {
                let second = future::lazy(move |_| self.through_index(through, read_to)).flatten_stream();
                first.looked_at(beyond).chain(second).boxed()
            }
        }
    }

    /// The wanted events of a read, of which each event is looked at.
    fn looked_at(&self, read: AllRead) -> EventStream {
        if read.from > read.to {
            return stream::empty().boxed();
        }
        self.caused.among(self.store.read_all(read), Arc::clone(&self.seen))
    }

    fn through_index(self, read: AllRead, read_to: Checkpoint) -> EventStream {
        let parts = {
            let found = self.clone();
            stream::unfold(Some((read.clone(), read_to)), move |left| {
                let found = found.clone();
                async move {
                    let (left, known) = left?;
                    if left.from > left.to { None } else { Some(found.next(left, known).await) }
                }
            })
        };
        let events = move |part| match part {
            Part::Everything(read) => self.looked_at(read),
            Part::Positions(positions) => self.at(positions, &read),
        };
        parts.flat_map(events).boxed()
    }

    /// The next part of a read, and what is left of it.
    async fn next(&self, left: AllRead, known: Checkpoint) -> (Part, Option<(AllRead, Checkpoint)>) {
        let AllRead { from, to, direction, .. } = left;
        let query = CauseQuery { key: self.key, from, to, direction, limit: PAGE };
        let found = match self.index.find(query).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "every event is looked at for its cause");
                return (Part::Everything(left), None);
            }
        };
        let Some(known) = self.still_right(known, found.read_to).await else {
            return (Part::Everything(left), None);
        };
        let rest = found.positions.last().filter(|_| found.positions.len() >= PAGE).map(|last| {
            let mut rest = left;
            match direction {
                Direction::Forward => rest.from = last.next(),
                // Positions begin at 1.
                Direction::Backward => rest.to = Position::new(last.get().saturating_sub(1)),
            }
            (rest, known)
        });
        (Part::Positions(found.positions), rest)
    }

    /// How far the index is known to be right, if it still is what was looked at, or has gone on from there: another
    /// process may have made it anew meanwhile, and not have come as far.
    async fn still_right(&self, known: Checkpoint, now: Option<Checkpoint>) -> Option<Checkpoint> {
        let now = now.filter(|now| now.position >= known.position)?;
        let is_right = now == known || now.check("the index of causes", &*self.store).await.is_ok();
        is_right.then_some(now)
    }

    /// The wanted events among those at some positions.
    fn at(&self, positions: Vec<Position>, read: &AllRead) -> EventStream {
        let (store, caused, query) = (Arc::clone(&self.store), Arc::clone(&self.caused), read.query.clone());
        let events = stream::iter(positions).map(move |position| {
            let store = Arc::clone(&store);
            async move { store.event_at(position).await }
        });
        let events = events.buffered(AT_ONCE);
        events
            .filter_map(move |event| {
                let wanted = match event {
                    // Others have a key with the same bits.
                    Ok(Some(event)) if query.matches(&event) && caused.is_in(event.metadata()) => {
                        Some(Ok(event))
                    }
                    Ok(_) => None,
                    Err(error) => Some(Err(error)),
                };
                future::ready(wanted)
            })
            .boxed()
    }
}
