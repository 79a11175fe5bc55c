//! Events that were put aside: looked at, applied after all, or given up.

use std::sync::Arc;

use trunkline_core::Position;
use trunkline_sql::{ApplyError, Parked, Writer};
use trunkline_store::EventStoreExt as _;

use super::generations::Generations;
use super::present::present;
use super::{ProjectionError, Projections};

impl Projections {
    /// The events that a projection has put aside, in order, also when another process runs it.
    pub async fn parked(&self, name: &str) -> Result<Vec<Parked>, ProjectionError> {
        let Some(rows) = &self.one(name)?.rows else { return Ok(Vec::new()) };
        let Some(live) = rows.live().await? else { return Ok(Vec::new()) };
        Ok(rows.database.get().await?.parked(name, live.number).await?)
    }

    /// Applies an event that was put aside, and takes it from the list, together or not at all.
    ///
    /// It is applied onto the rows as they are now, after events that came later in the log.
    pub async fn retry_parked(&self, name: &str, position: Position) -> Result<(), ProjectionError> {
        let one = self.one(name)?;
        let _claims = self.claim([one]).await?;
        let (rows, parked) = self.find_parked(name, position).await?;
        let ahead = |why| ProjectionError::AheadOfLog { name: name.to_owned(), position, why };
        let event = self.store.event_at(position).await?.ok_or_else(|| ahead("is not there"))?;
        if event.event_id() != parked.event_id {
            return Err(ahead("is another event"));
        }
        let events = present(std::slice::from_ref(&event), &one.types, &self.upcasters);
        let retried = match events {
            Ok(events) => {
                let batch = rows.model.batch(Arc::new(events.into_owned()));
                let mut writer = writer(rows).await?;
                let retried = writer.retry(position, Arc::new(batch)).await;
                writer.close().await;
                retried
            }
            Err(failure) => Err(ApplyError::Failed(failure)),
        };
        match retried {
            Ok(()) => Ok(()),
            Err(ApplyError::Failed(failure)) => {
                Err(ProjectionError::StillFails { name: name.to_owned(), failure })
            }
            Err(error) => Err(ProjectionError::of(name, error)),
        }
    }

    /// Gives an event up that was put aside: the rows stay without it.
    pub async fn discard_parked(&self, name: &str, position: Position) -> Result<(), ProjectionError> {
        let _claims = self.claim([self.one(name)?]).await?;
        let (rows, _) = self.find_parked(name, position).await?;
        let mut writer = writer(rows).await?;
        let forgotten = writer.forget(position).await;
        writer.close().await;
        forgotten.map(|_| ()).map_err(|error| ProjectionError::of(name, error))
    }

    async fn find_parked(
        &self,
        name: &str,
        position: Position,
    ) -> Result<(&Generations, Parked), ProjectionError> {
        let found = self.parked(name).await?.into_iter().find(|parked| parked.position == position);
        let rows = self.one(name)?.rows.as_ref();
        rows.zip(found).ok_or_else(|| ProjectionError::NotParked { name: name.to_owned(), position })
    }
}

/// The live generation, whose rows must be those of the statements as they are now.
async fn writer(rows: &Generations) -> Result<Box<dyn Writer>, ProjectionError> {
    let live = rows.live().await?.filter(|live| live.definition == rows.model.definition());
    let live = live.ok_or_else(|| ProjectionError::Changed { name: rows.model.name().to_owned() })?;
    Ok(rows.database.get().await?.open(&rows.model, live.number).await?)
}
