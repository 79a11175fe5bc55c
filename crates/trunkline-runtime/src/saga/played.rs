//! Sagas of a scenario: events are played to them, and what they send is kept.

use std::collections::BTreeMap;

use trunkline_core::saga::{Input, Moment, Outgoing, SagaState, Status, Transition, advance};
use trunkline_core::{EventId, RecordedEvent, Timestamp};

use super::Routes;

/// Sagas in memory, whose messages go nowhere.
pub(crate) struct PlayedSagas<'a> {
    routes: &'a Routes,
    sagas: BTreeMap<(String, String), SagaState>,
}

impl<'a> PlayedSagas<'a> {
    pub(crate) fn new(routes: &'a Routes) -> Self {
        Self { routes, sagas: BTreeMap::new() }
    }

    /// What the sagas send when an event happens, and how those stand that it is for.
    pub(crate) fn play(&mut self, event: &RecordedEvent) -> Result<(Vec<Outgoing>, Vec<Status>), String> {
        let delivered = self.routes.deliver(event).map_err(|error| error.to_string())?;
        if let Some((name, problem)) = delivered.problems.first() {
            return Err(format!("which saga \"{name}\" the {} is for: {problem}", event.event_type()));
        }
        let (mut sent, mut statuses) = (Vec::new(), Vec::new());
        for routed in delivered.routed {
            let Some(definition) = self.routes.definition(&routed.name) else { continue };
            let key = (routed.name, routed.id);
            let state = self.sagas.remove(&key).unwrap_or_else(|| SagaState::new(&*key.0, &*key.1));
            let input = Input::Recorded(routed.recorded);
            let moment = Moment::new(Timestamp::default(), EventId::generate());
            let advanced = advance(definition, &state, &input, &moment);
            let advanced = advanced.map_err(|error| error.to_string())?;
            sent.extend(advanced.transitions.into_iter().filter_map(|transition| match transition {
                Transition::Sent(sent) => Some(sent.send),
                _ => None,
            }));
            statuses.extend(advanced.state.status);
            self.sagas.insert(key, advanced.state);
        }
        Ok((sent, statuses))
    }
}
