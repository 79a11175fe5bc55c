//! Where a saga stands: a fold over its own events, and over nothing else.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::transition::{
    Ended, Failing, Freed, IgnoredCause, Noted, Resent, SagaPart, Sent, Skipped, Started, StepDone, Stuck,
    Transition,
};
use super::{Compensation, Json, MessageIds, MessageName, Outgoing, View, Wait};
use crate::{EventId, Position, Timestamp, Version};

/// How a saga is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is on its way forward.
    Running,
    /// It is on its way back.
    Compensating,
    /// All was done.
    Completed,
    /// All that was done was undone.
    Compensated,
    /// It can't go on without an operator.
    Stuck,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] =
        [Self::Running, Self::Compensating, Self::Completed, Self::Compensated, Self::Stuck];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Compensating => "compensating",
            Self::Completed => "completed",
            Self::Compensated => "compensated",
            Self::Stuck => "stuck",
        }
    }

    /// Whether nothing will happen any more.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Compensated)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a saga stands.
#[derive(Clone, Debug, PartialEq)]
pub struct SagaState {
    /// The saga's name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The version of its stream.
    pub version: Version,
    /// How it is doing; `None` before it was started.
    pub status: Option<Status>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When something last happened to it.
    pub changed_at: Timestamp,
    /// The position of its last cause: what is at or before it has had its effect.
    pub read_to: Position,
    /// The data of the event that started it.
    pub start: Json,
    /// What it remembers.
    pub state: Json,
    /// Why it failed.
    pub reason: Option<String>,
    /// Why it is stuck.
    pub stuck: Option<String>,
    /// Whether it is held, and since when.
    pub held: Option<Held>,
    /// The step that was done or passed over last.
    pub after: Option<String>,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// What is still to be undone, the first to be undone last.
    pub compensations: Vec<(String, Compensation)>,
    /// Every message that it sent.
    pub messages: Vec<SentMessage>,
    /// When it has to be done as a whole.
    pub deadline: Option<Timestamp>,
    /// What all that follows from one cause has in common.
    pub correlation_id: Option<String>,
    /// How much came that had no effect, as far as that was recorded.
    pub ignored: u32,
}

/// A saga that is held, because its definition doesn't name what it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Since when.
    pub since: Timestamp,
    /// Why it was stuck before, if it was.
    pub stuck: Option<String>,
}

/// What a saga waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// The step.
    pub step: String,
    /// Which part of the saga's life.
    pub part: SagaPart,
    /// What was sent; nothing when it could not be made.
    pub sent: Option<Outgoing>,
    /// The message: the version of the transition that sent it first.
    pub message: Version,
    /// What is waited for.
    pub wait: Wait,
    /// How often it was sent.
    pub attempts: u32,
    /// When it was sent last.
    pub since: Timestamp,
    /// Until when is waited.
    pub due: Option<Timestamp>,
    /// Whether it had an answer that leaves nothing to wait for.
    pub answered: bool,
}

/// A message that a saga sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMessage {
    /// What it is called by those who answer it; what its id follows from.
    pub name: MessageName,
    /// The version of the transition that sent it first.
    pub version: Version,
    /// The step that it was for.
    pub step: String,
    /// Which part of the saga's life.
    pub part: SagaPart,
    /// Whether it is known what became of it.
    pub answered: bool,
}

