//! What the history of one saga has to add up to.

use std::collections::HashMap;

use trunkline_core::Version;
use trunkline_core::saga::{Outgoing, SagaPart, SagaState, Sent, Status, Transition};

use super::states::Recording;

/// Looks at all that happened to a saga: where it stands, and what of its history can't be.
///
/// The compensations that are pending are counted from its messages and their answers alone, beside the state that it
/// acts by.
pub(super) fn audit(name: &str, id: &str, history: &[Recording]) -> (SagaState, Vec<String>) {
    let mut audit = Audit {
        state: SagaState::new(name, id),
        pending: Vec::new(),
        sent: HashMap::new(),
        problems: Vec::new(),
    };
    for recording in history {
        audit.add(recording);
    }
    audit.finish();
    (audit.state, audit.problems)
}

struct Audit {
    state: SagaState,
    /// The steps that may have happened and are to be undone, with what does so; the first to be undone last.
    pending: Vec<(String, Outgoing)>,
    /// What was sent, and at which version of the stream.
    sent: HashMap<(SagaPart, String), Version>,
    problems: Vec<String>,
}

impl Audit {
    fn problem(&mut self, recording: &Recording, what: &str) {
        let Recording { version, position, .. } = recording;
        self.problems.push(format!("{what} (version {version}, position {position})"));
    }

    fn add(&mut self, recording: &Recording) {
        let transition = &recording.transition;
        match (self.state.status, transition) {
            (None, Transition::Started(_)) => {}
            (None, _) => self.problem(recording, "something happens to it before it was started"),
            (Some(_), Transition::Started(_)) => self.problem(recording, "it is started once more"),
            (Some(status), _) if status.is_ended() && !matches!(transition, Transition::Ignored(_)) => {
                self.problem(recording, &format!("it goes on though it was {status}"));
            }
            _ => {}
        }
        let cause = transition.cause();
        let read_to = self.state.read_to;
        if cause.event_id.is_some()
            && let Some(position) = cause.position.filter(|position| *position < read_to)
        {
            let what =
                format!("the event at position {position} has an effect after what happened at {read_to}");
            self.problem(recording, &what);
        }
        match transition {
            Transition::Sent(sent) => self.sent(recording, sent),
            Transition::Failing(failing) if failing.drops => {
                // It is known not to have happened.
                self.pending.pop_if(|(step, _)| failing.step.as_ref() == Some(step));
            }
            Transition::StepDone(done) if done.part == SagaPart::Compensation => {
                self.compensated(recording, &done.step);
            }
            Transition::Compensated(_) => self.check_compensated(recording, "it ends as compensated"),
            Transition::Completed(_) => {
                let undone = self.sent.keys().find(|(part, _)| *part == SagaPart::Compensation);
                if let Some((_, step)) = undone.cloned() {
                    self.problem(recording, &format!("it ends as completed, though {step} was undone"));
                }
            }
            _ => {}
        }
        self.state.apply(transition, recording.at, recording.event_id);
    }

    fn sent(&mut self, recording: &Recording, sent: &Sent) {
        let Sent { step, part, send, compensate, cause, .. } = sent;
        let called = part_of(*part, step);
        let first = self.sent.insert((*part, step.clone()), recording.version);
        if let Some(first) = first.filter(|_| cause.operator.is_none()) {
            let what = format!("{called} is sent as a new message, though version {first} had sent it");
            self.problem(recording, &what);
        }
        match part {
            SagaPart::Step if first.is_none() => {
                if let Some(compensation) = compensate {
                    self.pending.push((step.clone(), compensation.send.clone()));
                }
            }
            SagaPart::Step | SagaPart::Completed => {}
            SagaPart::Compensation => match self.pending.last() {
                Some((next, undoes)) if next == step && undoes == send => {}
                Some((next, _)) if next != step => {
                    let what = format!("{called} is sent, though {next} is to be undone first");
                    self.problem(recording, &what);
                }
                Some(_) => {
                    self.problem(recording, &format!("{called} is another one than was remembered"));
                }
                None => {
                    self.problem(recording, &format!("{called} is sent, though nothing is to be undone"));
                }
            },
            SagaPart::Failed => self.check_compensated(recording, "it reaches the end of the way back"),
        }
    }

    fn compensated(&mut self, recording: &Recording, step: &str) {
        if self.pending.pop_if(|(next, _)| next == step).is_none() {
            self.problem(recording, &format!("{step} is undone, which was not to be undone then"));
        }
    }

    /// When the compensation ends, all that was to be undone has been undone.
    fn check_compensated(&mut self, recording: &Recording, when: &str) {
        if self.pending.is_empty() {
            return;
        }
        let pending: Vec<&str> = self.pending.iter().map(|(step, _)| step.as_str()).collect();
        let what = format!("{when}, and was never undone: {}", pending.join(", "));
        self.problem(recording, &what);
    }

    /// Checks what it waits for now.
    fn finish(&mut self) {
        let Some(status @ (Status::Running | Status::Compensating)) = self.state.status else { return };
        let waits =
            self.state.waiting.as_ref().is_some_and(|waiting| !waiting.answered && waiting.sent.is_some());
        if !waits {
            self.problems.push(format!("it is {status}, and waits for nothing that could still come"));
        }
    }
}

/// A message, as a reader knows it.
fn part_of(part: SagaPart, step: &str) -> String {
    match part {
        SagaPart::Step => step.to_owned(),
        SagaPart::Compensation => format!("the compensation of {step}"),
        SagaPart::Completed => "the send of `completed`".to_owned(),
        SagaPart::Failed => "the send of `failed`".to_owned(),
    }
}
