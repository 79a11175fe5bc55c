//! What became of each step of a saga, read from its history.

use serde::Serialize;
use trunkline::saga::{Failing, Names, Recording, SagaDetail, SagaPart, Sent, StepDone, Transition};
use trunkline_core::{Position, Timestamp};

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The saga has not come to it.
    ToCome,
    /// It was sent, and its answer has not come.
    UnderWay,
    /// It happened.
    Done,
    /// Its condition did not hold.
    PassedOver,
    /// It is known not to have happened.
    Failed,
    /// The saga went back before it was known whether it happened.
    GivenUp,
    /// What undoes it was sent, and the answer has not come.
    BeingUndone,
    /// What it did was undone.
    Undone,
    /// The saga can't go on with it.
    Stuck,
    /// The saga ended, or went back, before it came to it.
    NotTaken,
}

impl Fate {
    /// The same in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToCome => "to come",
            Self::UnderWay => "under way",
            Self::Done => "done",
            Self::PassedOver => "passed over",
            Self::Failed => "failed",
            Self::GivenUp => "given up",
            Self::BeingUndone => "being undone",
            Self::Undone => "undone",
            Self::Stuck => "stuck",
            Self::NotTaken => "not taken",
        }
    }
}

/// A step and what became of it; the last send is a step too, named `completed` or `failed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepFate {
    /// The step.
    pub step: String,
    /// What became of it.
    pub fate: Fate,
    /// Since when.
    pub at: Option<Timestamp>,
    /// The position at which that was recorded.
    pub position: Option<Position>,
}

/// The steps of a saga in order, those to come as far as its definition says them.
pub(super) fn fates(detail: &SagaDetail) -> Vec<StepFate> {
    let steps = detail.names.iter().flat_map(Names::steps).map(|step| StepFate::to_come(step));
    let mut fates = Fates { steps: steps.collect(), names: detail.names.as_ref() };
    for recording in &detail.history {
        fates.take_in(recording);
    }
    fates.steps
}

struct Fates<'a> {
    steps: Vec<StepFate>,
    /// By which a step is found that had another name when it was recorded.
    names: Option<&'a Names>,
}

impl StepFate {
    fn to_come(step: &str) -> Self {
        Self { step: step.to_owned(), fate: Fate::ToCome, at: None, position: None }
    }
}

impl Fates<'_> {
    fn take_in(&mut self, recording: &Recording) {
        match &recording.transition {
            Transition::Sent(sent) => {
                let Sent { step, part, .. } = &**sent;
                let back = *part == SagaPart::Compensation;
                self.set(recording, step, if back { Fate::BeingUndone } else { Fate::UnderWay });
            }
            Transition::Resent(resent) => {
                // What was stuck is under way again.
                let undoes = self
                    .steps
                    .iter()
                    .any(|step| step.step == self.today(&resent.step) && step.fate == Fate::Stuck);
                if undoes {
                    self.set(recording, &resent.step, Fate::BeingUndone);
                }
            }
            Transition::Skipped(skipped) => self.set(recording, &skipped.step, Fate::PassedOver),
            Transition::StepDone(StepDone { step, part: SagaPart::Compensation, .. }) => {
                self.set(recording, step, Fate::Undone);
            }
            Transition::StepDone(StepDone { step, .. }) => self.set(recording, step, Fate::Done),
            Transition::Failing(Failing { step, drops, .. }) => {
                if let Some(step) = step {
                    self.set(recording, step, if *drops { Fate::Failed } else { Fate::GivenUp });
                }
                self.close(recording);
            }
            Transition::Completed(_) | Transition::Compensated(_) => self.close(recording),
            Transition::Stuck(stuck) => self.set(recording, &stuck.step, Fate::Stuck),
            Transition::Freed(freed) => self.set(recording, &freed.step, Fate::UnderWay),
            Transition::Started(_) | Transition::Noted(_) | Transition::Ignored(_) => {}
        }
    }

    fn set(&mut self, recording: &Recording, name: &str, fate: Fate) {
        let name = &*self.today(name).to_owned();
        let there = self.steps.iter().position(|step| step.step == name);
        let at = there.unwrap_or_else(|| {
            self.steps.push(StepFate::to_come(name));
            self.steps.len() - 1
        });
        if let Some(step) = self.steps.get_mut(at) {
            step.fate = fate;
            step.at = Some(recording.at);
            step.position = Some(recording.position);
        }
    }

    fn today<'a>(&'a self, recorded: &'a str) -> &'a str {
        self.names.map_or(recorded, |names| names.step(recorded))
    }

    /// What was to come doesn't any more.
    fn close(&mut self, recording: &Recording) {
        for step in self.steps.iter_mut().filter(|step| step.fate == Fate::ToCome) {
            step.fate = Fate::NotTaken;
            step.at = Some(recording.at);
            step.position = Some(recording.position);
        }
    }
}
