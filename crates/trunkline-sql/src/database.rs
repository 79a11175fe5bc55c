//! What a read database is: generations of read models, whose rows and checkpoint commit together.

use std::fmt;
use std::sync::Arc;

use trunkline_core::{EventId, Position, RecordedEvent, StoreId};

use crate::query::{Answer, AnswerLimits, Parameters, SqlQuery};
use crate::{
    ApplyError, AskError, Batch, DatabaseError, Model, ModelProblem, Parked, Shadow, SqlProblem,
    StatementFailure,
};

/// How far a generation of a projection has come, and who may take it further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationCheckpoint {
    /// The store whose events these are.
    pub store: StoreId,
    /// The position of the last event that was applied or passed over; [`Position::START`] at first.
    pub position: Position,
    /// The id of the event there; none at [`Position::START`].
    pub event_id: Option<EventId>,
    /// The generation.
    pub generation: u64,
    /// Grows with every owner: the last one to open the generation for writing has it, and no other.
    pub token: u64,
}

/// Where a batch ends: its last event, whether or not the projection wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchEnd {
    /// The event's position.
    pub position: Position,
    /// The event's id.
    pub event_id: EventId,
}

impl BatchEnd {
    /// The place of this event.
    pub fn event(event: &RecordedEvent) -> Self {
        Self { position: event.position(), event_id: event.event_id() }
    }
}

/// Whether a generation is what readers see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Readers see it.
    Live,
    /// It is filled beside the live one.
    Beside,
    /// It was dropped, but somebody still reads it.
    Dropped,
}

/// A generation of a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// The projection's name.
    pub projection: String,
    /// Counted from 1; a number is never used again.
    pub number: u64,
    /// Whether readers see it.
    pub state: State,
    /// The [`Model::definition`] that it was made with.
    pub definition: String,
}

/// How a generation stands, for those who look on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How far it has come.
    pub checkpoint: GenerationCheckpoint,
    /// Why it doesn't come further, as its owner noted it.
    pub failure: Option<String>,
    /// How many events were put aside.
    pub parked: u64,
}

/// The right to run the projections of a database, as long as it lives: other processes see that they are run.
pub trait Claim: fmt::Debug + Send + Sync {}

/// A place that keeps read models.
///
/// Every generation of a projection has a namespace of its own for its tables and its checkpoint, so that statements
/// name tables without saying which generation they mean.
///
/// Calls block: they are made from a thread that may wait, and end whole or not at all, which a future that is
/// dropped half-way could not promise.
pub trait ReadDatabase: fmt::Debug + Send + Sync + 'static {
    /// Where it is, for messages; without passwords.
    fn place(&self) -> String;

    /// Prepares a projection's schema and statements without touching what is stored, and says what is wrong.
    fn check(&self, model: &Model) -> Vec<ModelProblem>;

    /// Prepares a query against the tables of these projections without touching what is stored.
    ///
    /// A query that could write, or do anything but read tables, is a problem here.
    fn check_query(&self, models: &[&Model], query: &SqlQuery) -> Vec<SqlProblem>;

    /// All generations, by projection and number.
    fn generations(&self) -> Result<Vec<Generation>, DatabaseError>;

    /// Makes an empty generation of a projection, for the events of this store, and returns its number.
    ///
    /// - It has the model's tables, and a checkpoint at the start.
    /// - It is live at once when the projection has no live one, and else stands beside it.
    /// - When this fails, or the process ends in the midst of it, there is no such generation.
    fn create(&self, model: &Model, store: StoreId) -> Result<u64, DatabaseError>;

    /// Opens a generation for writing.
    ///
    /// From now on nobody who opened it earlier changes anything in it.
    fn open(&self, model: &Arc<Model>, generation: u64) -> Result<Box<dyn Writer>, DatabaseError>;

    /// Reads how a generation stands, changing nothing.
    fn standing(&self, projection: &str, generation: u64) -> Result<Standing, DatabaseError>;

    /// The events that a generation's owner put aside, in order; changes nothing.
    fn parked(&self, projection: &str, generation: u64) -> Result<Vec<Parked>, DatabaseError>;

    /// Claims the running of this database's projections; while another process, or another handle, has it, who that is.
    ///
    /// It keeps one process from taking generations from another by mistake; what keeps rows right when that happens
    /// is the fence of [`Writer`].
    fn claim(&self) -> Result<Result<Box<dyn Claim>, String>, DatabaseError>;

    /// Says whether a projection is to stay where it is; kept for good.
    fn pause(&self, projection: &str, paused: bool) -> Result<(), DatabaseError>;

    /// The projections that are to stay where they are.
    fn paused(&self) -> Result<Vec<String>, DatabaseError>;

    /// Has readers see this generation from now on, in one step: no reader sees neither or both.
    ///
    /// The one they saw before stands beside it.
    fn make_live(&self, projection: &str, generation: u64) -> Result<(), DatabaseError>;

    /// Drops a generation that isn't live.
    ///
    /// Nobody opens it any more. Its space is given back at once, or, while somebody reads it, by a later
    /// call or when the database is opened.
    fn discard(&self, projection: &str, generation: u64) -> Result<(), DatabaseError>;

    /// Reads a generation as it is now, and makes tables out of sight to apply its events to again.
    ///
    /// The generation is only read, and only what is committed: its owner goes on meanwhile.
    fn shadow(
        &self,
        model: &Arc<Model>,
        generation: u64,
        store: StoreId,
    ) -> Result<Box<dyn Shadow>, DatabaseError>;

    /// Answers a declared query from the live generations.
    ///
    /// - One answer comes from one generation of each projection, and from one moment of each.
    /// - It has no more rows than the limits say, and says whether there are more; it ends in time.
    fn ask(
        &self,
        query: &SqlQuery,
        parameters: &Parameters<'_>,
        limits: &AnswerLimits,
    ) -> Result<Answer, AskError>;
}

