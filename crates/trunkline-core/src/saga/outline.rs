//! What a saga may do, declared beforehand, so that mistakes in it are found before one runs.

use super::{BehaviourProblem, LastSend, Outgoing, Step, Wait};

/// All that a saga may send and wait for.
///
/// Steps are made of a saga's state while it runs; this is known before. When an application is built, it is held
/// against the commands, consumers and events that there are: see the checks of `trunkline::Wiring`.
///
/// ```
/// use trunkline_core::saga::{Outline, SendOutline, StepOutline};
///
/// let trip = Outline::of([StepOutline::new("fly", "air", "Fly")
///     .done("Flown")
///     .failed("Grounded")
///     .compensate(SendOutline::new("air", "Return").done("Returned"))]);
/// assert_eq!(trip.steps[0].send.command, "Fly");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Whether one can ever start.
    pub starts: bool,
    /// Whether it may take only so long as a whole.
    pub timeout: bool,
    /// Its steps, in order.
    pub steps: Vec<StepOutline>,
    /// What it may send at its end.
    pub last: Vec<SendOutline>,
}

/// A step, before it is known what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOutline {
    /// Its name.
    pub name: String,
    /// Names that it had before: sagas that are at a step of one of these are at this one.
    pub was: Vec<String>,
    /// What it sends.
    pub send: SendOutline,
    /// The events that say it was not done.
    pub failed: Vec<String>,
    /// What undoes it.
    pub undo: Undo,
    /// Whether it can ever be taken.
    pub taken: bool,
}

/// What undoes a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// It isn't declared.
    Unsaid,
    /// Nothing has to be undone.
    Nothing,
    /// This is sent.
    Send(SendOutline),
}

/// A command that may be sent, and what is waited for then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendOutline {
    /// The topic.
    pub topic: String,
    /// The command's name.
    pub command: String,
    /// The events that say it was done; with none, it is done when the command was accepted.
    pub done: Vec<String>,
    /// Whether it may take only so long.
    pub timeout: bool,
}

impl Outline {
    /// These steps, and nothing at the end.
    pub fn of(steps: impl IntoIterator<Item = StepOutline>) -> Self {
        Self { starts: true, timeout: false, steps: steps.into_iter().collect(), last: Vec::new() }
    }

    /// It may take only so long as a whole.
    #[must_use]
    pub fn timeout(mut self) -> Self {
        self.timeout = true;
        self
    }

    /// What it may send at its end.
    #[must_use]
    pub fn last(mut self, send: SendOutline) -> Self {
        self.last.push(send);
        self
    }

    /// Whether a step is one of those that were declared.
    pub(super) fn check_step(&self, step: &Step) -> Result<(), BehaviourProblem> {
        let declared = self.steps.iter().find(|declared| declared.name == step.name);
        let undeclared =
            |what: &str| BehaviourProblem(format!("its outline has no step \"{}\"{what}", step.name));
        let declared = declared.ok_or_else(|| undeclared(""))?;
        if !declared.send.covers(&step.send, &step.wait) || !covers(&declared.failed, &step.wait.failed) {
            return Err(undeclared(" that sends this and waits for this"));
        }
        match (&declared.undo, &step.compensate) {
            (_, None) => Ok(()),
            (Undo::Send(undo), Some(compensation)) if undo.covers(&compensation.send, &compensation.wait) => {
                Ok(())
            }
            (_, Some(_)) => Err(undeclared(" that is undone like this")),
        }
    }

    /// Whether what is sent at the end is among what was declared.
    pub(super) fn check_last(&self, last: &LastSend) -> Result<(), BehaviourProblem> {
        if self.last.iter().any(|declared| declared.covers(&last.send, &last.wait)) {
            return Ok(());
        }
        let Outgoing { topic, command, .. } = &last.send;
        Err(BehaviourProblem(format!(
            "its outline doesn't say that it sends {command} to {topic} at the end"
        )))
    }
}

