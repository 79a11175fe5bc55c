//! Building: what the program registered and what the file declares become one application.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use trunkline_core::EventShape;
use trunkline_core::saga::Behaviour;
use trunkline_core::upcast::{Link, Upcasters};
use trunkline_queue::MessageQueue;
use trunkline_sql::{InvalidModelName, Model, TypedProjection};
use trunkline_store::{LogStoreOptions, system_clock};

use super::builder::Wrap;
use super::queue::{AppQueue, Slot};
use super::{App, AppBuilder, BuildError, Messages};
use crate::command::Bus;
use crate::declared::{self, DeclaredSaga, Events};
use crate::file::{
    ConsumerDefinition, Definition, EventDefinition, Mapping, OnChange, OnError, ProjectionDefinition,
    QueueDefinition, SagaAction, SagaClasses, SagaDefinition, StoreDefinition, typed,
};
use crate::messages::{FileCheckpoints, MemoryCheckpoints, Relay, read_the_log};
use crate::middleware::{self, CommandService, Guard};
use crate::place::{OpenQueueOptions, OpenStore, Place, QueuePlace, ReadPlace};
use crate::projection::OwnStates;
use crate::query::Queries;
use crate::saga::{IndexPlace, Routes, Sagas};
use crate::snapshot::Snapshots;
use crate::{ApplicationFile, Projections, StateProjection};

pub(super) fn build(builder: AppBuilder) -> Result<App, BuildError> {
    let (builder, definition) = hooked(builder)?;
    let Definition {
        event_store,
        snapshots,
        events,
        links,
        aggregates,
        commands,
        command_handlers,
        query_handlers,
        read_db,
        mut projections,
        queries: declared_queries,
        sagas,
        scenarios,
        laws,
        mut consumers,
        relays,
        message_queue,
        ..
    } = definition;
    let mut handlers = Named::of("command", builder.commands, command_handlers, &builder.named_commands)?;
    let events = Arc::new(shapes(events, links.into_iter().chain(builder.links), &builder.shapes)?);
    let upcasters = events.upcasters.clone();
    for (name, handler) in declared::commands(aggregates, commands, &upcasters, snapshots.every) {
        handlers.add(name, handler)?;
    }
    let mut queries = Named::of("query", builder.queries, query_handlers, &builder.named_queries)?;
    let queue = queue(message_queue, builder.queue, builder.queue_place, builder.owner.as_deref());
    let (mut kept_in, mut checkpoints, mut sagas_in) =
        (builder.snapshots, builder.checkpoints, builder.saga_index);
    let (store, opened) = if let Some(store) = builder.store {
        (store, None)
    } else {
        let place = find(&event_store, builder.place)?;
        kept_in = kept_in.or_else(|| place.dsn.snapshots());
        sagas_in = sagas_in.or_else(|| place.dsn.sagas().map(IndexPlace::File));
        checkpoints = checkpoints.or_else(|| Some(Arc::new(FileCheckpoints::new(place.dsn.checkpoints()?))));
        let opened = open(&event_store, place, builder.owner)?;
        (Arc::clone(&opened.store), Some(Arc::new(opened)))
    };
    let clock = builder.clock.unwrap_or_else(|| Arc::new(system_clock));
    let read_place = ReadPlace::find(read_db.dsn.as_deref(), |name| std::env::var_os(name))
        .map_err(|error| BuildError::ReadDsn { error })?;
    add_typed(builder.projections, &mut projections)?;
    add_states(&builder.states, &mut projections)?;
    let checkpoints = checkpoints.unwrap_or_else(|| Arc::new(MemoryCheckpoints::default()));
    let own = OwnStates { all: builder.states, checkpoints: Arc::clone(&checkpoints) };
    let projections = Arc::new(Projections::new(
        Arc::clone(&store),
        Arc::clone(&clock),
        read_place.path,
        builder.read_database,
        projections,
        &own,
        &upcasters,
    ));
    for (name, definition) in declared_queries {
        let answer = declared::DeclaredQuery {
            query: Arc::new(definition.query),
            read_db: definition.read_db,
            projections: Arc::clone(&projections),
            time_limit: read_db.statement_timeout,
        };
        queries.add(name, Arc::new(answer))?;
    }
    let snapshots = snapshots.enabled.then(|| match &kept_in {
        Some(file) => Snapshots::open(file),
        None => Snapshots::memory(),
    });
    let saga_clock = Arc::clone(&clock);
    let bus = Arc::new(Bus::new(Arc::clone(&store), clock, events, snapshots, handlers.all));
    let commands = wrapped(&bus, builder.guard, builder.layers, builder.time_limit);
    let queries = Arc::new(Queries(queries.all));
    let messages = Messages {
        relays: all_relays(relays, &mut consumers, &upcasters),
        consumers: consumers.into_values().collect(),
        handlers: builder.message_handlers,
        checkpoints,
    };
    let routes = routes(sagas, builder.sagas, &builder.saga_classes, &upcasters)?;
    let checkpoints = Arc::clone(&messages.checkpoints);
    let sagas = Sagas::new(routes, Arc::clone(&store), saga_clock, checkpoints, sagas_in.unwrap_or_default());
    let (sagas, scenarios, laws, messages, queue) =
        (Arc::new(sagas), Arc::new(scenarios), Arc::new(laws), Arc::new(messages), Arc::new(queue));
    Ok(App {
        store,
        opened,
        bus,
        commands,
        queries,
        projections,
        upcasters,
        sagas,
        scenarios,
        laws,
        messages,
        queue,
    })
}

