//! The order of computing: what a plan needs is computed before it, and a plan that needs itself is a mistake.
//!
//! A plan needs everything that is named in it, whichever branch of a condition is taken, so whether a file has a
//! cycle does not depend on the environment. The walk keeps its own stack: a chain of references of any length is
//! followed without recursion.

use super::plan::{ContainerId, Item, Part, Plan, Planned, Progress, State};
use super::{Evaluator, depth_left, is_deeper};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::limits::NESTING_MAX;
use crate::value::Value;

/// An item on the way, what it needs, and how much of that has been seen to.
struct Step {
    item: Item,
    needs: Vec<Item>,
    next: usize,
}

impl Evaluator<'_> {
    /// Computes an item and everything it needs.
    pub(super) fn settle(&mut self, first: Item) {
        if self.progress(first) != Progress::Waiting {
            return;
        }
        let mut containers = Vec::new();
        let mut steps = vec![self.begin(first)];
        while let Some(step) = steps.last_mut() {
            let item = step.item;
            if let Some(&need) = step.needs.get(step.next) {
                step.next += 1;
                match self.progress(need) {
                    Progress::Done => {}
                    Progress::Waiting => steps.push(self.begin(need)),
                    Progress::Busy => self.report_cycle(&steps, need),
                }
                continue;
            }
            steps.pop();
            match item {
                Item::Slot(slot) => {
                    let plan = std::mem::take(&mut self.slots[slot.0].plan);
                    let span = self.slots[slot.0].span;
                    let mut value = self.compute(&plan, span);
                    if is_deeper(&value, depth_left(self.slots[slot.0].depth)) {
                        let message = format!("the value nests more than {NESTING_MAX} levels deep");
                        self.report(Diagnostic::error(codes::TOO_DEEP, span, message));
                        value = Value::Invalid;
                    }
                    self.slots[slot.0].state = State::Ready(value);
                }
                Item::Container(container) => {
                    self.containers[container.0].progress = Progress::Done;
                    containers.push(container);
                }
            }
        }
        if self.arranging {
            // More keys may come, so these have to be looked at again.
            for container in containers {
                self.containers[container.0].progress = Progress::Waiting;
            }
        }
    }

    fn progress(&self, item: Item) -> Progress {
        match item {
            Item::Slot(slot) => match self.slots[slot.0].state {
                State::Waiting => Progress::Waiting,
                State::Busy => Progress::Busy,
                State::Ready(_) => Progress::Done,
            },
            Item::Container(container) => self.containers[container.0].progress,
        }
    }

    fn begin(&mut self, item: Item) -> Step {
        let mut needs = Vec::new();
        match item {
            Item::Slot(slot) => {
                self.needs_of(&self.slots[slot.0].plan, &mut needs);
                self.slots[slot.0].state = State::Busy;
            }
            Item::Container(container) => {
                let container = &mut self.containers[container.0];
                container.progress = Progress::Busy;
                needs.extend(container.entries.values().map(|entry| entry.item));
            }
        }
        Step { item, needs, next: 0 }
    }

    fn needs_of(&self, plan: &Plan, needs: &mut Vec<Item>) {
        let mut all = |planned: &Planned| self.needs_of(&planned.plan, needs);
        match plan {
            Plan::Value(_) | Plan::Invalid => {}
            Plan::Item(item) => needs.push(*item),
            Plan::Template(parts) => needs.extend(parts.iter().filter_map(|part| match part {
                Part::Variable(slot, _) => Some(Item::Slot(*slot)),
                Part::Path(steps, _) => self.look_up(steps).map(|(item, _)| item),
                Part::Text(_) | Part::Invalid => None,
            })),
            Plan::Array(items) | Plan::Call(_, _, items) => items.iter().for_each(all),
            Plan::Unary(_, operand) => all(operand),
            Plan::Chain(first, links) => {
                all(first);
                for (_, _, right) in links {
                    all(right);
                }
            }
            Plan::Ternary(parts) => parts.iter().for_each(all),
        }
    }

    /// What a path names, and the steps that lead on into the value of a slot.
    pub(super) fn look_up<'p>(&self, steps: &'p [String]) -> Option<(Item, &'p [String])> {
        let mut container = Self::ROOT;
        for (index, step) in steps.iter().enumerate() {
            let item = self.containers[container.0].entries.get(step)?.item;
            match item {
                Item::Container(child) if index + 1 < steps.len() => container = child,
                item => return Some((item, &steps[index + 1..])),
            }
        }
        None
    }

    fn report_cycle(&mut self, steps: &[Step], need: Item) {
        let from = steps.iter().position(|step| step.item == need).unwrap_or(0);
        let names = steps[from..].iter().map(|step| self.name_of(step.item)).filter(|name| !name.is_empty());
        let mut names: Vec<String> = names.collect();
        names.dedup();
        // Named from the first in the text, wherever the walk came in.
        let spans = steps[from..].iter().filter_map(|step| match step.item {
            Item::Slot(slot) => Some((self.slots[slot.0].span, self.name_of(step.item))),
            Item::Container(_) => None,
        });
        let Some((span, first)) = spans.min() else { return };
        if let Some(at) = names.iter().position(|name| *name == first) {
            names.rotate_left(at);
        }
        names.push(first);
        let message = format!("the value depends on itself: {}", names.join(" → "));
        self.report(
            Diagnostic::error(codes::CYCLE, span, message).fix("break the circle with a value of its own"),
        );
    }

    fn name_of(&self, item: Item) -> String {
        match item {
            Item::Slot(slot) => self.slots[slot.0].label.clone(),
            Item::Container(container) => self.container_path(ContainerId(container.0)),
        }
    }
}
