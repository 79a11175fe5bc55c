//! What sagas, relays and projections of a file name is somewhere in it, and every saga that starts can end: reported of
//! each where it stands.
//!
//! Looked for when all sections are read. What a program's code does isn't known here: where the file names code, an
//! event that may be its is a warning and no error.

use trunkline_cel::{Expression, Variables};
use trunkline_config::read::Section;
use trunkline_config::{Diagnostic, Span};
use trunkline_core::EventType;
use trunkline_core::saga::{Outline, SendOutline, StepOutline, Undo};
use trunkline_queue::TopicName;

use super::{
    Compensate, DeclaredAction, Definition, LastDefinition, Reading, SagaAction, StepDefinition,
    StepsDefinition, codes,
};
use trunkline_runtime::{
    ConsumerWiring, RelayWiring, SagaWiring, SendPlace, Unknown, Wiring, WiringFault, WiringPlace,
    WiringProblem,
};

pub(super) fn check(
    root: &mut Section<'_>,
    reading: &Reading<'_>,
    definition: &Definition,
    declared: &[&str],
) {
    let consumers = root.key("consumers").section().each().len();
    // Those too whose handlers only a program has.
    let mapped = root.key("cqrs").section().key("command_handlers").section().each();
    let names_code = !mapped.is_empty()
        || definition.consumers.values().any(|it| matches!(it.action, DeclaredAction::Class(_)));
    let mapped = mapped.into_iter().map(|(name, _)| name.to_owned());
    let programs = &reading.registered.commands;
    let places = Places::of(root, definition);
    let wiring = Wiring {
        sagas: declared_sagas(definition).map(|(name, steps)| saga_wiring(name, steps)).collect(),
        consumers: takers(definition),
        relays: places.relays.iter().map(|relay| relay.wiring.clone()).collect(),
        projections: places.projected.iter().map(|events| names(events)).collect(),
        commands: declared
            .iter()
            .map(|&name| name.to_owned())
            .chain(mapped)
            .chain(programs.iter().cloned())
            .collect(),
        silent: silent(definition),
        events: definition.known_events().map(str::to_owned).collect(),
        upcasters: definition.upcasters.clone(),
        external: definition.message_queue.external.iter().map(ToString::to_string).collect(),
        unknown: Unknown {
            commands: declared.len() != definition.commands.len(),
            consumers: consumers != definition.consumers.len(),
            emitted: names_code || !programs.is_empty(),
            handled: !reading.registered.complete && names_code,
        },
    };
    for problem in wiring.check() {
        root.reader().report(diagnostic(&problem, &places.span(problem.place)));
    }
}

impl Definition {
    /// The events that the file knows of: those that are emitted, declared, folded, or what older ones become.
    pub(super) fn known_events(&self) -> impl Iterator<Item = &str> {
        let emitted = self.commands.values().flat_map(|command| &command.emit);
        let emitted = emitted.map(|emit| emit.event_type.as_str());
        let folded = self.aggregates.values().flat_map(|aggregate| aggregate.on.keys());
        let declared = self.events.keys().chain(folded).map(String::as_str);
        emitted.chain(declared)
    }
}

impl Definition {
    /// The events that something in the file makes or reads: what it doesn't declare of these is in version 1.
    pub(super) fn read_events(&self) -> impl Iterator<Item = String> {
        let projected = self.projections.values().flat_map(|one| one.model.event_types());
        let relayed = self.relays.values().flat_map(|relay| &relay.events).map(EventType::as_str);
        let waited = declared_sagas(self).flat_map(|(_, steps)| steps.events()).map(|event| event.name);
        let named = self.known_events().chain(projected).chain(relayed).map(str::to_owned);
        // Trunkline's own have no versions of the file's.
        named.chain(waited).filter(|event_type| !event_type.starts_with('$'))
    }
}

