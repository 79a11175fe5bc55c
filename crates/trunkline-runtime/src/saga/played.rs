//! Sagas of a scenario: events are played to them, time passes for them, and what they send is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use trunkline_core::saga::{Definition, Input, Moment, Outgoing, SagaState, Status, Transition, advance};
use trunkline_core::{EventId, Position, RecordedEvent, Timestamp};

use super::Routes;

/// How many timers may run out while time passes once: more are taken for a retry that never ends.
const TIMERS_MAX: usize = 10_000;

/// What sagas made of what happened.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Played {
    /// The messages they sent, in order; one that was sent again is there again.
    pub sends: Vec<Outgoing>,
    /// How those stand that it was for; after time has passed, all.
    pub statuses: Vec<Status>,
}

/// The name and the id of a saga.
type Key = (String, String);

/// Sagas in memory, whose messages go nowhere, and whose time passes when it is told to.
pub(crate) struct PlayedSagas<'a> {
    routes: &'a Routes,
    sagas: BTreeMap<Key, SagaState>,
    read_to: Position,
    now: Timestamp,
}

impl<'a> PlayedSagas<'a> {
    pub(crate) fn new(routes: &'a Routes) -> Self {
        Self { routes, sagas: BTreeMap::new(), read_to: Position::START, now: Timestamp::default() }
    }

    /// The position of the newest event that was played.
    pub(crate) fn read_to(&self) -> Position {
        self.read_to
    }

    /// What the sagas make of these events, the next ones of their log.
    pub(crate) fn play(&mut self, events: &[RecordedEvent]) -> Result<Played, String> {
        let (mut sends, mut touched) = (Vec::new(), BTreeSet::new());
        for event in events {
            self.read_to = event.position();
            let delivered = self.routes.deliver(event).map_err(|error| error.to_string())?;
            if let Some((name, problem)) = delivered.problems.first() {
                return Err(format!("which saga \"{name}\" the {} is for: {problem}", event.event_type()));
            }
            for routed in delivered.routed {
                let Some(definition) = self.routes.definition(&routed.name) else { continue };
                let key = (routed.name, routed.id);
                sends.extend(self.advance(definition, &key, &Input::Recorded(routed.recorded))?);
                touched.insert(key);
            }
        }
        let statuses = touched.iter().filter_map(|key| self.sagas[key].status).collect();
        Ok(Played { sends, statuses })
    }

    /// What the sagas do while so much time passes: what is due is done in its order, each at its own time.
    pub(crate) fn pass(&mut self, time: Duration) -> Result<Played, String> {
        let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let until = Timestamp::from_micros(self.now.as_micros().saturating_add(micros));
        let mut sends = Vec::new();
        let mut timers = 0;
        while let Some((due, key)) = self.next_due(until) {
            timers += 1;
            if timers > TIMERS_MAX {
                return Err(format!(
                    "more than {TIMERS_MAX} timers run out in that time; let less time pass"
                ));
            }
            let Some(definition) = self.routes.definition(&key.0) else { break };
            self.now = self.now.max(due);
            sends.extend(self.advance(definition, &key, &Input::Time { read_to: self.read_to })?);
        }
        self.now = until;
        Ok(Played { sends, statuses: self.sagas.values().filter_map(|saga| saga.status).collect() })
    }

    /// The saga that is due first, no later than this.
    fn next_due(&self, until: Timestamp) -> Option<(Timestamp, Key)> {
        let due = self.sagas.iter().filter_map(|(key, saga)| Some((saga.due()?, key)));
        due.filter(|(due, _)| *due <= until).min().map(|(due, key)| (due, key.clone()))
    }

    /// What a saga sends when something happens to it.
    fn advance(
        &mut self,
        definition: &Definition,
        key: &Key,
        input: &Input,
    ) -> Result<Vec<Outgoing>, String> {
        let state = self.sagas.remove(key).unwrap_or_else(|| SagaState::new(&*key.0, &*key.1));
        let advanced = advance(definition, &state, input, &Moment::new(self.now, EventId::generate()));
        let advanced = advanced.map_err(|error| error.to_string())?;
        let again = advanced.state.waiting.as_ref().and_then(|waiting| waiting.sent.clone());
        let sent = advanced.transitions.into_iter().filter_map(|transition| match transition {
            Transition::Sent(sent) => Some(sent.send),
            Transition::Resent(_) => again.clone(),
            _ => None,
        });
        let sent = sent.collect();
        self.sagas.insert(key.clone(), advanced.state);
        Ok(sent)
    }
}
