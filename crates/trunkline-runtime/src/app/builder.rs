//! What a program registers before its application is built.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
#[cfg(feature = "sqlite")]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tower::util::BoxCloneSyncService;
use tower::{Layer, Service};
use trunkline_core::saga::{Behaviour, Saga, Typed};
use trunkline_core::upcast::Link;
use trunkline_core::{Clock, Command as _, Decider, Event as _, EventShape};
use trunkline_queue::MessageQueue;
use trunkline_sql::{ReadDatabase, TypedProjection};
#[cfg(feature = "sqlite")]
use trunkline_sql::{SqliteSagaIndex, SqliteSnapshots};
use trunkline_store::EventStore;
use trunkline_store::derived::{Checkpoints, SagaIndex, SnapshotStore};

use super::named::NamedCode;
use super::{App, BuildError, Install, Opening, Settings, build};
use crate::backend::{Access, Backends};
use crate::command::{CommandLogic, DeciderHandler, EventRule, Handler};
use crate::messages::{Consumer, ConsumerAction, MessageHandler, Relay};
use crate::middleware::{CommandService, Guard};
use crate::query::{self, QueryLogic};
use crate::saga::StartFrom;
use crate::{
    CommandHandler, CommandRequest, DispatchError, Outcome, ProjectionDefinition, QueryHandler, Snapshot,
    StateProjection,
};

/// What a hook may fail with.
pub type HookError = Box<dyn std::error::Error + Send + Sync>;

pub(super) type Wrap = Box<dyn FnOnce(CommandService) -> CommandService + Send>;

/// What a program registers before its application is built.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use trunkline::{App, MemoryStore};
/// let app = App::builder().store(MemoryStore::new()).build().await?;
/// assert!(app.command_names().is_empty());
/// # Ok(())
/// # }
/// ```
#[must_use = "build() makes the application"]
#[derive(Default)]
pub struct AppBuilder {
    pub(super) store: Option<Arc<dyn EventStore>>,
    pub(super) backends: Backends,
    pub(super) opening: Opening,
    pub(super) read_database: Option<Arc<dyn ReadDatabase>>,
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) settings: Settings,
    pub(super) installs: Vec<Box<dyn Install>>,
    pub(super) attached: Attached,
    pub(super) named: NamedCode,
    pub(super) commands: Vec<(String, Arc<dyn CommandLogic>)>,
    /// The present versions of events, as they were declared.
    pub(super) events: BTreeMap<String, u32>,
    /// Events that something reads, of which nothing may say the version; and what errors call what would say it.
    pub(super) read_events: BTreeSet<String>,
    pub(super) declared_in: String,
    /// Events that there may be, in whatever version.
    pub(super) known_events: BTreeSet<String>,
    pub(super) event_rules: HashMap<String, Arc<dyn EventRule>>,
    pub(super) snapshots: Option<Arc<dyn SnapshotStore>>,
    pub(super) links: Vec<Link>,
    /// The shapes that the deciders' events are written in.
    pub(super) shapes: Vec<&'static EventShape>,
    pub(super) queries: Vec<(String, Arc<dyn QueryLogic>)>,
    pub(super) projections: Vec<ProjectionDefinition>,
    pub(super) typed_projections: Vec<(String, Arc<dyn TypedProjection>)>,
    pub(super) states: Vec<(String, Arc<dyn StateProjection>)>,
    pub(super) queue: Option<Arc<dyn MessageQueue>>,
    pub(super) checkpoints: Option<Arc<dyn Checkpoints>>,
    pub(super) saga_index: Option<OpenIndex>,
    pub(super) sagas: Vec<(String, Arc<dyn Behaviour>)>,
    /// Names that sagas had before, and what they are called today.
    pub(super) sagas_were: Vec<(String, String)>,
    /// From where on sagas of a name are started, when it is new.
    pub(super) sagas_start_from: BTreeMap<String, StartFrom>,
    pub(super) relays: Vec<Relay>,
    pub(super) consumers: Vec<(Consumer, ConsumerAction)>,
    pub(super) guard: Option<Guard>,
    pub(super) time_limit: Option<Duration>,
    pub(super) layers: Vec<Wrap>,
}

