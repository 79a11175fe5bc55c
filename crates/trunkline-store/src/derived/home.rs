//! A home for what is derived from one log.

use std::sync::Arc;

use super::{
    CauseIndex, Checkpoints, MemoryCauseIndex, MemoryCheckpoints, MemorySagaIndex, MemorySnapshots,
    SagaIndex, SnapshotStore,
};

/// Where all is kept that is derived from one log.
///
/// Making one opens nothing: each part opens what it needs when it is first asked, so that a program that needs one of
/// them makes no file for the others.
///
/// ```
/// use std::sync::Arc;
/// use trunkline_store::derived::{DerivedHome, FileCheckpoints};
/// let home = DerivedHome { checkpoints: Arc::new(FileCheckpoints::new("shop.checkpoints")), ..DerivedHome::memory() };
/// # drop(home);
/// ```
#[derive(Clone, Debug)]
pub struct DerivedHome {
    /// How far the readers of the log have come.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// States that were made of events.
    pub snapshots: Arc<dyn SnapshotStore>,
    /// Which sagas there are, and which are due.
    pub saga_index: Arc<dyn SagaIndex>,
    /// Which events have a cause in common.
    pub cause_index: Arc<dyn CauseIndex>,
}

impl DerivedHome {
    /// A home in memory: all of it is made again by the next process.
    pub fn memory() -> Self {
        Self {
            checkpoints: Arc::new(MemoryCheckpoints::default()),
            snapshots: Arc::new(MemorySnapshots::default()),
            saga_index: Arc::new(MemorySagaIndex::default()),
            cause_index: Arc::new(MemoryCauseIndex::default()),
        }
    }
}
