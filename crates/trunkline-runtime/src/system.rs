//! A whole application at work, and whether it is at rest.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use trunkline_core::Position;
use trunkline_queue::{MessageQueue, StorageError};
use trunkline_store::ReadError;

use crate::backend::OpenQueueError;
use crate::messages::Stopper;
use crate::rest::{Teller, behind, events, left, left_of};
use crate::saga::SagaError;
use crate::{App, ProjectionError, ProjectionState, RunError};

/// How long something may keep a part from going on before it is an error for who waits for rest.
const HELD_UP: Duration = Duration::from_secs(10);

/// How often is looked whether something keeps read models from going on.
const PROJECTED: Duration = Duration::from_secs(1);

/// How many messages and events may be on their way before [`System::wait_for_capacity`] waits: enough to keep every part busy, and
/// few enough that what is on its way stays at hand.
const IN_FLIGHT_MAX: u64 = 2_000;

/// How long read models may take to have the last events.
const PATIENCE: Duration = Duration::from_secs(600);

/// Everything of an application that runs by itself: projections, sagas, relays and consumers.
///
/// ```
/// use trunkline::{App, MemoryStore, System, queue::MemoryQueue};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = App::builder().store(MemoryStore::new()).queue(MemoryQueue::new()).build().await?;
/// let mut system = System::start(&app).await?;
/// // ... commands are dispatched ...
/// system.at_rest().await?;
/// system.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct System {
    app: App,
    queue: Arc<dyn MessageQueue>,
    stopper: Stopper,
    running: JoinSet<Result<(), SystemError>>,
}

