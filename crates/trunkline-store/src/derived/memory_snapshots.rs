//! Snapshots in memory: they last as long as the process, within bounds.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use trunkline_core::StreamName;

use super::{Revision, STATE_BYTES_MAX, SnapshotStore, StateSnapshot};

/// How much is kept; then all is let go, and made again where it is needed.
const BYTES_MAX: usize = 64 << 20;

/// What a snapshot takes beside its state and its stream's name, roughly.
const ENTRY_BYTES: usize = 128;

/// Snapshots in memory, of at most 64 MiB.
#[derive(Default)]
pub struct MemorySnapshots(Mutex<Held>);

#[derive(Default)]
struct Held {
    all: HashMap<StreamName, StateSnapshot>,
    bytes: usize,
}

impl MemorySnapshots {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SnapshotStore for MemorySnapshots {
    fn find<'a>(
        &'a self,
        stream: &'a StreamName,
        revision: Revision,
    ) -> BoxFuture<'a, Option<StateSnapshot>> {
        let found = self.held().all.get(stream).filter(|kept| kept.revision == revision).cloned();
        ready(found).boxed()
    }

    fn keep<'a>(&'a self, stream: &'a StreamName, snapshot: StateSnapshot) -> BoxFuture<'a, ()> {
        if snapshot.state.len() <= STATE_BYTES_MAX {
            self.held().keep(stream, snapshot);
        }
        ready(()).boxed()
    }
}

impl Held {
    fn keep(&mut self, stream: &StreamName, snapshot: StateSnapshot) {
        let size = |kept: &StateSnapshot| kept.state.len() + stream.as_str().len() + ENTRY_BYTES;
        let bytes = size(&snapshot);
        if self.bytes + bytes > BYTES_MAX {
            *self = Self::default();
        }
        let before = self.all.insert(stream.clone(), snapshot);
        self.bytes = self.bytes + bytes - before.as_ref().map_or(0, size);
    }
}

impl fmt::Debug for MemorySnapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySnapshots").finish_non_exhaustive()
    }
}
