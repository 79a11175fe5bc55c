//! Where states are kept that were made of a stream's first events, so that they needn't be made again.

use std::fmt;

use bytes::Bytes;
use futures::future::BoxFuture;
use trunkline_core::{EventId, StreamName, Version};
use uuid::Uuid;

/// The largest state that is kept; reading the events again takes less than keeping more.
pub const STATE_BYTES_MAX: usize = 16 << 20;

/// What made a state: its rules, its types, what old events become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Revision([u8; 16]);

impl Revision {
    /// The revision of a text that says everything that the state depends on.
    pub fn of(text: &str) -> Self {
        Self(*Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()).as_bytes())
    }

    /// The revision of these bytes, as [`into_bytes`](Self::into_bytes) gave them.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn into_bytes(self) -> [u8; 16] {
        self.0
    }
}

/// A state, and where it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSnapshot {
    /// What made it.
    pub revision: Revision,
    /// The version of the stream at which it is the state.
    pub version: Version,
    /// The event at that version: who uses the snapshot looks whether the stream still has it.
    pub event_id: EventId,
    /// The state, written.
    pub state: Bytes,
}

/// Keeps a snapshot for each stream.
///
/// It may lose any of them at any time, but never gives one that was not kept: so there are no errors here, and who
/// asks goes on without a snapshot.
///
/// Commands wait for both calls; a store that takes longer to write does so behind them.
///
/// Every sentence of the methods is a promise with a test in `derived::conformance` (the feature `conformance` brings
/// it).
pub trait SnapshotStore: fmt::Debug + Send + Sync + 'static {
    /// A snapshot that was kept of this stream under this revision, exactly as it was kept, or none.
    ///
    /// Also after the place was opened again, whatever became of its medium meanwhile.
    fn find<'a>(&'a self, stream: &'a StreamName, revision: Revision)
    -> BoxFuture<'a, Option<StateSnapshot>>;

    /// Keeps it in the place of the stream's former one: some time soon, or not at all.
    ///
    /// A store that works, and of which not too much is asked at once, keeps a state of up to a MiB at least; one of
    /// more than [`STATE_BYTES_MAX`] is never kept.
    fn keep<'a>(&'a self, stream: &'a StreamName, snapshot: StateSnapshot) -> BoxFuture<'a, ()>;
}
