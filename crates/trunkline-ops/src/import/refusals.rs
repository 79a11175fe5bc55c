//! What in a batch will be refused, found before anything is stored.
//!
//! A batch that goes into the store in several appends could be refused half-way.
//! So that nothing of a failing batch is kept, its versions are compared with the store's, and its ids with
//! each other, before the first append.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use futures::TryStreamExt as _;
use trunkline_core::data::is_same;
use trunkline_core::{EventId, Position, RecordedEvent, StreamName, Version};
use trunkline_store::{EventStore, EventStoreExt as _, ReadError, StreamRead};

use super::batch::Line;

/// The first line that will be refused, and why, if there is one.
pub(super) async fn refused(
    store: &dyn EventStore,
    lines: impl IntoIterator<Item = &Line>,
) -> Result<Option<(u64, String)>, ReadError> {
    let mut ids: HashMap<EventId, &Line> = HashMap::new();
    // Of a stream with a line that doesn't tell whether it is new, nothing more is known.
    let mut versions: HashMap<&StreamName, Option<Version>> = HashMap::new();
    for line in lines {
        let stream = &line.event.stream;
        match ids.entry(line.event.event.event_id) {
            Entry::Occupied(first) => {
                let first = *first.get();
                if first.event.stream != *stream {
                    return Ok(Some((line.number, same_id(first))));
                }
                if !is_same_event(first, line) {
                    return Ok(Some((line.number, reused(line, &format!("line {}", first.number)))));
                }
                continue;
            }
            Entry::Vacant(entry) => _ = entry.insert(line),
        }
        let known = match versions.get(stream) {
            Some(known) => *known,
            None => Some(store.version(stream).await?),
        };
        let known = match (known, line.event.version) {
            (Some(found), Some(version)) if version == found.next() => Some(version),
            (Some(found), Some(version)) => match there(store, line, version).await? {
                Some(event) if line.event.event.is_same_as(&event) => known,
                Some(event) => return Ok(Some((line.number, reused_at(line, event.position())))),
                None => return Ok(Some((line.number, mismatch(stream, version, found)))),
            },
            (None, _) | (_, None) => None,
        };
        versions.insert(stream, known);
    }
    Ok(None)
}

/// Why an event cannot have the id of another stream's.
fn same_id(first: &Line) -> String {
    let (id, line, stream) = (first.event.event.event_id, first.number, &first.event.stream);
    format!("event id {id} is that of line {line}, which belongs to stream `{stream}`")
}

/// Why an event cannot get this version in a stream that is at another.
pub(super) fn mismatch(stream: &StreamName, version: Version, found: Version) -> String {
    format!("version {version} would come out as {}: stream `{stream}` is at version {found}", found.next())
}

/// Why an event cannot have the id of another in its stream.
fn reused(line: &Line, holder: &str) -> String {
    let id = line.event.event.event_id;
    format!("event id {id} is that of {holder}, which has another type or other data")
}

/// Why an event cannot have the id of the one at this position.
pub(super) fn reused_at(line: &Line, position: Position) -> String {
    reused(line, &format!("the event at position {position}"))
}

fn is_same_event(one: &Line, other: &Line) -> bool {
    let (one, other) = (&one.event.event, &other.event.event);
    one.event_type == other.event_type && is_same(&one.data, &other.data)
}

/// The event that the stream has at that version, if it has the line's id.
async fn there(
    store: &dyn EventStore,
    line: &Line,
    version: Version,
) -> Result<Option<RecordedEvent>, ReadError> {
    let read = StreamRead { from: version, to: version, limit: Some(1), ..StreamRead::default() };
    let found = store.read_stream(&line.event.stream, read).try_next().await?;
    Ok(found.filter(|event| event.event_id() == line.event.event.event_id))
}
