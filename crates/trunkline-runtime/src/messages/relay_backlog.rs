//! How far a relay has come, for who looks on: also when another process runs it, or none does.

use futures::StreamExt as _;
use trunkline_core::Position;
use trunkline_store::derived::{Checkpoint, Checkpoints};
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
        // It goes on from the furthest of the checkpoints of all its names.
        let mut furthest: Option<(&str, Checkpoint)> = None;
        for name in [&self.name].into_iter().chain(&self.was) {
            let kept = checkpoints.load(name).await?;
            let kept = kept.filter(|kept| furthest.is_none_or(|(_, other)| other.position < kept.position));
            furthest = kept.map(|kept| (name.as_str(), kept)).or(furthest);
        }
        let after = match furthest {
            Some((name, checkpoint)) => {
                checkpoint.check(name, store).await?;
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
