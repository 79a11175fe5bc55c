//! What an append comes to, in the order that [`EventStore::append`](crate::EventStore::append) promises.

use trunkline_core::{Append, Appended, Position, Query, RecordedEvent, Version};

use super::state::State;
use crate::AppendError;

/// What becomes of an append that isn't refused.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Its events are to be stored.
    New,
    /// Its events are stored already; this is what they came to.
    Repeat(Appended),
}

/// Judges an append against what is stored.
pub(super) fn judge(append: &Append, state: &State) -> Result<Verdict, AppendError> {
    if let Some(appended) = repeat(append, state) {
        events_are_the_same(append, state)?;
        return Ok(Verdict::Repeat(appended));
    }
    ids_are_free(append, state)?;
    streams_are_as_expected(append, state)?;
    command_is_new(append, state)?;
    conditions_hold(append, state)?;
    Ok(Verdict::New)
}

/// The result of the append when all of its events are stored, in the streams that it names.
fn repeat(append: &Append, state: &State) -> Option<Appended> {
    let mut versions = Vec::with_capacity(append.writes.len());
    let mut last = Position::START;
    for write in &append.writes {
        let mut version = Version::EMPTY;
        for event in &write.events {
            let stored = state.with_id(event.event_id)?;
            if stored.stream() != write.stream.as_str() {
                return None;
            }
            version = version.max(stored.version());
            last = last.max(stored.position());
        }
        versions.push(version);
    }
    Some(Appended { versions, position: last, repeated: true })
}

fn events_are_the_same(append: &Append, state: &State) -> Result<(), AppendError> {
    for event in append.events() {
        match state.with_id(event.event_id) {
            Some(stored) if !event.is_same_as(stored) => {
                let (event_id, position) = (stored.event_id(), stored.position());
                return Err(AppendError::EventIdReused { event_id, position });
            }
            _ => {}
        }
    }
    Ok(())
}

fn ids_are_free(append: &Append, state: &State) -> Result<(), AppendError> {
    match append.events().find_map(|event| state.with_id(event.event_id)) {
        None => Ok(()),
        Some(stored) => {
            Err(AppendError::EventIdTaken { event_id: stored.event_id(), position: stored.position() })
        }
    }
}

fn streams_are_as_expected(append: &Append, state: &State) -> Result<(), AppendError> {
    for write in &append.writes {
        let found = state.version(&write.stream);
        if !write.expected.holds_for(found) {
            let stream = write.stream.clone();
            return Err(AppendError::Conflict { stream, expected: write.expected, found });
        }
    }
    Ok(())
}

fn command_is_new(append: &Append, state: &State) -> Result<(), AppendError> {
    let outcome = append.command.as_ref().and_then(|command| state.first_with_tag(&command.tag()));
    match outcome {
        None => Ok(()),
        Some(position) => Err(AppendError::AlreadyHandled { position }),
    }
}

fn conditions_hold(append: &Append, state: &State) -> Result<(), AppendError> {
    for condition in &append.conditions {
        if let Some(event) = first_match(&condition.query, condition.after, state) {
            let name = condition.name.clone();
            return Err(AppendError::ConditionFailed { name, position: event.position() });
        }
    }
    Ok(())
}

fn first_match<'a>(query: &Query, after: Position, state: &'a State) -> Option<&'a RecordedEvent> {
    let since = state.events().get(after.get() as usize..)?;
    since.iter().find(|event| query.matches(event))
}
