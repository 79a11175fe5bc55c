//! Loose ends: what sagas, relays and projections name is somewhere in the file, and every saga that starts can end.
//!
//! Looked for when all sections are read. What a program's code does isn't known here: where the file names code, an
//! event that may be its is a warning and no error.

use std::collections::BTreeSet;

use trunkline_cel::{Expression, Variables};
use trunkline_config::read::{Reader, Section};
use trunkline_config::{Diagnostic, Span, nearest};
use trunkline_core::EventType;
use trunkline_queue::TopicName;

use super::{
    Compensate, ConsumerDefinition, DeclaredAction, Definition, EventDefinitionName, LastDefinition, Reading,
    SagaAction, StepDefinition, StepsDefinition, codes,
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
    let ends = Ends {
        reader: root.reader(),
        reading,
        definition,
        declared,
        mapped: mapped.into_iter().map(|(name, _)| name).collect(),
        events: events(definition),
        commands_read: declared.len() == definition.commands.len(),
        consumers_read: consumers == definition.consumers.len(),
    };
    for saga in definition.sagas.values() {
        if let SagaAction::Steps(steps) = &saga.action {
            ends.saga(steps);
        }
    }
    for (_, field) in root.key("projections").section().each() {
        for (name, field) in field.section().key("on").section().each() {
            ends.projected(name, field.key_span());
        }
    }
    for (name, field) in root.key("relay").section().each() {
        if let Some(relay) = definition.relays.get(name) {
            let span = field.section().key("events").span();
            ends.relay(&relay.events, &relay.topic, span);
        }
    }
}

/// The events that the file knows of: those that are emitted, declared, folded, or what older ones become.
fn events(definition: &Definition) -> BTreeSet<&str> {
    let emitted = definition.commands.values().flat_map(|command| &command.emit);
    let emitted = emitted.map(|emit| emit.event_type.as_str());
    let folded = definition.aggregates.values().flat_map(|aggregate| aggregate.on.keys());
    let declared = definition.events.keys().chain(folded).map(String::as_str);
    emitted.chain(declared).collect()
}

/// Whether a condition fails without having looked at anything.
fn is_never(when: Option<&Expression>) -> bool {
    when.is_some_and(|when| matches!(when.evaluate_bool(&Variables::new()), Ok(false)))
}

struct Ends<'a> {
    reader: &'a Reader,
    reading: &'a Reading<'a>,
    definition: &'a Definition,
    /// The names of all declared commands, those with mistakes too.
    declared: &'a [&'a str],
    /// The names of all commands that the file gives handlers of a program.
    mapped: Vec<&'a str>,
    events: BTreeSet<&'a str>,
    /// Whether all commands could be read, and so all that they emit is known.
    commands_read: bool,
    /// Whether all consumers could be read.
    consumers_read: bool,
}

