//! State of the program's own as the runner sees it: a database with one generation of one projection.

use std::fmt;
use std::sync::Arc;

use futures::executor::block_on;
use trunkline_core::{Position, RecordedEvent, StoreId};
use trunkline_sql::{
    Answer, AnswerLimits, ApplyError, AskError, Batch, BatchEnd, Claim, DatabaseError, Generation,
    GenerationCheckpoint, Model, ModelProblem, Parameters, Parked, ReadDatabase, Shadow, SqlProblem,
    SqlQuery, Standing, State, StatementFailure, Writer,
};

use super::super::databases::Database;
use super::{Kept, StateError, StateProjection};
use crate::messages::{self, Checkpoints};

/// The only generation that such state has.
const GENERATION: u64 = 1;

/// The projections over state of the program's own, with what all of them need.
pub(crate) struct OwnStates {
    pub(crate) all: Vec<(String, Arc<dyn StateProjection>)>,
    pub(crate) checkpoints: Arc<dyn Checkpoints>,
}

/// One of them, as a database.
#[derive(Clone)]
pub(in crate::projection) struct OwnDatabase {
    pub(in crate::projection) model: Arc<Model>,
    pub(in crate::projection) code: Arc<dyn StateProjection>,
    pub(in crate::projection) checkpoints: Arc<dyn Checkpoints>,
    /// Where it is written down who runs the application's projections, and which are paused.
    pub(in crate::projection) registry: Database,
    /// The store whose events it is given.
    pub(in crate::projection) store: StoreId,
}

impl fmt::Debug for OwnDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnDatabase").field("projection", &self.model.name()).finish_non_exhaustive()
    }
}

impl OwnDatabase {
    /// The name of the checkpoint that is kept beside the state; relays and sagas have others.
    fn name(&self) -> String {
        format!("projection.{}", self.model.name())
    }

    fn failed(&self, doing: &str) -> impl FnOnce(StateError) -> DatabaseError + use<> {
        let doing = format!("{doing} the state of `{}`", self.model.name());
        move |StateError { error, passing }| {
            let reason = error.to_string();
            if passing {
                DatabaseError::Passing { doing, reason }
            } else {
                DatabaseError::Lasting { doing, reason }
            }
        }
    }

    fn load(&self) -> Result<(Option<messages::Checkpoint>, bool), StateError> {
        Ok(match self.code.kept()? {
            Kept::Within(checkpoint) => (checkpoint, true),
            Kept::Beside => (block_on(self.checkpoints.load(&self.name()))?, false),
        })
    }

    fn writer(&self) -> Result<OwnWriter, DatabaseError> {
        let (kept, within) = self.load().map_err(self.failed("read the checkpoint of"))?;
        Ok(OwnWriter { checkpoint: of_kept(kept, self.store), within, own: self.clone() })
    }

    fn cannot<T>(&self, doing: &str, reason: &str) -> Result<T, DatabaseError> {
        let doing = format!("{doing} `{}`", self.model.name());
        Err(DatabaseError::Lasting { doing, reason: reason.to_owned() })
    }
}

fn of_kept(kept: Option<messages::Checkpoint>, store: StoreId) -> GenerationCheckpoint {
    GenerationCheckpoint {
        store: kept.map_or(store, |kept| kept.store),
        position: kept.map_or(Position::START, |kept| kept.position),
        event_id: kept.map(|kept| kept.event_id),
        generation: GENERATION,
        token: 0,
    }
}

impl ReadDatabase for OwnDatabase {
    fn place(&self) -> String {
        // Where it is claimed.
        self.registry.get().map(|registry| registry.place()).unwrap_or_default()
    }

    fn check(&self, _: &Model) -> Vec<ModelProblem> {
        Vec::new()
    }

    fn check_query(&self, _: &[&Model], _: &SqlQuery) -> Vec<SqlProblem> {
        Vec::new()
    }

    fn generations(&self) -> Result<Vec<Generation>, DatabaseError> {
        let model = &self.model;
        Ok(vec![Generation {
            projection: model.name().to_owned(),
            number: GENERATION,
            state: State::Live,
            // What made the state isn't known; who changes the code replays.
            definition: model.definition().to_owned(),
        }])
    }

    fn create(&self, _: &Model, _: StoreId) -> Result<u64, DatabaseError> {
        self.cannot("build", "its state is the program's own, and there is one of it; replay it instead")
    }

    fn open(&self, _: &Arc<Model>, _: u64) -> Result<Box<dyn Writer>, DatabaseError> {
        Ok(Box::new(self.writer()?))
    }

    fn standing(&self, _: &str, _: u64) -> Result<Standing, DatabaseError> {
        let (kept, _) = self.load().map_err(self.failed("read the checkpoint of"))?;
        Ok(Standing { checkpoint: of_kept(kept, self.store), failure: None, parked: 0 })
    }

    fn parked(&self, _: &str, _: u64) -> Result<Vec<Parked>, DatabaseError> {
        Ok(Vec::new())
    }

    fn claim(&self) -> Result<Result<Box<dyn Claim>, String>, DatabaseError> {
        self.registry.get()?.claim()
    }

    fn pause(&self, projection: &str, paused: bool) -> Result<(), DatabaseError> {
        self.registry.get()?.pause(projection, paused)
    }

    fn paused(&self) -> Result<Vec<String>, DatabaseError> {
        self.registry.get()?.paused()
    }

