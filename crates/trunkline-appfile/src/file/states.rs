//! What commands and aggregates read of a state is something that the aggregate's rules can set: reported where it is
//! read.
//!
//! Where the rules name each field that they set, one that they don't is an error. Where they take over all that an event
//! brings along, which anybody may append, it is a warning, and only where it looks like one that is set.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use trunkline_cel::{Expression, Shape, Template};
use trunkline_config::read::{Field, Section};
use trunkline_config::{Diagnostic, nearest};

use super::{AggregateDefinition, CommandDefinition, Definition, codes};

pub(super) fn check(root: &mut Section<'_>, definition: &Definition) {
    let states: IndexMap<&str, Shape> = definition
        .aggregates
        .iter()
        .map(|(name, aggregate)| (name.as_str(), state(aggregate, definition)))
        .collect();
    for (name, field) in root.key("aggregates").section().each() {
        if let (Some(state), Some(aggregate)) = (states.get(name), definition.aggregates.get(name)) {
            aggregate_reads(&field, aggregate, &Known { aggregate: name, state });
        }
    }
    for (name, field) in root.key("commands").section().each() {
        let Some(command) = definition.commands.get(name) else { continue };
        let stream = command.aggregate.as_deref().or_else(|| stream_type(&command.stream));
        let Some(stream) = stream else { continue };
        match states.get_key_value(stream) {
            Some((aggregate, state)) => command_reads(&field, command, &Known { aggregate, state }),
            None if command.aggregate.is_none() => {
                without_aggregate(&field, command, stream, states.keys().copied());
            }
            // Said already.
            None => {}
        }
    }
}

/// A state of which it is known what sets it.
struct Known<'a> {
    aggregate: &'a str,
    state: &'a Shape,
}

/// What the rules of an aggregate make of its state, taken together.
fn state(aggregate: &AggregateDefinition, definition: &Definition) -> Shape {
    aggregate.on.iter().fold(aggregate.initial.shape(), |state, (event_type, rule)| {
        state.and(rule.shape(&|path| match path {
            // What it was before is what the rules have made of it.
            ["state"] => Shape::empty(),
            ["event", "data"] => data(event_type, definition),
            _ => Shape::unknown(),
        }))
    })
}

/// What the commands of the file put into an event; anything else may be in one that was imported, or that a program's
/// code emits.
fn data(event_type: &str, definition: &Definition) -> Shape {
    let emits = definition.commands.values().flat_map(|command| &command.emit);
    let emits = emits.filter(|emit| emit.event_type.as_str() == event_type);
    emits.fold(Shape::unknown(), |data, emit| data.and(emit.data.shape(&|_| Shape::unknown())))
}

/// The aggregate type of the streams that an expression names, where it is written there.
pub(crate) fn stream_type(stream: &Expression) -> Option<&str> {
    Some(stream.begins_with()?.split_once('-')?.0)
}

fn aggregate_reads(field: &Field<'_>, aggregate: &AggregateDefinition, known: &Known<'_>) {
    for (event_type, field) in field.section().key("on").section().each() {
        if let Some(rule) = aggregate.on.get(event_type) {
            known.judge(&field, &rule.fields_of("state"));
        }
    }
}

fn command_reads(field: &Field<'_>, command: &CommandDefinition, known: &Known<'_>) {
    let mut section = field.section();
    for (rule, field) in command.require.iter().zip(section.key("require").items()) {
        let mut section = field.section();
        known.judge(&section.key("that"), &rule.that.fields_of("state"));
        known.judge(&section.key("else"), &rule.otherwise.fields_of("state"));
    }
    for (emit, field) in command.emit.iter().zip(section.key("emit").items()) {
        let mut section = field.section();
        known.judge(&section.key("data"), &emit.data.fields_of("state"));
        for (key, expression) in [("when", &emit.when), ("tags", &emit.tags)] {
            if let Some(expression) = expression {
                known.judge(&section.key(key), &expression.fields_of("state"));
            }
        }
    }
    if let Some(reply) = &command.reply {
        known.judge(&section.key("reply"), &reply.fields_of("state"));
    }
}

impl Known<'_> {
    /// Reports fields that nothing sets.
    fn judge(&self, field: &Field<'_>, read: &BTreeSet<&str>) {
        let Self { aggregate, state } = self;
        for name in read.iter().copied().filter(|name| !state.fields.contains(*name)) {
            let near = nearest(name, state.fields.iter().map(String::as_str));
            let message = format!("nothing in [aggregates.{aggregate}] sets `state.{name}`");
            let found = if state.whole {
                Diagnostic::error(codes::UNSET_FIELD, field.span(), message)
            } else if near.is_some() {
                Diagnostic::warning(codes::UNSET_FIELD, field.span(), message)
            } else {
                continue;
            };
            field.reader().report(match near {
                Some(_) => found.did_you_mean(near),
                None => found.fix(format!(
                    "set it in the rule of the event that brings it: \"put(state, '{name}', …)\""
                )),
            });
        }
    }
}

/// A command for streams whose state is nothing to anybody.
fn without_aggregate<'a>(
    field: &Field<'_>,
    command: &CommandDefinition,
    stream: &str,
    aggregates: impl Iterator<Item = &'a str>,
) {
    let near = nearest(stream, aggregates);
    if near.is_none() && !reads_state(command) {
        return;
    }
    let stream_field = field.section().key("stream");
    let message =
        format!("there is no [aggregates.{stream}], so that `state` is empty in streams {stream}-…");
    let found = Diagnostic::warning(codes::UNKNOWN_AGGREGATE, stream_field.span(), message);
    field.reader().report(match near {
        Some(_) => found.did_you_mean(near),
        None => found.fix(format!("declare what events make of it: [aggregates.{stream}]")),
    });
}

fn reads_state(command: &CommandDefinition) -> bool {
    // Who passes on an empty state as a whole may mean it.
    let reads = |expression: &Expression| !expression.fields_of("state").is_empty();
    let reads_text = |template: &Template| !template.fields_of("state").is_empty();
    command.require.iter().any(|rule| reads(&rule.that) || reads_text(&rule.otherwise))
        || command.emit.iter().any(|emit| reads(&emit.data) || emit.when.iter().chain(&emit.tags).any(reads))
        || command.reply.as_ref().is_some_and(reads)
}
