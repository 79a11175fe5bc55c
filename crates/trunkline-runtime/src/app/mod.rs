//! The application: commands go in, outcomes come out.
//!
//! `builder` collects what a program registers, `named` what others may name, `install` is what brings much at once,
//! `settings` what a configuration says of places, `wiring` what is connected to what. `build` makes the application of
//! it over what `open` opens, `error` is why that fails, `queue` where its messages wait. `rehearsal` tries it over a
//! store of its own.

mod build;
mod builder;
mod error;
mod install;
mod named;
mod open;
mod queue;
mod rehearsal;
mod settings;
mod wiring;

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _, TryFutureExt as _};
use tower::ServiceExt as _;
use trunkline_core::upcast::Upcasters;
use trunkline_core::{Command, Position, StreamName};
use trunkline_queue::{GroupName, MessageQueue, TopicName};
use trunkline_store::EventStore;

use builder::Attached;
pub use builder::{AppBuilder, HookError};
pub use error::{BuildError, RunError};
pub use install::Install;
pub use named::{Hook, NamedCode};
pub use open::Opening;
use queue::AppQueue;
pub use rehearsal::Rehearsal;
pub use settings::{QueueSettings, Settings, StoreSettings};

use crate::backend::{DsnError, OpenQueueError, OpenStore, Place};
use crate::command::Bus;
use crate::follow::{Activity, BackOff, Tail, Watcher};
use crate::messages::{
    Checkpoints, CommandDispatcher, Consumer, ConsumerAction, ConsumerError, Inbox, MessageHandler, Relay,
    Stop, Stopper, record_queue_metrics,
};
use crate::middleware::CommandService;
use crate::query::Queries;
use crate::reconcile::{Histories, WithoutLost};
use crate::saga::Sagas;
use crate::{CommandRequest, DispatchError, Outcome, Projections, QueryError};

/// An application: its handlers over its event store.
///
/// A clone is another handle to the same application.
#[derive(Clone)]
pub struct App {
    store: Arc<dyn EventStore>,
    /// What the application opened itself, and closes again.
    opened: Option<Arc<OpenStore>>,
    bus: Arc<Bus>,
    commands: CommandService,
    queries: Arc<Queries>,
    projections: Arc<Projections>,
    upcasters: Upcasters,
    sagas: Arc<Sagas>,
    attached: Arc<Attached>,
    messages: Arc<Messages>,
    queue: Arc<AppQueue>,
}

/// What an application does with messages.
struct Messages {
    relays: Vec<Relay>,
    consumers: Vec<(Consumer, ConsumerAction)>,
    /// How far relays have come.
    checkpoints: Arc<dyn Checkpoints>,
    /// What they read of the log.
    tail: Arc<Tail>,
    /// Gives notice to who waits for rest.
    activity: Activity,
}

impl App {
    /// An application is built of what the program registers, and of what that installs.
    pub fn builder() -> AppBuilder {
        AppBuilder::default()
    }

    /// Does what a command asks for, and says what came of it.
    ///
    /// Each call is a command of its own. To be able to send one again, give it an id: see [`send`](App::send).
    pub async fn dispatch<C: Command>(&self, command: C) -> Result<Outcome, DispatchError> {
        self.send(CommandRequest::of(&command)?).await
    }

    /// Does what a request asks for, and says what came of it.
    ///
    /// - A rejection is an outcome; an error means that there is none, or that it is unknown.
    /// - A request with an id has one outcome: sent again, also after its stream went on or the process was
    ///   killed, it answers what it answered first, and nothing is stored.
    /// - Where others appended to the stream first, the command is decided again, a bounded number of times.
    pub async fn send(&self, request: CommandRequest) -> Result<Outcome, DispatchError> {
        self.commands.clone().oneshot(request).await
    }

    /// Answers a query; parameters and answer are JSON.
    pub async fn query(&self, name: &str, parameters: impl Into<Bytes>) -> Result<Bytes, QueryError> {
        self.queries.answer(name, parameters.into(), &self.projections).await
    }

    /// Its projections.
    pub fn projections(&self) -> &Projections {
        &self.projections
    }

    /// The same, for who looks at them on another thread.
    pub fn shared_projections(&self) -> Arc<Projections> {
        Arc::clone(&self.projections)
    }

    /// The store that events are appended to.
    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    /// The store that the application opened itself; none when the program supplied it.
    pub fn opened_store(&self) -> Option<&OpenStore> {
        self.opened.as_deref()
    }

