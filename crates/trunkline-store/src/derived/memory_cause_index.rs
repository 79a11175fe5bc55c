//! The index of causes in memory: empty at first, and read from the log.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use trunkline_core::Position;

use super::{CauseIndex, CauseIndexError, CauseKey, CauseQuery, Checkpoint, FoundCauses};
use crate::Direction;

/// The index of causes in memory.
#[derive(Default)]
pub struct MemoryCauseIndex(Mutex<Held>);

#[derive(Default)]
struct Held {
    causes: BTreeSet<(CauseKey, Position)>,
    read_to: Option<Checkpoint>,
}

impl MemoryCauseIndex {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn put(
        &mut self,
        after: Option<Checkpoint>,
        causes: Vec<(CauseKey, Position)>,
        read_to: Checkpoint,
    ) -> bool {
        let goes_on = self.read_to == after && after.is_none_or(|after| after.position < read_to.position);
        if goes_on {
            self.causes.extend(causes);
            self.read_to = Some(read_to);
        }
        goes_on
    }

    fn find(&self, query: &CauseQuery) -> Vec<Position> {
        let CauseQuery { key, from, to, direction, limit } = *query;
        // A range that ends before it begins is one of nothing.
        if from > to {
            return Vec::new();
        }
        let found = self.causes.range((key, from)..=(key, to)).map(|(_, position)| *position);
        match direction {
            Direction::Forward => found.take(limit).collect(),
            Direction::Backward => found.rev().take(limit).collect(),
        }
    }
}

impl CauseIndex for MemoryCauseIndex {
    fn read_to(&self) -> BoxFuture<'_, Result<Option<Checkpoint>, CauseIndexError>> {
        let read_to = self.held().read_to;
        ready(Ok(read_to)).boxed()
    }

    fn put(
        &self,
        after: Option<Checkpoint>,
        causes: Vec<(CauseKey, Position)>,
        read_to: Checkpoint,
    ) -> BoxFuture<'_, Result<bool, CauseIndexError>> {
        let put = self.held().put(after, causes, read_to);
        ready(Ok(put)).boxed()
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), CauseIndexError>> {
        *self.held() = Held::default();
        ready(Ok(())).boxed()
    }

    fn find(&self, query: CauseQuery) -> BoxFuture<'_, Result<FoundCauses, CauseIndexError>> {
        let held = self.held();
        let found = FoundCauses { positions: held.find(&query), read_to: held.read_to };
        ready(Ok(found)).boxed()
    }
}

impl fmt::Debug for MemoryCauseIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCauseIndex").finish_non_exhaustive()
    }
}
