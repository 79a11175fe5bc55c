//! What every backend checks of an append before it judges it.

use std::collections::HashSet;

use trunkline_core::limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, EVENT_DATA_BYTES_MAX_DEFAULT, TAGS_MAX};
use trunkline_core::{Append, EventId};

use crate::AppendError;

/// Limits that a store can be configured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest data of one event, in bytes.
    pub event_data_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { event_data_bytes_max: EVENT_DATA_BYTES_MAX_DEFAULT }
    }
}

/// Refuses an append that is empty, names a stream or an id twice, or exceeds a limit.
pub fn check(append: &Append, limits: Limits) -> Result<(), AppendError> {
    let invalid = |reason: String| Err(AppendError::Invalid { reason });
    if append.writes.is_empty() {
        return invalid("it has no events; an append stores at least one".to_owned());
    }
    let count = append.events().count();
    if count > BATCH_EVENTS_MAX {
        return invalid(format!("it has {count} events, at most {BATCH_EVENTS_MAX} go into one append"));
    }
    if let Some(twice) = id_twice(append, count) {
        return invalid(format!("it has the event id {twice} twice"));
    }
    let mut streams = HashSet::new();
    let mut bytes = 0;
    for write in &append.writes {
        let stream = &write.stream;
        if write.events.is_empty() {
            return invalid(format!("it names stream `{stream}` without an event for it"));
        }
        if append.writes.len() > 1 && !streams.insert(stream) {
            return invalid(format!("it names stream `{stream}` twice; put its events into one write"));
        }
        for event in &write.events {
            if event.schema_version == 0 {
                return invalid(format!("the schema version of {} is 0; the first is 1", event.event_id));
            }
            // Trunkline's own are not counted: an event that had as many as may be, and its command's, can be copied.
            let tags = event.tags.iter().filter(|tag| !tag.is_system()).count();
            if tags > TAGS_MAX {
                return invalid(format!(
                    "{} has {tags} tags, at most {TAGS_MAX} are allowed",
                    event.event_id
                ));
            }
            if event.data.len() > limits.event_data_bytes_max {
                return Err(AppendError::TooLarge {
                    what: "event data",
                    bytes: event.data.len(),
                    bytes_max: limits.event_data_bytes_max,
                });
            }
        }
        bytes += write.bytes();
    }
    if bytes > BATCH_BYTES_MAX {
        return Err(AppendError::TooLarge { what: "batch", bytes, bytes_max: BATCH_BYTES_MAX });
    }
    Ok(())
}

/// An event id that one of these events shares with another.
fn id_twice(append: &Append, count: usize) -> Option<EventId> {
    if count < 2 {
        return None;
    }
    // As numbers, which are compared in a step each.
    let mut ids: Vec<_> =
        append.events().map(|event| u128::from_be_bytes(event.event_id.into_bytes())).collect();
    ids.sort_unstable();
    let twice = ids.windows(2).find(|pair| pair[0] == pair[1])?;
    Some(EventId::from_bytes(twice[0].to_be_bytes()))
}
