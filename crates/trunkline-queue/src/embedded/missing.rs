//! What shows that a segment is missing.
//!
//! The other files of a queue are each written after the segment that they speak of has its name on the disk, synced:
//! the numbers after the first one, a segment's index after the next one, a state after the one of its number. The last
//! segment is never removed. So no crash leaves any of them without it, and it was removed from outside.

use std::collections::BTreeMap;

use trunkline_log::disk::Disk;

use super::OpenError;
use super::index::{self, index_name, index_number};
use super::journal::{Segment, segment_name};
use super::numbers;
use super::snapshot::{state_name, state_number};

/// A segment that there was, and the file that shows it; none when all of a folder's files may be there without one.
pub(crate) fn remains(names: &[String]) -> Option<(u32, String)> {
    let numbers = names.iter().any(|name| name == numbers::FILE).then(|| (1, numbers::FILE.to_owned()));
    let states =
        names.iter().filter_map(|name| state_number(name)).map(|number| (number, state_name(number)));
    let indexes = names
        .iter()
        .filter_map(|name| index_number(name))
        .map(|number| (number.saturating_add(1), index_name(number)));
    numbers.into_iter().chain(states).chain(indexes).max_by_key(|(number, _)| *number)
}

/// Refuses segments of which one is missing: one since the state, or one after the last.
pub(crate) fn check(
    disk: &dyn Disk,
    segments: &BTreeMap<u32, Segment>,
    state: Option<u32>,
) -> Result<(), OpenError> {
    let Some((&last, segment)) = segments.last_key_value() else { return Ok(()) };
    let of_state = state.map(state_name);
    let first = state.unwrap_or(1);
    if let Some(gone) = (first..last).find(|number| !segments.contains_key(number)) {
        return Err(error(disk, gone, of_state.unwrap_or_else(|| segment_name(last))));
    }
    if let Some(witness) = of_state.filter(|_| first > last) {
        return Err(error(disk, first, witness));
    }
    // One of another segment, of a queue that was here before, shows nothing.
    if index::load(disk, &segment.header, None).is_some() {
        return Err(error(disk, last.saturating_add(1), index_name(last)));
    }
    Ok(())
}

/// That a segment is missing.
pub(crate) fn error(disk: &dyn Disk, segment: u32, witness: String) -> OpenError {
    OpenError::Missing { file: segment_name(segment), folder: disk.name(), witness }
}
