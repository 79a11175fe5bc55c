//! What a read database is: generations of read models, whose rows and checkpoint commit together.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use trunkline_core::{EventId, Position, RecordedEvent, StoreId};

use crate::query::{AnswerLimits, Parameters, QueryAnswer, SqlQuery};
use crate::{ApplyError, AskError, Batch, DatabaseError, Dialect, Model, Parked, Shadow, StatementFailure};

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
    /// It was dropped, but a reader still has it open.
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

/// The right to run the projections, or who has it.
pub type Claimed = Result<Box<dyn Claim>, String>;

/// A place that keeps read models.
///
/// Every sentence here is a promise, and each has a test in `conformance` (the feature of that name brings it) that every
/// backend passes; those about media that fail are tested by the backends that have such.
///
/// Every generation of a projection has a namespace of its own for its tables and its checkpoint, so that statements
/// name tables without saying which generation they mean.
///
/// A call takes place whole or not at all, also when its future is dropped half-way: then it may yet take place, and
/// [`generations`](Self::generations), [`paused`](Self::paused) and [`standing`](Self::standing) tell.
pub trait ReadDatabase: fmt::Debug + Send + Sync + 'static {
    /// Where it is, for messages; without passwords.
    fn place(&self) -> String;

    /// The SQL that it takes; its checks need no database that is open.
    fn dialect(&self) -> &'static dyn Dialect;

    /// All generations, by projection and number.
    fn generations(&self) -> BoxFuture<'_, Result<Vec<Generation>, DatabaseError>>;

    /// Makes an empty generation of a projection, for the events of this store, and returns its number.
    ///
    /// - It has the model's tables, and a checkpoint at the start.
    /// - It is live at once when the projection has no live one, and else stands beside it.
    /// - When this fails, or the process ends in the midst of it, there is no such generation.
    /// - A model whose texts have a mistake is refused with [`DatabaseError::Model`].
    /// - One whose name differs from that of another projection that is there by case alone is refused with
    ///   [`DatabaseError::NameDiffersByCase`].
    fn create<'a>(
        &'a self,
        model: &'a Arc<Model>,
        store: StoreId,
    ) -> BoxFuture<'a, Result<u64, DatabaseError>>;

    /// Opens a generation for writing.
    ///
    /// From now on no writer that opened it earlier changes anything in it.
    /// A generation that isn't there, or was dropped, is [`DatabaseError::NoGeneration`].
    fn open<'a>(
        &'a self,
        model: &'a Arc<Model>,
        generation: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Writer>, DatabaseError>>;

    /// Reads how a generation stands, changing nothing.
    fn standing<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<Standing, DatabaseError>>;

    /// The events that a generation's owner put aside, in order; changes nothing.
    fn parked<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<Vec<Parked>, DatabaseError>>;

    /// Claims the running of this database's projections; while another process, or another handle, has it, who that is.
    ///
    /// It keeps one process from taking generations from another by mistake; what keeps rows right when that happens
    /// is the fence of [`Writer`].
    fn claim(&self) -> BoxFuture<'_, Result<Claimed, DatabaseError>>;

    /// Says whether a projection is to stay where it is; kept for good.
    fn pause<'a>(&'a self, projection: &'a str, paused: bool) -> BoxFuture<'a, Result<(), DatabaseError>>;

    /// The projections that are to stay where they are.
    fn paused(&self) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>>;

    /// Has readers see this generation from now on, in one step: no reader sees neither or both.
    ///
    /// The one they saw before stands beside it.
    /// A generation that isn't there, or was dropped, is [`DatabaseError::NoGeneration`].
    fn make_live<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<(), DatabaseError>>;

    /// Drops a generation that isn't live; one that is, is [`DatabaseError::IsLive`].
    ///
    /// Nobody opens it any more. Its space is given back at once, or, while a reader has it open, by a later
    /// call or when the database is opened.
    fn discard<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<(), DatabaseError>>;

    /// Drops all generations of a projection, the live one too, and forgets whether it is paused, in one step.
    ///
    /// - Readers find none of its tables from then on.
    /// - A generation of it that is made later has a number that none had before.
    /// - Where it has neither, there is nothing to do.
    fn drop_projection<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<(), DatabaseError>>;

    /// Reads a generation as it is now, and makes tables out of sight to apply its events to again.
    ///
    /// The generation is only read, and only what is committed: its owner goes on meanwhile.
    fn shadow<'a>(
        &'a self,
        model: &'a Arc<Model>,
        generation: u64,
        store: StoreId,
    ) -> BoxFuture<'a, Result<Box<dyn Shadow>, DatabaseError>>;

    /// Answers a declared query from the live generations.
    ///
    /// - One answer comes from one generation of each projection, and from one moment of each.
    /// - It has no more rows than the limits say, and says whether there are more; it ends in time.
    /// - Tables of projections that the limits leave out are not there for it.
    fn ask<'a>(
        &'a self,
        query: &'a SqlQuery,
        parameters: &'a Parameters<'_>,
        limits: &'a AnswerLimits,
    ) -> BoxFuture<'a, Result<QueryAnswer, AskError>>;
}

/// The owner of a generation: the only one who changes it.
///
/// A call takes place whole or not at all, also when its future is dropped half-way.
/// After that, and after a [`DatabaseError`], the generation must be opened again, which tells what was committed; a
/// writer whose call was dropped half-way refuses every other call.
pub trait Writer: fmt::Debug + Send {
    /// How far it has come.
    fn checkpoint(&self) -> &GenerationCheckpoint;

    /// The model whose tables these are; its [batches](Model::batch) are what is applied.
    fn model(&self) -> &Arc<Model>;

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
    /// When the events are not after the checkpoint, the batch ends before them, or it was made for another model.
    fn apply(&mut self, batch: Arc<Batch>, end: BatchEnd) -> BoxFuture<'_, Result<(), ApplyError>>;

    /// Notes why the generation doesn't come further, for those who look on; the next batch takes the note away.
    fn note<'a>(&'a mut self, failure: &'a str) -> BoxFuture<'a, Result<(), ApplyError>>;

    /// Puts a failing event aside, to be looked at, and moves the checkpoint to it, together or not at all.
    ///
    /// # Panics
    ///
    /// When the event is not after the checkpoint.
    fn park<'a>(
        &'a mut self,
        event: &'a RecordedEvent,
        failure: &'a StatementFailure,
    ) -> BoxFuture<'a, Result<(), ApplyError>>;

    /// Applies what an event that was put aside is now, and takes it from the list, together or not at all.
    ///
    /// The checkpoint stays where it is.
    fn retry(&mut self, position: Position, batch: Arc<Batch>) -> BoxFuture<'_, Result<(), ApplyError>>;

    /// Takes an event from the list of those that were put aside; tells whether it was there.
    fn forget(&mut self, position: Position) -> BoxFuture<'_, Result<bool, ApplyError>>;

    /// Puts the checkpoint back, so that the events after it are applied again onto the rows that are there; what was
    /// put aside of them is taken from the list.
    ///
    /// # Panics
    ///
    /// When the place is after the checkpoint: events would be left out.
    fn rewind(&mut self, to: Option<BatchEnd>) -> BoxFuture<'_, Result<(), ApplyError>>;

    /// Empties the tables and the list of what was put aside, and puts the checkpoint back to the start, together or not
    /// at all.
    fn empty(&mut self) -> BoxFuture<'_, Result<(), ApplyError>>;

    /// Gives the generation up; when this ends, nothing of it is held open here.
    ///
    /// Dropping the writer does the same a little later.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}
