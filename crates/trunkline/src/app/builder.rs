//! What a program registers before its application is built.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tower::util::BoxCloneSyncService;
use tower::{Layer, Service};
use trunkline_config::World;
use trunkline_core::saga::{Behaviour, Saga, Typed};
use trunkline_core::upcast::Link;
use trunkline_core::{Command as _, Decider, Event as _, EventShape};
use trunkline_queue::MessageQueue;
use trunkline_sql::{ReadDatabase, TypedProjection};
use trunkline_store::{Clock, EventStore};

use super::{App, BuildError, build};
use crate::command::{DeciderHandler, Handle, Handler};
use crate::file::{ProjectionClasses, SagaClasses};
use crate::messages::{Checkpoints, MessageHandler};
use crate::middleware::{CommandService, Guard};
use crate::query::{self, Answer};
use crate::saga::IndexPlace;
use crate::{
    ApplicationFile, CommandHandler, CommandRequest, DispatchError, Outcome, Place, QueryHandler, QueuePlace,
    Registered, Snapshot, StateProjection,
};

/// What a hook may fail with.
pub type HookError = Box<dyn std::error::Error + Send + Sync>;

/// A function that `@go("package.Function")` in `[event_driven]` names: it runs when the application is built,
/// and changes what is being built.
pub type Hook = Arc<dyn Fn(AppBuilder) -> Result<AppBuilder, HookError> + Send + Sync>;

pub(super) type Wrap = Box<dyn FnOnce(CommandService) -> CommandService + Send>;

