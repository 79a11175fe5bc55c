//! The index of sagas in memory: empty at first, and read from the log.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use trunkline_core::Timestamp;
use trunkline_core::saga::Status;

use super::{Checkpoint, IndexedSaga, SagaCount, SagaIndex, SagaIndexError, SagaKey, SagaQuery, SagaRow};

/// The index of sagas in memory.
#[derive(Default)]
pub struct MemorySagaIndex(Mutex<Held>);

#[derive(Default)]
struct Held {
    sagas: BTreeMap<SagaKey, IndexedSaga>,
    /// The sagas that are due some time, in the order in which they are.
    due: BTreeSet<(Timestamp, SagaKey)>,
    read_to: Option<Checkpoint>,
}

impl MemorySagaIndex {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn put(&mut self, saga: IndexedSaga) {
        let key = (saga.row.name.clone(), saga.row.id.clone());
        if let Some(before) = self.sagas.get(&key) {
            if before.version > saga.version {
                return;
            }
            if let Some(due) = before.row.due {
                self.due.remove(&(due, key.clone()));
            }
        }
        if let Some(due) = saga.row.due {
            self.due.insert((due, key.clone()));
        }
        self.sagas.insert(key, saga);
    }

    fn selected<'a>(&'a self, query: &'a SagaQuery) -> impl Iterator<Item = &'a SagaRow> {
        self.sagas.values().map(|saga| &saga.row).filter(|row| query.selects(row))
    }
}

impl SagaIndex for MemorySagaIndex {
    fn read_to(&self) -> BoxFuture<'_, Result<Option<Checkpoint>, SagaIndexError>> {
        let read_to = self.held().read_to;
        ready(Ok(read_to)).boxed()
    }

    fn put(
        &self,
        sagas: Vec<IndexedSaga>,
        read_to: Option<Checkpoint>,
    ) -> BoxFuture<'_, Result<(), SagaIndexError>> {
        let mut held = self.held();
        for saga in sagas {
            held.put(saga);
        }
        held.read_to = read_to.or(held.read_to);
        ready(Ok(())).boxed()
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), SagaIndexError>> {
        *self.held() = Held::default();
        ready(Ok(())).boxed()
    }

    fn due(&self, now: Timestamp, max: u32) -> BoxFuture<'_, Result<Vec<SagaKey>, SagaIndexError>> {
        let held = self.held();
        let due = held.due.iter().take_while(|(due, _)| *due <= now).take(max as usize);
        let due = due.map(|(_, key)| key.clone()).collect();
        ready(Ok(due)).boxed()
    }

    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>, SagaIndexError>> {
        let next = self.held().due.first().map(|(due, _)| *due);
        ready(Ok(next)).boxed()
    }

    fn list<'a>(&'a self, query: &'a SagaQuery) -> BoxFuture<'a, Result<Vec<SagaRow>, SagaIndexError>> {
        let limit = query.limit.unwrap_or(u32::MAX) as usize;
        let rows = self.held().selected(query).take(limit).cloned().collect();
        ready(Ok(rows)).boxed()
    }

    fn count<'a>(&'a self, query: &'a SagaQuery) -> BoxFuture<'a, Result<u64, SagaIndexError>> {
        let count = self.held().selected(query).count() as u64;
        ready(Ok(count)).boxed()
    }

    fn counts(&self) -> BoxFuture<'_, Result<Vec<SagaCount>, SagaIndexError>> {
        let mut counts: BTreeMap<(String, &str), (Status, u64)> = BTreeMap::new();
        for IndexedSaga { row, .. } in self.held().sagas.values() {
            let status = row.status;
            counts.entry((row.name.clone(), status.as_str())).or_insert((status, 0)).1 += 1;
        }
        let counts = counts.into_iter().map(|((name, _), (status, count))| (name, status, count)).collect();
        ready(Ok(counts)).boxed()
    }
}

impl fmt::Debug for MemorySagaIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySagaIndex").finish_non_exhaustive()
    }
}
