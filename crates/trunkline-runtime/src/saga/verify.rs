//! Whether sagas are whole: a check of the log alone.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use serde::Serialize;
use trunkline_core::saga::{
    self, Definition, Input, Missing, Moment, SagaState, Status, Transition, advance,
};
use trunkline_core::{EventId, Position, RecordedEvent, StreamName, Version};
use trunkline_store::derived::SagaKey;
use trunkline_store::{AllRead, StreamRead};

use super::audit::audit;
use super::route::Routed;
use super::{SagaError, Sagas};

/// How many problems are described; more are counted.
const PROBLEMS_MAX: usize = 1_000;

/// How many sagas that have not ended are looked after in one reading of the log: what is kept of each is small.
const ALIVE_MAX: usize = 100_000;

/// What a check of all sagas found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SagaCheck {
    /// How many were started.
    pub sagas: u64,
    /// Those on their way forward.
    pub running: u64,
    /// Those that are being compensated.
    pub compensating: u64,
    /// Those of which all was done.
    pub completed: u64,
    /// Those of which all was undone.
    pub compensated: u64,
    /// Those that need an operator.
    pub stuck: u64,
    /// What is not as it should be.
    pub problems: Vec<SagaProblem>,
    /// How many problems there are beside those.
    #[serde(skip_serializing_if = "is_zero")]
    pub unlisted: u64,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SagaProblem {
    /// The saga, as `NAME-ID`.
    pub saga: String,
    /// What is wrong with it.
    pub what: String,
    /// Which kind of problem it is, from which follows what can be done.
    #[serde(skip)]
    pub fault: SagaFault,
}

/// The kinds of what is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SagaFault {
    /// An event has not started it yet, and does when sagas are run.
    ToCome,
    /// An event has not started it, and won't any more.
    NotStarted,
    /// An event that starts sagas finds none, or what it starts can't be found out.
    NoSaga,
    /// Sagas under way need what the application doesn't name: a saga, a step or what they wait for.
    Undeclared,
    /// What happened to it can't be, or something had no effect on it that should have.
    History,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference to the field")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl SagaCheck {
    /// Whether all is as it should be; a saga that is stuck is known to be.
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }

    fn problem(&mut self, fault: SagaFault, saga: impl Into<String>, what: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(SagaProblem { saga: saga.into(), what: what.into(), fault });
        } else {
            self.unlisted += 1;
        }
    }

    fn count(&mut self, status: Status) {
        self.sagas += 1;
        *match status {
            Status::Running => &mut self.running,
            Status::Compensating => &mut self.compensating,
            Status::Completed => &mut self.completed,
            Status::Compensated => &mut self.compensated,
            Status::Stuck => &mut self.stuck,
        } += 1;
    }
}

impl Sagas {
    /// Checks in the log, as it is now, that sagas are whole.
    ///
    /// - Every saga that was started is completed, compensated, stuck, or waits for something that may still come.
    /// - A compensation undoes all that the steps did, and nothing twice; only an operator has anything sent again as a
    ///   new message.
    /// - Every event that should have started a saga did, from where on sagas of its name are started.
    /// - Nothing that a saga waits for was passed over.
    /// - The definitions name all that sagas under way wait for, but for those that are held already.
    ///
    /// Nothing is written, so this works beside the process that runs the sagas. Memory holds one saga at a time, and
    /// a few words of those that have not ended.
    pub async fn verify(&self) -> Result<SagaCheck, SagaError> {
        self.verify_after(Position::START).await
    }

    /// The same for what begins after a position: sagas that were started later, and events that should have started
    /// some.
    pub async fn verify_after(&self, after: Position) -> Result<SagaCheck, SagaError> {
        let head = self.store.head().await?;
        let mut check = Check {
            sagas: self,
            head,
            found: SagaCheck::default(),
            alive: BTreeMap::new(),
            lacking: BTreeMap::new(),
            read_to: self.done().await?,
            late: Vec::new(),
        };
        check.all(after).await?;
        Ok(check.found)
    }
}

struct Check<'a> {
    sagas: &'a Sagas,
    /// What comes after it is not looked at.
    head: Position,
    found: SagaCheck,
    /// Sagas that have not ended, and up to where all has had its effect on them.
    alive: BTreeMap<SagaKey, Position>,
    /// What sagas that have not ended need and no definition names, by the names of the sagas, and how many do.
    lacking: BTreeMap<(String, Missing), u64>,
    /// Up to where sagas have read the log, as far as is known.
    read_to: Position,
    /// Events that started nothing yet.
    late: Vec<Late>,
}

/// An event that should have started a saga.
struct Late {
    name: String,
    id: String,
    event_type: String,
    position: Position,
}

impl<'a> Check<'a> {
    async fn all(&mut self, after: Position) -> Result<(), SagaError> {
        let mut events = self.sagas.store.read_all(AllRead { to: self.head, ..AllRead::after(after) });
        while let Some(event) = events.next().await.transpose()? {
            match saga::of_stream(event.stream()) {
                Some((name, id)) if event.version() == Version::FIRST => {
                    self.saga(name, id, &event.stream_name()).await?;
                }
                Some(_) => {}
                None => self.started_by(&event).await?,
            }
            if self.alive.len() >= ALIVE_MAX {
                self.passed_over().await?;
            }
            if self.late.len() >= PROBLEMS_MAX {
                self.not_started().await?;
            }
        }
        self.passed_over().await?;
        self.not_started().await?;
        for ((name, missing), sagas) in std::mem::take(&mut self.lacking) {
            let (is, they) = if sagas == 1 { ("1 is", "it is") } else { ("are", "they are") };
            let many = if sagas == 1 { is.to_owned() } else { format!("{sagas} {is}") };
            let what =
                format!("{many} under way, and {missing}; {they} held when sagas run: {}", missing.remedy());
            self.found.problem(SagaFault::Undeclared, name, what);
        }
        Ok(())
    }

