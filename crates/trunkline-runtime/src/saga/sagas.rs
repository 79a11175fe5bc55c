//! The sagas of an application: what is asked of them, and what an operator orders.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use tokio::sync::{OnceCell, watch};
use trunkline_core::saga::{self, Input, Names, Order, SagaState, Status, Transition};
use trunkline_core::{Clock, EventType, NewEvent, Position, RecordedEvent, StreamName, Timestamp, Version};
use trunkline_nearest::nearest;
use trunkline_queue::MessageQueue;
use trunkline_store::EventStore;
use trunkline_store::derived::{Checkpoints, DerivedHome, SagaIndex, SagaKey, SagaQuery, SagaRow};

use super::advance::advance;
use super::runner::Runner;
use super::starts::{Rule, StartFrom};
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
    /// From where on sagas whose name is new are started, where it was said.
    pub(super) start_from: BTreeMap<String, StartFrom>,
    /// From where on each is started, once that is known.
    pub(super) starts: OnceCell<BTreeMap<String, Rule>>,
    /// Whether sagas under way were held against the definitions.
    pub(super) looked: AtomicBool,
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
    /// What its definition calls its parts; nothing when it has none.
    pub names: Option<Names>,
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
        start_from: BTreeMap<String, StartFrom>,
    ) -> Self {
        let (checkpoints, index) = (Arc::clone(&home.checkpoints), Arc::clone(&home.saga_index));
        let (tail, activity, store) = (Arc::clone(tail), activity.clone(), Arc::clone(tail.store()));
        let states = SagaStates::new(Arc::clone(&store));
        let read_to = watch::Sender::new(Position::START);
        let (back_off, running, looked) = (BackOff::default(), Arc::default(), AtomicBool::new(false));
        Self {
            routes,
            store,
            tail,
            activity,
            clock,
            checkpoints,
            states,
            index,
            read_to,
            back_off,
            start_from,
            starts: OnceCell::new(),
            looked,
            running,
        }
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

    /// Sagas by name and id; those that were begun under an older name of the one that is asked for, too.
    pub async fn list(&self, query: &SagaQuery) -> Result<Vec<SagaRow>, SagaError> {
        let index = self.refresh().await?;
        let mut rows = Vec::new();
        for mut query in self.by_each_name(query) {
            query.limit =
                query.limit.map(|limit| limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(limit)));
            if query.limit != Some(0) {
                rows.extend(index.list(&query).await?);
            }
        }
        Ok(rows)
    }

    /// How many sagas a query is about, whatever its limit.
    pub async fn count(&self, query: &SagaQuery) -> Result<u64, SagaError> {
        let index = self.refresh().await?;
        let mut count = 0;
        for query in self.by_each_name(query) {
            count += index.count(&query).await?;
        }
        Ok(count)
    }

    /// The query for each name that sagas of its name have or had, in order.
    fn by_each_name(&self, query: &SagaQuery) -> Vec<SagaQuery> {
        let Some(name) = &query.name else { return vec![query.clone()] };
        let today = self.routes.today(name);
        let mut names: BTreeSet<&str> = self.routes.before(today).chain([today, name]).collect();
        // Those before the one to go on after have been listed.
        names.retain(|name| query.after.as_ref().is_none_or(|(after, _)| *name >= after.as_str()));
        names.into_iter().map(|name| SagaQuery { name: Some(name.to_owned()), ..query.clone() }).collect()
    }

    /// The name and id of a saga that is called `NAME-ID`, under whichever name it was begun, or by its id alone.
    pub async fn find(&self, text: &str) -> Result<(String, String), SagaError> {
        if let Some((name, id)) = text.split_once('-') {
            let named =
                SagaQuery { name: Some(name.to_owned()), id: Some(id.to_owned()), ..SagaQuery::default() };
            let found = self.list(&named).await?;
            let exact = found.iter().find(|row| row.name == name).or(found.first());
            if let Some(row) = exact {
                return Ok((row.name.clone(), row.id.clone()));
            }
        }
        let index = self.refresh().await?;
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
        let names = self.routes.definition(name).map(|definition| definition.names.clone());
        Ok(SagaDetail { state, history, names })
    }

    /// Starts a saga as if its start event had happened with this data; its id is what correlates that event.
    pub async fn start(&self, name: &str, data: impl Into<Bytes>, by: &str) -> Result<Ordered, SagaError> {
        let definition = self.routes.definition(name).ok_or_else(|| SagaError::UnknownName {
            name: name.to_owned(),
            near: nearest(name, self.names()).map(str::to_owned),
        })?;
        let (name, behaviour) = (self.routes.today(name), &definition.behaviour);
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
        let (name, id) = self.begun(name.to_owned(), id, None).await?;
        self.order(&name, &id, Order::Start { event: Box::new(event) }, by, head).await
    }

    /// Sends once more what a saga waits for: under its first id while that may still have an effect, else as a new
    /// message. A held saga goes on instead, if its definition names again what it needs, with what it has not heard of.
    pub async fn retry(&self, name: &str, id: &str, by: &str) -> Result<Ordered, SagaError> {
        let (done, key) = (self.done().await?, (name.to_owned(), id.to_owned()));
        let state = self.states.load(&key).await?;
        let mut inputs = vec![Input::Order { order: Order::Retry, by: by.to_owned(), read_to: done }];
        if state.held.is_some() && self.missing(&state).is_none() {
            let unheard = self.unheard(&[(key.clone(), state.read_to)].into(), done).await?;
            inputs.extend(unheard.into_values().flatten());
        }
        self.ordered(&key, &inputs).await
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
        self.ordered(&key, &[Input::Order { order, by: by.to_owned(), read_to }]).await
    }

    async fn ordered(&self, key: &SagaKey, inputs: &[Input]) -> Result<Ordered, SagaError> {
        // What another process did meanwhile is in the log, not at hand.
        self.states.forget(key);
        let advanced = advance(self, key, inputs, None).await?;
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

    /// Under which name a saga was begun that is called so today: the name and the id of its stream.
    pub(super) async fn begun(
        &self,
        name: String,
        id: String,
        begun_as: Option<String>,
    ) -> Result<SagaKey, SagaError> {
        if let Some(name) = begun_as {
            return Ok((name, id));
        }
        for before in self.routes.before(&name) {
            let key = (before.to_owned(), id.clone());
            if self.states.find(&key).await?.status.is_some() {
                return Ok(key);
            }
        }
        Ok((name, id))
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
