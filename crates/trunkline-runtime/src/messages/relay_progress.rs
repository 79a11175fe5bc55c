//! How far a relay has come, seen by others while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use trunkline_core::Position;

/// How far a relay has come; a clone looks at the same relay.
///
/// It is at the start until the relay runs.
#[derive(Clone, Debug, Default)]
pub struct RelayProgress(Arc<AtomicU64>);

impl RelayProgress {
    /// The last position that the relay is done with: what it relays of it is durable in the queue.
    pub fn position(&self) -> Position {
        Position::new(self.0.load(Ordering::Acquire))
    }

    pub(super) fn set(&self, position: Position) {
        self.0.store(position.get(), Ordering::Release);
    }
}