/// What makes the index of sagas, once it is known what for.
pub(super) type OpenIndex = Box<dyn FnOnce(Access) -> Arc<dyn SagaIndex> + Send>;

/// What was attached, one of a type.
pub(super) type Attached = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

impl AppBuilder {
    /// Events are kept in this store.
    pub fn store(self, store: impl EventStore) -> Self {
        self.shared_store(Arc::new(store))
    }

    /// Events are kept in this store, which others use too.
    pub fn shared_store(mut self, store: Arc<dyn EventStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Adds all that something brings, when the application is built: see [`Install`].
    pub fn install(mut self, brings: impl Install + 'static) -> Self {
        self.installs.push(Box::new(brings));
        self
    }

    /// What a configuration says of the places of the application; what is said in code goes before it.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// What a configuration has said so far, for a hook that changes some of it.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use trunkline::{App, Settings};
    ///
    /// // Half as fast where something else runs on the machine.
    /// let builder = App::builder().hook("events.ConfigureReplay", |builder| {
    ///     let mut settings = builder.configured().clone();
    ///     let rate = settings.replay.events_per_second.map(|rate| rate.get() / 2);
    ///     settings.replay.events_per_second = rate.and_then(NonZeroU32::new);
    ///     Ok(builder.settings(settings))
    /// });
    /// ```
    pub fn configured(&self) -> &Settings {
        &self.settings
    }

    /// Attaches a value to the application, one of a type, for the crate that knows the type: see
    /// [`App::attached`].
    pub fn attach<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.attached.insert(TypeId::of::<T>(), Arc::new(value));
        self
    }

    /// The code that was registered by names so far.
    pub fn named(&self) -> &NamedCode {
        &self.named
    }

    /// The names of the commands that have handlers so far.
    pub fn command_names(&self) -> impl Iterator<Item = &str> {
        self.commands.iter().map(|(name, _)| name.as_str())
    }

    /// What the application stands on is opened like this, and may be somewhere else than the settings say.
    pub fn opening(mut self, opening: Opening) -> Self {
        self.opening = opening;
        self
    }

    /// The kinds of places that there are, rather than those that the program was built with.
    pub fn backends(mut self, backends: Backends) -> Self {
        self.backends = backends;
        self
    }

    /// The kinds of places that there are so far.
    pub fn known_backends(&self) -> &Backends {
        &self.backends
    }

    /// Read models are kept in this database rather than in the one that the file names.
    pub fn read_database(mut self, database: Arc<dyn ReadDatabase>) -> Self {
        self.read_database = Some(database);
        self
    }

    /// Messages wait in this queue.
    pub fn queue(self, queue: impl MessageQueue) -> Self {
        self.shared_queue(Arc::new(queue))
    }

    /// Messages wait in this queue, which others use too, and which the program closes.
    pub fn shared_queue(mut self, queue: Arc<dyn MessageQueue>) -> Self {
        self.queue = Some(queue);
        self
    }

    /// How far relays have come is kept here rather than in a folder beside the embedded log that the application
    /// opens itself; with a store of the program's it is kept in memory otherwise.
    pub fn checkpoints(mut self, checkpoints: impl Checkpoints) -> Self {
        self.checkpoints = Some(Arc::new(checkpoints));
        self
    }

    /// The index of sagas is kept in this file rather than beside the embedded log that the application opens itself;
    /// with a store of the program's it is kept in memory otherwise.
    ///
    /// Who opens the store only to read it begins with a copy of that file, which is another process's: nothing is
    /// written to it, and a missing one only takes longer.
    #[cfg(feature = "sqlite")]
    pub fn saga_index(mut self, file: impl Into<PathBuf>) -> Self {
        let file = file.into();
        self.saga_index = Some(Box::new(move |access| match access {
            Access::Append => Arc::new(SqliteSagaIndex::new(file)),
            Access::Read => Arc::new(SqliteSagaIndex::copy_of(file)),
        }));
        self
    }

