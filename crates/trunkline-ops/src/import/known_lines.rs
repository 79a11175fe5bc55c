//! Which lines of an append that is neither all new nor all known are there already.

use std::collections::{HashMap, HashSet};

use futures::TryStreamExt as _;
use trunkline_core::{EventId, StreamName};
use trunkline_store::{EventStore, ReadError, StreamRead};

use super::batch::Line;

/// Takes out the lines whose events their streams have already, and says which.
///
/// Every stream of the part is read once.
pub(super) async fn take_known(store: &dyn EventStore, part: &mut Vec<Line>) -> Result<Vec<u64>, ReadError> {
    let ids: HashSet<EventId> = part.iter().map(|line| line.event.event.event_id).collect();
    let mut there: HashMap<StreamName, HashSet<EventId>> = HashMap::new();
    for Line { event: line, .. } in &*part {
        if there.contains_key(&line.stream) {
            continue;
        }
        let mut found = HashSet::new();
        let mut events = store.read_stream(&line.stream, StreamRead::default());
        while let Some(event) = events.try_next().await? {
            if ids.contains(&event.event_id()) {
                found.insert(event.event_id());
            }
        }
        there.insert(line.stream.clone(), found);
    }
    let is_there = |line: &mut Line| there[&line.event.stream].contains(&line.event.event.event_id);
    Ok(part.extract_if(.., is_there).map(|line| line.number).collect())
}
