//! One projection at work, as a task of its own: from its checkpoint to the head, and on.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tokio::time::Instant;
use trunkline_core::upcast::Upcasters;
use trunkline_core::{Position, RecordedEvent};
use trunkline_sql::{ApplyError, Batch, BatchEnd, StatementFailure};
use trunkline_store::{AllRead, Direction, EventStore, EventStoreExt};

use super::present::present;
use super::progress::Progress;
use super::target::{Begin, Begun, Fill, Target};
use super::{OnError, ProjectionDefinition, ProjectionError, ProjectionState as Is};
use crate::follow::{Ahead, Bounds, FollowError, Follower, Piece, Replay, Tail, Wanted};
use crate::messages::Checkpoint;

/// The first wait after a passing fault; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// The longest wait: who mends a full disk shouldn't have to wait long for it to be seen.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// For how long what somebody waits for is tried again: then he hears what keeps it, instead of waiting for ever.
const HELD_UP: Duration = Duration::from_secs(10);

/// What a runner takes.
#[derive(Clone)]
pub(super) struct Runner {
    pub(super) definition: ProjectionDefinition,
    /// The types of what it reads: of what is applied, and of what becomes that.
    pub(super) types: BTreeSet<String>,
    pub(super) upcasters: Upcasters,
    pub(super) store: Arc<dyn EventStore>,
    pub(super) target: Arc<dyn Target>,
    /// What it shares with others that stay, where it does.
    pub(super) shared: Option<Shared>,
    /// How what has happened already is read.
    pub(super) replay: Replay,
    pub(super) progress: Arc<Progress>,
    /// True once the runner is to stop.
    pub(super) stop: watch::Receiver<bool>,
}

/// What runners that stay have in common.
#[derive(Clone)]
pub(super) struct Shared {
    /// What is read of the log.
    pub(super) tail: Arc<Tail>,
    /// Notified when a caller waits for rows.
    pub(super) hurry: watch::Sender<()>,
}

/// What the statements get of a piece's events, where it was found before the piece is applied.
pub(super) type Prepared = Option<Arc<Batch>>;

/// How far behind the head a projection prepares what it reads while it applies what it has read: as far as what is
/// read can't be shared anyway.
const FAR: u64 = 4_096;

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

/// Where pieces come from.
enum Source {
    /// None yet, or used up.
    None,
    /// Beside others, at the head.
    Follower(Box<Follower>),
    /// A read of its own, and the right to it.
    Own { ahead: Ahead<Prepared>, _slot: Option<OwnedSemaphorePermit> },
}

impl Runner {
    pub(super) fn name(&self) -> &str {
        self.definition.model.name()
    }