/// What a program registers before its application is built.
///
/// ```
/// use trunkline::{App, MemoryStore};
/// let app = App::builder().store(MemoryStore::new()).build()?;
/// assert!(app.command_names().is_empty());
/// # Ok::<(), trunkline::BuildError>(())
/// ```
#[must_use = "build() makes the application"]
#[derive(Default)]
pub struct AppBuilder {
    pub(super) store: Option<Arc<dyn EventStore>>,
    pub(super) place: Option<Place>,
    pub(super) owner: Option<String>,
    pub(super) read_database: Option<Arc<dyn ReadDatabase>>,
    pub(super) clock: Option<Clock>,
    pub(super) file: Option<ApplicationFile>,
    pub(super) commands: Vec<(String, Arc<dyn Handle>)>,
    pub(super) named_commands: BTreeMap<String, Arc<dyn Handle>>,
    pub(super) snapshots: Option<PathBuf>,
    pub(super) links: Vec<Link>,
    /// The shapes that the deciders' events are written in.
    pub(super) shapes: Vec<&'static EventShape>,
    pub(super) queries: Vec<(String, Arc<dyn Answer>)>,
    pub(super) named_queries: BTreeMap<String, Arc<dyn Answer>>,
    pub(super) projections: Vec<(String, Arc<dyn TypedProjection>)>,
    pub(super) states: Vec<(String, Arc<dyn StateProjection>)>,
    pub(super) projection_classes: ProjectionClasses,
    pub(super) queue: Option<Arc<dyn MessageQueue>>,
    pub(super) queue_place: Option<QueuePlace>,
    pub(super) checkpoints: Option<Arc<dyn Checkpoints>>,
    pub(super) saga_index: Option<IndexPlace>,
    pub(super) sagas: Vec<(String, Arc<dyn Behaviour>)>,
    pub(super) saga_classes: SagaClasses,
    pub(super) message_handlers: BTreeMap<String, Arc<dyn MessageHandler>>,
    pub(super) hooks: BTreeMap<String, Hook>,
    pub(super) guard: Option<Guard>,
    pub(super) time_limit: Option<Duration>,
    pub(super) layers: Vec<Wrap>,
}

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

    /// Events are kept at this place rather than at the one that the file names.
    pub fn place(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
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

    /// Messages wait at this place rather than at the one that the file names.
    pub fn queue_place(mut self, place: QueuePlace) -> Self {
        self.queue_place = Some(place);
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
    pub fn saga_index(mut self, file: impl Into<PathBuf>) -> Self {
        self.saga_index = Some(IndexPlace::File(file.into()));
        self
    }

    /// The index of sagas is in memory, and begins with what this file has, which is another process's: nothing is
    /// written to it, and a missing one only takes longer.
    pub fn saga_index_copy(mut self, file: impl Into<PathBuf>) -> Self {
        self.saga_index = Some(IndexPlace::CopyOf(file.into()));
        self
    }

    /// Who opens the store and the queue, as others are told that want to.
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// What says the time, instead of the system.
    pub fn clock(mut self, clock: Clock) -> Self {
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
    pub fn snapshots(mut self, file: impl Into<PathBuf>) -> Self {
        self.snapshots = Some(file.into());
        self
    }

    /// Events that were stored in older shapes become those of today by these links, wherever code gets events.
    ///
    /// A type that links are for is read strictly: an event whose version nothing leads on from, or that is newer
    /// than the deciders' own, is an error. Without links, serde reads what it can, whatever the version.
    ///
    /// ```
    /// use trunkline::{App, MemoryStore, upcast::Link};
    /// let app = App::builder()
    ///     .store(MemoryStore::new())
    ///     .upcast([Link::from("OrderCreated", 1).rename("sum", "total")])
    ///     .build()?;
    /// assert_eq!(app.upcasters().present("OrderCreated"), Some(2));
    /// # Ok::<(), trunkline::BuildError>(())
    /// ```
    pub fn upcast(mut self, links: impl IntoIterator<Item = Link>) -> Self {
        self.links.extend(links);
        self
    }

    /// A handler handles this command.
    pub fn command(mut self, name: impl Into<String>, handler: impl CommandHandler) -> Self {
        self.commands.push((name.into(), Arc::new(Handler(handler))));
        self
    }

    /// A handler by a name such as `orders.CreateOrderHandler`, for the commands that the file's
    /// `[cqrs.command_handlers]` gives it.
    pub fn command_handler(mut self, name: impl Into<String>, handler: impl CommandHandler) -> Self {
        self.named_commands.insert(name.into(), Arc::new(Handler(handler)));
        self
    }

    /// A handler answers this query.
    pub fn query(mut self, name: impl Into<String>, handler: impl QueryHandler) -> Self {
        self.queries.push((name.into(), Arc::new(query::Handler(handler))));
        self
    }

    /// A handler by a name, for the queries that the file's `[cqrs.query_handlers]` gives it.
    pub fn query_handler(mut self, name: impl Into<String>, handler: impl QueryHandler) -> Self {
        self.named_queries.insert(name.into(), Arc::new(query::Handler(handler)));
        self
    }

    /// Code that makes a read model of this name.
    ///
    /// ```
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
    /// let app = App::builder().store(MemoryStore::new()).projection("balances", Balances).build()?;
    /// assert_eq!(app.projections().names().collect::<Vec<_>>(), ["balances"]);
    /// # Ok::<(), trunkline::BuildError>(())
    /// ```
    pub fn projection(mut self, name: impl Into<String>, projection: impl TypedProjection) -> Self {
        self.projections.push((name.into(), Arc::new(projection)));
        self
    }

    /// Code that keeps state of its own by events, under this name: see [`StateProjection`].
    pub fn state_projection(mut self, name: impl Into<String>, projection: impl StateProjection) -> Self {
        self.states.push((name.into(), Arc::new(projection)));
        self
    }

    /// Code by a name such as `accounts.Balances`, for the projections that name it as their `class`.
    pub fn projection_class(mut self, name: impl Into<String>, projection: impl TypedProjection) -> Self {
        self.projection_classes.insert(name.into(), Arc::new(projection));
        self
    }

    /// A saga of plain functions, under its own name.
    ///
    /// # Panics
    ///
    /// When its name has a `-` or begins with `$`: its streams are named `$saga.NAME-ID`.
    pub fn saga<S: Saga>(mut self) -> Self {
        let name = S::NAME;
        assert!(!name.contains('-') && !name.starts_with('$'), "{name:?} can't be a saga's name");
        self.sagas.push((name.to_owned(), Arc::new(Typed::<S>::default())));
        self
    }

    /// A saga by a name such as `orders.OrderSaga`, for the section of the file that names it as its `class`.
    pub fn saga_class<S: Saga>(mut self, name: impl Into<String>) -> Self {
        self.saga_classes.insert(name.into(), Arc::new(Typed::<S>::default()));
        self
    }

    /// A handler by a name, for the consumers that name it as their `class`.
    pub fn message_handler(mut self, name: impl Into<String>, handler: impl MessageHandler) -> Self {
        self.message_handlers.insert(name.into(), Arc::new(handler));
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
        self.hooks.insert(name.into(), Arc::new(hook));
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

    /// Adds what an application file declares, as read with [`registered`](Self::registered).
    pub fn file(mut self, file: ApplicationFile) -> Self {
        self.file = Some(file);
        self
    }

    /// Reads an application file of this world and adds what it declares.
    pub fn load(self, name: &str, world: World<'_>) -> Result<Self, trunkline_config::LoadError> {
        let file = ApplicationFile::load(name, world, &self.registered())?;
        Ok(self.file(file))
    }

    /// What was registered so far, as an application file may name it.
    pub fn registered(&self) -> Registered {
        let hooks = self.hooks.keys().fold(trunkline_config::Hooks::default(), trunkline_config::Hooks::with);
        Registered {
            hooks,
            command_handlers: self.named_commands.keys().cloned().collect(),
            query_handlers: self.named_queries.keys().cloned().collect(),
            projections: self.projection_classes.clone(),
            sagas: self.saga_classes.clone(),
            message_handlers: self.message_handlers.keys().cloned().collect(),
            commands: self.commands.iter().map(|(name, _)| name.clone()).collect(),
            complete: true,
        }
    }

    /// Makes the application: every name is resolved, and the store is opened.
    pub fn build(self) -> Result<App, BuildError> {
        build::build(self)
    }
}