impl Ends<'_> {
    fn saga(&self, saga: &StepsDefinition) {
        for event in saga.events() {
            self.event(&event);
        }
        if is_never(saga.start_when.as_ref()) {
            let message = "no such saga ever starts: its `when` never holds";
            let wrong = Diagnostic::error(codes::NEVER_TAKEN, saga.start.span, message);
            self.reader.report(wrong.fix("correct the condition, or remove the saga"));
        }
        for step in &saga.steps {
            self.step(step, saga);
        }
        for last in saga.completed.iter().chain(&saga.failed) {
            self.last(last);
        }
    }

    fn step(&self, step: &StepDefinition, saga: &StepsDefinition) {
        let StepDefinition { name, last, failed, compensate, when, .. } = step;
        self.last(last);
        match compensate {
            Compensate::Send(undo) => self.last(undo),
            Compensate::Unsaid if self.changes(&last.send.command) => {
                let command = &last.send.command;
                let message = format!("the step \"{name}\" doesn't say what undoes {command}");
                let wrong = Diagnostic::error(codes::NO_COMPENSATION, last.send.command_span, message);
                let fix =
                    "add compensate: { send: { … } }, or compensate: \"none\" if nothing has to be undone";
                self.reader.report(wrong.fix(fix));
            }
            Compensate::Unsaid | Compensate::Nothing => {}
        }
        if failed.is_empty() && last.timeout.is_none() && saga.timeout.is_none() {
            let message = format!("the step \"{name}\" may wait for ever");
            let wrong = Diagnostic::error(codes::WAITS_FOR_EVER, last.span, message);
            let fix =
                "add a timeout, such as timeout: \"5m\", or the event that says it failed: failed: \"…\"";
            self.reader.report(wrong.fix(fix));
        }
        if is_never(when.as_ref()) {
            let message = format!("the step \"{name}\" is never taken: its `when` never holds");
            let wrong = Diagnostic::error(codes::NEVER_TAKEN, last.span, message);
            self.reader.report(wrong.fix("correct the condition, or remove the step"));
        }
    }

    fn last(&self, last: &LastDefinition) {
        let send = &last.send;
        let is_external = self.definition.message_queue.external.contains(&send.topic);
        let is_taken = self.takers(&send.topic).next().is_some();
        if self.is_dispatched(&send.topic) {
            self.command(&send.command, send.command_span);
        } else if (is_taken || is_external) && last.done.is_empty() && self.consumers_read {
            let message = format!("nothing ever says that {} was done", send.command);
            let wrong = Diagnostic::error(codes::NEVER_DONE, last.span, message);
            let note =
                format!("only commands that a consumer dispatches are answered; \"{}\" has none", send.topic);
            self.reader.report(wrong.note(note).fix("name the event that says so: done: \"…\""));
        } else if !is_taken && !is_external && self.consumers_read {
            self.no_consumer(&send.topic, send.topic_span);
        }
    }

    fn no_consumer(&self, topic: &TopicName, span: Span) {
        let message = format!("no consumer takes messages of the topic \"{topic}\"");
        let taken = self.definition.consumers.values().flat_map(|it| &it.consumer.topics);
        let near = nearest(topic.as_str(), taken.map(TopicName::as_str));
        let wrong = Diagnostic::warning(codes::NO_CONSUMER, span, message);
        self.reader.report(match near {
            Some(_) => wrong.did_you_mean(near),
            None => wrong.fix(format!(
                "add it to the topics of a consumer, or say that another program takes it: [message_queue] external: [\"{topic}\"]"
            )),
        });
    }

    /// Whether a command may leave something behind.
    fn changes(&self, command: &str) -> bool {
        self.definition.commands.get(command).is_none_or(|command| !command.emit.is_empty())
    }

    fn event(&self, event: &EventDefinitionName) {
        let EventDefinitionName { name, span } = event;
        let upcasters = &self.definition.upcasters;
        if upcasters.is_gone(name) {
            self.gone(name, *span);
            return;
        }
        if !self.commands_read || self.events.contains(name.as_str()) || upcasters.present(name).is_some() {
            return;
        }
        let message = format!("nothing emits the event \"{name}\"");
        let wrong = if self.has_code() {
            Diagnostic::warning(codes::UNKNOWN_EVENT, *span, message)
        } else {
            Diagnostic::error(codes::UNKNOWN_EVENT, *span, message)
        };
        self.unknown(wrong, name, nearest(name, self.events.iter().copied()));
    }

    /// An event that a projection applies.
    ///
    /// One that nothing emits may come from elsewhere, and a projection that never sees it does no harm: so that is a
    /// warning, and where code may emit events it is one only of what was probably misspelt.
    fn projected(&self, name: &str, span: Span) {
        let upcasters = &self.definition.upcasters;
        if upcasters.is_gone(name) {
            self.gone(name, span);
            return;
        }
        let is_known = self.events.contains(name) || upcasters.present(name).is_some();
        // A file that knows no events is about those of another.
        if is_known || !self.commands_read || self.events.is_empty() {
            return;
        }
        let near = nearest(name, self.events.iter().copied());
        if near.is_some() || !self.has_code() {
            let message = format!("nothing emits the event \"{name}\"");
            self.unknown(Diagnostic::warning(codes::UNKNOWN_EVENT, span, message), name, near);
        }
    }

    fn gone(&self, name: &str, span: Span) {
        let message = format!("every {name} becomes another event, so none comes any more");
        let wrong = Diagnostic::error(codes::UNKNOWN_EVENT, span, message);
        self.reader.report(wrong.fix("name what it becomes"));
    }

    fn unknown(&self, wrong: Diagnostic, name: &str, near: Option<&str>) {
        self.reader.report(match near {
            Some(_) => wrong.did_you_mean(near),
            None => wrong.fix(format!(
                "let a command emit it, or declare one that comes from elsewhere: [events.{name}]"
            )),
        });
    }

    /// A command that a consumer gets.
    fn command(&self, command: &str, span: Span) {
        if self.is_handled(command) {
            return;
        }
        let message = format!("nothing handles the command \"{command}\", which a consumer dispatches");
        let near = nearest(command, self.handled());
        let wrong = if !self.reading.registered.complete && self.names_code() {
            Diagnostic::warning(codes::UNHANDLED, span, message)
        } else {
            Diagnostic::error(codes::UNHANDLED, span, message)
        };
        self.reader.report(match near {
            Some(_) => wrong.did_you_mean(near),
            None => wrong.fix(format!("declare it: [commands.{command}]")),
        });
    }

    /// Where a consumer dispatches what a relay hands on, each event is a command of its type's name.
    fn relay(&self, events: &[EventType], topic: &TopicName, span: Span) {
        if !self.is_dispatched(topic) {
            return;
        }
        let named = events.iter().map(EventType::as_str);
        let all = self.events.iter().copied().filter(|_| events.is_empty());
        named.chain(all).for_each(|event| self.command(event, span));
    }

    fn takers(&self, topic: &TopicName) -> impl Iterator<Item = &ConsumerDefinition> {
        let consumers = self.definition.consumers.values();
        consumers.filter(move |taker| taker.consumer.topics.contains(topic))
    }

    fn is_dispatched(&self, topic: &TopicName) -> bool {
        self.takers(topic).any(|taker| matches!(taker.action, DeclaredAction::Dispatch(_)))
    }

    fn is_handled(&self, command: &str) -> bool {
        self.handled().any(|handled| handled == command)
    }

    fn handled(&self) -> impl Iterator<Item = &str> {
        let programs = self.reading.registered.commands.iter().map(String::as_str);
        self.declared.iter().chain(&self.mapped).copied().chain(programs)
    }

    /// Whether the file names code of a program.
    fn names_code(&self) -> bool {
        let is_code = |action: &DeclaredAction| matches!(action, DeclaredAction::Class(_));
        !self.mapped.is_empty() || self.definition.consumers.values().any(|it| is_code(&it.action))
    }

    /// Whether code of a program may emit events.
    fn has_code(&self) -> bool {
        self.names_code() || !self.reading.registered.commands.is_empty()
    }
}
