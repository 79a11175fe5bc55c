//! Which lines of an append that is neither all new nor all known are there already, as they are.

use std::collections::{HashMap, HashSet};

use futures::TryStreamExt as _;
use trunkline_core::EventId;
use trunkline_core::json::LineEvent;
use trunkline_store::{EventStore, ReadError, StreamRead};

use super::batch::Line;

/// Takes out the lines whose events their streams have already, and says which.
///
/// Every stream of the part is read once.
pub(super) async fn take_known(store: &dyn EventStore, part: &mut Vec<Line>) -> Result<Vec<u64>, ReadError> {
    let lines: HashMap<EventId, &LineEvent> =
        part.iter().map(|line| (line.event.event.event_id, &line.event)).collect();
    let (mut read, mut there) = (HashSet::new(), HashSet::new());
    for Line { event: line, .. } in &*part {
        if !read.insert(&line.stream) {
            continue;
        }
        let mut events = store.read_stream(&line.stream, StreamRead::default());
        while let Some(event) = events.try_next().await? {
            let same =
                |line: &&LineEvent| line.stream.as_str() == event.stream() && line.event.is_same_as(&event);
            if lines.get(&event.event_id()).is_some_and(same) {
                there.insert(event.event_id());
            }
        }
    }
    let is_there = |line: &mut Line| there.contains(&line.event.event.event_id);
    Ok(part.extract_if(.., is_there).map(|line| line.number).collect())
}