/// The owner of a generation: the only one who changes it.
///
/// After a [`DatabaseError`] the generation must be opened again, which tells what was committed.
pub trait Writer: fmt::Debug + Send {
    /// How far it has come.
    fn checkpoint(&self) -> &GenerationCheckpoint;

    /// Applies events in order and moves the checkpoint to the end of the batch.
    ///
    /// - Rows and checkpoint change together, or neither does.
    /// - Nothing changes when somebody else has opened the generation since, or moved its checkpoint:
    ///   [`ApplyError::Fenced`].
    /// - When an event fails, nothing changes, and [`ApplyError::Failed`] tells the event, the statement, its
    ///   parameters and the error.
    /// - Events of types that the model doesn't name are passed over.
    /// - Several events may have one position, when what is stored there was made several.
    ///
    /// # Panics
    ///
    /// When the events are not after the checkpoint, or the batch ends before them.
    fn apply(&mut self, events: &[RecordedEvent], reached: BatchEnd) -> Result<(), ApplyError>;

    /// Applies events whose values were found before, and is [`apply`](Self::apply) in everything else.
    ///
    /// # Panics
    ///
    /// As `apply` does, and when the batch was made for another model.
    fn apply_batch(&mut self, batch: &Batch, reached: BatchEnd) -> Result<(), ApplyError>;

    /// Notes why the generation doesn't come further, for those who look on; the next batch takes the note away.
    fn note(&mut self, failure: &str) -> Result<(), ApplyError>;

    /// Puts a failing event aside, to be looked at, and moves the checkpoint to it.
    ///
    /// # Panics
    ///
    /// When the event is not after the checkpoint.
    fn park(&mut self, event: &RecordedEvent, failure: &StatementFailure) -> Result<(), ApplyError>;

    /// Applies what an event that was put aside is now, and takes it from the list, together or not at all.
    fn retry(&mut self, position: Position, events: &[RecordedEvent]) -> Result<(), ApplyError>;

    /// Takes an event from the list of those that were put aside; tells whether it was there.
    fn forget(&mut self, position: Position) -> Result<bool, ApplyError>;

    /// Puts the checkpoint back, so that the events after it are applied again onto the rows that are there; what was
    /// put aside of them is taken from the list.
    ///
    /// # Panics
    ///
    /// When the place is after the checkpoint: events would be left out.
    fn rewind(&mut self, to: Option<BatchEnd>) -> Result<(), ApplyError>;

    /// Empties the tables and puts the checkpoint back to the start, together or not at all.
    fn empty(&mut self) -> Result<(), ApplyError>;
}
