//! `[aggregates.NAME]`: what events make of a state.

use indexmap::IndexMap;
use trunkline_cel::{Expression, Scope, Value, Variables};
use trunkline_config::Diagnostic;
use trunkline_config::read::Field;

use super::reading::event_type_named;
use super::{Reading, codes};

/// The fields of `event` in an expression.
pub(crate) const EVENT_FIELDS: [&str; 8] =
    ["type", "data", "stream", "version", "position", "occurred_at", "metadata", "tags"];

/// What events make of a state.
#[derive(Debug)]
pub struct AggregateDefinition {
    /// The state before the first event; `{}` when not said.
    pub initial: Value,
    /// The state after an event, by event type; an event without a rule leaves it as it is.
    pub on: IndexMap<String, Expression>,
    /// How many events lie between two snapshots, where it isn't as `[snapshots]` says; 0 for none.
    pub snapshot_every: Option<u64>,
}

pub(super) fn read(field: &Field<'_>, reading: &Reading<'_>) -> IndexMap<String, AggregateDefinition> {
    let mut section = field.section();
    let aggregates = section.each().into_iter().map(|(name, field)| {
        check_name(name, &field);
        (name.to_owned(), one(&field, reading))
    });
    aggregates.collect()
}

/// A stream is named by its aggregate type, `-` and an id, and split at the first `-`.
fn check_name(name: &str, field: &Field<'_>) {
    if name.contains('-') || name.starts_with(super::SYSTEM_NAMES) {
        let message = format!("\"{name}\" can't be an aggregate type, which has no `-` and no `$` in front");
        let wrong = Diagnostic::error(codes::BAD_NAME, field.span(), message);
        field.reader().report(wrong.note("streams are named TYPE-ID and split at the first `-`"));
    }
}

fn one(field: &Field<'_>, reading: &Reading<'_>) -> AggregateDefinition {
    let mut section = field.section();
    let initial = initial(&section.key("initial"), reading);
    let scope = Scope::new(["state"]).fields("event", EVENT_FIELDS);
    let mut rules = section.key("on").section();
    let mut on = IndexMap::new();
    for (event_type, rule) in rules.each() {
        event_type_named(event_type, rule.span(), &rule);
        if let Some(expression) = reading.required_expression(&rule, &scope) {
            on.insert(event_type.to_owned(), expression);
        }
    }
    let snapshot_every = section.key("snapshot_every").integer_within(0, i64::from(u32::MAX));
    let snapshot_every = snapshot_every.and_then(|every| u64::try_from(every).ok());
    section.finish();
    AggregateDefinition { initial, on, snapshot_every }
}

/// It rests on nothing, so its value is known now.
fn initial(field: &Field<'_>, reading: &Reading<'_>) -> Value {
    let nothing = || Value::object::<&str>([]);
    let Some(initial) = reading.expression(field, &Scope::new::<&str>([])) else { return nothing() };
    initial.evaluate(&Variables::new()).unwrap_or_else(|error| {
        let wrong = Diagnostic::error(codes::NOT_AN_EXPRESSION, field.span(), error.to_string());
        field.reader().report(wrong);
        nothing()
    })
}
