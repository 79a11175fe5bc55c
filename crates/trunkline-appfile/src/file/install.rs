//! An application file installs itself into an application, through the calls that a program uses too.

use std::sync::Arc;

use indexmap::IndexMap;
use trunkline_config::{LoadError, World};
use trunkline_core::saga::Behaviour;

use super::{
    ApplicationFile, ConsumerDefinition, Declared, DeclaredAction, Definition, EventDefinition, FileError,
    Mapping, QueryDefinition, Registered, SagaAction, SagaDefinition,
};
use crate::declared::{self, DeclaredQuery, DeclaredSaga};
use trunkline_runtime::messages::ConsumerAction;
use trunkline_runtime::{App, AppBuilder, BuildError, Install, QueueSettings, Settings, StoreSettings};

/// Building an application of a file.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use trunkline::config::{FixedClock, MemoryEnvironment, MemoryFiles, World};
/// use trunkline::{App, FromFile as _, MemoryStore};
///
/// let files = MemoryFiles::new().with("app.tsk", "[commands.Open]\nstream: \"'door-' + command.id\"\n");
/// let environment = MemoryEnvironment::new();
/// let world = World { loader: &files, environment: &environment, clock: &FixedClock(0) };
/// let app = App::builder().store(MemoryStore::new()).load("app.tsk", world)?.build().await?;
/// assert_eq!(app.command_names(), ["Open"]);
/// # Ok(())
/// # }
/// ```
pub trait FromFile: Sized {
    /// Adds what an application file declares, as read with [`registered`](Self::registered).
    #[must_use = "build() makes the application"]
    fn file(self, file: ApplicationFile) -> Self;

    /// Reads an application file of this world and adds what it declares.
    fn load(self, name: &str, world: World<'_>) -> Result<Self, LoadError>;

    /// What was registered so far, as an application file may name it.
    fn registered(&self) -> Registered;
}

impl FromFile for AppBuilder {
    fn file(self, file: ApplicationFile) -> Self {
        self.install(file)
    }

    fn load(self, name: &str, world: World<'_>) -> Result<Self, LoadError> {
        let file = ApplicationFile::load(name, world, &self.registered())?;
        Ok(self.file(file))
    }

