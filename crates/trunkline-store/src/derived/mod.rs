//! What is derived from a log, or coordinated beside it: it may be lost or older than the log, and is never wrong.
//!
//! [`Checkpoints`] say how far the readers of the log have come, a [`SnapshotStore`] keeps states that were made of
//! events, a [`SagaIndex`] knows which sagas there are and which are due, and a [`CauseIndex`] which events have a cause
//! in common. All of it can be made again from the log, which costs time and changes no outcome. A [`DerivedHome`] is
//! where all of it is kept for one log.
//!
//! The traits say what every home promises, and `conformance` has a test for each promise. The memory implementations
//! are what a program uses that has nothing to keep, and the reference for the others; `FileCheckpoints`, of the feature `log`, are
//! plain files beside one.

mod cause_index;
mod checkpoint;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "log")]
mod file_checkpoints;
mod home;
mod memory_cause_index;
mod memory_checkpoints;
mod memory_saga_index;
mod memory_snapshots;
mod saga_index;
mod snapshot;

pub use cause_index::{CauseIndex, CauseIndexError, CauseKey, CauseQuery, FoundCauses};
pub use checkpoint::{Checkpoint, CheckpointError, Checkpoints};
#[cfg(feature = "log")]
pub use file_checkpoints::FileCheckpoints;
pub use home::DerivedHome;
pub use memory_cause_index::MemoryCauseIndex;
pub use memory_checkpoints::MemoryCheckpoints;
pub use memory_saga_index::MemorySagaIndex;
pub use memory_snapshots::MemorySnapshots;
pub use saga_index::{IndexedSaga, SagaCount, SagaIndex, SagaIndexError, SagaKey, SagaQuery, SagaRow};
pub use snapshot::{Revision, STATE_BYTES_MAX, SnapshotStore, StateSnapshot};