/// What the file declares, and the builder as the file's hooks leave it.
fn hooked(mut builder: AppBuilder) -> Result<(AppBuilder, Definition), BuildError> {
    let definition = match builder.file.take() {
        Some(file) if file.mistakes().next().is_some() => {
            return Err(BuildError::File(Box::new(file.evaluated)));
        }
        Some(ApplicationFile { definition, .. }) => definition,
        None => Definition::default(),
    };
    for name in &definition.hooks {
        // Those that every program has leave all as the file says.
        if let Some(hook) = builder.hooks.get(name).cloned() {
            let failed =
                |error: super::HookError| BuildError::Hook { hook: name.clone(), reason: error.to_string() };
            builder = hook(builder).map_err(failed)?;
        }
    }
    Ok((builder, definition))
}

/// The relays of the file, and those that its consumers of the log need.
fn all_relays(
    declared: IndexMap<String, Relay>,
    consumers: &mut IndexMap<String, ConsumerDefinition>,
    upcasters: &Upcasters,
) -> Vec<Relay> {
    let mut relays: Vec<Relay> = declared.into_values().collect();
    let takers = consumers.values_mut().map(|definition| &mut definition.consumer);
    relays.extend(read_the_log(takers, &relays).expect("names were checked when the file was read"));
    relays.into_iter().map(|relay| Relay { upcasters: upcasters.clone(), ..relay }).collect()
}

/// Where messages wait; not opened before they are needed.
fn queue(
    definition: QueueDefinition,
    given: Option<Arc<dyn MessageQueue>>,
    place: Option<QueuePlace>,
    owner: Option<&str>,
) -> AppQueue {
    if let Some(queue) = given {
        return AppQueue::Given(queue);
    }
    let mut options = OpenQueueOptions::default();
    if let Some(owner) = owner {
        owner.clone_into(&mut options.owner);
    }
    if let Some(ttl) = definition.dead_letter_ttl {
        options.dead_letter_ttl = ttl;
    }
    AppQueue::Found { place, file: definition.dsn, options, opened: Slot::default() }
}

/// The bus behind the program's middleware: observed, limited in time, wrapped by what was registered, allowed.
fn wrapped(
    bus: &Arc<Bus>,
    guard: Option<Guard>,
    layers: Vec<Wrap>,
    time_limit: Option<Duration>,
) -> CommandService {
    let mut service = middleware::bus(Arc::clone(bus));
    if let Some(guard) = guard {
        service = middleware::authorize(service, guard);
    }
    for wrap in layers {
        service = wrap(service);
    }
    if let Some(limit) = time_limit {
        service = middleware::limit_time(service, limit);
    }
    middleware::observe(service, bus)
}

/// The sagas that the file declares or names, and those of the program.
fn routes(
    declared: IndexMap<String, SagaDefinition>,
    registered: Vec<(String, Arc<dyn Behaviour>)>,
    classes: &SagaClasses,
    upcasters: &Upcasters,
) -> Result<Routes, BuildError> {
    let mut behaviours: BTreeMap<String, Arc<dyn Behaviour>> = BTreeMap::new();
    for (name, definition) in declared {
        let behaviour: Arc<dyn Behaviour> = match definition.action {
            SagaAction::Steps(steps) => Arc::new(DeclaredSaga(*steps)),
            SagaAction::Class(class) => match classes.get(&class) {
                Some(behaviour) => Arc::clone(behaviour),
                // The plain binary was warned, and can do all that isn't about this saga.
                None => continue,
            },
        };
        behaviours.insert(name, behaviour);
    }
    for (name, behaviour) in registered {
        if behaviours.insert(name.clone(), behaviour).is_some() {
            return Err(BuildError::HandledTwice { what: "saga", name });
        }
    }
    Ok(Routes::new(behaviours, upcasters.clone()))
}

