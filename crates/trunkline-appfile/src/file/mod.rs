//! The application file: what its sections declare, read once, every mistake at its place.
//!
//! `trunkline-config` gives values; here they get their meaning. Each kind of section is a file with the type
//! that it declares and the function that reads it: reading is checking. `reading` is what they share:
//! expressions, names, and what the program registered. `codes` are the mistakes.

mod aggregates;
pub mod codes;
mod commands;
mod event_store;
mod events;
mod handlers;
mod install;
mod laws;
mod locked;
mod messages;
mod mistakes;
mod names;
mod not_yet;
mod projections;
mod queries;
mod query_text;
mod read_db;
mod reading;
mod replay;
mod sagas;
mod scenarios;
mod snapshots;
mod states;
mod was;
mod wiring;

use std::collections::HashMap;

use indexmap::IndexMap;
use trunkline_config::read::{HookName, Reader};
use trunkline_config::{Diagnostic, Evaluated, LoadError, World};
use trunkline_core::upcast::{Link, Upcasters};

use crate::Schema;
use trunkline_runtime::messages::Relay;
use trunkline_runtime::{ProjectionDefinition, ReplaySettings};

pub use aggregates::AggregateDefinition;
pub use commands::{CommandDefinition, EmitDefinition, Expect, RequireDefinition};
pub use event_store::StoreDefinition;
pub use events::EventDefinition;
pub use handlers::Mapping;
pub use install::{DeclaredApp, FromFile};
pub use laws::LawDefinition;
pub use messages::{ConsumerDefinition, DeclaredAction, QueueDefinition};
pub use mistakes::FileError;
pub use queries::QueryDefinition;
pub use read_db::ReadDbDefinition;
pub(crate) use reading::Reading;
pub use reading::{ProjectionClasses, Registered, SYSTEM_NAMES};
pub use sagas::{
    Compensate, EventDefinitionName, EventTurn, LastDefinition, OnDefinition, SagaAction, SagaDefinition,
    SendDefinition, StepDefinition, StepsDefinition,
};
pub use scenarios::{
    Expectation, Given, GivenCommand, GivenEvent, GivenRows, GivenSend, ScenarioDefinition, When,
};
pub use snapshots::SnapshotsDefinition;
pub use was::WasName;
pub(crate) use wiring::outline;

/// Everything that an application file declares.
#[derive(Debug, Default)]
pub struct Definition {
    /// `[event_driven]`: hooks that run when the application is built, in the order of the file.
    pub hooks: Vec<String>,
    /// `[event_store]`.
    pub event_store: StoreDefinition,
    /// `[snapshots]`.
    pub snapshots: SnapshotsDefinition,
    /// `[replay]`.
    pub replay: ReplaySettings,
    /// What errors call the file.
    pub(crate) name: String,
    /// `[events.NAME]`: present shapes.
    pub events: IndexMap<String, EventDefinition>,
    /// What `[events.NAME]` says of older shapes: the function from stored events to present ones.
    pub upcasters: Upcasters,
    /// The same, link by link, to join them with those of a program.
    pub(crate) links: Vec<Link>,
    /// `[aggregates.NAME]`.
    pub aggregates: IndexMap<String, AggregateDefinition>,
    /// `[commands.NAME]`.
    pub commands: IndexMap<String, CommandDefinition>,
    /// `[cqrs.command_handlers]`.
    pub command_handlers: Vec<Mapping>,
    /// `[cqrs.query_handlers]`.
    pub query_handlers: Vec<Mapping>,
    /// `[read_db]`.
    pub read_db: ReadDbDefinition,
    /// `[projections.NAME]`.
    pub projections: IndexMap<String, ProjectionDefinition>,
    /// `[queries.NAME]`.
    pub queries: IndexMap<String, QueryDefinition>,
    /// `[laws.NAME]`.
    pub laws: IndexMap<String, LawDefinition>,
    /// `[message_queue]`.
    pub message_queue: QueueDefinition,
    /// `[consumers.NAME]`.
    pub consumers: IndexMap<String, ConsumerDefinition>,
    /// `[relay.NAME]`.
    pub relays: IndexMap<String, Relay>,
    /// `[sagas.NAME]`.
    pub sagas: IndexMap<String, SagaDefinition>,
    /// `[scenarios.NAME]`.
    pub scenarios: IndexMap<String, ScenarioDefinition>,
}

/// What an application remembers of its file beside what runs: attached to it, for who knows files.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    /// The declared shapes of events, by type.
    pub(crate) schemas: HashMap<String, Schema>,
    pub(crate) scenarios: IndexMap<String, ScenarioDefinition>,
    pub(crate) laws: IndexMap<String, LawDefinition>,
}

