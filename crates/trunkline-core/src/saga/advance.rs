//! The machine: from where a saga stands and what happens, to what is recorded.

mod follow;
mod hold;

use std::time::Duration;

pub use hold::hold;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::input::{Answer, Input, Order, OrderError, Recorded, Reply};
use super::plan::Turn;
use super::state::{SagaState, Status, Waiting};
use super::transition::{
    DoneBy, Failing, IgnoredCause, Noted, SagaPart, Started, StepDone, Stuck, Transition, TransitionCause,
};
use super::{Behaviour, BehaviourProblem, Definition, Json, Missing, Names, View};
use crate::{EventId, RecordedEvent, Timestamp};

/// How much that has no effect is recorded of one saga: a stream must not grow with what others repeat.
const IGNORED_MAX: u32 = 16;

/// How many steps may be passed over one after the other: a behaviour that never ends is wrong.
const SKIPPED_MAX: u32 = 1_000;

/// How many bytes of a reason are recorded: it is there to be read.
const REASON_BYTES_MAX: usize = 4 << 10;

/// What came of an input.
#[derive(Clone, Debug)]
pub struct Advanced {
    /// Where the saga stands now.
    pub state: SagaState,
    /// What is to be appended to its stream, in order, all at once, under the ids that [`Moment::id_of`] gives.
    pub transitions: Vec<Transition>,
    /// Why the input had no effect, if it had none.
    pub ignored: Option<Ignored>,
}

/// Why an input has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ignored {
    /// Its position was read before.
    Repeated,
    /// The saga was never started.
    NotStarted,
    /// It was started before.
    StartedBefore,
    /// It has ended.
    Ended(Status),
    /// It is on the way back already.
    OnTheWayBack,
    /// Nobody waits for it now: it came too late, or too early.
    NotWaitedFor,
    /// It answers a message that this saga never sent: one of a history that is gone.
    NeverAsked,
    /// It is known already.
    Known,
    /// The time has not come.
    NotDue,
    /// The saga is held: it is heard of later, when its definition names what it waits for.
    Held,
    /// A rule for it fails.
    Problem(BehaviourProblem),
}

impl Ignored {
    /// A word for it, for counting.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Repeated => "repeated",
            Self::NotStarted => "not_started",
            Self::StartedBefore => "started_before",
            Self::Ended(_) => "ended",
            Self::OnTheWayBack => "on_the_way_back",
            Self::NotWaitedFor => "not_waited_for",
            Self::NeverAsked => "never_asked",
            Self::Known => "known",
            Self::NotDue => "not_due",
            Self::Held => "held",
            Self::Problem(_) => "problem",
        }
    }

    /// What is recorded of it; nothing of what is no surprise.
    fn said(&self) -> Option<String> {
        match self {
            Self::Repeated | Self::NotStarted | Self::Known | Self::NotDue | Self::Held => None,
            Self::StartedBefore => Some("it was started before".to_owned()),
            Self::Ended(status) => Some(format!("it is {status}")),
            Self::OnTheWayBack => Some("it is on the way back already".to_owned()),
            Self::NotWaitedFor => Some("nothing waits for it".to_owned()),
            Self::NeverAsked => Some("it answers a message that was never sent".to_owned()),
            Self::Problem(problem) => Some(format!("a rule for it fails: {problem}")),
        }
    }
}

/// What a machine can't find out by itself: the time, ids that nobody else has, and how much room there is.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The time that what follows is recorded with, as its `occurred_at`: deadlines count from it.
    pub now: Timestamp,
    /// What the ids of the events follow from that are recorded; nobody else has it.
    pub id: EventId,
    /// How many bytes of data an event takes at most.
    pub bytes_max: usize,
}

impl Moment {
    /// This time, ids that follow from this one, and room for anything.
    pub fn new(now: Timestamp, id: EventId) -> Self {
        Self { now, id, bytes_max: usize::MAX }
    }

    /// The same where no event takes more than so many bytes of data.
    #[must_use]
    pub fn within(self, bytes_max: usize) -> Self {
        Self { bytes_max, ..self }
    }

    /// The id of the event that records so many transitions of one input later than the first.
    pub fn id_of(&self, place: usize) -> EventId {
        self.id.part(u32::try_from(place).expect("one input has few transitions"))
    }
}

