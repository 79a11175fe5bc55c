//! Events that were put aside: looked at, applied after all, or given up.

use trunkline_core::Position;
use trunkline_sql::{ApplyError, Parked, Writer};
use trunkline_store::EventStoreExt as _;

use super::present::present;
use super::{ProjectionError, Projections};

impl Projections {
    /// The events that a projection has put aside, in order, also when another process runs it.
    pub fn parked(&self, name: &str) -> Result<Vec<Parked>, ProjectionError> {
        let one = self.one(name)?;
        let Some(live) = self.live(name)? else { return Ok(Vec::new()) };
        Ok(one.database()?.parked(name, live.number)?)
    }

    /// Applies an event that was put aside, and takes it from the list, together or not at all.
    ///
    /// It is applied onto the rows as they are now, after events that came later in the log.
    pub async fn retry_parked(&self, name: &str, position: Position) -> Result<(), ProjectionError> {
        let one = self.one(name)?;
        let _claims = self.claim([one]).await?;
        let parked = self.find_parked(name, position)?;
        let ahead = |why| ProjectionError::AheadOfLog { name: name.to_owned(), position, why };
        let event = self.store.event_at(position).await?.ok_or_else(|| ahead("is not there"))?;
        if event.event_id() != parked.event_id {
            return Err(ahead("is another event"));
        }
        let events = present(std::slice::from_ref(&event), &one.types, &self.upcasters);
        let retried = match events {
            Ok(events) => self.writer(name)?.retry(position, &events),
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
        self.find_parked(name, position)?;
        let forgotten = self.writer(name)?.forget(position);
        forgotten.map(|_| ()).map_err(|error| ProjectionError::of(name, error))
    }

    fn find_parked(&self, name: &str, position: Position) -> Result<Parked, ProjectionError> {
        let found = self.parked(name)?.into_iter().find(|parked| parked.position == position);
        found.ok_or_else(|| ProjectionError::NotParked { name: name.to_owned(), position })
    }

    /// The live generation, whose rows must be those of the statements as they are now.
    fn writer(&self, name: &str) -> Result<Box<dyn Writer>, ProjectionError> {
        let one = self.one(name)?;
        let model = &one.definition.model;
        let live = self.live(name)?.filter(|live| live.definition == model.definition());
        let live = live.ok_or_else(|| ProjectionError::Changed { name: name.to_owned() })?;
        Ok(one.database()?.open(model, live.number)?)
    }
}