/// What is known of the shapes of events: the file's and the program's knowledge together.
fn shapes(
    declared: IndexMap<String, EventDefinition>,
    links: impl Iterator<Item = Link>,
    written: &[&'static EventShape],
) -> Result<Events, BuildError> {
    let links: Vec<Link> = links.collect();
    let mut present: IndexMap<String, u32> =
        declared.iter().map(|(name, event)| (name.clone(), event.version)).collect();
    for EventShape { event_type, version, .. } in written {
        match present.get(*event_type) {
            Some(file) if file != version => {
                let (program, file) = (*version, *file);
                return Err(BuildError::EventVersion { event_type, program, file });
            }
            // Without links, serde reads what it can.
            None if links.iter().any(|link| link.event_type() == *event_type) => {
                present.insert((*event_type).to_owned(), *version);
            }
            _ => {}
        }
    }
    let upcasters = Upcasters::to(links, present).map_err(|errors| BuildError::Upcasts { errors })?;
    Ok(Events { declared, upcasters })
}

/// Adds the projections that the program registered under their own names.
fn add_typed(
    registered: Vec<(String, Arc<dyn TypedProjection>)>,
    projections: &mut IndexMap<String, ProjectionDefinition>,
) -> Result<(), BuildError> {
    for (name, code) in registered {
        let model =
            typed(&name, code).map_err(|reason| BuildError::Projection { name: name.clone(), reason })?;
        add(name, model, projections)?;
    }
    Ok(())
}

/// Adds the projections over state of the program's own, which have no tables.
fn add_states(
    registered: &[(String, Arc<dyn StateProjection>)],
    projections: &mut IndexMap<String, ProjectionDefinition>,
) -> Result<(), BuildError> {
    for (name, code) in registered {
        let wanted = code.event_types().iter().map(|event| ((*event).to_owned(), Vec::new()));
        let model = Model::new(name, Vec::new(), wanted.collect());
        let failed = |error: InvalidModelName| BuildError::Projection {
            name: name.clone(),
            reason: error.to_string(),
        };
        add(name.clone(), model.map_err(failed)?, projections)?;
    }
    Ok(())
}

fn add(
    name: String,
    model: Model,
    projections: &mut IndexMap<String, ProjectionDefinition>,
) -> Result<(), BuildError> {
    let definition = ProjectionDefinition {
        model: Arc::new(model),
        read_db: None,
        idempotent: false,
        on_error: OnError::default(),
        on_change: OnChange::default(),
    };
    if projections.insert(name.clone(), definition).is_some() {
        let reason = "there is another one of this name".to_owned();
        return Err(BuildError::Projection { name, reason });
    }
    Ok(())
}

fn find(definition: &StoreDefinition, place: Option<Place>) -> Result<Place, BuildError> {
    match place {
        Some(place) => Ok(place),
        None => Place::find(None, definition.dsn.as_deref(), |name| std::env::var_os(name))
            .map_err(|error| BuildError::Dsn { error }),
    }
}

fn open(definition: &StoreDefinition, place: Place, owner: Option<String>) -> Result<OpenStore, BuildError> {
    let defaults = LogStoreOptions::default();
    let options = LogStoreOptions {
        segment_bytes: definition.segment_bytes.unwrap_or(defaults.segment_bytes),
        sync: !definition.never_sync,
        owner: owner.unwrap_or(defaults.owner),
        ..LogStoreOptions::default()
    };
    if definition.never_sync {
        tracing::warn!(%place, "sync is \"never\": a power cut loses events that were acknowledged");
    }
    OpenStore::for_appending(&place.dsn, options).map_err(|source| BuildError::Open { place, source })
}

/// Handlers by name, each name once.
struct Named<T: ?Sized> {
    what: &'static str,
    all: HashMap<String, Arc<T>>,
}

impl<T: ?Sized> Named<T> {
    /// What the program registered under its own name, and what the file gives names to.
    fn of(
        what: &'static str,
        registered: Vec<(String, Arc<T>)>,
        mappings: Vec<Mapping>,
        named: &BTreeMap<String, Arc<T>>,
    ) -> Result<Self, BuildError> {
        let mut all = Self { what, all: HashMap::new() };
        for (name, handler) in registered {
            all.add(name, handler)?;
        }
        for Mapping { name, handler, .. } in mappings {
            if let Some(handler) = named.get(&handler) {
                all.add(name, Arc::clone(handler))?;
            }
        }
        Ok(all)
    }

    fn add(&mut self, name: String, handler: Arc<T>) -> Result<(), BuildError> {
        match self.all.entry(name) {
            Entry::Occupied(entry) => {
                Err(BuildError::HandledTwice { what: self.what, name: entry.key().clone() })
            }
            Entry::Vacant(entry) => {
                entry.insert(handler);
                Ok(())
            }
        }
    }
}
