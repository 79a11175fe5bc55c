//! One projection at work, on a thread of its own: from its checkpoint to the head, and on.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::{mpsc, oneshot, watch};
use trunkline_core::upcast::Upcasters;
use trunkline_core::{Position, RecordedEvent};
use trunkline_sql::{
    ApplyError, BatchEnd, DatabaseError, Generation, GenerationCheckpoint, ReadDatabase, State, Writer,
};
use trunkline_store::{AllRead, Direction, EventStore, EventStoreExt};

use super::chunk::{self, Chunk};
use super::feed::{Feed, Joined};
use super::present::present;
use super::progress::Progress;
use super::{ProjectionError, ProjectionState as Is};
use crate::projection::{OnChange, OnError, ProjectionDefinition};

/// The first wait after a passing fault; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// The longest wait: who mends a full disk shouldn't have to wait long for it to be seen.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What a runner takes.
#[derive(Clone)]
pub(super) struct Runner {
    pub(super) definition: ProjectionDefinition,
    /// The types of what it reads: of what is applied, and of what becomes that.
    pub(super) types: BTreeSet<String>,
    pub(super) upcasters: Upcasters,
    pub(super) store: Arc<dyn EventStore>,
    pub(super) database: Arc<dyn ReadDatabase>,
    pub(super) feed: Option<Arc<Feed>>,
    pub(super) progress: Arc<Progress>,
    /// True once the runner is to stop.
    pub(super) stop: watch::Receiver<bool>,
}

/// What a runner is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Go on for ever.
    Follow,
    /// Come to this position, and end.
    CatchUp(Position),
    /// Empty the live generation, and come to this position.
    Replay(Position),
    /// Put the live generation back to before the one position, and come to the other.
    Again(Position, Position),
    /// Fill a new generation, show it, and come to this position.
    Rebuild(Position),
}

impl Task {
    fn goal(self) -> Option<Position> {
        match self {
            Self::Follow => None,
            Self::CatchUp(goal) | Self::Replay(goal) | Self::Again(_, goal) | Self::Rebuild(goal) => {
                Some(goal)
            }
        }
    }
}

/// The generation that is being filled.
struct Open {
    writer: Box<dyn Writer>,
    /// Readers don't see it yet.
    hidden: bool,
}

/// Where chunks come from.
enum Source {
    /// Not said yet, or used up.
    None,
    Shared(mpsc::Receiver<Chunk>),
    Own(chunk::Ahead),
}

impl Runner {
    pub(super) fn name(&self) -> &str {
        self.definition.model.name()
    }

    /// Works until the task is done, it is told to stop, or it can't go on; tells how, too, to those who look on.
    pub(super) async fn run(mut self, task: Task) -> Result<Position, ProjectionError> {
        let mut task = task;
        let mut wait = FIRST_WAIT;
        loop {
            let before = self.progress.standing().position;
            match self.work(&mut task).await {
                Ok(reached) => {
                    self.progress.state(Is::Idle);
                    return Ok(reached);
                }
                Err(error) if error.is_passing() => {
                    tracing::warn!(projection = self.name(), %error, "trying again");
                    self.progress.failed(Is::Retrying, error);
                    if self.progress.standing().position > before {
                        wait = FIRST_WAIT;
                    }
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        _ = self.stop.wait_for(|stop| *stop) => {
                            self.progress.state(Is::Idle);
                            return Ok(before);
                        }
                    }
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                Err(error) => {
                    tracing::error!(projection = self.name(), %error, "stopped");
                    self.progress.failed(Is::Stopped, error.clone());
                    return Err(error);
                }
            }
        }
    }