    /// That what had not been started yet is not started either now: sagas may be run meanwhile.
    async fn not_started(&mut self) -> Result<(), SagaError> {
        for Late { name, id, event_type, position } in std::mem::take(&mut self.late) {
            if self.is_started(&name, &id).await? {
                continue;
            }
            let mut what = format!("{event_type} at position {position} should have started it, and did not");
            let is_to_come = position > self.read_to || self.sagas.behind().await?.contains_key(&name);
            if is_to_come {
                what.push_str("; it does when sagas run, which have not come so far");
            }
            let fault = if is_to_come { SagaFault::ToCome } else { SagaFault::NotStarted };
            self.found.problem(fault, format!("{name}-{id}"), what);
        }
        Ok(())
    }

    /// One saga, all of it.
    async fn saga(&mut self, name: &str, id: &str, stream: &StreamName) -> Result<(), SagaError> {
        let called = format!("{name}-{id}");
        let history = match self.sagas.states.history(stream).await {
            Ok(history) => history,
            Err(error @ SagaError::Unreadable { .. }) => {
                self.found.problem(SagaFault::History, called, error.to_string());
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let (state, problems) = audit(name, id, &history);
        for what in problems {
            self.found.problem(SagaFault::History, called.as_str(), what);
        }
        // A timer and an operator say how far was read, which may be more than had an effect.
        self.read_to = self.read_to.max(state.read_to);
        let Some(status) = state.status else { return Ok(()) };
        self.found.count(status);
        match self.sagas.missing(&state) {
            Some(missing) if state.held.is_none() => {
                *self.lacking.entry((name.to_owned(), missing)).or_default() += 1;
            }
            None if state.is_alive() => {
                self.alive.insert((name.to_owned(), id.to_owned()), state.read_to);
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    /// That an event started what it should have.
    async fn started_by(&mut self, event: &RecordedEvent) -> Result<(), SagaError> {
        let delivered = self.sagas.routes.deliver(event)?;
        let (event_type, position) = (event.event_type(), event.position());
        for (name, problem) in delivered.problems {
            let definition = self.definition(&name);
            let starts = definition.is_some_and(|known| known.behaviour.start_type() == event_type);
            if starts && self.sagas.may_start(&name, event).await? {
                let what =
                    format!("{event_type} at position {position} finds no saga of this name: {problem}");
                self.found.problem(SagaFault::NoSaga, name, what);
            }
        }
        for Routed { name, id, recorded, .. } in delivered.routed {
            let Some(definition) = self.definition(&name) else { continue };
            if !self.sagas.may_start(&name, event).await? {
                continue;
            }
            for event in &recorded.events {
                let starts = definition.behaviour.start(event);
                // An event that is also something else to a saga may have no answer to whether it starts one.
                if matches!(starts, Ok(None)) || self.is_started(&name, &id).await? {
                    continue;
                }
                let (name, id, event_type) = (name.clone(), id.clone(), event_type.to_owned());
                if let Err(problem) = starts {
                    let what = format!("{event_type} at position {position} can't start it: {problem}");
                    self.found.problem(SagaFault::NoSaga, format!("{name}-{id}"), what);
                } else {
                    self.late.push(Late { name, id, event_type, position });
                }
            }
        }
        Ok(())
    }

    fn definition(&self, name: &str) -> Option<&'a Definition> {
        self.sagas.routes.definition(name)
    }

    async fn is_started(&self, name: &str, id: &str) -> Result<bool, SagaError> {
        let (name, id) = self.sagas.begun(name.to_owned(), id.to_owned(), None).await?;
        let Ok(stream) = saga::stream(&name, &id) else { return Ok(false) };
        let read = StreamRead { limit: Some(1), ..StreamRead::default() };
        let first = self.sagas.store.read_stream(&stream, read).next().await.transpose()?;
        Ok(first.is_some())
    }

    /// That nothing that a saga waits for stands in the log where sagas have read already.
    async fn passed_over(&mut self) -> Result<(), SagaError> {
        let alive = std::mem::take(&mut self.alive);
        let Some(after) = alive.values().min().copied() else { return Ok(()) };
        let read = AllRead { to: self.head.min(self.read_to), ..AllRead::after(after) };
        let mut events = self.sagas.store.read_all(read);
        while let Some(event) = events.next().await.transpose()? {
            if saga::of_stream(event.stream()).is_some() {
                continue;
            }
            for Routed { name, id, begun_as, recorded } in self.sagas.routes.deliver(&event)?.routed {
                let key = self.sagas.begun(name, id, begun_as).await?;
                if alive.get(&key).is_none_or(|read_to| *read_to >= event.position()) {
                    continue;
                }
                let Some(definition) = self.definition(&key.0) else { continue };
                let state = self.sagas.states.load(&key).await?;
                if has_effect(definition, &state, &Input::Recorded(recorded), &event) {
                    let what = format!(
                        "{} at position {} was passed over: it should have had an effect",
                        event.event_type(),
                        event.position()
                    );
                    self.found.problem(SagaFault::History, format!("{}-{}", key.0, key.1), what);
                }
            }
        }
        Ok(())
    }
}

/// Whether something would make a saga go on.
fn has_effect(definition: &Definition, state: &SagaState, input: &Input, event: &RecordedEvent) -> bool {
    let moment = Moment::new(event.occurred_at(), EventId::generate());
    let advanced = advance(definition, state, input, &moment);
    advanced.is_ok_and(|advanced| {
        advanced.transitions.iter().any(|transition| !matches!(transition, Transition::Ignored(_)))
    })
}
