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
    let mut ids = Vec::with_capacity(count);
    ids.extend(append.events().map(|event| number(event.event_id)));
    twice(ids).map(|id| EventId::from_bytes(id.to_be_bytes()))
}

/// The id as a number, which is compared in a step.
fn number(id: EventId) -> u128 {
    u128::from_be_bytes(id.into_bytes())
}

/// One of these numbers that is there twice.
fn twice(mut ids: Vec<u128>) -> Option<u128> {
    if all_differ(&ids) == Some(true) {
        return None;
    }
    ids.sort_unstable();
    ids.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// Odd numbers without a pattern.
const FACTORS: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F];

/// Whether these ids all differ, found out without sorting them; `None` when so many come to the same place of a table
/// that sorting is quicker: ids are chosen outside, and could be chosen to do so.
fn all_differ(ids: &[u128]) -> Option<bool> {
    /// More places than this after its own are not looked at for an id.
    const STEPS_MAX: usize = 32;

    // Three quarters of the places stay free, at least. A place has the number of its id, counted from 1.
    let places = (4 * ids.len()).next_power_of_two();
    let mut table = vec![0_u32; places];
    for (number, id) in ids.iter().enumerate() {
        let [high, low] = [(*id >> 64) as u64, *id as u64];
        let mixed = (high.wrapping_mul(FACTORS[0]) ^ low).wrapping_mul(FACTORS[1]);
        let first = (mixed >> 32) as usize;
        let mut steps = 0;
        loop {
            let place = &mut table[(first + steps) & (places - 1)];
            if *place == 0 {
                *place = number as u32 + 1;
                break;
            }
            if ids[*place as usize - 1] == *id {
                return Some(false);
            }
            steps += 1;
            if steps > STEPS_MAX {
                return None;
            }
        }
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_id_twice_among_many_is_found_wherever_it_is() {
        let ids: Vec<u128> = (0..300).map(|number: u128| number.wrapping_mul(u128::MAX / 7)).collect();
        assert_eq!(all_differ(&ids), Some(true));
        for (number, other) in [(0, 1), (0, 299), (17, 170), (298, 299)] {
            let mut ids = ids.clone();
            ids[number] = ids[other];
            assert_eq!(all_differ(&ids), Some(false), "{number} is as {other}");
        }
    }

    #[test]
    fn as_many_ids_as_an_append_may_have_are_told_apart_without_sorting() {
        let ids: Vec<u128> = (0..BATCH_EVENTS_MAX).map(|_| EventId::generate()).map(number).collect();
        assert_eq!(all_differ(&ids), Some(true));
        let counted: Vec<u128> = (0..BATCH_EVENTS_MAX as u128).collect();
        assert_eq!(all_differ(&counted), Some(true));
    }

    #[test]
    fn ids_that_come_to_one_place_are_sorted() {
        // The lower half of each takes back what the higher half does.
        let lower = |higher: u64| higher.wrapping_mul(FACTORS[0]);
        let mut ids: Vec<u128> =
            (0..200).map(|higher| u128::from(higher) << 64 | u128::from(lower(higher))).collect();
        assert_eq!((all_differ(&ids), twice(ids.clone())), (None, None));
        ids[150] = ids[3];
        assert_eq!((all_differ(&ids), twice(ids.clone())), (None, Some(ids[3])));
    }
}
