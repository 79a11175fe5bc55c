//! The sagas of an application: what is asked of them, and what an operator orders.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use trunkline_core::saga::{self, Input, Order, SagaState, Status, Transition};
use trunkline_core::{Clock, EventType, NewEvent, Position, RecordedEvent, StreamName, Timestamp, Version};
use trunkline_nearest::nearest;
use trunkline_queue::MessageQueue;
use trunkline_store::EventStore;
use trunkline_store::derived::{Checkpoints, DerivedHome, SagaIndex, SagaKey, SagaQuery, SagaRow};

use super::advance::advance;
use super::runner::Runner;
use super::states::{Recording, SagaStates};
use super::{Routes, SagaError};
use crate::follow::{Activity, BackOff, Tail};
use crate::messages::Stop;

/// The sagas of an application.
///
/// What is asked is answered from an index beside the log, which is brought up to date first; it is derived, and may
/// be removed at any time.
pub struct Sagas {
    pub(super) routes: Routes,
    pub(super) store: Arc<dyn EventStore>,
    pub(super) tail: Arc<Tail>,
    pub(super) activity: Activity,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) checkpoints: Arc<dyn Checkpoints>,
    pub(super) states: SagaStates,
    pub(super) index: Arc<dyn SagaIndex>,
    /// Up to where all in the log has had its effect, and all that follows from it was published.
    pub(super) read_to: watch::Sender<Position>,
    /// What keeps those who run them from going on.
    pub(super) back_off: BackOff,
    /// Held by who runs them: two would do everything twice, and get in each other's way.
    pub(super) running: Arc<tokio::sync::Mutex<()>>,
}

/// A saga in full.
#[derive(Clone, Debug, PartialEq)]
pub struct SagaDetail {
    /// Where it stands.
    pub state: SagaState,
    /// All that happened to it, in order.
    pub history: Vec<Recording>,
    /// The names of its steps, as far as its definition says them, in order.
    pub steps: Vec<String>,
}

impl SagaDetail {
    /// The id of the message that was sent first at a version of the saga's stream.
    pub fn message_id(&self, version: Version) -> Option<trunkline_queue::MessageId> {
        let stream = saga::stream(&self.state.name, &self.state.id).ok()?;
        let sent = self.state.messages.iter().find(|message| message.version == version)?;
        Some(super::outbox::message_id(&stream, sent.name))
    }
}

/// What came of an operator's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordered {
    /// Where the saga stands now.
    pub state: SagaState,
    /// What was recorded.
    pub transitions: Vec<Transition>,
}

impl Sagas {
    pub(crate) fn new(
        routes: Routes,
        tail: &Arc<Tail>,
        activity: &Activity,
        clock: Arc<dyn Clock>,
        home: &DerivedHome,
    ) -> Self {
        let (checkpoints, index) = (Arc::clone(&home.checkpoints), Arc::clone(&home.saga_index));
        let (tail, activity, store) = (Arc::clone(tail), activity.clone(), Arc::clone(tail.store()));
        let states = SagaStates::new(Arc::clone(&store));
        let read_to = watch::Sender::new(Position::START);
        let (back_off, running) = (BackOff::default(), Arc::default());
        Self { routes, store, tail, activity, clock, checkpoints, states, index, read_to, back_off, running }
    }

    pub(crate) fn routes(&self) -> &Routes {
        &self.routes
    }

    /// What keeps them from going on.
    pub(crate) fn back_off(&self) -> &BackOff {
        &self.back_off
    }

    /// The names of all sagas that are declared or registered, sorted.
    pub fn names(&self) -> Vec<&str> {
        self.routes.names().collect()
    }

    /// Lets sagas do what follows from the log and from the time, until asked to stop.
    ///
    /// - Every event that a saga names, and every answer to a message of its, has its effect once, in the order of the
    ///   log; whenever the process is killed, nothing is lost and nothing doubled.
    /// - What is to be sent is recorded first, and published from there.
    /// - A timeout is judged only after the log has been read to its head as of then.
    /// - While the queue takes nothing, or a disk is full, it tries again; any other error ends it.
    pub async fn run(&self, queue: &dyn MessageQueue, stop: &Stop) -> Result<(), SagaError> {
        let running = Arc::clone(&self.running).lock_owned().await;
        Runner::new(self, queue, running).run(stop).await
    }

    /// Lets sagas do what follows from the log as it is and from the time as it is, and from what follows from that;
    /// gives the position they have come to.
    ///
    /// Messages are published, not handled.
    pub async fn catch_up(&self, queue: &dyn MessageQueue) -> Result<Position, SagaError> {
        let running = Arc::clone(&self.running).lock_owned().await;
        Runner::new(self, queue, running).catch_up().await
    }

    /// Up to which position all has had its effect, and all that follows was published, while sagas run here.
    pub fn read_to(&self) -> Position {
        *self.read_to.borrow()
    }

    /// Up to which position no saga has anything to do; all, when there are none.
    pub(crate) fn passed(&self) -> Position {
        if self.routes.is_empty() { Position::MAX } else { self.read_to() }
    }

    /// Whether sagas have nothing to do until something new happens, or its time comes.
    pub async fn is_current(&self) -> Result<bool, SagaError> {
        Ok(self.passed() >= self.store.head().await?)
    }

    /// How many sagas there are of each name and status.
    pub async fn counts(&self) -> Result<Vec<(String, Status, u64)>, SagaError> {
        Ok(self.refresh().await?.counts().await?)
    }

