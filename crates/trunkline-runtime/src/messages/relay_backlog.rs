//! How far a relay has come, for who looks on: also when another process runs it, or none does.

use futures::StreamExt as _;
use trunkline_core::Position;
use trunkline_store::derived::Checkpoints;
use trunkline_store::{AllRead, EventStore};

use super::{Relay, RelayError};
use crate::follow::Backlog;

impl Relay {
    /// The events that wait to be relayed, as far as they are counted; nothing is changed.
    ///
    /// A checkpoint that the log doesn't have is the error that the relay stops with.
    pub async fn backlog(
        &self,
        store: &dyn EventStore,
        checkpoints: &dyn Checkpoints,
    ) -> Result<Backlog, RelayError> {
        let after = match checkpoints.load(&self.name).await? {
            Some(checkpoint) => {
                checkpoint.check(&self.name, store).await?;
                checkpoint.position
            }
            None => Position::START,
        };
        let head = store.head().await?;
        let read = AllRead { to: head, ..AllRead::after(after) }.matching(self.wanted().query());
        let mut backlog = Backlog::default();
        let mut events = store.read_all(read);
        while let Some(event) = events.next().await.transpose()? {
            if super::relay::is_of_an_application(&event) && !backlog.add(event.recorded_at()) {
                break;
            }
        }
        Ok(backlog)
    }
}
