//! Typed deciders: one stream is loaded, one command decided.

use std::marker::PhantomData;
use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use trunkline_core::{
    Command, Decider, Event, EventType, Expected, NewEvent, RecordedEvent, StreamName, Version,
};
use trunkline_store::{EventStore, StreamRead};

use super::handler::{CommandContext, Decided, Handle, HandleError, Loaded};
use crate::{CommandRequest, Rejection};

/// A [`Decider`] as [`Handle`] of each of its commands.
pub(crate) struct DeciderHandler<D>(pub(crate) PhantomData<fn() -> D>);

impl<D: Decider> Handle for DeciderHandler<D> {
    fn handle<'a>(&'a self, context: CommandContext<'a>) -> BoxFuture<'a, Result<Decided, HandleError>> {
        Box::pin(async move {
            let command = command::<D>(context.request)?;
            let loaded = load::<D>(context.store, &D::id(&command)).await?;
            decide::<D>(loaded, command)
        })
    }

    fn stream(&self, context: CommandContext<'_>) -> Result<Option<StreamName>, HandleError> {
        let command = command::<D>(context.request)?;
        Ok(Some(stream_name(D::AGGREGATE, &D::id(&command))?))
    }
}

fn command<D: Decider>(request: &CommandRequest) -> Result<D::Command, Rejection> {
    let command = D::Command::from_data(&request.name, &request.data);
    let command = command.expect("a decider is asked for its own commands");
    command.map_err(|error| Rejection::data(error.to_string(), None))
}

/// The aggregate of this id.
pub(super) async fn load<D: Decider>(
    store: &Arc<dyn EventStore>,
    id: &str,
) -> Result<Loaded<D>, HandleError> {
    let stream = stream_name(D::AGGREGATE, id)?;
    let mut state = D::initial();
    let mut version = Version::EMPTY;
    let mut events = store.read_stream(&stream, StreamRead::default());
    while let Some(event) = events.next().await.transpose()? {
        version = event.version();
        // A type that is not among the decider's says nothing to it.
        if let Some(read) = D::Event::from_data(event.event_type(), event.data()) {
            let read = read.map_err(|error| unreadable(&event, &error.to_string()))?;
            state = D::evolve(state, &read);
        }
    }
    Ok(Loaded { stream, state, version })
}

/// The stream of an aggregate; an id that cannot be in a name is the caller's mistake.
fn stream_name(aggregate: &str, id: &str) -> Result<StreamName, Rejection> {
    StreamName::new(&format!("{aggregate}-{id}")).map_err(|error| Rejection::data(error.to_string(), None))
}

/// A stored event that the code cannot read: nothing can be decided until it can.
pub(crate) fn unreadable(event: &RecordedEvent, reason: &str) -> HandleError {
    HandleError::Unreadable(format!(
        "{} at position {} ({} version {}): {reason}",
        event.event_type(),
        event.position(),
        event.stream(),
        event.version()
    ))
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
