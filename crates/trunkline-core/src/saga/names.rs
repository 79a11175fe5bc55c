//! What a definition calls its parts today, and whether that is all that a saga under way needs of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::{Behaviour, Outline, SagaPart, SagaState, SendOutline, Undo};

/// A saga's definition: what it does, and what it calls its parts.
#[derive(Clone)]
pub struct Definition {
    /// What it does.
    pub behaviour: Arc<dyn Behaviour>,
    /// What it calls its parts.
    pub names: Names,
}

impl Definition {
    /// The definition with this behaviour.
    pub fn new(behaviour: Arc<dyn Behaviour>) -> Self {
        let names = Names::of(&*behaviour);
        Self { behaviour, names }
    }

    /// Commands that are handled, though the saga no longer sends them.
    #[must_use]
    pub fn handled<'a>(mut self, commands: impl IntoIterator<Item = &'a str>) -> Self {
        self.names.commands.extend(commands.into_iter().map(str::to_owned));
        self
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definition").field("names", &self.names).finish_non_exhaustive()
    }
}

/// What a saga's definition calls its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// What each step is called today, by each name that it has or had.
    steps: BTreeMap<String, String>,
    /// The steps' names of today, in order.
    today: Vec<String>,
    events: BTreeSet<String>,
    commands: BTreeSet<String>,
}

/// What a saga under way needs of its definition, which no longer names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Missing {
    /// All of the saga: none of its name is defined.
    Saga(String),
    /// The step that it is at.
    Step(String),
    /// An event that it waits for.
    Event(String),
    /// The command that it sent and whose answer it waits for.
    Command(String),
}

impl Names {
    /// What this behaviour calls its parts.
    pub fn of(behaviour: &dyn Behaviour) -> Self {
        let Outline { steps, last, .. } = behaviour.outline();
        let mut names = Self { events: behaviour.events().into_iter().collect(), ..Self::default() };
        let mut sends: Vec<&SendOutline> = last.iter().collect();
        for step in &steps {
            names.today.push(step.name.clone());
            for name in &step.was {
                names.steps.insert(name.clone(), step.name.clone());
            }
            sends.push(&step.send);
            sends.extend(if let Undo::Send(undo) = &step.undo { Some(undo) } else { None });
        }
        // A name of today is never an older one of another step.
        names.steps.extend(steps.iter().map(|step| (step.name.clone(), step.name.clone())));
        names.commands.extend(sends.into_iter().map(|send| send.command.clone()));
        names
    }

    /// The steps' names, in order.
    pub fn steps(&self) -> &[String] {
        &self.today
    }

    /// What a step is called today that was recorded under this name; the same when no step is.
    pub fn step<'a>(&'a self, recorded: &'a str) -> &'a str {
        self.steps.get(recorded).map_or(recorded, String::as_str)
    }

    /// What the definition doesn't name of all that a saga waits for that has not ended.
    pub fn missing(&self, state: &SagaState) -> Option<Missing> {
        let waiting = state.waiting.as_ref().filter(|_| state.status.is_some())?;
        let is_step = waiting.part == SagaPart::Step;
        if is_step && !self.steps.contains_key(&waiting.step) {
            return Some(Missing::Step(waiting.step.clone()));
        }
        // What had its answer waits for an operator, and for no event.
        let sent = waiting.sent.as_ref().filter(|_| !waiting.answered)?;
        let failed = waiting.wait.failed.iter().filter(|_| is_step);
        let mut events = waiting.wait.done.iter().chain(failed);
        if let Some(event) = events.find(|event| !self.events.contains(*event)) {
            return Some(Missing::Event(event.clone()));
        }
        let names = self.commands.contains(&sent.command);
        (!names).then(|| Missing::Command(sent.command.clone()))
    }
}

impl Missing {
    /// What an operator can do about it.
    pub fn remedy(&self) -> String {
        let again = "it goes on when sagas run";
        match self {
            Self::Saga(name) => {
                format!("say `was: \"{name}\"` of the saga that it became, or define it again, and {again}")
            }
            Self::Step(name) => format!(
                "say `was: \"{name}\"` of the step that it became, or name it again, and {again} or by `saga retry`; `saga compensate` takes it back"
            ),
            Self::Event(_) | Self::Command(_) => format!(
                "name it again, and {again} or by `saga retry`; `saga resolve` takes the step as done, `saga compensate` takes it back"
            ),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Saga(name) => write!(f, "no saga \"{name}\" is defined"),
            Self::Step(name) => write!(f, "it is at step \"{name}\", which its definition doesn't name"),
            Self::Event(name) => write!(f, "it waits for {name}, which its definition doesn't name"),
            Self::Command(name) => {
                write!(f, "it waits for the answer to {name}, which nothing sends or handles any more")
            }
        }
    }
}