/// What follows from an input; an order that can't be carried out is refused.
///
/// What can't be recorded, since it has more bytes than an event takes, is a [`BehaviourProblem`]: a step that is too
/// large begins the way back, as one does that can't be made, and what is too large on the way back, or at the end,
/// leaves the saga stuck. The data of a start event that leaves no room for anything beside it is not kept, and the way
/// back begins at once.
pub fn advance(
    definition: &Definition,
    state: &SagaState,
    input: &Input,
    moment: &Moment,
) -> Result<Advanced, OrderError> {
    let mut machine = Machine {
        behaviour: &*definition.behaviour,
        names: &definition.names,
        state: state.clone(),
        transitions: Vec::new(),
        cause: TransitionCause::default(),
        moment: *moment,
    };
    let ignored = match input {
        Input::Recorded(recorded) => machine.recorded(recorded).err(),
        Input::Time { read_to } => {
            machine.cause.position = Some(*read_to);
            machine.time().err()
        }
        Input::Definition => machine.looked_at().err(),
        Input::Order { order, by, read_to } => {
            machine.cause.position = Some(*read_to);
            machine.cause.operator = Some(by.clone());
            machine.order(order)?;
            None
        }
    };
    // What it waits for now may be of before, too: what undoes a step that has no name any more.
    if !machine.transitions.is_empty() && machine.state.held.is_none() {
        drop(machine.hold());
    }
    let Machine { state, transitions, .. } = machine;
    Ok(Advanced { state, transitions, ignored })
}

struct Machine<'a> {
    behaviour: &'a dyn Behaviour,
    names: &'a Names,
    state: SagaState,
    transitions: Vec<Transition>,
    cause: TransitionCause,
    moment: Moment,
}

/// Whether something had an effect.
type Effect = Result<(), Ignored>;

