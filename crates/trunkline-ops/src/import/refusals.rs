//! What in a batch will be refused, found before anything is stored.
//!
//! A batch that goes into the store in several appends could be refused half-way.
//! So that nothing of a failing batch is kept, its versions are compared with the store's, and its ids with
//! each other, before the first append.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use futures::TryStreamExt as _;
use trunkline_core::{EventId, StreamName, Version};
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
                if first.event.stream == *stream {
                    continue;
                }
                return Ok(Some((line.number, same_id(first))));
            }
            Entry::Vacant(entry) => _ = entry.insert(line),
        }
        let known = match versions.get(stream) {
            Some(known) => *known,
            None => Some(store.version(stream).await?),
        };
        let known = match (known, line.event.version) {
            (Some(found), Some(version)) if version == found.next() => Some(version),
            (Some(found), Some(version)) if version <= found && is_there(store, line, version).await? => {
                known
            }
            (Some(found), Some(version)) => {
                return Ok(Some((line.number, mismatch(stream, version, found))));
            }
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

/// Whether the stream has the line's event at that version.
async fn is_there(store: &dyn EventStore, line: &Line, version: Version) -> Result<bool, ReadError> {
    let read = StreamRead { from: version, to: version, limit: Some(1), ..StreamRead::default() };
    let found = store.read_stream(&line.event.stream, read).try_next().await?;
    Ok(found.is_some_and(|event| event.event_id() == line.event.event.event_id))
}