/// Why an application doesn't run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SystemError {
    /// Its message queue can't be opened.
    #[error(transparent)]
    Queue(#[from] OpenQueueError),
    /// Its message queue can't say how much is not finished.
    #[error(transparent)]
    Numbers(#[from] StorageError),
    /// A relay, a consumer or its sagas stopped.
    #[error(transparent)]
    Run(#[from] RunError),
    /// How far its sagas have come can't be read.
    #[error(transparent)]
    Sagas(#[from] SagaError),
    /// Its projections can't be run.
    #[error(transparent)]
    Projections(#[from] ProjectionError),
    /// Its events can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Something keeps a part from going on, and has for a while. The part goes on by itself once that has passed.
    #[error("{part} has been waiting for {} seconds: {reason}", .lasting.as_secs())]
    HeldUp {
        /// The part.
        part: String,
        /// For how long.
        lasting: Duration,
        /// What keeps it.
        reason: String,
    },
    /// Its code panicked.
    #[error("a part of it panicked: {reason}")]
    Panicked {
        /// What it said.
        reason: String,
    },
}

impl System {
    /// Starts everything.
    pub async fn start(app: &App) -> Result<Self, SystemError> {
        app.must_be_reconciled()?;
        let queue = app.queue().await?;
        app.subscribe().await?;
        app.projections().start().await?;
        let (stopper, stop) = Stopper::new();
        let mut running = JoinSet::new();
        let (messages, sagas) = ((app.clone(), stop.clone()), (app.clone(), stop));
        running.spawn(async move { Ok(messages.0.run_messages(&messages.1).await?) });
        running.spawn(async move { Ok(sagas.0.run_sagas(&sagas.1).await?) });
        Ok(Self { app: app.clone(), queue, stopper, running })
    }

    /// Waits until not much is on its way, which is backpressure: for who has commands without end, so that neither the queue nor the sagas
    /// that are under way grow with them.
    pub async fn wait_for_capacity(&mut self) -> Result<(), SystemError> {
        self.wait_for_capacity_telling(&mut |_| ()).await
    }

    /// The same, and says now and then what it waits for, once that has taken a second.
    pub async fn wait_for_capacity_telling(
        &mut self,
        tell: &mut (dyn FnMut(&[String]) + Send),
    ) -> Result<(), SystemError> {
        let Self { app, queue, running, .. } = self;
        tokio::select! {
            waited = capacity(app, &**queue, Teller::new(tell)) => waited,
            Some(ended) = running.join_next() => Err(failure(ended)),
        }
    }

    /// Waits until nothing is left to do: no consumer has a message to handle or is handling one, sagas and relays have
    /// seen every event, and so have the projections that can go on.
    ///
    /// A part that can't go on for a while, since a disk is full or a server doesn't answer, is waited for some seconds,
    /// then the answer is [`SystemError::HeldUp`].
    /// What waits for the outside is at rest: a saga for an event or for its time, a dead letter for an operator, and a
    /// message whose time comes later than in a minute. A group that no consumer of the application takes is not waited
    /// for.
    pub async fn at_rest(&mut self) -> Result<Position, SystemError> {
        self.at_rest_telling(&mut |_| ()).await
    }

    /// The same, and says now and then what it waits for, once that has taken a second.
    pub async fn at_rest_telling(
        &mut self,
        tell: &mut (dyn FnMut(&[String]) + Send),
    ) -> Result<Position, SystemError> {
        let Self { app, queue, running, .. } = self;
        let mut teller = Teller::new(tell);
        let head = tokio::select! {
            head = rest(app, &**queue, &mut teller) => head?,
            // Nothing ends by itself but by failing.
            Some(ended) = running.join_next() => return Err(failure(ended)),
        };
        projected(app, head, &mut teller).await?;
        Ok(head)
    }

    /// Stops everything: what is being done is finished, and nothing new is begun.
    pub async fn stop(mut self) -> Result<(), SystemError> {
        self.stopper.stop();
        let mut outcome = Ok(());
        while let Some(ended) = self.running.join_next().await {
            if !matches!(ended, Ok(Ok(()))) {
                outcome = outcome.and(Err(failure(ended)));
            }
        }
        self.app.projections().stop().await;
        outcome
    }
}

/// The head of the log once nothing moves any more.
async fn rest(app: &App, queue: &dyn MessageQueue, teller: &mut Teller<'_>) -> Result<Position, SystemError> {
    let mut watcher = app.watch();
    loop {
        held_up(app)?;
        // Whatever is being handled is in the queue until what it causes is in the log, so the head is looked at
        // before and after.
        let head = app.store().head().await?;
        let have_read = app.sagas().is_current().await? && app.relays_have_passed(head);
        if have_read || teller.is_time() {
            let left = left(app, queue).await?;
            if have_read && left.is_at_rest() && app.store().head().await? == head {
                return Ok(head);
            }
            if teller.is_time() {
                teller.say(&[behind(app, head), left.waits].concat());
            }
        }
        watcher.moved().await;
    }
}

/// Waits until the projections that can go on have come to a position. One that has stopped says so in its status, and
/// is no reason not to rest.
async fn projected(app: &App, head: Position, teller: &mut Teller<'_>) -> Result<(), SystemError> {
    let begun = Instant::now();
    while let Err(ProjectionError::TooSlow { .. }) = app.projections().wait_for(head, PROJECTED).await {
        let lasting = begun.elapsed();
        if teller.is_time() {
            let all = app.projections().status().await?;
            let waits = all.iter().filter(|one| one.lag_events > 0 && one.state != ProjectionState::Paused);
            let waits =
                waits.map(|one| format!("projection `{}` to read {}", one.name, events(one.lag_events)));
            teller.say(&waits.collect::<Vec<_>>());
        }
        if lasting < HELD_UP {
            continue;
        }
        let all = app.projections().status().await?;
        let held_up = all.into_iter().find(|one| one.state == ProjectionState::Retrying);
        if let Some(one) = held_up {
            let part = format!("projection `{}`", one.name);
            return Err(SystemError::HeldUp { part, lasting, reason: one.error.unwrap_or_default() });
        }
        if lasting > PATIENCE {
            break;
        }
    }
    Ok(())
}

/// Says when something has kept a part from going on for long.
fn held_up(app: &App) -> Result<(), SystemError> {
    match app.waiting_parts().into_iter().next() {
        Some((part, lasting, reason)) if lasting > HELD_UP => {
            Err(SystemError::HeldUp { part, lasting, reason })
        }
        _ => Ok(()),
    }
}

/// When not much is on its way.
async fn capacity(app: &App, queue: &dyn MessageQueue, mut teller: Teller<'_>) -> Result<(), SystemError> {
    let mut watcher = app.watch();
    loop {
        held_up(app)?;
        let head = app.store().head().await?;
        let unread = head.get().saturating_sub(app.sagas().passed().get());
        if unread < IN_FLIGHT_MAX || teller.is_time() {
            let unfinished = queue.unfinished(None).await?;
            if unread + unfinished.due < IN_FLIGHT_MAX {
                return Ok(());
            }
            // What waits for groups of others is not on its way.
            let left = left_of(app, queue, unfinished).await?;
            if unread + left.due < IN_FLIGHT_MAX {
                return Ok(());
            }
            if teller.is_time() {
                teller.say(&[behind(app, head), left.waits].concat());
            }
        }
        watcher.moved().await;
    }
}

fn failure(ended: Result<Result<(), SystemError>, tokio::task::JoinError>) -> SystemError {
    let panicked = |reason: String| SystemError::Panicked { reason };
    match ended {
        Ok(Err(error)) => error,
        Ok(Ok(())) => panicked("it ended without being asked to".to_owned()),
        Err(error) => panicked(error.to_string()),
    }
}
