//! What shows that a segment is missing, or is another than it was.
//!
//! A state lists the segments before it that have messages which some group has not finished; none of those is removed
//! before there is a newer state.
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

/// What a state says of the files that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    /// The queue's id.
    pub(crate) queue: [u8; 16],
    /// The segments before it whose messages it rests on.
    pub(crate) segments: Vec<Listed>,
}

/// A segment that a state lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) number: u32,
    /// The segment's own id.
    pub(crate) id: [u8; 16],
    /// How many messages in it were not finished.
    pub(crate) live: u64,
}

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

/// The segments that the state lists and that are not there, unless a segment is another than the state lists.
pub(crate) fn unlisted<'a>(
    segments: &BTreeMap<u32, Segment>,
    state: Option<u32>,
    owned: Option<&'a Owned>,
) -> Result<Vec<&'a Listed>, OpenError> {
    let state = state.map_or_else(|| segment_name(1), state_name);
    let Some((_, last)) = segments.last_key_value() else { return Ok(Vec::new()) };
    let queue = owned.map_or(last.header.queue, |owned| owned.queue);
    if owned.is_some() && segments.values().all(|segment| segment.header.queue != queue) {
        return Err(OpenError::corrupt(&state, 8, "it is the state of another queue"));
    }
    if let Some((number, _)) = segments.iter().find(|(_, segment)| segment.header.queue != queue) {
        return Err(OpenError::corrupt(&segment_name(*number), 8, "it is a segment of another queue"));
    }
    let mut missing = Vec::new();
    for listed in owned.iter().flat_map(|owned| &owned.segments) {
        match segments.get(&listed.number) {
            Some(segment) if segment.header.segment == listed.id => {}
            Some(_) => {
                let what = format!("it is another segment than {state} lists under this name");
                return Err(OpenError::corrupt(&segment_name(listed.number), 24, &what));
            }
            None => missing.push(listed),
        }
    }
    Ok(missing)
}

/// That a segment is missing.
pub(crate) fn error(disk: &dyn Disk, segment: u32, witness: String) -> OpenError {
    OpenError::Missing { file: segment_name(segment), folder: disk.name(), witness, messages: None }
}

/// That the first of the segments that a state lists is missing.
pub(crate) fn listed_error(disk: &dyn Disk, state: Option<u32>, missing: &[&Listed]) -> Option<OpenError> {
    let first = missing.first()?;
    Some(OpenError::Missing {
        file: segment_name(first.number),
        folder: disk.name(),
        witness: state.map_or_else(String::new, state_name),
        messages: Some(missing.iter().map(|listed| listed.live).sum()),
    })
}
