//! Looking at a memory store and verifying it; there are no files to back up.

use std::collections::HashSet;
use std::path::Path;

use trunkline_core::RecordedEvent;

use super::MemoryStore;
use super::state::State;
use crate::{BackupReport, Maintain, MaintainError, Progress, StoreStats, VerifyProblem, VerifyReport};

impl Maintain for MemoryStore {
    fn stats(&self) -> Result<StoreStats, MaintainError> {
        let state = self.shared.state();
        Ok(StoreStats {
            events: state.events().len() as u64,
            segments: 0,
            event_bytes: state.events().iter().map(bytes).sum(),
            index_bytes: 0,
            index_runs: 0,
            damage: None,
        })
    }

    fn verify(&self, progress: Progress<'_>) -> Result<VerifyReport, MaintainError> {
        Ok(verify(&self.shared.state(), progress))
    }

    fn verify_newest(&self, _: u64) -> Result<VerifyReport, MaintainError> {
        // What fits into memory is soon looked at.
        self.verify(&mut |_, _| {})
    }

    fn backup(&self, _: &Path, _: Progress<'_>) -> Result<BackupReport, MaintainError> {
        Err(MaintainError::Unsupported {
            what: "a backup",
            hint: "its events are in memory only; keep what matters in a log store",
        })
    }
}

/// What an event takes, without its tags' and numbers' own room.
fn bytes(event: &RecordedEvent) -> u64 {
    let tags: usize = event.tags().map(str::len).sum();
    let names = event.stream().len() + event.event_type().len() + tags;
    (names + event.metadata().len() + event.data().len()) as u64
}

/// Checks that every event stands where the maps say, and that versions are dense.
fn verify(state: &State, progress: Progress<'_>) -> VerifyReport {
    let events = state.events();
    let mut problems = Vec::new();
    let mut problem = |index: usize, what: &str| {
        problems.push(VerifyProblem {
            what: format!("position {}: {what}", index + 1),
            remedy: "report this as a bug; the store is in memory and ends with its process".to_owned(),
        });
    };
    let mut streams = HashSet::new();
    for (index, event) in events.iter().enumerate() {
        streams.insert(event.stream());
        if event.position().get() != index as u64 + 1 {
            problem(index, "the event says that it stands elsewhere");
        }
        let place = state.positions(&event.stream_name()).get(event.version().get() as usize - 1);
        if place != Some(&event.position()) {
            problem(index, "the event's stream does not have it at its version");
        }
        if state.with_id(event.event_id()) != Some(event) {
            problem(index, "the event is not found by its id");
        }
        progress(index as u64 + 1, events.len() as u64);
    }
    if streams.len() != state.begun().len() {
        problem(events.len(), "the list of streams is not that of the events' streams");
    }
    VerifyReport {
        events: events.len() as u64,
        streams: streams.len() as u64,
        segments: 0,
        unconfirmed_bytes: 0,
        problems,
    }
}

#[cfg(test)]
mod tests {
    use trunkline_core::{Append, Expected, NewEvent, Timestamp};

    use super::*;

    #[test]
    fn an_event_that_is_not_found_by_its_id_is_reported() {
        let mut state = State::default();
        let event = NewEvent::json("OrderCreated", "{}").unwrap();
        let append = Append::to("order-1".parse().unwrap(), Expected::Any).event(event);
        state.store(&append, Timestamp::default());
        assert_eq!(verify(&state, &mut |_, _| {}).problems, []);
        // Nobody judged this one.
        state.store(&append, Timestamp::default());
        let problems = verify(&state, &mut |_, _| {}).problems;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].what, "position 1: the event is not found by its id");
    }
}
