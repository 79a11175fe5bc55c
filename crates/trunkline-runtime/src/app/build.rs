//! Building: what the program registered and what the file declares become one application.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use trunkline_core::upcast::{Link, Upcasters};
use trunkline_core::{EventShape, SystemClock};
use trunkline_sql::{Model, TypedProjection};

use super::builder::Wrap;
use super::open::{self, Resources, Supplied};
use super::{App, AppBuilder, BuildError, Messages, wiring};
use crate::backend::Access;
use crate::command::{Bus, Events};
use crate::follow::{Activity, Replay, Tail};
use crate::messages::{Consumer, ConsumerAction, Relay, read_the_log};
use crate::middleware::{self, CommandService, Guard};
use crate::projection::{OwnStates, ReadModels};
use crate::query::Queries;
use crate::saga::{Routes, Sagas};
use crate::{ProjectionDefinition, Projections, StateProjection};

pub(super) async fn build(builder: AppBuilder) -> Result<App, BuildError> {
    let builder = installed(builder)?;
    let upcasters = upcasters(&builder.events, &builder.links, &builder.shapes)?;
    wiring::check(&builder, &upcasters)?;
    // Only now: that something reads an event doesn't make it one that there is.
    let is_written =
        |event_type: &&String| builder.shapes.iter().any(|shape| shape.event_type == **event_type);
    let read = builder.read_events.iter().filter(|event_type| !is_written(event_type));
    let upcasters = upcasters.reading(read.cloned()).declared_in(&builder.declared_in);
    let settings = builder.settings;
    let handlers = each_once("command", builder.commands)?;
    let events = Arc::new(Events { rules: builder.event_rules, upcasters: upcasters.clone() });
    let queries = Queries(each_once("query", builder.queries)?);
    let supplied = Supplied {
        store: builder.store,
        queue: builder.queue,
        checkpoints: builder.checkpoints,
        snapshots: builder.snapshots,
        saga_index: builder.saga_index,
    };
    let writes = matches!(builder.opening.access, Access::Append);
    let resources = open::open(supplied, builder.opening, &builder.backends, &settings).await?;
    let Resources { store, opened, queue, read_models, reach, home } = resources;
    let clock = builder.clock.unwrap_or_else(|| Arc::new(SystemClock));
    let projections = projections(builder.projections, builder.typed_projections, &builder.states)?;
    let own = OwnStates { all: builder.states, checkpoints: Arc::clone(&home.checkpoints) };
    let (tail, activity) =
        (Arc::new(Tail::replaying(Arc::clone(&store), Replay::new(settings.replay))), Activity::default());
    let projections = Arc::new(Projections::new(
        Arc::clone(&tail),
        Arc::clone(&clock),
        ReadModels { backends: builder.backends, reach, place: read_models, given: builder.read_database },
        projections,
        &own,
        &upcasters,
    ));
    let snapshots = settings.snapshots.then(|| Arc::clone(&home.snapshots));
    let saga_clock = Arc::clone(&clock);
    let handled = handlers.keys().cloned().collect();
    let bus = Arc::new(Bus::new(Arc::clone(&store), clock, events, snapshots, handlers));
    let commands = wrapped(&bus, builder.guard, builder.layers, builder.time_limit);
    let mut consumers = builder.consumers;
    let relays = all_relays(builder.relays, &mut consumers, &upcasters)?;
    let sagas = each_once("saga", builder.sagas)?;
    let renamed = renamed(builder.sagas_were, &sagas)?;
    let routes = Routes::new(sagas.into_iter().collect(), renamed, upcasters.clone(), &handled);
    let sagas = Sagas::new(routes, &tail, &activity, saga_clock, &home, builder.sagas_start_from);
    if writes {
        // Before anything else is appended: what is appended from now on starts them.
        sagas.declare().await.map_err(|error| BuildError::Sagas { error: Box::new(error) })?;
    }
    Ok(App {
        store,
        opened,
        bus,
        commands,
        queries: Arc::new(queries),
        projections,
        upcasters,
        sagas: Arc::new(sagas),
        attached: Arc::new(builder.attached),
        messages: Arc::new(Messages { relays, consumers, checkpoints: home.checkpoints, tail, activity }),
        queue: Arc::new(queue),
    })
}

