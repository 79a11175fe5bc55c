//! Typed deciders: one stream is loaded, one command decided.

use bytes::Bytes;
use futures::future::BoxFuture;
use trunkline_core::{
    Command, Decider, Event, EventShape, EventType, Expected, NewEvent, RecordedEvent, StreamName,
};

use super::handler::{CommandContext, CommandLogic, Decided, HandleError, Loaded};
use crate::snapshot::{Folded, Revision, SnapshotPlan};
use crate::{CommandRequest, Rejection, Snapshot};

/// A [`Decider`] as [`CommandLogic`] of each of its commands.
pub(crate) struct DeciderHandler<D: Decider> {
    keeping: Option<Keeping<D::State>>,
}

/// How a decider's states are kept.
struct Keeping<S> {
    revision: u32,
    every: u64,
    write: fn(&S) -> Option<Bytes>,
    read: fn(Bytes) -> Option<S>,
}

impl<D: Decider> DeciderHandler<D> {
    /// Without snapshots.
    pub(crate) fn new() -> Self {
        Self { keeping: None }
    }
}

impl<D: Snapshot> DeciderHandler<D> {
    /// With snapshots.
    pub(crate) fn with_snapshots() -> Self {
        let keeping = Keeping {
            revision: D::REVISION,
            every: D::EVERY,
            write: |state| serde_json::to_vec(state).ok().map(Bytes::from),
            read: |json| serde_json::from_slice(&json).ok(),
        };
        Self { keeping: Some(keeping) }
    }
}

impl<D: Decider> CommandLogic for DeciderHandler<D> {
    fn handle<'a>(&'a self, context: CommandContext<'a>) -> BoxFuture<'a, Result<Decided, HandleError>> {
        Box::pin(async move {
            let command = command::<D>(context.request)?;
            let loaded = load_with::<D>(&context, &D::id(&command), self.keeping.as_ref()).await?;
            decide::<D>(loaded, command)
        })
    }

    fn stream(&self, context: CommandContext<'_>) -> Result<Option<StreamName>, HandleError> {
        let command = command::<D>(context.request)?;
        Ok(Some(stream_name(D::AGGREGATE, &D::id(&command))?))
    }

    fn emits(&self) -> Option<Vec<String>> {
        Some(D::Event::SHAPES.iter().map(|shape| shape.event_type.to_owned()).collect())
    }
}

fn command<D: Decider>(request: &CommandRequest) -> Result<D::Command, Rejection> {
    let command = D::Command::from_data(&request.name, &request.data);
    let command = command.expect("a decider is asked for its own commands");
    command.map_err(|error| Rejection::data(error.to_string(), None))
}

/// The aggregate of this id.
pub(super) async fn load<D: Decider>(
    context: &CommandContext<'_>,
    id: &str,
) -> Result<Loaded<D>, HandleError> {
    load_with(context, id, None).await
}

async fn load_with<D: Decider>(
    context: &CommandContext<'_>,
    id: &str,
    keeping: Option<&Keeping<D::State>>,
) -> Result<Loaded<D>, HandleError> {
    let stream = stream_name(D::AGGREGATE, id)?;
    let plan = keeping.map(|keeping| SnapshotPlan {
        every: keeping.every,
        revision: revision::<D>(keeping.revision, context),
        write: &keeping.write,
        read: &keeping.read,
    });
    let evolve = |state, event: &RecordedEvent| {
        // A type that is not among the decider's says nothing to it.
        let Some(read) = D::Event::from_data(event.event_type(), event.data()) else { return Ok(state) };
        let read = read.map_err(|error| HandleError::unreadable(event, &error.to_string()))?;
        Ok(D::evolve(state, &read))
    };
    let Folded { state, version } = context.fold(&stream, D::initial(), evolve, plan).await?;
    Ok(Loaded { stream, state, version })
}

/// Types that get another version get other data; the rest is for the program to say.
fn revision<D: Decider>(revision: u32, context: &CommandContext<'_>) -> Revision {
    let mut made_by = format!("typed 1\n{revision}\n");
    for EventShape { event_type, version, .. } in D::Event::SHAPES {
        made_by.extend([event_type, " ", &version.to_string(), "\n"]);
    }
    made_by.push_str(&context.events.upcasters.to_string());
    Revision::of(&made_by)
}

/// The stream of an aggregate; an id that cannot be in a name is the caller's mistake.
fn stream_name(aggregate: &str, id: &str) -> Result<StreamName, Rejection> {
    StreamName::new(&format!("{aggregate}-{id}")).map_err(|error| Rejection::data(error.to_string(), None))
}

pub(super) fn decide<D: Decider>(loaded: Loaded<D>, command: D::Command) -> Result<Decided, HandleError> {
    let Loaded { stream, state, version } = loaded;
    let events = D::decide(&state, command).map_err(|reason| Rejection::rule(reason.to_string()))?;
    if events.is_empty() {
        return Ok(Decided::default());
    }
    let events = events.iter().map(to_new).collect::<Result<Vec<_>, _>>()?;
    Ok(Decided::append(stream, Expected::At(version), events))
}

fn to_new<E: Event>(event: &E) -> Result<NewEvent, HandleError> {
    let shape = event.shape();
    let event_type = EventType::new(shape.event_type).map_err(HandleError::failed)?;
    let data = event.to_data().map_err(HandleError::failed)?;
    Ok(NewEvent { schema_version: shape.version, ..NewEvent::new(event_type, data) })
}