    /// What says the time, instead of the system.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// A decider handles each of its commands.
    pub fn decider<D: Decider>(mut self) -> Self {
        for name in D::Command::NAMES {
            self.commands.push(((*name).to_owned(), Arc::new(DeciderHandler::<D>::new())));
        }
        self.shapes.extend(D::Event::SHAPES);
        self
    }

    /// A decider handles each of its commands, and its states are kept in snapshots.
    pub fn decider_with_snapshots<D: Snapshot>(mut self) -> Self {
        for name in D::Command::NAMES {
            self.commands.push(((*name).to_owned(), Arc::new(DeciderHandler::<D>::with_snapshots())));
        }
        self.shapes.extend(D::Event::SHAPES);
        self
    }

    /// Snapshots are kept in this file, as they are beside an embedded log that the application opens itself;
    /// with a store of the program's they are kept in memory otherwise.
    #[cfg(feature = "sqlite")]
    pub fn snapshots(mut self, file: impl Into<PathBuf>) -> Self {
        self.snapshots = Some(Arc::new(SqliteSnapshots::new(file)));
        self
    }

    /// Events that were stored in older shapes become those of today by these links, wherever code gets events.
    ///
    /// A type that links are for is read strictly: an event whose version nothing leads on from, or that is newer
    /// than the deciders' own, is an error. Without links, serde reads what it can, whatever the version.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use trunkline::{App, MemoryStore, upcast::Link};
    /// let app = App::builder()
    ///     .store(MemoryStore::new())
    ///     .upcast([Link::from("OrderCreated", 1).rename("sum", "total")])
    ///     .build().await?;
    /// assert_eq!(app.upcasters().present("OrderCreated"), Some(2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn upcast(mut self, links: impl IntoIterator<Item = Link>) -> Self {
        self.links.extend(links);
        self
    }

    /// A handler handles this command.
    pub fn command(self, name: impl Into<String>, handler: impl CommandHandler) -> Self {
        self.command_logic(name, Arc::new(Handler(handler)))
    }

    /// This decides the command of a name, however it reads its data: see [`CommandLogic`].
    pub fn command_logic(mut self, name: impl Into<String>, logic: Arc<dyn CommandLogic>) -> Self {
        self.commands.push((name.into(), logic));
        self
    }

    /// There is an event of this type, which is in this version now: one that a command emits, or that comes from
    /// elsewhere.
    pub fn event(mut self, event_type: impl Into<String>, version: u32) -> Self {
        self.events.insert(event_type.into(), version);
        self
    }

    /// There may be events of this type, in whatever version: a saga that waits for one does not wait in vain.
    pub fn known_event(mut self, event_type: impl Into<String>) -> Self {
        self.known_events.insert(event_type.into());
        self
    }

    /// Something reads events of these types: those that nothing declares are in version 1, and one of a later version stops
    /// what reads it. Errors call what declares versions by this name, the file's.
    ///
    /// Those that the program's deciders write are in their own version: see [`upcast`](Self::upcast).
    pub fn reads_events(
        mut self,
        types: impl IntoIterator<Item = impl Into<String>>,
        declared_in: &str,
    ) -> Self {
        self.read_events.extend(types.into_iter().map(Into::into));
        declared_in.clone_into(&mut self.declared_in);
        self
    }

    /// New events of a type have to be as this rule says: see [`EventRule`].
    pub fn event_rule(mut self, event_type: impl Into<String>, rule: impl EventRule) -> Self {
        self.event_rules.insert(event_type.into(), Arc::new(rule));
        self
    }

    /// A handler by a name such as `orders.CreateOrderHandler`, for the commands that the file's
    /// `[cqrs.command_handlers]` gives it.
    pub fn command_handler(mut self, name: impl Into<String>, handler: impl CommandHandler) -> Self {
        self.named.command_handlers.insert(name.into(), Arc::new(Handler(handler)));
        self
    }

    /// A handler answers this query.
    pub fn query(self, name: impl Into<String>, handler: impl QueryHandler) -> Self {
        self.query_logic(name, Arc::new(query::Handler(handler)))
    }

    /// This answers the query of a name, however it reads its parameters: see [`QueryLogic`].
    pub fn query_logic(mut self, name: impl Into<String>, logic: Arc<dyn QueryLogic>) -> Self {
        self.queries.push((name.into(), logic));
        self
    }

    /// A handler by a name, for the queries that the file's `[cqrs.query_handlers]` gives it.
    pub fn query_handler(mut self, name: impl Into<String>, handler: impl QueryHandler) -> Self {
        self.named.query_handlers.insert(name.into(), Arc::new(query::Handler(handler)));
        self
    }

    /// Code that makes a read model of this name.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::error::Error;
    /// use std::sync::Arc;
    /// use trunkline::sql::{Rows, TypedProjection};
    /// use trunkline::{App, MemoryStore, RecordedEvent};
    ///
    /// struct Balances;
    ///
    /// impl TypedProjection for Balances {
    ///     fn schema(&self) -> &'static str {
    ///         "CREATE TABLE balance (account TEXT PRIMARY KEY, amount INTEGER NOT NULL)"
    ///     }
    ///
    ///     fn event_types(&self) -> &[&str] {
    ///         &["Deposited"]
    ///     }
    ///
    ///     fn apply(&self, event: &RecordedEvent, rows: &mut dyn Rows) -> Result<(), Box<dyn Error + Send + Sync>> {
    ///         let data: serde_json::Value = serde_json::from_slice(event.data())?;
    ///         let amount = data["amount"].as_i64().ok_or("a deposit has an amount")?;
    ///         let upsert = "INSERT INTO balance VALUES (?1, ?2)
    ///                       ON CONFLICT DO UPDATE SET amount = amount + excluded.amount";
    ///         rows.execute(upsert, &[event.stream().into(), amount.into()])?;
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let app = App::builder().store(MemoryStore::new()).projection("balances", Balances).build().await?;
    /// assert_eq!(app.projections().names().collect::<Vec<_>>(), ["balances"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn projection(mut self, name: impl Into<String>, projection: impl TypedProjection) -> Self {
        self.typed_projections.push((name.into(), Arc::new(projection)));
        self
    }

    /// A read model of these statements, under the name that its model has: see [`ProjectionDefinition`].
    pub fn projection_definition(mut self, projection: ProjectionDefinition) -> Self {
        self.projections.push(projection);
        self
    }

    /// Code that keeps state of its own by events, under this name: see [`StateProjection`].
    pub fn state_projection(mut self, name: impl Into<String>, projection: impl StateProjection) -> Self {
        self.states.push((name.into(), Arc::new(projection)));
        self
    }

    /// Code by a name such as `accounts.Balances`, for the projections that name it as their `class`.
    pub fn projection_class(mut self, name: impl Into<String>, projection: impl TypedProjection) -> Self {
        self.named.projections.insert(name.into(), Arc::new(projection));
        self
    }

    /// A saga of plain functions, under its own name.
    ///
    /// # Panics
    ///
    /// When its name has a `-` or begins with `$`: its streams are named `$saga.NAME-ID`.
    pub fn saga<S: Saga>(self) -> Self {
        let app = self.saga_behaviour(S::NAME, Arc::new(Typed::<S>::default()));
        S::WAS.iter().fold(app, |app, was| app.saga_was(S::NAME, *was))
    }

    /// From where on in the log events start sagas of a name, when it is new: from now on if it isn't said.
    ///
    /// It is recorded when the application is first built with the saga over a store that it may write to; what was
    /// recorded then counts.
    pub fn saga_start_from(mut self, name: impl Into<String>, from: StartFrom) -> Self {
        self.sagas_start_from.insert(name.into(), from);
        self
    }

    /// The saga of a name had another one before: sagas that were begun under that go on, in their streams.
    pub fn saga_was(mut self, name: impl Into<String>, was: impl Into<String>) -> Self {
        self.sagas_were.push((was.into(), name.into()));
        self
    }

    /// A saga under this name that does what this says, however it is made.
    ///
    /// # Panics
    ///
    /// When its name has a `-` or begins with `$`: its streams are named `$saga.NAME-ID`.
    pub fn saga_behaviour(mut self, name: impl Into<String>, behaviour: Arc<dyn Behaviour>) -> Self {
        let name = name.into();
        assert!(!name.contains('-') && !name.starts_with('$'), "{name:?} can't be a saga's name");
        self.sagas.push((name, behaviour));
        self
    }

    /// Events that become messages of a topic.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use trunkline::messages::Relay;
    /// use trunkline::{App, MemoryStore};
    ///
    /// let app = App::builder().store(MemoryStore::new()).relay(Relay::new("all", "events".parse()?)).build().await?;
    /// # drop(app);
    /// # Ok(())
    /// # }
    /// ```
    pub fn relay(mut self, relay: Relay) -> Self {
        self.relays.push(relay);
        self
    }

    /// Who takes messages of topics, and what is done with them.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use trunkline::messages::{Consumer, ConsumerAction, OnReject};
    /// use trunkline::{App, MemoryStore};
    ///
    /// let till = Consumer::new("till", vec!["payments".parse()?], "till".parse()?);
    /// let dispatch = ConsumerAction::Dispatch(OnReject::Ack);
    /// let app = App::builder().store(MemoryStore::new()).consumer(till, dispatch).build().await?;
    /// # drop(app);
    /// # Ok(())
    /// # }
    /// ```
    pub fn consumer(mut self, consumer: Consumer, action: ConsumerAction) -> Self {
        self.consumers.push((consumer, action));
        self
    }

    /// A saga by a name such as `orders.OrderSaga`, for the section of the file that names it as its `class`.
    pub fn saga_class<S: Saga>(mut self, name: impl Into<String>) -> Self {
        self.named.sagas.insert(name.into(), Arc::new(Typed::<S>::default()));
        self
    }

    /// A handler by a name, for the consumers that name it as their `class`.
    pub fn message_handler(mut self, name: impl Into<String>, handler: impl MessageHandler) -> Self {
        self.named.message_handlers.insert(name.into(), Arc::new(handler));
        self
    }

    /// A function for `@go("package.Function")` in `[event_driven]`.
    ///
    /// The five `events.Configure…` exist without it, and leave everything as the file says.
    ///
    /// ```
    /// use trunkline::{App, MemoryStore};
    /// let builder = App::builder().hook("shop.ConfigureEventStore", |app| Ok(app.store(MemoryStore::new())));
    /// # drop(builder);
    /// ```
    pub fn hook(
        mut self,
        name: impl Into<String>,
        hook: impl Fn(Self) -> Result<Self, HookError> + Send + Sync + 'static,
    ) -> Self {
        self.named.hooks.insert(name.into(), Arc::new(hook));
        self
    }

    /// Says which requests are allowed; the reason when one is not.
    pub fn authorize(
        mut self,
        guard: impl Fn(&CommandRequest) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.guard = Some(Arc::new(guard));
        self
    }

    /// How long a command may take; its outcome is unknown when it takes longer.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// A `tower` layer around commands; the one added last is the outermost.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<CommandService> + Send + 'static,
        L::Service: Service<CommandRequest, Response = Outcome, Error = DispatchError>
            + Clone
            + Send
            + Sync
            + 'static,
        <L::Service as Service<CommandRequest>>::Future: Send + 'static,
    {
        self.layers.push(Box::new(move |inner| BoxCloneSyncService::new(layer.layer(inner))));
        self
    }

    /// Makes the application: every name is resolved, and the store is opened.
    ///
    /// - Hooks, and whatever else is installed, come first; while they run, nothing is open yet.
    /// - A store that another process has open is waited for, for a moment.
    /// - The queue and the read databases are opened when they are first needed.
    pub async fn build(self) -> Result<App, BuildError> {
        build::build(self).await
    }
}