/// The builder with all that is to be installed, which comes before what the program registered.
fn installed(mut builder: AppBuilder) -> Result<AppBuilder, BuildError> {
    let (projections, links) = (mem::take(&mut builder.projections), mem::take(&mut builder.links));
    for brings in mem::take(&mut builder.installs) {
        builder = brings.install(builder)?;
    }
    builder.projections.extend(projections);
    builder.links.extend(links);
    Ok(builder)
}

/// All relays: those that were registered, and those that consumers of the log need.
fn all_relays(
    mut relays: Vec<Relay>,
    consumers: &mut [(Consumer, ConsumerAction)],
    upcasters: &Upcasters,
) -> Result<Vec<Relay>, BuildError> {
    let takers = consumers.iter_mut().map(|(consumer, _)| consumer);
    let of_the_log = read_the_log(takers, &relays).map_err(|error| BuildError::Group { error })?;
    relays.extend(of_the_log);
    Ok(relays.into_iter().map(|relay| Relay { upcasters: upcasters.clone(), ..relay }).collect())
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

/// How stored events become today's, by what is declared and what deciders write.
fn upcasters(
    declared: &BTreeMap<String, u32>,
    links: &[Link],
    written: &[&'static EventShape],
) -> Result<Upcasters, BuildError> {
    let mut present = declared.clone();
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
    Upcasters::to(links.iter().cloned(), present).map_err(|errors| BuildError::Upcasts { errors })
}

/// All projections, each name once: those with statements, those that are code, and those over state of the program's
/// own, which have no tables.
fn projections(
    definitions: Vec<ProjectionDefinition>,
    typed: Vec<(String, Arc<dyn TypedProjection>)>,
    states: &[(String, Arc<dyn StateProjection>)],
) -> Result<IndexMap<String, ProjectionDefinition>, BuildError> {
    let failed = |name: &str, reason: String| BuildError::Projection { name: name.to_owned(), reason };
    let mut all = definitions;
    for (name, code) in typed {
        all.push(ProjectionDefinition::typed(&name, code).map_err(|reason| failed(&name, reason))?);
    }
    for (name, code) in states {
        let wanted = code.event_types().iter().map(|event| ((*event).to_owned(), Vec::new()));
        let model = Model::new(name, Vec::new(), wanted.collect());
        all.push(ProjectionDefinition::new(model.map_err(|error| failed(name, error.to_string()))?));
    }
    let mut by_name = IndexMap::with_capacity(all.len());
    for definition in all {
        let name = definition.model.name().to_owned();
        if by_name.contains_key(&name) {
            return Err(failed(&name, "there is another one of this name".to_owned()));
        }
        // Read databases take such names for one.
        let is_mistaken = |other: &&String| other.eq_ignore_ascii_case(&name);
        if let Some(other) = by_name.keys().find(is_mistaken) {
            return Err(failed(&name, format!("its name differs from \"{other}\" by case alone")));
        }
        by_name.insert(name, definition);
    }
    Ok(by_name)
}

/// What sagas are called today, by the names that they had: each is one's alone, and no saga's today.
fn renamed<T: ?Sized>(
    were: Vec<(String, String)>,
    today: &HashMap<String, Arc<T>>,
) -> Result<BTreeMap<String, String>, BuildError> {
    let mut renamed = BTreeMap::new();
    for (was, name) in were {
        let taken = today.contains_key(&was) || renamed.get(&was).is_some_and(|other| *other != name);
        if taken {
            return Err(BuildError::HandledTwice { what: "saga", name: was });
        }
        renamed.insert(was, name);
    }
    Ok(renamed)
}

/// What was registered by names, each name once.
fn each_once<T: ?Sized>(
    what: &'static str,
    registered: Vec<(String, Arc<T>)>,
) -> Result<HashMap<String, Arc<T>>, BuildError> {
    let mut all = HashMap::with_capacity(registered.len());
    for (name, one) in registered {
        match all.entry(name) {
            Entry::Occupied(entry) => {
                return Err(BuildError::HandledTwice { what, name: entry.key().clone() });
            }
            Entry::Vacant(entry) => drop(entry.insert(one)),
        }
    }
    Ok(all)
}
