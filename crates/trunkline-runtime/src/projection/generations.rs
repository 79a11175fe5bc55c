//! Rows of a read database as the runner meets them: the generations of one projection.

use std::sync::Arc;

use futures::future::BoxFuture;
use trunkline_core::{RecordedEvent, StoreId};
use trunkline_sql::{
    ApplyError, Batch, BatchEnd, DatabaseError, Generation, GenerationCheckpoint, Model, ReadDatabase, State,
    StatementFailure, Writer,
};

use super::OnChange;
use super::ProjectionError;
use super::databases::Database;
use super::target::{Begin, Begun, Fill, Kept, Standing, Target};
use crate::messages::Checkpoint;

/// The generations of a projection, and what is done when its statements are others than those that made the rows.
#[derive(Clone)]
pub(super) struct Generations {
    pub(super) model: Arc<Model>,
    pub(super) database: Database,
    pub(super) on_change: OnChange,
}

impl Generations {
    /// The generation that readers see.
    pub(super) async fn live(&self) -> Result<Option<Generation>, DatabaseError> {
        let all = self.database.get().await?.generations().await?;
        let name = self.model.name();
        is_told_apart(name, &all)?;
        let is_live =
            |generation: &Generation| generation.projection == name && generation.state == State::Live;
        Ok(all.into_iter().find(is_live))
    }

    fn is_same(&self, generation: &Generation) -> bool {
        generation.definition == self.model.definition()
    }

    /// The number of the generation to open, whether it is anew, and whether readers see another one.
    async fn choose(
        &self,
        database: &dyn ReadDatabase,
        store: StoreId,
        how: Begin,
    ) -> Result<(u64, bool, bool), ProjectionError> {
        let name = self.model.name();
        let mut own = database.generations().await?;
        is_told_apart(name, &own)?;
        own.retain(|generation| generation.projection == name);
        let live = own.iter().find(|generation| generation.state == State::Live);
        let changed = live.is_some_and(|live| !self.is_same(live));
        let anew =
            how == Begin::Anew || (changed && how == Begin::GoOn && self.on_change == OnChange::Rebuild);
        if changed && !anew {
            return Err(ProjectionError::Changed { name: name.to_owned() });
        }
        // What an interrupted rebuild has filled is gone on with, if it was for the same statements.
        let is_begun =
            |generation: &&Generation| generation.state == State::Beside && self.is_same(generation);
        let known = if anew { own.iter().find(is_begun) } else { live };
        let number = match known {
            Some(known) => known.number,
            None => database.create(&self.model, store).await?,
        };
        Ok((number, anew, anew && live.is_some()))
    }
}

/// That no other projection has rows whose name differs by case alone: databases take the two for one.
fn is_told_apart(name: &str, all: &[Generation]) -> Result<(), DatabaseError> {
    let is_mistaken = |other: &&Generation| {
        other.projection != name
            && other.projection.eq_ignore_ascii_case(name)
            && other.state != State::Dropped
    };
    let Some(other) = all.iter().find(is_mistaken) else { return Ok(()) };
    let (projection, other) = (name.to_owned(), other.projection.clone());
    Err(DatabaseError::NameDiffersByCase { projection, other })
}

impl Target for Generations {
    fn standing(&self) -> BoxFuture<'_, Result<Option<Standing>, DatabaseError>> {
        Box::pin(async move {
            let Some(live) = self.live().await? else { return Ok(None) };
            let standing = self.database.get().await?.standing(self.model.name(), live.number).await;
            let kept = standing.map(|standing| Kept {
                last: last(&standing.checkpoint),
                failure: standing.failure,
                parked: standing.parked,
            });
            Ok(Some(Standing { generation: live.number, is_changed: !self.is_same(&live), kept }))
        })
    }

    fn begin(&self, store: StoreId, how: Begin) -> BoxFuture<'_, Result<Box<dyn Begun>, ProjectionError>> {
        Box::pin(async move {
            let database = self.database.get().await?;
            let (number, anew, hidden) = self.choose(&**database, store, how).await?;
            let writer = database.open(&self.model, number).await?;
            Ok(Box::new(Opened { database: Arc::clone(database), writer, anew, hidden }) as Box<dyn Begun>)
        })
    }
}

/// A checkpoint without what is only a generation's.
pub(super) fn last(checkpoint: &GenerationCheckpoint) -> Option<Checkpoint> {
    let GenerationCheckpoint { store, position, event_id, .. } = *checkpoint;
    event_id.map(|event_id| Checkpoint { store, position, event_id })
}

/// Rows behind a writer.
pub(super) struct Rows<'w>(pub(super) &'w mut dyn Writer);

impl Fill for Rows<'_> {
    fn last(&self) -> Option<Checkpoint> {
        last(self.0.checkpoint())
    }

    fn apply(&mut self, batch: Arc<Batch>, end: BatchEnd) -> BoxFuture<'_, Result<(), ApplyError>> {
        self.0.apply(batch, end)
    }

    fn park<'a>(
        &'a mut self,
        event: &'a RecordedEvent,
        failure: &'a StatementFailure,
    ) -> BoxFuture<'a, Result<(), ApplyError>> {
        self.0.park(event, failure)
    }

    fn note<'a>(&'a mut self, failure: &'a str) -> BoxFuture<'a, Result<(), ApplyError>> {
        self.0.note(failure)
    }
}

/// The generation that is being filled.
struct Opened {
    database: Arc<dyn ReadDatabase>,
    writer: Box<dyn Writer>,
    anew: bool,
    hidden: bool,
}

impl Fill for Opened {
    fn last(&self) -> Option<Checkpoint> {
        last(self.writer.checkpoint())
    }

    fn apply(&mut self, batch: Arc<Batch>, end: BatchEnd) -> BoxFuture<'_, Result<(), ApplyError>> {
        self.writer.apply(batch, end)
    }

    fn park<'a>(
        &'a mut self,
        event: &'a RecordedEvent,
        failure: &'a StatementFailure,
    ) -> BoxFuture<'a, Result<(), ApplyError>> {
        self.writer.park(event, failure)
    }

    fn note<'a>(&'a mut self, failure: &'a str) -> BoxFuture<'a, Result<(), ApplyError>> {
        self.writer.note(failure)
    }
}

impl Begun for Opened {
    fn is_anew(&self) -> bool {
        self.anew
    }

    fn is_hidden(&self) -> bool {
        self.hidden
    }

    fn show(&mut self) -> BoxFuture<'_, Result<(), DatabaseError>> {
        Box::pin(async move {
            let name = self.writer.model().name().to_owned();
            let number = self.writer.checkpoint().generation;
            self.database.make_live(&name, number).await?;
            self.hidden = false;
            for old in self.database.generations().await? {
                if old.projection == name && old.number != number && old.state == State::Beside {
                    self.database.discard(&name, old.number).await?;
                }
            }
            Ok(())
        })
    }

    fn put_back(&mut self, to: Option<BatchEnd>) -> BoxFuture<'_, Result<(), ApplyError>> {
        self.writer.rewind(to)
    }

    fn empty(&mut self) -> BoxFuture<'_, Result<(), ApplyError>> {
        self.writer.empty()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.writer.close()
    }
}