    async fn work(&self, task: &mut Task) -> Result<Position, ProjectionError> {
        let mut open = self.open(task).await?;
        let mut stop = self.stop.clone();
        let mut source = Source::None;
        loop {
            let after = open.writer.checkpoint().position;
            let was_hidden = open.hidden;
            self.show(&mut open).await?;
            if was_hidden && !open.hidden {
                // From now on, its events may be those of others.
                source = Source::None;
            }
            if *stop.borrow() || (!open.hidden && task.goal().is_some_and(|goal| after >= goal)) {
                return Ok(after);
            }
            let chunk = tokio::select! {
                chunk = self.next(after, &mut source, *task, open.hidden) => chunk?,
                _ = stop.wait_for(|stop| *stop) => return Ok(after),
            };
            if let Some(chunk) = chunk {
                self.apply(&mut *open.writer, open.hidden, &chunk)?;
            }
        }
    }

    /// Opens the generation that the task is for, and checks that its events are these.
    async fn open(&self, task: &mut Task) -> Result<Open, ProjectionError> {
        let all = self.database.generations()?;
        let mut own = all.into_iter().filter(|generation| generation.projection == self.name());
        let live = own.clone().find(|generation| generation.state == State::Live);
        let is_same = |generation: &Generation| generation.definition == self.definition.model.definition();
        let changed = live.as_ref().is_some_and(|live| !is_same(live));
        let rebuild = matches!(task, Task::Rebuild(_))
            || (changed
                && !matches!(task, Task::Replay(_))
                && self.definition.on_change == OnChange::Rebuild);
        if changed && !rebuild {
            return Err(ProjectionError::Changed { name: self.name().to_owned() });
        }
        let create = || self.database.create(&self.definition.model, self.store.id());
        let (number, hidden) = match (rebuild, live) {
            (false, Some(live)) => (live.number, false),
            (false, None) => (create()?, false),
            (true, live) => {
                // What an interrupted rebuild has filled is gone on with, if it was for the same statements.
                let beside = own.find(|generation| generation.state == State::Beside && is_same(generation));
                let number = beside.map_or_else(create, |beside| Ok(beside.number))?;
                (number, live.is_some())
            }
        };
        let mut writer = self.database.open(&self.definition.model, number)?;
        if let Task::Replay(goal) = *task {
            writer.empty().map_err(|error| ProjectionError::of(self.name(), error))?;
            *task = Task::CatchUp(goal);
        }
        self.check(writer.checkpoint()).await?;
        if let Task::Again(from, goal) = *task {
            // What was just made anew has nothing to be put back.
            if !rebuild {
                self.rewind(&mut *writer, from).await?;
            }
            *task = Task::CatchUp(goal);
        }
        self.progress.at(writer.checkpoint().position);
        let state = if hidden { Is::Rebuilding } else { Is::CatchingUp };
        self.progress.state(state);
        if !hidden {
            self.progress.visible(writer.checkpoint().position);
        }
        Ok(Open { writer, hidden })
    }

    /// Puts a generation back to before a position.
    async fn rewind(&self, writer: &mut dyn Writer, from: Position) -> Result<(), ProjectionError> {
        let (name, position) = (self.name().to_owned(), writer.checkpoint().position);
        if from > position {
            return Err(ProjectionError::NotSoFar { name, from, position });
        }
        // Positions need not be dense.
        let before = Position::new(from.get().saturating_sub(1));
        let back =
            AllRead { direction: Direction::Backward, limit: Some(1), to: before, ..AllRead::default() };
        let mut read = self.store.read_all(back);
        let to = match before {
            Position::START => None,
            _ => read.next().await.transpose()?.map(|event| BatchEnd::event(&event)),
        };
        writer.rewind(to).map_err(|error| ProjectionError::of(&name, error))
    }

    /// A checkpoint names what it saw: the store, and the event at its position.
    pub(super) async fn check(&self, checkpoint: &GenerationCheckpoint) -> Result<(), ProjectionError> {
        let (name, here) = (self.name().to_owned(), self.store.id());
        if checkpoint.position == Position::START {
            return Ok(());
        }
        if checkpoint.store != here {
            return Err(ProjectionError::OtherStore { name, of: checkpoint.store, here });
        }
        let why = match self.store.event_at(checkpoint.position).await? {
            Some(event) if Some(event.event_id()) == checkpoint.event_id => return Ok(()),
            Some(_) => "is another event",
            None => "is not there",
        };
        Err(ProjectionError::AheadOfLog { name, position: checkpoint.position, why })
    }

