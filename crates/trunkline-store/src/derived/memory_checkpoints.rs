//! Checkpoints in memory: gone with the process, whose readers then begin at the first event again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};

use super::{Checkpoint, CheckpointError, Checkpoints};

/// Checkpoints in memory.
#[derive(Debug, Default)]
pub struct MemoryCheckpoints(Mutex<BTreeMap<String, Checkpoint>>);

impl MemoryCheckpoints {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Checkpoint>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Checkpoints for MemoryCheckpoints {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, CheckpointError>> {
        let found = self.kept().get(name).copied();
        ready(Ok(found)).boxed()
    }

    fn save<'a>(
        &'a self,
        name: &'a str,
        checkpoint: &'a Checkpoint,
    ) -> BoxFuture<'a, Result<(), CheckpointError>> {
        self.kept().insert(name.to_owned(), *checkpoint);
        ready(Ok(())).boxed()
    }

    fn forget<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), CheckpointError>> {
        self.kept().remove(name);
        ready(Ok(())).boxed()
    }

    fn all(&self) -> BoxFuture<'_, Result<BTreeMap<String, Checkpoint>, CheckpointError>> {
        let all = self.kept().clone();
        ready(Ok(all)).boxed()
    }
}