    fn make_live(&self, _: &str, _: u64) -> Result<(), DatabaseError> {
        Ok(())
    }

    fn discard(&self, _: &str, _: u64) -> Result<(), DatabaseError> {
        Ok(())
    }

    fn shadow(&self, _: &Arc<Model>, _: u64, _: StoreId) -> Result<Box<dyn Shadow>, DatabaseError> {
        self.cannot("verify", "its state is the program's own, which Trunkline can't compare")
    }

    fn ask(&self, _: &SqlQuery, _: &Parameters<'_>, _: &AnswerLimits) -> Result<Answer, AskError> {
        Ok(self.cannot("ask", "its state is the program's own; register a query handler")?)
    }
}

/// The owner of such state.
#[derive(Debug)]
struct OwnWriter {
    own: OwnDatabase,
    checkpoint: GenerationCheckpoint,
    /// Whether the state keeps the checkpoint itself.
    within: bool,
}

impl OwnWriter {
    fn step(&mut self, events: &[RecordedEvent], reached: BatchEnd) -> Result<(), StateError> {
        let BatchEnd { position, event_id } = reached;
        let checkpoint = messages::Checkpoint { store: self.checkpoint.store, position, event_id };
        self.own.code.apply(events, &checkpoint)?;
        if !self.within {
            block_on(self.own.checkpoints.save(&self.own.name(), &checkpoint))?;
        }
        (self.checkpoint.position, self.checkpoint.event_id) = (position, Some(event_id));
        Ok(())
    }

    /// Applies events one by one: those before the one that fails are applied then, and it is told.
    fn one_by_one(&mut self, events: &[RecordedEvent], failed: StateError) -> Result<(), ApplyError> {
        let mut failed = Some(failed);
        let mut rest = events;
        while let Some(first) = rest.first() {
            // What is stored at one position is applied as one.
            let together = rest.partition_point(|event| event.position() == first.position());
            let alone = together == events.len();
            let stepped = match failed.take().filter(|_| alone) {
                Some(failed) => Err(failed),
                None => self.step(&rest[..together], BatchEnd::event(first)),
            };
            if let Err(StateError { error, passing }) = stepped {
                return Err(ApplyError::Failed(Box::new(StatementFailure {
                    position: first.position(),
                    event_id: first.event_id(),
                    event_type: first.event_type().to_owned(),
                    statement: None,
                    parameters: Vec::new(),
                    error: error.to_string(),
                    passing,
                })));
            }
            rest = &rest[together..];
        }
        Ok(())
    }
}

impl Writer for OwnWriter {
    fn checkpoint(&self) -> &GenerationCheckpoint {
        &self.checkpoint
    }

    fn apply(&mut self, events: &[RecordedEvent], reached: BatchEnd) -> Result<(), ApplyError> {
        if reached.position <= self.checkpoint.position {
            // Done already, on the way to an event that failed.
            return Ok(());
        }
        let is_wanted = |event: &&RecordedEvent| {
            event.position() > self.checkpoint.position
                && self.own.code.event_types().contains(&event.event_type())
        };
        let wanted: Vec<RecordedEvent> = events.iter().filter(is_wanted).cloned().collect();
        match self.step(&wanted, reached) {
            Ok(()) => Ok(()),
            Err(failed) if wanted.is_empty() => {
                Err(ApplyError::Database(self.own.failed("move the checkpoint of")(failed)))
            }
            Err(failed) if failed.passing => Err(ApplyError::Database(self.own.failed("change")(failed))),
            Err(failed) => {
                self.one_by_one(&wanted, failed)?;
                // It fails together and not alone: what is left is the place.
                self.step(&[], reached)
                    .map_err(|failed| ApplyError::Database(self.own.failed("move the checkpoint of")(failed)))
            }
        }
    }

    fn apply_batch(&mut self, batch: &Batch, reached: BatchEnd) -> Result<(), ApplyError> {
        self.apply(batch.events(), reached)
    }

    fn note(&mut self, _: &str) -> Result<(), ApplyError> {
        // There is nowhere to keep it; who runs the projection says it.
        Ok(())
    }

    fn park(&mut self, _: &RecordedEvent, _: &StatementFailure) -> Result<(), ApplyError> {
        Ok(self.own.cannot("put an event aside of", "its state is the program's own")?)
    }

    fn retry(&mut self, _: Position, _: &[RecordedEvent]) -> Result<(), ApplyError> {
        Ok(self.own.cannot("retry an event of", "its state is the program's own")?)
    }

    fn forget(&mut self, _: Position) -> Result<bool, ApplyError> {
        Ok(false)
    }

    fn rewind(&mut self, _: Option<BatchEnd>) -> Result<(), ApplyError> {
        Ok(self
            .own
            .cannot("put back the checkpoint of", "its state is the program's own; replay it whole")?)
    }

    fn empty(&mut self) -> Result<(), ApplyError> {
        let failed = self.own.failed("empty");
        let empty = || -> Result<(), StateError> {
            if !self.within {
                // First, so that whenever this ends, no event is taken for one that is in the state.
                block_on(self.own.checkpoints.forget(&self.own.name()))?;
            }
            self.own.code.empty()
        };
        empty().map_err(failed)?;
        self.checkpoint = of_kept(None, self.own.store);
        Ok(())
    }
}