    /// Shows a generation that has come to the head, and drops those before it.
    async fn show(&self, open: &mut Open) -> Result<(), ProjectionError> {
        let checkpoint = open.writer.checkpoint();
        if !open.hidden || checkpoint.position < self.store.head().await? {
            return Ok(());
        }
        let number = checkpoint.generation;
        self.database.make_live(self.name(), number)?;
        open.hidden = false;
        self.progress.visible(checkpoint.position);
        for old in self.database.generations()? {
            if old.projection == self.name() && old.number != number && old.state == State::Beside {
                self.database.discard(self.name(), old.number)?;
            }
        }
        self.progress.state(Is::Live);
        Ok(())
    }

    /// The next events: shared ones when others have come as far, and else those of an own read.
    async fn next(
        &self,
        after: Position,
        source: &mut Source,
        task: Task,
        hidden: bool,
    ) -> Result<Option<Chunk>, ProjectionError> {
        loop {
            match source {
                Source::Shared(chunks) => match chunks.recv().await {
                    Some(chunk) if chunk.reached.position > after => return Ok(Some(chunk)),
                    Some(_) => {}
                    // Either the feed is further on, or it can't read: a read of one's own says what is wrong.
                    None => *source = self.own(after, Position::new(after.get() + 1)),
                },
                Source::Own(ahead) => match ahead.next().await {
                    Some(chunk) => {
                        return Ok(Some(chunk?.ok_or_else(|| self.shrank(after))?));
                    }
                    None => *source = Source::None,
                },
                Source::None => *source = self.source(after, task, hidden),
            }
        }
    }

    fn source(&self, after: Position, task: Task, hidden: bool) -> Source {
        match &self.feed {
            // What has an end, or isn't seen, has the log to itself.
            Some(feed) if task == Task::Follow && !hidden => match feed.join(after, &self.types) {
                Joined::Member(chunks) => Source::Shared(chunks),
                Joined::Behind(position) => self.own(after, position),
            },
            _ => self.own(after, Position::MAX),
        }
    }

    /// The store no longer has what it had when this position was reached.
    pub(super) fn shrank(&self, position: Position) -> ProjectionError {
        let why = "was followed by events that are not there";
        ProjectionError::AheadOfLog { name: self.name().to_owned(), position, why }
    }

    fn own(&self, after: Position, until: Position) -> Source {
        Source::Own(self.ahead(after, until))
    }

    /// An own read of the log.
    pub(super) fn ahead(&self, after: Position, until: Position) -> chunk::Ahead {
        let (model, types, upcasters) =
            (Arc::clone(&self.definition.model), self.types.clone(), self.upcasters.clone());
        let batch = move |stored: &Arc<Vec<RecordedEvent>>| match present(stored, &types, &upcasters) {
            Ok(Cow::Borrowed(_)) => Some(model.batch(Arc::clone(stored))),
            Ok(Cow::Owned(events)) => Some(model.batch(Arc::new(events))),
            // Whoever applies them meets the same, and says which event it is.
            Err(_) => None,
        };
        chunk::Ahead::read(&self.store, after, until, &self.types, batch)
    }