    /// Sagas by name and id.
    pub async fn list(&self, query: &SagaQuery) -> Result<Vec<SagaRow>, SagaError> {
        Ok(self.refresh().await?.list(query).await?)
    }

    /// How many sagas a query is about, whatever its limit.
    pub async fn count(&self, query: &SagaQuery) -> Result<u64, SagaError> {
        Ok(self.refresh().await?.count(query).await?)
    }

    /// The name and id of a saga that is called `NAME-ID`, or by its id alone.
    pub async fn find(&self, text: &str) -> Result<(String, String), SagaError> {
        let index = self.refresh().await?;
        if let Some((name, id)) = text.split_once('-') {
            let named =
                SagaQuery { name: Some(name.to_owned()), id: Some(id.to_owned()), ..SagaQuery::default() };
            if !index.list(&named).await?.is_empty() {
                return Ok((name.to_owned(), id.to_owned()));
            }
        }
        let found = index.list(&SagaQuery { id: Some(text.to_owned()), ..SagaQuery::default() }).await?;
        match &found[..] {
            [] => Err(SagaError::NotFound { id: text.to_owned() }),
            [one] => Ok((one.name.clone(), one.id.clone())),
            several => {
                let found = several.iter().map(|row| format!("{}-{}", row.name, row.id)).collect();
                Err(SagaError::Ambiguous { found })
            }
        }
    }

    /// A saga in full.
    pub async fn show(&self, name: &str, id: &str) -> Result<SagaDetail, SagaError> {
        let not_found = || SagaError::NotFound { id: format!("{name}-{id}") };
        let stream = saga::stream(name, id).map_err(|_| not_found())?;
        let history = self.states.history(&stream).await?;
        let mut state = SagaState::new(name, id);
        for recording in &history {
            state.apply(&recording.transition, recording.at, recording.event_id);
        }
        if state.status.is_none() {
            return Err(not_found());
        }
        let steps = self.routes.behaviour(name).map(|behaviour| behaviour.outline().steps);
        let steps = steps.into_iter().flatten().map(|step| step.name).collect();
        Ok(SagaDetail { state, history, steps })
    }

    /// Starts a saga as if its start event had happened with this data; its id is what correlates that event.
    pub async fn start(&self, name: &str, data: impl Into<Bytes>, by: &str) -> Result<Ordered, SagaError> {
        let behaviour = self.routes.behaviour(name).ok_or_else(|| SagaError::UnknownName {
            name: name.to_owned(),
            near: nearest(name, self.names()).map(str::to_owned),
        })?;
        let no_key = |reason: String| SagaError::NoKey { name: name.to_owned(), reason };
        let event_type = EventType::new(behaviour.start_type()).map_err(|error| no_key(error.to_string()))?;
        let event = NewEvent::new(event_type, data);
        let nowhere = StreamName::system("$saga-start").expect("this is the name of a stream");
        let (position, version) = (Position::START, Version::EMPTY);
        let event = RecordedEvent::from_new(&event, &nowhere, position, version, self.clock.now());
        let key = behaviour.key(&event).map_err(|problem| no_key(problem.0))?;
        let id = key.ok_or_else(|| no_key("`correlate` gives no key".to_owned()))?;
        saga::stream(name, &id).map_err(|error| no_key(error.to_string()))?;
        let head = self.store.head().await?;
        self.order(name, &id, Order::Start { event: Box::new(event) }, by, head).await
    }

    /// Sends once more what a saga waits for: under its first id while that may still have an effect, else as a new
    /// message.
    pub async fn retry(&self, name: &str, id: &str, by: &str) -> Result<Ordered, SagaError> {
        self.order(name, id, Order::Retry, by, self.done().await?).await
    }

    /// Begins the compensation of what the saga has done, for this reason.
    pub async fn compensate(
        &self,
        name: &str,
        id: &str,
        reason: &str,
        by: &str,
    ) -> Result<Ordered, SagaError> {
        let order = Order::Compensate { reason: reason.to_owned() };
        self.order(name, id, order, by, self.done().await?).await
    }

    /// Takes what a stuck saga waits for as done, for this reason; what is left is done by the saga.
    pub async fn resolve(&self, name: &str, id: &str, reason: &str, by: &str) -> Result<Ordered, SagaError> {
        let order = Order::Resolve { reason: reason.to_owned() };
        self.order(name, id, order, by, self.done().await?).await
    }

    async fn order(
        &self,
        name: &str,
        id: &str,
        order: Order,
        by: &str,
        read_to: Position,
    ) -> Result<Ordered, SagaError> {
        let key: SagaKey = (name.to_owned(), id.to_owned());
        // What another process did meanwhile is in the log, not at hand.
        self.states.forget(&key);
        let input = Input::Order { order, by: by.to_owned(), read_to };
        let advanced = advance(self, &key, &[input], None).await?;
        Ok(Ordered { state: SagaState::clone(&advanced.state), transitions: advanced.transitions })
    }

    /// How far sagas have come, here or when they ran last.
    pub(super) async fn done(&self) -> Result<Position, SagaError> {
        let kept = self.checkpoints.load(super::runner::NAME).await?;
        if let Some(checkpoint) = &kept {
            checkpoint.check(super::runner::NAME, &*self.store).await?;
        }
        Ok(kept.map_or(Position::START, |checkpoint| checkpoint.position).max(self.read_to()))
    }

    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl fmt::Debug for Sagas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sagas").field("names", &self.names()).finish_non_exhaustive()
    }
}
