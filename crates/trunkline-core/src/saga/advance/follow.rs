//! What follows from something that was done, failed, or timed out: the next step, the way back, the end.

use super::super::plan::{LastSend, Next, Step};
use super::super::state::Waiting;
use super::super::transition::{
    DoneBy, Ended, Failing, Resent, SagaPart, Sent, Skipped, StepDone, Stuck, Transition,
};
use super::super::{BehaviourProblem, MessageIds};
use super::{Machine, SKIPPED_MAX};
use crate::RecordedEvent;

impl Machine<'_> {
    /// What was waited for was done; on to what is next.
    pub(super) fn done(
        &mut self,
        waiting: &Waiting,
        by: DoneBy,
        reason: Option<String>,
        event: Option<&RecordedEvent>,
    ) {
        let mut state = None;
        let mut problem = None;
        if let (SagaPart::Step, Some(event)) = (waiting.part, event) {
            match self.behaviour.evolve(&self.view(), event, Some(self.names.step(&waiting.step))) {
                Ok(evolved) => state = evolved.filter(|evolved| *evolved != self.state.state),
                Err(found) => problem = Some(found),
            }
        }
        let mut done = StepDone {
            cause: self.cause.clone(),
            step: waiting.step.clone(),
            part: waiting.part,
            by,
            reason,
            state,
        };
        let in_step = |problem: BehaviourProblem| BehaviourProblem(format!("{}: {problem}", waiting.step));
        let mut problem = problem.map(in_step);
        if done.state.is_some()
            && let Err(found) =
                self.fits(&Transition::StepDone(done.clone()), &waiting.step, "what is remembered")
        {
            done.state = None;
            problem = Some(found);
        }
        self.record(Transition::StepDone(done));
        match (waiting.part, problem) {
            (_, Some(problem)) => self.fail(problem.0, false),
            (SagaPart::Step, None) => self.forward(),
            (SagaPart::Compensation, None) => self.back(),
            (part @ (SagaPart::Completed | SagaPart::Failed), None) => self.end(part),
        }
    }

    /// The next step on the way forward.
    pub(super) fn forward(&mut self) {
        for _ in 0..SKIPPED_MAX {
            let after = self.state.after.as_deref().map(|after| self.names.step(after));
            match self.behaviour.next(&self.view(), after) {
                Ok(Next::Step(step)) => {
                    let Step { name: step, send, wait, compensate } = *step;
                    let what =
                        if compensate.is_some() { "what it sends, with what undoes it," } else { SENDS };
                    let (cause, part) = (self.cause.clone(), SagaPart::Step);
                    let called = step.clone();
                    let sent = Sent { cause, step, part, send, ids: MessageIds::OfEvents, wait, compensate };
                    let sent = Transition::Sent(Box::new(sent));
                    return match self.fits(&sent, &called, what) {
                        Ok(()) => self.record(sent),
                        Err(problem) => self.fail(problem.0, false),
                    };
                }
                Ok(Next::Skip(step)) => {
                    self.record(Transition::Skipped(Skipped { cause: self.cause.clone(), step }));
                }
                Ok(Next::End) => return self.last(SagaPart::Completed),
                Err(problem) => return self.fail(problem.0, false),
            }
        }
        self.fail("its steps have no end".to_owned(), false);
    }

    /// The way back begins.
    pub(super) fn fail(&mut self, reason: String, drops: bool) {
        let step = self.state.waiting.as_ref().map(|waiting| waiting.step.clone());
        self.record(Transition::Failing(Failing { cause: self.cause.clone(), step, reason, drops }));
        self.back();
    }

    /// What is undone next.
    pub(super) fn back(&mut self) {
        let Some((step, compensation)) = self.state.compensations.last().cloned() else {
            return self.last(SagaPart::Failed);
        };
        self.send(step, SagaPart::Compensation, compensation);
    }

    /// What is sent at the end, if anything is.
    pub(super) fn last(&mut self, part: SagaPart) {
        match self.behaviour.last(&self.view(), part) {
            Ok(Some(last)) => self.send(name_of(part).to_owned(), part, last),
            Ok(None) => self.end(part),
            Err(BehaviourProblem(reason)) => {
                self.stuck(name_of(part).to_owned(), part, reason, true);
            }
        }
    }

    fn end(&mut self, part: SagaPart) {
        let ended = Ended { cause: self.cause.clone() };
        self.record(match part {
            SagaPart::Step | SagaPart::Completed => Transition::Completed(ended),
            SagaPart::Compensation | SagaPart::Failed => Transition::Compensated(ended),
        });
    }

    fn send(&mut self, step: String, part: SagaPart, LastSend { send, wait }: LastSend) {
        let (cause, called) = (self.cause.clone(), step.clone());
        let ids = MessageIds::OfEvents;
        let sent = Sent { cause, step, part, send, ids, wait, compensate: None };
        let sent = Transition::Sent(Box::new(sent));
        match self.fits(&sent, &called, SENDS) {
            Ok(()) => self.record(sent),
            Err(BehaviourProblem(reason)) => {
                self.stuck(called, part, reason, true);
            }
        }
    }

    pub(super) fn resend(&mut self, waiting: &Waiting, delay_ms: u64) {
        self.record(Transition::Resent(Resent {
            cause: self.cause.clone(),
            step: waiting.step.clone(),
            message: waiting.message,
            attempt: waiting.attempts + 1,
            delay_ms,
        }));
    }

    /// The same once more, as a new message.
    pub(super) fn again(&mut self, waiting: &Waiting) {
        match (waiting.part, waiting.sent.clone()) {
            (part, Some(send)) => {
                let again = LastSend { send, wait: waiting.wait.clone() };
                self.send(waiting.step.clone(), part, again);
            }
            (SagaPart::Compensation, None) => self.back(),
            (part, None) => self.last(part),
        }
    }

    pub(super) fn stuck(&mut self, step: String, part: SagaPart, reason: String, answered: bool) {
        let cause = self.cause.clone();
        self.record(Transition::Stuck(Stuck { cause, step, part, reason, answered, held: false }));
    }
}

/// What may be too large of a message alone.
const SENDS: &str = "what it sends";

/// What the last send is called among the steps.
fn name_of(part: SagaPart) -> &'static str {
    match part {
        SagaPart::Completed => "completed",
        SagaPart::Failed => "failed",
        SagaPart::Step | SagaPart::Compensation => "",
    }
}