    /// What makes today's events of stored ones.
    pub fn upcasters(&self) -> &Upcasters {
        &self.upcasters
    }

    /// The names of all commands, sorted.
    pub fn command_names(&self) -> Vec<&str> {
        self.bus.names()
    }

    /// The stream that a command is for, before it is decided: nothing is read, and nothing is stored.
    ///
    /// None where its handler can't say that beforehand, or no handler has its name; an error, which says why, where it
    /// is refused before its stream is known. What a command is given when it is sent may be part of the name: its id,
    /// where it has none, and the time.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use trunkline::config::{FixedClock, MemoryEnvironment, MemoryFiles, World};
    /// use trunkline::{App, CommandRequest, FromFile as _, MemoryStore};
    ///
    /// let file = "[commands.Open]\nstream: \"'door-' + command.id\"\nemit: [{ type: \"Opened\", data: \"command\" }]\n";
    /// let files = MemoryFiles::new().with("app.tsk", file);
    /// let world = World { loader: &files, environment: &MemoryEnvironment::new(), clock: &FixedClock(0) };
    /// let app = App::builder().store(MemoryStore::new()).load("app.tsk", world)?.build().await?;
    /// let open = CommandRequest::new("Open", r#"{"id":"1"}"#);
    /// assert_eq!(app.stream_of(&open), Ok(Some("door-1".parse()?)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream_of(&self, request: &CommandRequest) -> Result<Option<StreamName>, String> {
        self.bus.stream_of(request)
    }

    /// The application's middleware and bus as a `tower` service.
    pub fn command_service(&self) -> CommandService {
        self.commands.clone()
    }

    /// What was [attached](AppBuilder::attach) to it of this type.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use trunkline::{App, MemoryStore};
    ///
    /// #[derive(Debug, PartialEq)]
    /// struct Motto(&'static str);
    ///
    /// let app = App::builder().store(MemoryStore::new()).attach(Motto("nothing is lost")).build().await?;
    /// assert_eq!(app.attached::<Motto>(), Some(&Motto("nothing is lost")));
    /// # Ok(())
    /// # }
    /// ```
    pub fn attached<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.attached.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// The message queue: the one that the program supplied, else the one that the file names, else that of the
    /// environment, else the embedded one in the data folder.
    ///
    /// It is opened by the first call; further ones give the same, and it is closed with the application.
    ///
    /// ```
    /// use trunkline::queue::{MemoryQueue, MessageQueue, NewMessage};
    /// use trunkline::{App, MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = App::builder().store(MemoryStore::new()).queue(MemoryQueue::new()).build().await?;
    /// app.queue().await?.publish("orders".parse()?, vec![NewMessage::new("Ping", r#"{"n":1}"#)]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn queue(&self) -> Result<Arc<dyn MessageQueue>, OpenQueueError> {
        self.queue.open().await
    }

    /// Where the message queue is, and what named it; none when the program supplied it.
    pub fn queue_place(&self) -> Result<Option<Place>, DsnError> {
        self.queue.place()
    }

    /// How far those have come that read the log for messages.
    pub fn checkpoints(&self) -> &Arc<dyn Checkpoints> {
        &self.messages.checkpoints
    }

    /// Its relays, those among them that fill the topics of consumers that take the log itself.
    pub fn relays(&self) -> impl Iterator<Item = &Relay> {
        self.messages.relays.iter()
    }

    /// Its consumers.
    pub fn consumers(&self) -> impl Iterator<Item = &Consumer> {
        self.messages.consumers.iter().map(|(consumer, _)| consumer)
    }

    /// Whether every relay is done with the events up to this position: their messages are in the queue.
    ///
    /// A relay that has not run yet is done with none.
    pub fn relays_have_passed(&self, position: Position) -> bool {
        self.messages.relays.iter().all(|relay| relay.progress.position() >= position)
    }

    /// The names of its relays, those of consumers of the log among them.
    pub(crate) fn relay_names(&self) -> Vec<String> {
        self.messages.relays.iter().map(|relay| relay.name.clone()).collect()
    }

    /// Its consumers, and what each does.
    pub(crate) fn actions(&self) -> impl Iterator<Item = &(Consumer, ConsumerAction)> {
        self.messages.consumers.iter()
    }

    /// An error as long as its store is of an older history than what stands beside it.
    pub(crate) fn must_be_reconciled(&self) -> Result<(), RunError> {
        match self.restored()? {
            Some(mark) => Err(RunError::Restored { position: mark.position }),
            None => Ok(()),
        }
    }

    /// How far each relay has come.
    pub(crate) fn relay_positions(&self) -> impl Iterator<Item = (&str, Position)> {
        self.messages.relays.iter().map(|relay| (relay.name.as_str(), relay.progress.position()))
    }

    /// The consumer that takes a topic's messages for a group; none when the application declares no such consumer.
    ///
    /// ```
    /// use trunkline::messages::{Consumer, ConsumerAction, OnReject};
    /// use trunkline::{App, MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mail = Consumer::new("mail", vec!["orders".parse()?], "letters".parse()?);
    /// let app = App::builder()
    ///     .store(MemoryStore::new())
    ///     .consumer(mail, ConsumerAction::Dispatch(OnReject::Ack))
    ///     .build()
    ///     .await?;
    /// assert_eq!(app.consumer_of(&"orders".parse()?, &"letters".parse()?), Some("mail"));
    /// assert_eq!(app.consumer_of(&"orders".parse()?, &"mail".parse()?), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn consumer_of(&self, topic: &TopicName, group: &GroupName) -> Option<&str> {
        let takes = |consumer: &Consumer| consumer.group == *group && consumer.topics.contains(topic);
        let consumers = self.messages.consumers.iter().map(|(consumer, _)| consumer);
        consumers.into_iter().find(|consumer| takes(consumer)).map(|consumer| consumer.name.as_str())
    }

    /// Who waits until something has moved.
    pub(crate) fn watch(&self) -> Watcher {
        self.messages.activity.watch()
    }

    /// Lets consumers take over what they had under older names: before anything is relayed, since the topics in which
    /// events wait get their names anew.
    async fn take_over(&self, queue: &dyn MessageQueue) -> Result<(), RunError> {
        for (consumer, _) in &self.messages.consumers {
            let taken = consumer.take_over(queue).await;
            taken.map_err(|source| RunError::Consumer { name: consumer.name.clone(), source })?;
        }
        Ok(())
    }

    /// Subscribes every consumer, so that what is published from then on is seen to wait for it.
    pub(crate) async fn subscribe(&self) -> Result<(), RunError> {
        let queue = self.queue().await?;
        self.take_over(&*queue).await?;
        for (consumer, _) in &self.messages.consumers {
            let subscribed = consumer.subscribe(&*queue).await;
            subscribed
                .map_err(|error| RunError::Consumer { name: consumer.name.clone(), source: error.into() })?;
        }
        Ok(())
    }

    /// Relays events and handles messages of the application's [`queue`](App::queue), as was registered, until
    /// asked to stop.
    ///
    /// A message that a consumer gives up leaves an event `$DeadLettered` in the consumer's inbox before it is a
    /// dead letter; see [`Inbox`].
    /// Where there are neither relays nor consumers, there is nothing to do but to wait for that.
    /// All relays and consumers run at the same time. When one of them fails, the others are stopped, finish what
    /// they hold, and the first error is the answer. While they run, the queue's metrics are recorded
    /// every few seconds:
    /// `trunkline_queue_waiting{topic, group}`, and `leased`, `delayed`, `held`, `dead` and `oldest_age_seconds` likewise;
    /// what consumers do is counted in `trunkline_consumer_delivered_total{consumer}`, and `retried` and `dead`
    /// likewise.
    pub async fn run_messages(&self, stop: &Stop) -> Result<(), RunError> {
        self.must_be_reconciled()?;
        let Messages { relays, consumers, checkpoints, tail, activity } = &*self.messages;
        let queue = self.queue().await?;
        let queue = &*queue;
        // Before anything is handled: what comes to a group from then on no older name has had.
        self.subscribe().await?;
        let histories = &Histories::of(&*self.store).await?;
        let (stopper, all_stop) = Stopper::new();
        let all_stop = &all_stop;
        let relays = relays.iter().map(|relay| {
            let relayed = relay.follow(tail, queue, &**checkpoints, activity, all_stop);
            relayed.map_err(|source| RunError::Relay { name: relay.name.clone(), source }).boxed()
        });
        let consumers = consumers.iter().map(|(consumer, action)| {
            let handler: Arc<dyn MessageHandler> = match action {
                ConsumerAction::Handle(handler) => Arc::clone(handler),
                ConsumerAction::Dispatch(on_reject) => Arc::new(CommandDispatcher {
                    app: self.clone(),
                    consumer: consumer.name.clone(),
                    on_reject: *on_reject,
                }),
            };
            let handler: Arc<dyn MessageHandler> = if histories.is_empty() {
                handler
            } else {
                let (histories, store) = (Arc::clone(histories), Arc::clone(&self.store));
                Arc::new(WithoutLost { handler, histories, store, consumer: consumer.name.clone() })
            };
            let failed = |source| RunError::Consumer { name: consumer.name.clone(), source };
            async move {
                let inbox = Inbox::new(&self.store, &consumer.name).map_err(ConsumerError::from);
                let inbox = inbox.map(|inbox| inbox.since(histories));
                let ran = match &inbox {
                    Ok(inbox) => consumer.follow(queue, &*handler, Some(inbox), activity, all_stop).await,
                    Err(_) => Ok(()),
                };
                inbox.and(ran).map_err(failed)
            }
            .boxed()
        });
        let mut running: FuturesUnordered<_> = relays.chain(consumers).collect();
        if running.is_empty() {
            stop.asked().await;
            return Ok(());
        }
        let mut queue_metrics = std::pin::pin!(record_queue_metrics(queue));
        let mut outcome = Ok(());
        loop {
            tokio::select! {
                ended = running.next() => match ended {
                    Some(Ok(())) => {}
                    Some(Err(error)) => {
                        stopper.stop();
                        outcome = outcome.and(Err(error));
                    }
                    None => return outcome,
                },
                () = stop.asked(), if !all_stop.is_asked() => stopper.stop(),
                never = &mut queue_metrics => match never {},
            }
        }
    }

    /// What keeps parts from going on, the longest first: the part, for how long, and by what.
    ///
    /// Such a part waits and tries again, and goes on by itself once that has passed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use trunkline::{App, MemoryStore};
    /// let app = App::builder().store(MemoryStore::new()).build().await?;
    /// for (part, lasting, reason) in app.waiting_parts() {
    ///     println!("{part} has waited for {lasting:?}: {reason}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn waiting_parts(&self) -> Vec<(String, Duration, String)> {
        let Messages { relays, consumers, .. } = &*self.messages;
        let relays = relays.iter().map(|relay| ("relay", relay.name.as_str(), &relay.back_off));
        let consumers =
            consumers.iter().map(|(consumer, _)| ("consumer", consumer.name.as_str(), &consumer.back_off));
        let sagas = [("the runner of sagas", "", self.sagas.back_off())];
        // Most of the time there is none, and whoever waits for rest asks often.
        let lasting = |(kind, name, back_off): (&str, &str, &BackOff)| {
            let (lasting, reason) = back_off.lasting()?;
            let part = if name.is_empty() { kind.to_owned() } else { format!("{kind} `{name}`") };
            Some((part, lasting, reason))
        };
        let mut waiting_parts: Vec<_> = relays.chain(consumers).chain(sagas).filter_map(lasting).collect();
        waiting_parts.sort_by_key(|&(_, lasting, _)| std::cmp::Reverse(lasting));
        waiting_parts
    }

    /// Its sagas.
    pub fn sagas(&self) -> &Sagas {
        &self.sagas
    }

    /// Lets sagas do what follows from the log and from the time, over the application's [`queue`](App::queue), until
    /// asked to stop; see [`Sagas::run`].
    pub async fn run_sagas(&self, stop: &Stop) -> Result<(), RunError> {
        self.must_be_reconciled()?;
        let queue = self.queue().await?;
        Ok(self.sagas.run(&*queue, stop).await?)
    }

    /// Ends the application. A store and a queue that it opened itself are closed once no clone of the application
    /// is left.
    pub async fn close(self) {
        let Self { store, opened, bus, commands, queries, projections, messages, queue, .. } = self;
        drop((queries, messages));
        if let Some(queue) = Arc::into_inner(queue) {
            queue.close().await;
        }
        if let Some(last) = Arc::into_inner(projections) {
            last.stop().await;
        }
        drop((store, bus, commands));
        if let Some(opened) = opened.and_then(Arc::into_inner) {
            opened.close().await;
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("store", &self.store)
            .field("commands", &self.command_names())
            .finish_non_exhaustive()
    }
}