    fn registered(&self) -> Registered {
        let named = self.named();
        Registered {
            hooks: named.hooks.keys().fold(trunkline_config::Hooks::default(), trunkline_config::Hooks::with),
            command_handlers: named.command_handlers.keys().cloned().collect(),
            query_handlers: named.query_handlers.keys().cloned().collect(),
            projections: named.projections.clone().into(),
            sagas: named.sagas.keys().cloned().collect(),
            message_handlers: named.message_handlers.keys().cloned().collect(),
            commands: self.command_names().map(str::to_owned).collect(),
            backends: self.known_backends().clone(),
            complete: true,
        }
    }
}

impl Install for ApplicationFile {
    fn install(self: Box<Self>, builder: AppBuilder) -> Result<AppBuilder, BuildError> {
        let Self { definition, evaluated } = *self;
        if evaluated.diagnostics.iter().any(trunkline_config::Diagnostic::is_error) {
            return Err(BuildError::installing(FileError(Box::new(evaluated))));
        }
        let known: Vec<String> = definition.known_events().map(str::to_owned).collect();
        let read: Vec<String> = definition.read_events().collect();
        let Definition {
            hooks,
            name,
            event_store,
            snapshots,
            replay,
            events,
            upcasters,
            links,
            aggregates,
            commands,
            command_handlers,
            query_handlers,
            read_db,
            projections,
            queries,
            laws,
            message_queue,
            consumers,
            relays,
            sagas,
            scenarios,
        } = definition;
        let settings = Settings {
            event_store: StoreSettings {
                dsn: event_store.dsn,
                segment_bytes: event_store.segment_bytes,
                never_sync: event_store.never_sync,
            },
            message_queue: QueueSettings {
                dsn: message_queue.dsn,
                dead_letter_ttl: message_queue.dead_letter_ttl,
                external: message_queue.external.iter().map(ToString::to_string).collect(),
            },
            read_db: read_db.dsn,
            snapshots: snapshots.enabled,
            replay,
        };
        let mut builder = known.into_iter().fold(builder, AppBuilder::known_event);
        builder = hooked(builder.settings(settings), hooks)?.upcast(links).reads_events(read, &name);
        builder = with_handlers(builder, command_handlers, query_handlers);
        let schemas = events.iter().filter_map(|(name, event)| Some((name.clone(), event.schema.clone()?)));
        let declared = Declared { schemas: schemas.collect(), scenarios, laws };
        for (name, EventDefinition { version, schema, tags }) in events {
            let rule = declared::EventShapeRule { version, schema, tags };
            builder = builder.event(name.as_str(), version).event_rule(name, rule);
        }
        for (name, command) in declared::commands(aggregates, commands, &upcasters, snapshots.every) {
            builder = builder.command_logic(name, command);
        }
        builder = projections.into_values().fold(builder, AppBuilder::projection_definition);
        for (name, QueryDefinition { query, read_db: kept_in }) in queries {
            let time_limit = read_db.statement_timeout;
            let answer = DeclaredQuery { query: Arc::new(query), read_db: kept_in, time_limit };
            builder = builder.query_logic(name, Arc::new(answer));
        }
        builder = relays.into_values().fold(builder, AppBuilder::relay);
        builder = with_consumers(builder, consumers);
        Ok(with_sagas(builder, sagas).attach(declared))
    }
}

/// The builder as the file's hooks leave it.
fn hooked(mut builder: AppBuilder, hooks: Vec<String>) -> Result<AppBuilder, BuildError> {
    for name in hooks {
        // Those that every program has leave all as the file says.
        if let Some(hook) = builder.named().hooks.get(&name).cloned() {
            builder =
                hook(builder).map_err(|error| BuildError::Hook { hook: name, reason: error.to_string() })?;
        }
    }
    Ok(builder)
}

/// With the program's handlers, under the names that the file gives them.
fn with_handlers(mut builder: AppBuilder, commands: Vec<Mapping>, queries: Vec<Mapping>) -> AppBuilder {
    for Mapping { name, handler } in commands {
        if let Some(logic) = builder.named().command_handlers.get(&handler).cloned() {
            builder = builder.command_logic(name, logic);
        }
    }
    for Mapping { name, handler } in queries {
        if let Some(logic) = builder.named().query_handlers.get(&handler).cloned() {
            builder = builder.query_logic(name, logic);
        }
    }
    builder
}

fn with_consumers(mut builder: AppBuilder, consumers: IndexMap<String, ConsumerDefinition>) -> AppBuilder {
    for ConsumerDefinition { consumer, action } in consumers.into_values() {
        let action = match action {
            DeclaredAction::Dispatch(on_reject) => ConsumerAction::Dispatch(on_reject),
            DeclaredAction::Class(class) => match builder.named().message_handlers.get(&class) {
                Some(handler) => ConsumerAction::Handle(Arc::clone(handler)),
                // The plain binary was warned, and can do all that isn't about this consumer.
                None => continue,
            },
            #[cfg(feature = "webhook")]
            DeclaredAction::Webhook(url) => {
                let webhook = trunkline_runtime::messages::Webhook::new(&url);
                let webhook = webhook.expect("the address was checked when the file was read");
                ConsumerAction::Handle(Arc::new(webhook))
            }
            #[cfg(not(feature = "webhook"))]
            DeclaredAction::Webhook(_) => continue,
        };
        builder = builder.consumer(consumer, action);
    }
    builder
}

fn with_sagas(mut builder: AppBuilder, sagas: IndexMap<String, SagaDefinition>) -> AppBuilder {
    for (name, SagaDefinition { action, was, start_from, .. }) in sagas {
        let behaviour: Arc<dyn Behaviour> = match action {
            SagaAction::Steps(steps) => Arc::new(DeclaredSaga(*steps)),
            SagaAction::Class(class) => match builder.named().sagas.get(&class) {
                Some(behaviour) => Arc::clone(behaviour),
                // The plain binary was warned, and can do all that isn't about this saga.
                None => continue,
            },
        };
        builder = builder.saga_start_from(&name, start_from);
        builder = was.into_iter().fold(builder, |builder, was| builder.saga_was(&name, was.name));
        builder = builder.saga_behaviour(name, behaviour);
    }
    builder
}

/// What an application's file says that only those ask who know files.
pub trait DeclaredApp {
    /// The scenarios that the application's file declares; none without a file.
    fn scenarios(&self) -> &IndexMap<String, super::ScenarioDefinition>;

    /// The laws that it declares.
    fn laws(&self) -> &IndexMap<String, super::LawDefinition>;
}

/// What an application without a file declares.
static NOTHING: std::sync::LazyLock<Declared> = std::sync::LazyLock::new(Declared::default);

impl DeclaredApp for App {
    fn scenarios(&self) -> &IndexMap<String, super::ScenarioDefinition> {
        &self.attached::<Declared>().unwrap_or(&NOTHING).scenarios
    }

    fn laws(&self) -> &IndexMap<String, super::LawDefinition> {
        &self.attached::<Declared>().unwrap_or(&NOTHING).laws
    }
}