/// The sagas whose steps the file says.
fn declared_sagas(definition: &Definition) -> impl Iterator<Item = (&str, &StepsDefinition)> {
    definition.sagas.iter().filter_map(|(name, saga)| match &saga.action {
        SagaAction::Steps(steps) => Some((name.as_str(), &**steps)),
        SagaAction::Class(_) => None,
    })
}

fn saga_wiring(name: &str, steps: &StepsDefinition) -> SagaWiring {
    let events = steps.events().map(|event| event.name).collect();
    SagaWiring { name: name.to_owned(), events, outline: outline(steps) }
}

fn takers(definition: &Definition) -> Vec<ConsumerWiring> {
    let taker = |it: &super::ConsumerDefinition| ConsumerWiring {
        topics: it.consumer.topics.iter().map(ToString::to_string).collect(),
        dispatches: matches!(it.action, DeclaredAction::Dispatch(_)),
    };
    definition.consumers.values().map(taker).collect()
}

/// The commands that leave nothing behind.
fn silent(definition: &Definition) -> std::collections::BTreeSet<String> {
    let commands = definition.commands.iter();
    commands.filter(|(_, command)| command.emit.is_empty()).map(|(name, _)| name.clone()).collect()
}

/// What a saga's steps say beforehand.
pub(crate) fn outline(steps: &StepsDefinition) -> Outline {
    let step = |step: &StepDefinition| StepOutline {
        name: step.name.clone(),
        was: step.was.iter().map(|was| was.name.clone()).collect(),
        send: send(&step.last),
        failed: step.failed.iter().map(|event| event.name.clone()).collect(),
        undo: match &step.compensate {
            Compensate::Unsaid => Undo::Unsaid,
            Compensate::Nothing => Undo::Nothing,
            Compensate::Send(undo) => Undo::Send(send(undo)),
        },
        taken: !is_never(step.when.as_ref()),
    };
    Outline {
        starts: !is_never(steps.start_when.as_ref()),
        timeout: steps.timeout.is_some(),
        steps: steps.steps.iter().map(step).collect(),
        last: steps.completed.iter().chain(&steps.failed).map(send).collect(),
    }
}

fn send(last: &LastDefinition) -> SendOutline {
    SendOutline {
        topic: last.send.topic.to_string(),
        command: last.send.command.clone(),
        done: last.done.iter().map(|event| event.name.clone()).collect(),
        timeout: last.timeout.is_some(),
    }
}

/// Whether a condition fails without having looked at anything.
fn is_never(when: Option<&Expression>) -> bool {
    when.is_some_and(|when| matches!(when.evaluate_bool(&Variables::new()), Ok(false)))
}

/// Where the parts of a wiring stand in the file.
struct Places<'a> {
    sagas: Vec<&'a StepsDefinition>,
    /// The events of each projection.
    projected: Vec<Vec<(String, Span)>>,
    relays: Vec<PlacedRelay>,
}

struct PlacedRelay {
    wiring: RelayWiring,
    events: Span,
}

fn names(events: &[(String, Span)]) -> Vec<String> {
    events.iter().map(|(name, _)| name.clone()).collect()
}

impl<'a> Places<'a> {
    fn of(root: &mut Section<'_>, definition: &'a Definition) -> Self {
        let projected = root.key("projections").section().each().into_iter().map(|(_, field)| {
            let events = field.section().key("on").section().each().into_iter();
            events.map(|(name, field)| (name.to_owned(), field.key_span())).collect()
        });
        let projected = projected.collect();
        let relays = root.key("relay").section().each().into_iter().filter_map(|(name, field)| {
            let relay = definition.relays.get(name)?;
            let events = relay.events.iter().map(EventType::as_str).map(str::to_owned).collect();
            let topic: &TopicName = &relay.topic;
            let wiring = RelayWiring { name: name.to_owned(), events, topic: topic.to_string() };
            Some(PlacedRelay { wiring, events: field.section().key("events").span() })
        });
        let relays = relays.collect();
        Self { sagas: declared_sagas(definition).map(|(_, steps)| steps).collect(), projected, relays }
    }