    /// Works until the task is done, it is asked to stop, or it can't go on; how it ended is in its progress, too.
    ///
    /// A fault that passes is waited for: by a task without an end, for as long as it lasts; by one with an end, for some
    /// seconds without progress.
    pub(super) async fn run(mut self, task: Task) -> Result<Position, ProjectionError> {
        let mut task = task;
        if matches!(task, Task::CatchUp(_)) {
            // Somebody waits for these rows.
            self.replay = Replay::default();
        }
        let mut wait = FIRST_WAIT;
        let (mut farthest, mut came_on) = (self.progress.reached(), Instant::now());
        loop {
            let before = self.progress.standing().position;
            match self.work(&mut task).await {
                Ok(reached) => {
                    self.progress.state(Is::Idle);
                    return Ok(reached);
                }
                Err(error)
                    if error.is_passing() && (task.goal().is_none() || came_on.elapsed() < HELD_UP) =>
                {
                    tracing::warn!(projection = self.name(), %error, "trying again");
                    self.progress.failed(Is::Retrying, error);
                    if self.progress.standing().position > before {
                        wait = FIRST_WAIT;
                    }
                    // Also what readers don't see yet; begun anew, it has to come further than before.
                    if self.progress.reached() > farthest {
                        (farthest, came_on) = (self.progress.reached(), Instant::now());
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
        let how = match task {
            Task::Rebuild(_) => Begin::Anew,
            Task::Replay(_) => Begin::InPlace,
            _ => Begin::GoOn,
        };
        let mut target = self.target.begin(self.store.id(), how).await?;
        let worked = self.work_on(&mut *target, task).await;
        target.close().await;
        worked
    }

    async fn work_on(&self, target: &mut dyn Begun, task: &mut Task) -> Result<Position, ProjectionError> {
        self.prepare(target, task).await?;
        let mut stop = self.stop.clone();
        let mut source = Source::None;
        loop {
            let after = position(target);
            let was_hidden = target.is_hidden();
            self.show(target).await?;
            if was_hidden && !target.is_hidden() {
                // From now on, its events may be those of others.
                source = Source::None;
            }
            let hidden = target.is_hidden();
            if *stop.borrow() || (!hidden && task.goal().is_some_and(|goal| after >= goal)) {
                return Ok(after);
            }
            let (piece, prepared) = tokio::select! {
                next = self.next(after, &mut source, *task, hidden) => next?,
                _ = stop.wait_for(|stop| *stop) => return Ok(after),
            };
            self.apply(target, hidden, &piece, prepared).await?;
        }
    }

    /// Puts what was opened to where the task begins, and checks that its events are these.
    async fn prepare(&self, target: &mut dyn Begun, task: &mut Task) -> Result<(), ProjectionError> {
        let failed = |error| ProjectionError::of(self.name(), error);
        if let Task::Replay(goal) = *task {
            target.empty().await.map_err(failed)?;
            *task = Task::CatchUp(goal);
        }
        self.check(target.last()).await?;
        if let Task::Again(from, goal) = *task {
            // What was just made anew has nothing to be put back.
            if !target.is_anew() {
                self.rewind(target, from).await?;
            }
            *task = Task::CatchUp(goal);
        }
        self.progress.at(position(target));
        let state = if target.is_hidden() { Is::Rebuilding } else { Is::CatchingUp };
        self.progress.state(state);
        if !target.is_hidden() {
            self.progress.visible(position(target));
        }
        Ok(())
    }

    /// Puts what was applied back to before a position.
    async fn rewind(&self, target: &mut dyn Begun, from: Position) -> Result<(), ProjectionError> {
        let (name, position) = (self.name().to_owned(), position(target));
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
        target.put_back(to).await.map_err(|error| ProjectionError::of(&name, error))
    }

    /// See [`check`].
    pub(super) async fn check(&self, last: Option<Checkpoint>) -> Result<(), ProjectionError> {
        check(self.name(), &*self.store, last).await
    }

    /// Shows what has come to the head, in place of what readers see.
    async fn show(&self, target: &mut dyn Begun) -> Result<(), ProjectionError> {
        let position = position(target);
        if !target.is_hidden() || position < self.store.head().await? {
            return Ok(());
        }
        let shown = target.show().await;
        if !target.is_hidden() {
            self.progress.visible(position);
        }
        shown?;
        self.progress.state(Is::Live);
        Ok(())
    }

    /// The next events: those that are shared at the head, and else those of a read of its own.
    async fn next(
        &self,
        after: Position,
        source: &mut Source,
        task: Task,
        hidden: bool,
    ) -> Result<(Piece, Prepared), ProjectionError> {
        loop {
            match source {
                Source::Follower(follower) => {
                    return Ok((follower.next().await.map_err(|error| self.lost(error))?, None));
                }
                Source::Own { ahead, .. } => match ahead.next().await {
                    Some(next) => return next.map_err(|error| self.lost(error)),
                    None => *source = Source::None,
                },
                Source::None => *source = self.source(after, task, hidden).await?,
            }
        }
    }

    async fn source(&self, after: Position, task: Task, hidden: bool) -> Result<Source, ProjectionError> {
        match &self.shared {
            // What has an end, or isn't seen, has the log to itself.
            Some(Shared { tail, hurry }) if task == Task::Follow && !hidden => {
                let head = self.store.head().await?;
                if head.get().saturating_sub(after.get()) > FAR {
                    return Ok(self.own(after, head).await);
                }
                let follower = Follower::new(tail, self.wanted(), Bounds::TRANSACTION, after);
                Ok(Source::Follower(Box::new(follower.lingering(hurry.subscribe()))))
            }
            _ => Ok(self.own(after, Position::MAX).await),
        }
    }

    /// A read of its own, once it may.
    async fn own(&self, after: Position, until: Position) -> Source {
        let slot = self.replay.slot().await;
        Source::Own { ahead: self.ahead(after, until), _slot: slot }
    }

    fn wanted(&self) -> Wanted {
        Wanted::types(self.types.iter().cloned())
    }

    pub(super) fn lost(&self, error: FollowError) -> ProjectionError {
        match error {
            FollowError::Read(error) => error.into(),
            FollowError::Shrank(position) => {
                let why = "was followed by events that are not there";
                ProjectionError::AheadOfLog { name: self.name().to_owned(), position, why }
            }
        }
    }

    /// An own read of the log.
    pub(super) fn ahead(&self, after: Position, until: Position) -> Ahead<Prepared> {
        let (model, types, upcasters) =
            (Arc::clone(&self.definition.model), self.types.clone(), self.upcasters.clone());
        let prepare = move |piece: &Piece| match present(&piece.events, &types, &upcasters) {
            Ok(Cow::Borrowed(_)) => Some(Arc::new(model.batch(Arc::clone(&piece.events)))),
            Ok(Cow::Owned(events)) => Some(Arc::new(model.batch(Arc::new(events)))),
            // Whoever applies them meets the same, and says which event it is.
            Err(_) => None,
        };
        Ahead::read(
            &self.store,
            after,
            until,
            self.wanted(),
            self.replay.transaction(),
            &self.replay,
            prepare,
        )
    }

    /// Applies a piece, up to an event that can't be applied and stops the projection, or puts such events aside.
    pub(super) async fn apply(
        &self,
        to: &mut dyn Fill,
        hidden: bool,
        piece: &Piece,
        prepared: Prepared,
    ) -> Result<(), ProjectionError> {
        let failed = |error| ProjectionError::of(self.name(), error);
        let (after, events) = (position(to), &*piece.events);
        let end = BatchEnd { position: piece.end.position, event_id: piece.end.event_id };
        let mut first = events.partition_point(|event| event.position() <= after);
        let mut batch = prepared.filter(|_| first == 0);
        loop {
            let batch = match batch.take() {
                Some(batch) => Ok(batch),
                None => self.batch(&piece.events, first..events.len()),
            };
            let applied = match batch {
                Ok(batch) => to.apply(batch, end).await,
                Err(failure) => Err(ApplyError::Failed(failure)),
            };
            match applied {
                Ok(()) => break,
                Err(ApplyError::Failed(failure)) if !failure.passing => {
                    let failing = events.partition_point(|event| event.position() < failure.position);
                    if failing > first {
                        // What comes before it is applied; then it is the first.
                        let batch = self.batch(&piece.events, first..failing).map_err(ApplyError::Failed);
                        let end = BatchEnd::event(&events[failing - 1]);
                        to.apply(batch.map_err(failed)?, end).await.map_err(failed)?;
                        first = failing;
                        continue;
                    }
                    if self.definition.on_error == OnError::Stop {
                        to.note(&failure.to_string()).await.map_err(failed)?;
                        return Err(ProjectionError::Stopped { name: self.name().to_owned(), failure });
                    }
                    tracing::error!(projection = self.name(), %failure, "put aside");
                    to.park(&events[first], &failure).await.map_err(failed)?;
                    first += 1;
                    if position(to) == end.position {
                        break;
                    }
                }
                Err(error) => return Err(failed(error)),
            }
        }
        self.progress.applied(piece.events.len());
        self.progress.at(end.position);
        if !hidden {
            let state = if piece.is_last() { Is::Live } else { Is::CatchingUp };
            if self.progress.standing().state != state {
                self.progress.state(state);
            }
            self.progress.visible(end.position);
        }
        Ok(())
    }

    /// What stored events are today, with the values that the statements get of them.
    fn batch(
        &self,
        stored: &Arc<Vec<RecordedEvent>>,
        range: Range<usize>,
    ) -> Result<Arc<Batch>, Box<StatementFailure>> {
        let is_all = range == (0..stored.len());
        let events = match present(&stored[range], &self.types, &self.upcasters)? {
            Cow::Borrowed(_) if is_all => Arc::clone(stored),
            events => Arc::new(events.into_owned()),
        };
        Ok(Arc::new(self.definition.model.batch(events)))
    }
}

fn position<F: Fill + ?Sized>(of: &F) -> Position {
    of.last().map_or(Position::START, |last| last.position)
}

/// Has a runner do a task beside others; where it ended.
pub(super) fn spawn(runner: Runner, task: Task) -> oneshot::Receiver<Result<Position, ProjectionError>> {
    beside(runner, move |runner| runner.run(task))
}

/// Does a runner's work beside that of others; a panic there is the error that it stops with.
pub(super) fn beside<T: Send + 'static, W: Future<Output = Result<T, ProjectionError>> + Send + 'static>(
    runner: Runner,
    work: impl FnOnce(Runner) -> W + Send + 'static,
) -> oneshot::Receiver<Result<T, ProjectionError>> {
    let (done, result) = oneshot::channel();
    let (progress, model) = (Arc::clone(&runner.progress), Arc::clone(&runner.definition.model));
    tokio::spawn(async move {
        // What the panic left behind is dropped with the runner; what was committed is whole.
        let ran = AssertUnwindSafe(async { work(runner).await }).catch_unwind().await;
        let ended = ran.unwrap_or_else(|panic| {
            let error = ProjectionError::Panicked {
                name: model.name().to_owned(),
                reason: panic_message(&*panic).to_owned(),
            };
            tracing::error!(projection = model.name(), %error, "stopped");
            progress.failed(Is::Stopped, error.clone());
            Err(error)
        });
        // The receiver may be gone, and that is no error.
        let _ = done.send(ended);
    });
    result
}

/// The message of a panic.
fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("nobody knows what")
}

/// A checkpoint names what it saw: the store, and the event at its position.
pub(super) async fn check(
    name: &str,
    store: &dyn EventStore,
    last: Option<Checkpoint>,
) -> Result<(), ProjectionError> {
    let (name, here) = (name.to_owned(), store.id());
    let Some(checkpoint) = last else { return Ok(()) };
    if checkpoint.store != here {
        return Err(ProjectionError::OtherStore { name, of: checkpoint.store, here });
    }
    let why = match store.event_at(checkpoint.position).await? {
        Some(event) if event.event_id() == checkpoint.event_id => return Ok(()),
        Some(_) => "is another event",
        None => "is not there",
    };
    Err(ProjectionError::AheadOfLog { name, position: checkpoint.position, why })
}
