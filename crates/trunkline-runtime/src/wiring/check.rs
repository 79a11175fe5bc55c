//! Parts of an application held against each other.

use trunkline_core::saga::{SendOutline, StepOutline, Undo};
use trunkline_nearest::nearest;

use super::{
    ConsumerWiring, RelayWiring, SagaWiring, SendPlace, Wiring, WiringFault, WiringPlace, WiringProblem,
};

impl Wiring {
    /// All that is wrong, in the order of the parts.
    pub fn check(&self) -> Vec<WiringProblem> {
        let mut found = Vec::new();
        for (at, saga) in self.sagas.iter().enumerate() {
            let part = format!("the saga \"{}\"", saga.name);
            found.extend(self.saga(at, saga).into_iter().map(|found| found.of(&part)));
        }
        for (projection, events) in self.projections.iter().enumerate() {
            for (event, name) in events.iter().enumerate() {
                let place = WiringPlace::Projected { projection, event };
                found.extend(self.projected(name, place).map(|found| found.of("a projection")));
            }
        }
        for (at, relay) in self.relays.iter().enumerate() {
            let part = format!("the relay \"{}\"", relay.name);
            found.extend(self.relay(at, relay).into_iter().map(|found| found.of(&part)));
        }
        found
    }

    fn saga(&self, at: usize, saga: &SagaWiring) -> Vec<Found> {
        let mut found = Vec::new();
        for (event, name) in saga.events.iter().enumerate() {
            found.extend(self.event(name, WiringPlace::Event { saga: at, event }));
        }
        if !saga.outline.starts {
            found.push(Found::error(WiringPlace::Start { saga: at }, WiringFault::NeverStarts));
        }
        for (number, step) in saga.outline.steps.iter().enumerate() {
            found.extend(self.send(&step.send, at, SendPlace::Step(number)));
            if let Undo::Send(undo) = &step.undo {
                found.extend(self.send(undo, at, SendPlace::Undo(number)));
            }
            found.extend(self.step(at, number, step, saga.outline.timeout));
        }
        for (number, last) in saga.outline.last.iter().enumerate() {
            found.extend(self.send(last, at, SendPlace::Last(number)));
        }
        found
    }

    fn step(&self, saga: usize, number: usize, step: &StepOutline, whole: bool) -> Vec<Found> {
        let mut found = Vec::new();
        let (name, command) = (step.name.clone(), step.send.command.clone());
        let place = WiringPlace::Step { saga, step: number };
        if step.undo == Undo::Unsaid && !self.silent.contains(&command) {
            let place = WiringPlace::Send { saga, send: SendPlace::Step(number) };
            let step = name.clone();
            found.push(Found::error(place, WiringFault::NoCompensation { step, command }));
        }
        if step.failed.is_empty() && !step.send.timeout && !whole {
            found.push(Found::error(place, WiringFault::WaitsForEver { step: name.clone() }));
        }
        if !step.taken {
            found.push(Found::error(place, WiringFault::NeverTaken { step: name }));
        }
        found
    }

    fn send(&self, send: &SendOutline, saga: usize, at: SendPlace) -> Option<Found> {
        let SendOutline { topic, command, done, .. } = send;
        let place = WiringPlace::Send { saga, send: at };
        let is_external = self.external.contains(topic);
        let is_taken = self.takers(topic).next().is_some();
        if self.is_dispatched(topic) {
            return self.command(command, place);
        }
        if self.unknown.consumers {
            return None;
        }
        if is_taken || is_external {
            let (command, topic) = (command.clone(), topic.clone());
            return done.is_empty().then(|| Found::error(place, WiringFault::NeverDone { command, topic }));
        }
        let taken = self.consumers.iter().flat_map(|consumer| &consumer.topics).map(String::as_str);
        let near = nearest(topic, taken);
        Some(Found::warning(place, WiringFault::NoConsumer { topic: topic.clone() }).near(near))
    }

    /// An event that a saga names.
    fn event(&self, name: &str, place: WiringPlace) -> Option<Found> {
        let event = name.to_owned();
        if self.upcasters.is_gone(name) {
            return Some(Found::error(place, WiringFault::Gone { event }));
        }
        if self.unknown.commands || self.is_known(name) {
            return None;
        }
        let found = Found::new(place, WiringFault::NeverEmitted { event }, !self.unknown.emitted);
        Some(found.near(self.nearest_event(name)))
    }

    /// An event that a projection applies.
    ///
    /// One that nothing emits may come from elsewhere, and a projection that never sees it does no harm: so that is a
    /// warning, and where code may emit events it is one only of what was probably misspelt.
    fn projected(&self, name: &str, place: WiringPlace) -> Option<Found> {
        let event = name.to_owned();
        if self.upcasters.is_gone(name) {
            return Some(Found::error(place, WiringFault::Gone { event }));
        }
        // An application that knows no events is about those of another.
        if self.is_known(name) || self.unknown.commands || self.events.is_empty() {
            return None;
        }
        let near = self.nearest_event(name);
        let is_meant = near.is_some() || !self.unknown.emitted;
        is_meant.then(|| Found::warning(place, WiringFault::NeverEmitted { event }).near(near))
    }

    /// Where a consumer dispatches what a relay hands on, each event is a command of its type's name.
    fn relay(&self, at: usize, relay: &RelayWiring) -> Vec<Found> {
        if !self.is_dispatched(&relay.topic) {
            return Vec::new();
        }
        let all = self.events.iter().filter(|_| relay.events.is_empty());
        let commands = relay.events.iter().chain(all);
        commands.filter_map(|event| self.command(event, WiringPlace::Relay { relay: at })).collect()
    }

    /// A command that a consumer gets.
    fn command(&self, name: &str, place: WiringPlace) -> Option<Found> {
        if self.commands.contains(name) {
            return None;
        }
        let fault = WiringFault::Unhandled { command: name.to_owned() };
        let near = nearest(name, self.commands.iter().map(String::as_str));
        Some(Found::new(place, fault, !self.unknown.handled).near(near))
    }

    fn is_known(&self, event: &str) -> bool {
        self.events.contains(event) || self.upcasters.present(event).is_some()
    }

    fn nearest_event(&self, name: &str) -> Option<&str> {
        nearest(name, self.events.iter().map(String::as_str))
    }

    fn takers(&self, topic: &str) -> impl Iterator<Item = &ConsumerWiring> {
        self.consumers.iter().filter(move |consumer| consumer.topics.iter().any(|taken| taken == topic))
    }

    fn is_dispatched(&self, topic: &str) -> bool {
        self.takers(topic).any(|consumer| consumer.dispatches)
    }
}

/// A problem whose part isn't named yet.
struct Found {
    place: WiringPlace,
    fault: WiringFault,
    near: Option<String>,
    is_error: bool,
}

impl Found {
    fn new(place: WiringPlace, fault: WiringFault, is_error: bool) -> Self {
        Self { place, fault, near: None, is_error }
    }

    fn error(place: WiringPlace, fault: WiringFault) -> Self {
        Self::new(place, fault, true)
    }

    fn warning(place: WiringPlace, fault: WiringFault) -> Self {
        Self::new(place, fault, false)
    }

    fn near(mut self, near: Option<&str>) -> Self {
        self.near = near.map(str::to_owned);
        self
    }

    fn of(self, part: &str) -> WiringProblem {
        let Self { place, fault, near, is_error } = self;
        WiringProblem { part: part.to_owned(), place, fault, near, is_error }
    }
}
