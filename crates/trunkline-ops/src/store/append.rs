//! One event to a stream.

use serde::Serialize;
use trunkline_core::{Append, EventId, Expected, NewEvent, Position, StreamName, Version};
use trunkline_store::{AppendError, EventStore};

/// Where an event stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppendReport {
    /// Its stream.
    pub stream: StreamName,
    /// Its place there.
    pub version: Version,
    /// Its place in the store.
    pub position: Position,
    /// Its id.
    pub event_id: EventId,
    /// Whether it had been stored before.
    pub repeated: bool,
}

/// Appends an event to a stream that is as expected.
pub async fn append(
    store: &dyn EventStore,
    stream: StreamName,
    expected: Expected,
    event: NewEvent,
) -> Result<AppendReport, AppendError> {
    let event_id = event.event_id;
    let appended = store.append(Append::to(stream.clone(), expected).event(event)).await?;
    let version = appended.versions.first().copied().expect("one version for each write");
    Ok(AppendReport { stream, version, position: appended.position, event_id, repeated: appended.repeated })
}