impl StepOutline {
    /// A step that sends a command.
    pub fn new(name: impl Into<String>, topic: impl Into<String>, command: impl Into<String>) -> Self {
        let send = SendOutline::new(topic, command);
        Self { name: name.into(), was: Vec::new(), send, failed: Vec::new(), undo: Undo::Unsaid, taken: true }
    }

    /// A name that it had before: sagas that are at a step of that name are at this one.
    #[must_use]
    pub fn was(mut self, name: impl Into<String>) -> Self {
        self.was.push(name.into());
        self
    }

    /// An event that says it was done.
    #[must_use]
    pub fn done(mut self, event_type: impl Into<String>) -> Self {
        self.send = self.send.done(event_type);
        self
    }

    /// An event that says it was not done.
    #[must_use]
    pub fn failed(mut self, event_type: impl Into<String>) -> Self {
        self.failed.push(event_type.into());
        self
    }

    /// It may take only so long.
    #[must_use]
    pub fn timeout(mut self) -> Self {
        self.send = self.send.timeout();
        self
    }

    /// What undoes it.
    #[must_use]
    pub fn compensate(mut self, send: SendOutline) -> Self {
        self.undo = Undo::Send(send);
        self
    }

    /// Nothing has to be undone.
    #[must_use]
    pub fn nothing_to_undo(mut self) -> Self {
        self.undo = Undo::Nothing;
        self
    }
}

impl SendOutline {
    /// A command for a topic.
    pub fn new(topic: impl Into<String>, command: impl Into<String>) -> Self {
        Self { topic: topic.into(), command: command.into(), done: Vec::new(), timeout: false }
    }

    /// An event that says it was done.
    #[must_use]
    pub fn done(mut self, event_type: impl Into<String>) -> Self {
        self.done.push(event_type.into());
        self
    }

    /// It may take only so long.
    #[must_use]
    pub fn timeout(mut self) -> Self {
        self.timeout = true;
        self
    }

    /// Whether this is what is sent, and waited for.
    fn covers(&self, send: &Outgoing, wait: &Wait) -> bool {
        self.topic == send.topic && self.command == send.command && covers(&self.done, &wait.done)
    }
}

/// Whether all events were declared.
fn covers(declared: &[String], events: &[String]) -> bool {
    events.iter().all(|event| declared.contains(event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saga::{Compensation, Json};

    fn send(command: &str) -> Outgoing {
        Outgoing::new("air", command, Json::parse(b"{}").unwrap())
    }

    #[test]
    fn a_step_that_was_not_said_beforehand_is_a_problem() {
        let undo = SendOutline::new("air", "Return").done("Returned");
        let outline = Outline::of([StepOutline::new("fly", "air", "Fly").done("Flown").compensate(undo)]);
        let fly = || Step::new("fly", send("Fly")).done("Flown");
        let undone = |command| fly().compensate(Compensation::new(send(command)).done("Returned"));
        let checked = |step: &Step| outline.check_step(step).map_err(|problem| problem.0);
        assert_eq!(checked(&fly()), Ok(()));
        assert_eq!(checked(&undone("Return")), Ok(()));
        let no = |what: &str| Err(format!("its outline has no step \"fly\"{what}"));
        assert_eq!(checked(&undone("Crash")), no(" that is undone like this"));
        assert_eq!(checked(&fly().failed("Grounded")), no(" that sends this and waits for this"));
        assert_eq!(checked(&Step::new("fly", send("Crash"))), no(" that sends this and waits for this"));
        let walk = Step::new("walk", send("Fly"));
        assert_eq!(checked(&walk), Err("its outline has no step \"walk\"".to_owned()));
    }

    #[test]
    fn what_is_sent_at_the_end_was_said_beforehand() {
        let outline = Outline::of([]).last(SendOutline::new("air", "Thank"));
        assert_eq!(outline.check_last(&Compensation::new(send("Thank"))), Ok(()));
        assert!(outline.check_last(&Compensation::new(send("Fly"))).is_err());
    }
}