impl Machine<'_> {
    fn record(&mut self, mut transition: Transition) {
        match &mut transition {
            Transition::Failing(Failing { reason, .. })
            | Transition::Stuck(Stuck { reason, .. })
            | Transition::StepDone(StepDone { reason: Some(reason), .. })
            | Transition::Ignored(IgnoredCause { why: reason, .. }) => cut(reason),
            _ => {}
        }
        let id = self.moment.id_of(self.transitions.len());
        self.state.apply(&transition, self.moment.now, id);
        self.transitions.push(transition);
    }

    /// That a transition can be recorded; `part` is what it is for, and `what` is what may be too large in it.
    fn fits(&self, transition: &Transition, part: &str, what: &str) -> Result<(), BehaviourProblem> {
        if self.moment.bytes_max == usize::MAX {
            return Ok(());
        }
        match transition.to_data().len() {
            bytes if bytes <= self.moment.bytes_max => Ok(()),
            bytes => {
                let bytes_max = self.moment.bytes_max;
                Err(BehaviourProblem(format!(
                    "{part}: {what} takes {bytes} bytes, an event takes at most {bytes_max}"
                )))
            }
        }
    }

    /// The saga as its behaviour sees it, its step under the name that it has today.
    fn view(&self) -> View<'_> {
        let view = self.state.view();
        View { step: view.step.map(|step| self.names.step(step)), ..view }
    }

    // --- what happens

    fn recorded(&mut self, recorded: &Recorded) -> Effect {
        let Recorded { position, event_id, event_type, correlation_id, events, answer } = recorded;
        if *position <= self.state.read_to {
            return Err(Ignored::Repeated);
        }
        self.hold()?;
        self.cause = TransitionCause {
            position: Some(*position),
            event: Some(event_type.clone()),
            event_id: Some(*event_id),
            operator: None,
        };
        // All that one stored event says is one cause: whatever of it has an effect, the rest is known by it.
        let mut effect = Err(Ignored::Known);
        let before = answer.as_ref().map_or(events.len(), |answer| answer.after.min(events.len()));
        let (before, behind) = events.split_at(before);
        for event in before {
            effect = better(effect, self.event(event, correlation_id.as_ref()));
        }
        if let Some(answer) = answer {
            effect = better(effect, self.answer(answer));
        }
        for event in behind {
            effect = better(effect, self.event(event, correlation_id.as_ref()));
        }
        if let Err(ignored) = &effect
            && let Some(why) = ignored.said()
            && self.state.status.is_some()
            && self.state.ignored < IGNORED_MAX
        {
            let message = answer.as_ref().and_then(|answer| self.state.message(answer.message));
            let message = message.map(|message| message.version);
            let cause = self.cause.clone();
            self.record(Transition::Ignored(IgnoredCause { cause, why, message }));
        }
        effect
    }

    fn event(&mut self, event: &RecordedEvent, correlation_id: Option<&String>) -> Effect {
        let Some(status) = self.state.status else {
            return self.start(event, correlation_id).map_err(|_| Ignored::NotStarted);
        };
        let event_type = event.event_type();
        if let Some(waiting) = self.state.waiting.clone() {
            let names = |types: &[String]| types.iter().any(|name| name == event_type);
            if names(&waiting.wait.done) {
                self.done(&waiting, DoneBy::Event, None, Some(event));
                return Ok(());
            }
            if waiting.part == SagaPart::Step && names(&waiting.wait.failed) {
                self.fail(reason_of(event), true);
                return Ok(());
            }
        }
        if matches!(self.behaviour.start(event), Ok(Some(_))) {
            return Err(Ignored::StartedBefore);
        }
        match status {
            Status::Running => self.meanwhile(event),
            Status::Completed | Status::Compensated => Err(Ignored::Ended(status)),
            Status::Compensating => Err(Ignored::OnTheWayBack),
            Status::Stuck => Err(Ignored::NotWaitedFor),
        }
    }

    /// An event that no step of a running saga waits for.
    fn meanwhile(&mut self, event: &RecordedEvent) -> Effect {
        let turn = self.behaviour.turn(&self.view(), event).map_err(Ignored::Problem)?;
        match turn {
            Some(Turn::Fail(reason)) => self.fail(reason, false),
            Some(Turn::Complete) => self.last(SagaPart::Completed),
            None => {
                let evolved = self.behaviour.evolve(&self.view(), event, None);
                let changed = |state: &Json| *state != self.state.state;
                let Some(state) = evolved.map_err(Ignored::Problem)?.filter(changed) else {
                    return Err(Ignored::NotWaitedFor);
                };
                let noted = Transition::Noted(Noted { cause: self.cause.clone(), state });
                self.fits(&noted, event.event_type(), "what is remembered").map_err(Ignored::Problem)?;
                self.record(noted);
            }
        }
        Ok(())
    }

    fn start(&mut self, event: &RecordedEvent, correlation_id: Option<&String>) -> Result<(), StartError> {
        let Some(start) = self.behaviour.start(event)? else { return Err(StartError::Nothing) };
        let data = match Json::parse(event.data()) {
            Ok(data) => data,
            // As expressions write bytes.
            Err(_) => Json::of(&BASE64.encode(event.data()))
                .map_err(|error| BehaviourProblem(format!("the data of {}: {error}", event.event_type())))?,
        };
        let started = |start: Json, state: Json, timeout: Option<Duration>| {
            let timeout_ms = timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
            let (cause, correlation_id) = (self.cause.clone(), correlation_id.cloned());
            Transition::Started(Started { cause, start, state, timeout_ms, correlation_id })
        };
        let fits = |started: &Transition| self.fits(started, "start", "what is kept of the start event");
        let whole = started(data, start.state.clone(), start.timeout);
        let Err(problem) = fits(&whole) else {
            self.record(whole);
            self.forward();
            return Ok(());
        };
        if self.cause.operator.is_some() {
            // Who orders a start can give it less.
            return Err(problem.into());
        }
        let without = started(Json::null(), start.state, start.timeout);
        let without =
            if fits(&without).is_ok() { without } else { started(Json::null(), Json::null(), start.timeout) };
        self.record(without);
        self.fail(problem.0, false);
        Ok(())
    }

    fn answer(&mut self, answer: &Answer) -> Effect {
        if self.state.status.is_none() {
            return Err(Ignored::NotStarted);
        }
        let Some(message) = self.state.message(answer.message) else { return Err(Ignored::NeverAsked) };
        let (version, known) = (message.version, message.answered);
        let Some(waiting) = self.state.waiting.clone().filter(|waiting| waiting.message == version) else {
            return Err(if known { Ignored::Known } else { Ignored::NotWaitedFor });
        };
        match &answer.reply {
            Reply::Accepted { event, .. } if waiting.wait.done.is_empty() => {
                self.done(&waiting, DoneBy::Accepted, None, Some(event));
            }
            Reply::Accepted { nothing: true, .. } if waiting.part != SagaPart::Step => {
                self.done(&waiting, DoneBy::Nothing, None, None);
            }
            // Its `done` is still to come, or its timeout.
            Reply::Accepted { .. } => return Err(Ignored::Known),
            Reply::Rejected { reason } => match waiting.part {
                SagaPart::Step => self.fail(reason.clone(), true),
                SagaPart::Completed | SagaPart::Failed => {
                    self.done(&waiting, DoneBy::Rejected, Some(reason.clone()), None);
                }
                SagaPart::Compensation => {
                    self.stuck(waiting.step.clone(), waiting.part, format!("rejected: {reason}"), true);
                }
            },
            Reply::Dead { error } => {
                let reason = format!("dead letter: {error}");
                match waiting.part {
                    // Nobody knows how far it came, so it is undone.
                    SagaPart::Step => self.fail(reason, false),
                    _ => self.stuck(waiting.step.clone(), waiting.part, reason, true),
                }
            }
        }
        Ok(())
    }

    fn time(&mut self) -> Effect {
        let now = self.moment.now;
        if !self.state.is_alive() {
            return Err(Ignored::NotDue);
        }
        self.hold()?;
        let running = self.state.status == Some(Status::Running);
        if running && self.state.deadline.is_some_and(|deadline| deadline <= now) {
            self.fail("timeout".to_owned(), false);
            return Ok(());
        }
        let due = |waiting: &Waiting| waiting.due.is_some_and(|due| due <= now);
        let Some(waiting) = self.state.waiting.clone().filter(due) else { return Err(Ignored::NotDue) };
        let reason = format!("timeout: {}", waiting.step);
        if waiting.attempts < waiting.wait.retry.attempts {
            self.resend(&waiting, waiting.wait.retry.pause_ms(waiting.attempts));
        } else if waiting.part == SagaPart::Step {
            self.fail(reason, false);
        } else {
            self.stuck(waiting.step.clone(), waiting.part, reason, false);
        }
        Ok(())
    }

    fn order(&mut self, order: &Order) -> Result<(), OrderError> {
        let status = match (order, self.state.status) {
            (Order::Start { event }, None) => {
                self.cause.event = Some(event.event_type().to_owned());
                return self.start(event, None).map_err(|error| match error {
                    StartError::Nothing => {
                        OrderError::StartsNothing { event_type: event.event_type().to_owned() }
                    }
                    StartError::Problem(problem) => OrderError::Problem(problem),
                });
            }
            (Order::Start { .. }, Some(_)) => return Err(OrderError::StartedBefore),
            (_, None) => return Err(OrderError::NotStarted),
            (_, Some(status)) if status.is_ended() => return Err(OrderError::Ended { status }),
            (_, Some(status)) => status,
        };
        let waiting = self.state.waiting.clone().expect("a saga that has not ended waits for something");
        match order {
            Order::Start { .. } => {}
            Order::Retry if self.state.held.is_some() => {
                if let Some(missing) = self.names.missing(&self.state) {
                    return Err(OrderError::Held { missing });
                }
                self.free();
            }
            // What is known to have had no effect is tried anew; else it may still have one, under its id.
            Order::Retry if waiting.answered => self.again(&waiting),
            Order::Retry => self.resend(&waiting, 0),
            Order::Compensate { reason } => {
                if matches!(waiting.part, SagaPart::Compensation | SagaPart::Failed) {
                    return Err(OrderError::OnTheWayBack);
                }
                self.fail(reason.clone(), false);
            }
            Order::Resolve { reason } => {
                if status != Status::Stuck {
                    return Err(OrderError::NotStuck { status });
                }
                // What comes after a step that has no name is not known.
                if let Some(missing @ Missing::Step(_)) = self.names.missing(&self.state) {
                    return Err(OrderError::Held { missing });
                }
                self.done(&waiting, DoneBy::Resolved, Some(reason.clone()), None);
            }
        }
        Ok(())
    }
}

/// Cuts a reason that is too long to be read.
fn cut(reason: &mut String) {
    const MARK: &str = "…";
    if reason.len() > REASON_BYTES_MAX {
        let mut end = REASON_BYTES_MAX - MARK.len();
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        reason.truncate(end);
        reason.push_str(MARK);
    }
}

/// Why nothing was started.
enum StartError {
    Nothing,
    Problem(BehaviourProblem),
}

impl From<BehaviourProblem> for StartError {
    fn from(problem: BehaviourProblem) -> Self {
        Self::Problem(problem)
    }
}

/// Of two, the one that had an effect, or the one that is worth telling.
fn better(one: Effect, other: Effect) -> Effect {
    match (one, other) {
        (Ok(()), _) | (_, Ok(())) => Ok(()),
        (Err(one), Err(other)) => Err(if one.said().is_some() { one } else { other }),
    }
}

/// Why an event says that a step failed: its `reason`, else its type.
fn reason_of(event: &RecordedEvent) -> String {
    #[derive(serde::Deserialize)]
    struct Failed {
        reason: String,
    }
    let failed = serde_json::from_slice::<Failed>(event.data());
    failed.map_or_else(|_| event.event_type().to_owned(), |failed| failed.reason)
}