    fn span(&self, place: WiringPlace) -> Place {
        match place {
            WiringPlace::Start { saga } => Place::of(self.sagas[saga].start.span),
            WiringPlace::Event { saga, event } => {
                let mut events = self.sagas[saga].events();
                Place::of(events.nth(event).expect("it is one of them").span)
            }
            WiringPlace::Step { saga, step } => Place::of(self.sagas[saga].steps[step].last.span),
            WiringPlace::Send { saga, send } => {
                let last = sent(self.sagas[saga], send);
                Place { whole: last.span, topic: last.send.topic_span, command: last.send.command_span }
            }
            WiringPlace::Projected { projection, event } => Place::of(self.projected[projection][event].1),
            WiringPlace::Relay { relay } => Place::of(self.relays[relay].events),
        }
    }
}

fn sent(steps: &StepsDefinition, place: SendPlace) -> &LastDefinition {
    match place {
        SendPlace::Step(step) => &steps.steps[step].last,
        SendPlace::Undo(step) => match &steps.steps[step].compensate {
            Compensate::Send(undo) => undo,
            _ => unreachable!("a step without compensation sends none"),
        },
        SendPlace::Last(last) => {
            steps.completed.iter().chain(&steps.failed).nth(last).expect("it is one of them")
        }
    }
}

/// Where something stands, and its names.
struct Place {
    whole: Span,
    topic: Span,
    command: Span,
}

impl Place {
    fn of(span: Span) -> Self {
        Self { whole: span, topic: span, command: span }
    }
}

/// A problem in the words of the file.
fn diagnostic(problem: &WiringProblem, place: &Place) -> Diagnostic {
    let (code, span) = match &problem.fault {
        WiringFault::NeverEmitted { .. } | WiringFault::Gone { .. } => (codes::UNKNOWN_EVENT, place.whole),
        WiringFault::Unhandled { .. } => (codes::UNHANDLED, place.command),
        WiringFault::NoConsumer { .. } => (codes::NO_CONSUMER, place.topic),
        WiringFault::NeverDone { .. } => (codes::NEVER_DONE, place.whole),
        WiringFault::NoCompensation { .. } => (codes::NO_COMPENSATION, place.command),
        WiringFault::WaitsForEver { .. } => (codes::WAITS_FOR_EVER, place.whole),
        _ => (codes::NEVER_TAKEN, place.whole),
    };
    let message = problem.fault.to_string();
    let wrong = if problem.is_error {
        Diagnostic::error(code, span, message)
    } else {
        Diagnostic::warning(code, span, message)
    };
    if let Some(near) = &problem.near {
        return wrong.did_you_mean(Some(near.as_str()));
    }
    match &problem.fault {
        WiringFault::NeverEmitted { event } => wrong.fix(format!(
            "let a command emit it, or declare one that comes from elsewhere: [events.{event}]"
        )),
        WiringFault::Gone { .. } => wrong.fix("name what it becomes"),
        WiringFault::Unhandled { command } => wrong.fix(format!("declare it: [commands.{command}]")),
        WiringFault::NoConsumer { topic } => wrong.fix(format!(
            "add it to the topics of a consumer, or say that another program takes it: [message_queue] external: [\"{topic}\"]"
        )),
        WiringFault::NeverDone { topic, .. } => wrong
            .note(format!("only commands that a consumer dispatches are answered; \"{topic}\" has none"))
            .fix("name the event that says so: done: \"…\""),
        WiringFault::NoCompensation { .. } => wrong
            .fix("add compensate: { send: { … } }, or compensate: \"none\" if nothing has to be undone"),
        WiringFault::WaitsForEver { .. } => wrong
            .fix("add a timeout, such as timeout: \"5m\", or the event that says it failed: failed: \"…\""),
        WiringFault::NeverTaken { .. } => wrong.fix("correct the condition, or remove the step"),
        _ => wrong.fix("correct the condition, or remove the saga"),
    }
}