    /// Applies a chunk, up to an event that can't be applied and stops the projection, or puts such events aside.
    pub(super) fn apply(
        &self,
        writer: &mut dyn Writer,
        hidden: bool,
        chunk: &Chunk,
    ) -> Result<(), ProjectionError> {
        let after = writer.checkpoint().position;
        let first = chunk.events.partition_point(|event| event.position() <= after);
        let mut events = &chunk.events[first..];
        let mut batch = chunk.batch.as_ref().filter(|_| first == 0);
        loop {
            let applied = match batch.take() {
                Some(batch) => writer.apply_batch(batch, chunk.reached),
                None => self.apply_present(writer, events, chunk.reached),
            };
            match applied {
                Ok(()) => break,
                Err(ApplyError::Failed(failure)) if !failure.passing => {
                    let failing = events.partition_point(|event| event.position() < failure.position);
                    if failing > 0 {
                        // What comes before it is applied; then it is the first.
                        self.apply_all(writer, &events[..failing])?;
                        events = &events[failing..];
                        continue;
                    }
                    if self.definition.on_error == OnError::Stop {
                        let note = failure.to_string();
                        writer.note(&note).map_err(|error| ProjectionError::of(self.name(), error))?;
                        return Err(ProjectionError::Stopped { name: self.name().to_owned(), failure });
                    }
                    tracing::error!(projection = self.name(), %failure, "put aside");
                    let parked = writer.park(&events[0], &failure);
                    parked.map_err(|error| ProjectionError::of(self.name(), error))?;
                    events = &events[1..];
                    if writer.checkpoint().position == chunk.reached.position {
                        break;
                    }
                }
                Err(error) => return Err(ProjectionError::of(self.name(), error)),
            }
        }
        self.progress.applied(chunk.events.len());
        self.progress.at(chunk.reached.position);
        if !hidden {
            let state = if chunk.reached.position >= chunk.head { Is::Live } else { Is::CatchingUp };
            if self.progress.standing().state != state {
                self.progress.state(state);
            }
            self.progress.visible(chunk.reached.position);
        }
        Ok(())
    }

    fn apply_all(&self, writer: &mut dyn Writer, events: &[RecordedEvent]) -> Result<(), ProjectionError> {
        let Some(last) = events.last() else { return Ok(()) };
        let applied = self.apply_present(writer, events, BatchEnd::event(last));
        applied.map_err(|error| ProjectionError::of(self.name(), error))
    }

    fn apply_present(
        &self,
        writer: &mut dyn Writer,
        stored: &[RecordedEvent],
        reached: BatchEnd,
    ) -> Result<(), ApplyError> {
        let events = present(stored, &self.types, &self.upcasters).map_err(ApplyError::Failed)?;
        writer.apply(&events, reached)
    }
}

/// Runs a runner on a thread of its own; where it ended.
pub(super) fn spawn(runner: Runner, task: Task) -> oneshot::Receiver<Result<Position, ProjectionError>> {
    on_thread(runner, move |runner| runner.run(task))
}

/// Does a runner's work on a thread of its own, since a read database's calls block.
pub(super) fn on_thread<T: Send + 'static, W: Future<Output = Result<T, ProjectionError>>>(
    runner: Runner,
    work: impl FnOnce(Runner) -> W + Send + 'static,
) -> oneshot::Receiver<Result<T, ProjectionError>> {
    let (done, result) = oneshot::channel();
    let handle = tokio::runtime::Handle::current();
    let name = format!("projection {}", runner.name());
    let (progress, model) = (Arc::clone(&runner.progress), Arc::clone(&runner.definition.model));
    let shown = Arc::clone(&progress);
    let spawned = std::thread::Builder::new().name(name).spawn(move || {
        // What the panic left behind is dropped with the runner; what was committed is whole.
        let ran = catch_unwind(AssertUnwindSafe(|| handle.block_on(work(runner))));
        let ended = ran.unwrap_or_else(|panic| {
            let error =
                ProjectionError::Panicked { name: model.name().to_owned(), said: said(&*panic).to_owned() };
            tracing::error!(projection = model.name(), %error, "stopped");
            shown.failed(Is::Stopped, error.clone());
            Err(error)
        });
        // Nobody may be waiting for the end.
        let _ = done.send(ended);
    });
    if let Err(error) = spawned {
        let (doing, reason) = ("start a thread for a projection".to_owned(), error.to_string());
        progress.failed(Is::Stopped, DatabaseError::Lasting { doing, reason }.into());
    }
    result
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("nobody knows what")
}
