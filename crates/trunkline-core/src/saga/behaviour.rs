//! What a particular saga does, over JSON: the form that typed and declared sagas share.

use std::fmt;
use std::time::Duration;

use super::{Json, LastSend, Next, Outline, SagaPart, Turn};
use crate::RecordedEvent;

/// What a particular saga does.
///
/// Plain functions: no clock, no randomness, no I/O. The same saga and event always give the same answer.
/// A function that can't give one says why, and the machine knows what follows from that.
pub trait Behaviour: Send + Sync {
    /// The types of all events that it names.
    fn events(&self) -> Vec<String>;

    /// All that it may send and wait for.
    fn outline(&self) -> Outline;

    /// The type of the event that starts one.
    fn start_type(&self) -> &str;

    /// Which saga an event is for; `None` when it is for none.
    fn key(&self, event: &RecordedEvent) -> Result<Option<String>, BehaviourProblem>;

    /// What a saga begins with, when this event starts one.
    fn start(&self, event: &RecordedEvent) -> Result<Option<Start>, BehaviourProblem>;

    /// What comes after the step of a name; first of all when there was none.
    fn next(&self, saga: &View<'_>, after: Option<&str>) -> Result<Next, BehaviourProblem>;

    /// What an event makes of the state; `None` leaves it as it is.
    ///
    /// `done` is the step that the event says was done. A step that waits for no event is done by whatever its
    /// command left in the log, which is then handed over as the event.
    fn evolve(
        &self,
        saga: &View<'_>,
        event: &RecordedEvent,
        done: Option<&str>,
    ) -> Result<Option<Json>, BehaviourProblem>;

    /// What an event that no step waits for makes of a running saga.
    fn turn(&self, saga: &View<'_>, event: &RecordedEvent) -> Result<Option<Turn>, BehaviourProblem>;

    /// What is sent at the end: [`SagaPart::Completed`] after the last step, [`SagaPart::Failed`] after the way back.
    fn last(&self, saga: &View<'_>, part: SagaPart) -> Result<Option<LastSend>, BehaviourProblem>;
}

/// What a saga begins with.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// The state.
    pub state: Json,
    /// How long it may take as a whole.
    pub timeout: Option<Duration>,
}

/// A saga, as its behaviour sees it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Its id, the correlation key.
    pub id: &'a str,
    /// The data of the event that started it.
    pub start: &'a Json,
    /// What it remembers.
    pub state: &'a Json,
    /// The step that it is at, while it is at one.
    pub step: Option<&'a str>,
    /// Why it failed, once it has.
    pub reason: Option<&'a str>,
}

/// Why a behaviour has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BehaviourProblem(pub String);

impl fmt::Display for BehaviourProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BehaviourProblem {}

impl From<String> for BehaviourProblem {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}
