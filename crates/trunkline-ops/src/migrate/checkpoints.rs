//! Checkpoints of readers of the old store: where they are in the new one.

use serde::Serialize;
use trunkline::messages::{Checkpoint, CheckpointError, Checkpoints};
use trunkline_core::Position;
use trunkline_store::{EventStore, EventStoreExt as _};

use super::source::Source;
use super::{MigrateError, Migration, MigrationReport};

/// A checkpoint of a reader of the old store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckpointLine {
    /// Its name.
    pub name: String,
    /// Its position in the old store.
    pub from: Position,
    /// The checkpoint in the new store; none where nothing is left of what its reader has read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Checkpoint>,
    /// Why it is of no use, in the old store either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Migration {
    /// What becomes of the checkpoints, once all was migrated.
    pub(super) async fn moved_checkpoints(
        &self,
        from: &dyn EventStore,
        to: &dyn EventStore,
        source: &Source<'_>,
    ) -> Result<Vec<CheckpointLine>, MigrateError> {
        let mut lines = Vec::with_capacity(self.checkpoints.len());
        for (name, old) in &self.checkpoints {
            let (mut moved, mut problem) = (None, None);
            match old.check(name, from).await {
                Ok(()) => moved = moved_to(to, source.place_of(old.position).await?).await?,
                Err(error @ CheckpointError::AheadOfLog { .. }) => problem = Some(error.to_string()),
                Err(error) => return Err(error.into()),
            }
            lines.push(CheckpointLine { name: name.clone(), from: old.position, to: moved, problem });
        }
        Ok(lines)
    }
}

/// The checkpoint at a position of the new store.
async fn moved_to(to: &dyn EventStore, at: Option<Position>) -> Result<Option<Checkpoint>, MigrateError> {
    let Some(at) = at else { return Ok(None) };
    let event = to.event_at(at).await.map_err(MigrateError::ReadBack)?;
    let checkpoint = |event_id| Checkpoint { store: to.id(), position: at, event_id };
    Ok(event.map(|event| checkpoint(event.event_id())))
}

impl MigrationReport {
    /// Keeps the checkpoints for the new store; a reader that has come further there stays where it is.
    pub async fn keep_checkpoints(&self, checkpoints: &dyn Checkpoints) -> Result<(), CheckpointError> {
        for line in &self.checkpoints {
            let Some(moved) = &line.to else { continue };
            let there = checkpoints.load(&line.name).await?;
            if there.is_none_or(|there| there.store != moved.store || there.position < moved.position) {
                checkpoints.save(&line.name, moved).await?;
            }
        }
        Ok(())
    }
}