/// An application file that was read, with everything that is wrong with it.
#[derive(Debug)]
pub struct ApplicationFile {
    /// What it declares, as far as it could be read.
    pub definition: Definition,
    /// Its values, texts and mistakes.
    pub evaluated: Evaluated,
}

impl ApplicationFile {
    /// Reads a file, and what it says of what the program registered.
    ///
    /// ```
    /// use trunkline::{ApplicationFile, Registered};
    /// use trunkline::config::{FixedClock, MemoryEnvironment, MemoryFiles, World};
    ///
    /// let files = MemoryFiles::new().with("app.tsk", "[commands.Open]\nstream: \"'door-' + comand.id\"\n");
    /// let environment = MemoryEnvironment::new();
    /// let world = World { loader: &files, environment: &environment, clock: &FixedClock(0) };
    /// let file = ApplicationFile::load("app.tsk", world, &Registered::default()).unwrap();
    /// let mistakes: Vec<String> = file.mistakes().map(|found| found.line(&file.evaluated.sources)).collect();
    /// assert_eq!(mistakes, ["line 2 col 20: there is no `comand` here; did you mean `command`?"]);
    /// ```
    pub fn load(name: &str, world: World<'_>, registered: &Registered) -> Result<Self, LoadError> {
        let mut evaluated = trunkline_config::load(name, world)?;
        if evaluated.misread {
            // What a key means is not asked while it isn't sure which keys there are.
            return Ok(Self { definition: Definition::default(), evaluated });
        }
        let (definition, found) = read(name, world, &evaluated, registered);
        let hooks = registered.hooks.check(&evaluated);
        evaluated.diagnostics.extend(hooks.into_iter().chain(found));
        evaluated.diagnostics.sort_by_key(Diagnostic::span);
        Ok(Self { definition, evaluated })
    }

    /// What makes the file unusable.
    pub fn mistakes(&self) -> impl Iterator<Item = &Diagnostic> {
        self.evaluated.diagnostics.iter().filter(|found| found.is_error())
    }
}

fn read(
    name: &str,
    world: World<'_>,
    evaluated: &Evaluated,
    registered: &Registered,
) -> (Definition, Vec<Diagnostic>) {
    let reader = Reader::new();
    let reading = Reading { sources: &evaluated.sources, registered, loader: world.loader };
    let mut root = reader.root(&evaluated.root);
    let mut definition = Definition { name: name.to_owned(), ..Definition::default() };
    let mut section = root.key("event_driven").section();
    for key in ["event_store", "message_queue", "projections", "sagas", "replay"] {
        definition.hooks.extend(section.key(key).read::<HookName>().map(|hook| hook.0));
    }
    section.finish();
    definition.event_store = event_store::read(&root.key("event_store"), &reading);
    definition.snapshots = snapshots::read(&root.key("snapshots"));
    definition.replay = replay::read(&root.key("replay"));
    let events::Events { present, links, upcasters } = events::read(&root.key("events"), &reading);
    (definition.events, definition.links, definition.upcasters) = (present, links, upcasters);
    definition.aggregates = aggregates::read(&root.key("aggregates"), &reading);
    definition.commands = commands::read(&root.key("commands"), &reading, &definition);
    handlers::read(&root.key("cqrs"), &reading, &mut definition);
    definition.read_db = read_db::read(&root.key("read_db"), &reading);
    definition.projections = projections::read(&root.key("projections"), &reading, &definition.read_db);
    definition.queries = queries::read(&root.key("queries"), &reading, &definition);
    definition.laws = laws::read(&root.key("laws"), &reading, &definition);
    definition.message_queue = messages::queue(&root.key("message_queue"), &reading);
    definition.consumers =
        messages::consumers(&root.key("consumers"), &reading, definition.message_queue.retry);
    definition.relays = messages::relays(&root.key("relay"), &reading);
    definition.sagas = sagas::read(&root.key("sagas"), &reading);
    // Those with mistakes too, which are no commands but no unknown names either.
    let declared: Vec<&str> =
        root.key("commands").section().each().into_iter().map(|(name, _)| name).collect();
    let projections = root.key("projections").section().each().len();
    definition.scenarios =
        scenarios::read(&root.key("scenarios"), &reading, &definition, &declared, projections);
    states::check(&mut root, &definition);
    wiring::check(&mut root, &reading, &definition, &declared);
    // After the wiring: that something reads an event doesn't make it one that there is.
    let read: Vec<String> = definition.read_events().collect();
    definition.upcasters = std::mem::take(&mut definition.upcasters).reading(read).declared_in(name);
    names::check(&mut root);
    locked::check(name, world, &root.key("events"), &definition);
    not_yet::read(&mut root);
    root.finish();
    (definition, reader.diagnostics())
}