impl SagaState {
    /// A saga that was not started.
    pub fn new(name: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            id: id.into(),
            version: Version::EMPTY,
            status: None,
            started_at: Timestamp::default(),
            changed_at: Timestamp::default(),
            read_to: Position::START,
            start: Json::null(),
            state: Json::null(),
            reason: None,
            stuck: None,
            held: None,
            after: None,
            waiting: None,
            compensations: Vec::new(),
            messages: Vec::new(),
            deadline: None,
            correlation_id: None,
            ignored: 0,
        }
    }

    /// Whether it goes on by itself: it was started, has not ended, and isn't stuck.
    pub fn is_alive(&self) -> bool {
        matches!(self.status, Some(Status::Running | Status::Compensating))
    }

    /// When time alone makes something happen.
    pub fn due(&self) -> Option<Timestamp> {
        if !self.is_alive() {
            return None;
        }
        let step = self.waiting.as_ref().and_then(|waiting| waiting.due);
        let whole = self.deadline.filter(|_| self.status == Some(Status::Running));
        step.into_iter().chain(whole).min()
    }

    /// The saga, as its behaviour sees it.
    pub fn view(&self) -> View<'_> {
        View {
            id: &self.id,
            start: &self.start,
            state: &self.state,
            step: self.waiting.as_ref().map(|waiting| waiting.step.as_str()),
            reason: self.reason.as_deref(),
        }
    }

    /// The message of this name that it sent.
    pub fn message(&self, name: MessageName) -> Option<&SentMessage> {
        self.messages.iter().find(|message| message.name == name)
    }

    /// Takes in the next event of its stream, which happened at this time and has this id.
    pub fn apply(&mut self, transition: &Transition, at: Timestamp, id: EventId) {
        self.version = self.version.next();
        self.changed_at = at;
        self.read_to = self.read_to.max(transition.cause().position.unwrap_or(Position::START));
        match transition {
            Transition::Started(started) => self.started(started, at),
            Transition::Sent(sent) => self.sent(sent, at, id),
            Transition::Resent(resent) => self.resent(resent, at),
            Transition::Skipped(Skipped { step, .. }) => self.after = Some(step.clone()),
            Transition::StepDone(done) => self.done(done),
            Transition::Noted(Noted { state, .. }) => self.state = state.clone(),
            Transition::Failing(failing) => self.failing(failing),
            Transition::Completed(Ended { .. }) => self.end(Status::Completed),
            Transition::Compensated(Ended { .. }) => self.end(Status::Compensated),
            Transition::Stuck(stuck) => self.stuck(stuck, at),
            Transition::Freed(Freed { .. }) => self.freed(at),
            Transition::Ignored(IgnoredCause { message, .. }) => {
                self.ignored += 1;
                if let Some(message) = message {
                    self.answered(*message);
                }
            }
        }
    }

    fn started(&mut self, started: &Started, at: Timestamp) {
        self.status = Some(Status::Running);
        self.started_at = at;
        self.start = started.start.clone();
        self.state = started.state.clone();
        self.deadline = started.timeout().map(|timeout| later(at, timeout));
        self.correlation_id.clone_from(&started.correlation_id);
    }

    fn sent(&mut self, sent: &Sent, at: Timestamp, id: EventId) {
        let Sent { step, part, send, ids, wait, compensate, .. } = sent;
        self.goes_on(*part);
        if let Some(compensation) = compensate {
            self.compensations.push((step.clone(), compensation.clone()));
        }
        let name = match ids {
            MessageIds::OfPlaces => MessageName::Version(self.version),
            MessageIds::OfEvents => MessageName::Event(id),
        };
        self.messages.push(SentMessage {
            name,
            version: self.version,
            step: step.clone(),
            part: *part,
            answered: false,
        });
        self.waiting = Some(Waiting {
            step: step.clone(),
            part: *part,
            sent: Some(send.clone()),
            message: self.version,
            wait: wait.clone(),
            attempts: 1,
            since: at,
            due: wait.timeout.map(|timeout| later(later(at, send.delay), timeout)),
            answered: false,
        });
    }

    fn resent(&mut self, resent: &Resent, at: Timestamp) {
        let Some(waiting) = &mut self.waiting else { return };
        let delay = Duration::from_millis(resent.delay_ms);
        waiting.attempts = resent.attempt;
        waiting.since = at;
        waiting.due = waiting.wait.timeout.map(|timeout| later(later(at, delay), timeout));
        let part = waiting.part;
        self.goes_on(part);
    }

    fn done(&mut self, done: &StepDone) {
        let waiting = self.waiting.take();
        if let Some(state) = &done.state {
            self.state = state.clone();
        }
        match done.part {
            SagaPart::Step => self.after = Some(done.step.clone()),
            SagaPart::Compensation => drop(self.compensations.pop()),
            SagaPart::Completed | SagaPart::Failed => {}
        }
        if let Some(waiting) = waiting {
            self.answered(waiting.message);
        }
        self.goes_on(done.part);
    }

    fn failing(&mut self, failing: &Failing) {
        let waiting = self.waiting.take();
        if failing.drops
            && let Some(waiting) = &waiting
        {
            self.answered(waiting.message);
            if self.compensations.last().is_some_and(|(step, _)| *step == waiting.step) {
                self.compensations.pop();
            }
        }
        self.reason = Some(failing.reason.clone());
        self.status = Some(Status::Compensating);
        self.stuck = None;
        self.held = None;
    }

    fn stuck(&mut self, stuck: &Stuck, at: Timestamp) {
        if stuck.held && self.held.is_none() {
            self.held = Some(Held { since: at, stuck: self.stuck.take() });
        }
        let is_there = |waiting: &Waiting| waiting.part == stuck.part && waiting.step == stuck.step;
        if !self.waiting.as_ref().is_some_and(is_there) {
            // What should have been sent could not be made, so there is no message.
            self.waiting = Some(Waiting {
                step: stuck.step.clone(),
                part: stuck.part,
                sent: None,
                message: Version::EMPTY,
                wait: Wait::default(),
                attempts: 0,
                since: at,
                due: None,
                answered: true,
            });
        }
        if stuck.answered
            && let Some(waiting) = &mut self.waiting
        {
            waiting.answered = true;
            let message = waiting.message;
            self.answered(message);
        }
        self.status = Some(Status::Stuck);
        self.stuck = Some(stuck.reason.clone());
    }

    /// It is where it was; the time in which it was held does not count.
    fn freed(&mut self, at: Timestamp) {
        let Some(Held { since, stuck }) = self.held.take() else { return };
        let held = at.as_micros().saturating_sub(since.as_micros()).max(0);
        let held = Duration::from_micros(held.unsigned_abs());
        self.deadline = self.deadline.map(|deadline| later(deadline, held));
        let Some(waiting) = &mut self.waiting else { return };
        waiting.due = waiting.due.map(|due| later(due, held));
        let part = waiting.part;
        self.goes_on(part);
        if stuck.is_some() {
            self.status = Some(Status::Stuck);
            self.stuck = stuck;
        }
    }

    fn end(&mut self, status: Status) {
        self.status = Some(status);
        self.waiting = None;
        self.stuck = None;
        self.held = None;
        // A saga that an operator, or a turn, made complete leaves what it did as it is.
        self.compensations.clear();
    }

    fn goes_on(&mut self, part: SagaPart) {
        self.stuck = None;
        self.held = None;
        self.status = Some(match part {
            SagaPart::Step | SagaPart::Completed => Status::Running,
            SagaPart::Compensation | SagaPart::Failed => Status::Compensating,
        });
    }

    fn answered(&mut self, version: Version) {
        self.messages.iter_mut().filter(|message| message.version == version).for_each(|message| {
            message.answered = true;
        });
    }
}

/// So much later.
fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(time.as_micros().saturating_add(by))
}
