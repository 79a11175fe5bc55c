//! `[commands.NAME]`: what may be asked, when it is refused, and what follows.

use indexmap::IndexMap;
use trunkline_cel::{Expression, Scope, Template};
use trunkline_config::read::Field;
use trunkline_config::{Diagnostic, nearest};
use trunkline_core::EventType;

use super::reading::event_type;
use super::{AggregateDefinition, Definition, Reading, codes};
use crate::schema::Schema;

/// A command: which stream it is for, when it is refused, and which events follow.
#[derive(Debug)]
pub struct CommandDefinition {
    /// The aggregate type; that of the stream when not said.
    pub aggregate: Option<String>,
    /// The stream's name.
    pub stream: Expression,
    /// JSON Schema of the data.
    pub schema: Option<Schema>,
    /// Fields that are filled with a UUID when absent, the same for the same command id.
    pub assign: Vec<String>,
    /// What the stream must be.
    pub expect: Expect,
    /// Rules, in order; the first that doesn't hold refuses the command.
    pub require: Vec<RequireDefinition>,
    /// Events; those whose `when` holds follow, in order.
    pub emit: Vec<EmitDefinition>,
    /// The answer's data.
    pub reply: Option<Expression>,
}

/// What the stream of a command must be when it is loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// Anything.
    #[default]
    Any,
    /// Without events.
    NoStream,
    /// With events.
    Exists,
}

/// A rule, and the answer where it doesn't hold.
#[derive(Debug)]
pub struct RequireDefinition {
    /// What must hold.
    pub that: Expression,
    /// The reason that is given where it doesn't.
    pub otherwise: Template,
}

/// An event that follows.
#[derive(Debug)]
pub struct EmitDefinition {
    /// Its type.
    pub event_type: EventType,
    /// Its data.
    pub data: Expression,
    /// When it follows; always when not said.
    pub when: Option<Expression>,
    /// Its tags, a list of texts.
    pub tags: Option<Expression>,
}

pub(super) fn read(
    field: &Field<'_>,
    reading: &Reading<'_>,
    definition: &Definition,
) -> IndexMap<String, CommandDefinition> {
    let mut section = field.section();
    let commands = section.each().into_iter().filter_map(|(name, field)| {
        check_name(name, &field, reading);
        Some((name.to_owned(), one(&field, reading, definition)?))
    });
    commands.collect()
}

fn check_name(name: &str, field: &Field<'_>, reading: &Reading<'_>) {
    if reading.registered.commands.contains(name) {
        let message = format!("the command \"{name}\" is declared here and handled by the program too");
        let wrong = Diagnostic::error(codes::HANDLED_TWICE, field.span(), message);
        field.reader().report(wrong.fix("keep one of them"));
    }
}

fn one(field: &Field<'_>, reading: &Reading<'_>, definition: &Definition) -> Option<CommandDefinition> {
    let meta = ["id", "actor", "occurred_at", "correlation_id"];
    let scope = Scope::new(["command", "state", "version"]).fields("meta", meta);
    // Of the stream nothing is known yet where its name is made.
    let stream_scope = Scope::new(["command"]).fields("meta", meta);
    let mut section = field.section();
    let aggregate = aggregate(&section.key("aggregate"), &definition.aggregates);
    let stream = reading.required_expression(&section.key("stream"), &stream_scope);
    let schema = reading.json_schema(&section.key("schema"));
    let assign = assign(&section.key("assign"));
    let expect = section.key("expect").one_of(&[
        ("any", Expect::Any),
        ("no_stream", Expect::NoStream),
        ("exists", Expect::Exists),
    ]);
    let require: Vec<Option<RequireDefinition>> = section
        .key("require")
        .items()
        .iter()
        .map(|item| {
            let mut section = item.section();
            let that = reading.required_expression(&section.key("that"), &scope);
            let otherwise = reading.required_template(&section.key("else"), &scope);
            section.finish();
            Some(RequireDefinition { that: that?, otherwise: otherwise? })
        })
        .collect();
    let emit: Vec<Option<EmitDefinition>> =
        section.key("emit").items().iter().map(|item| emit(item, reading, definition, &scope)).collect();
    let reply = reading.expression(&section.key("reply"), &scope);
    section.finish();
    Some(CommandDefinition {
        aggregate,
        stream: stream?,
        schema,
        assign,
        expect: expect.unwrap_or_default(),
        require: require.into_iter().collect::<Option<_>>()?,
        emit: emit.into_iter().collect::<Option<_>>()?,
        reply,
    })
}

fn emit(
    field: &Field<'_>,
    reading: &Reading<'_>,
    definition: &Definition,
    scope: &Scope,
) -> Option<EmitDefinition> {
    let mut section = field.section();
    let named = section.key("type");
    let event_type = event_type(&named);
    if let Some(gone) = event_type.as_ref().filter(|name| definition.upcasters.is_gone(name.as_str())) {
        let message = format!("every {gone} becomes another event, so none can be emitted any more");
        let wrong = Diagnostic::error(codes::EMITS_GONE, named.span(), message);
        field.reader().report(wrong.fix("emit what it becomes"));
    }
    let data = reading.required_expression(&section.key("data"), scope);
    let when = reading.expression(&section.key("when"), scope);
    let tags = reading.expression(&section.key("tags"), scope);
    section.finish();
    Some(EmitDefinition { event_type: event_type?, data: data?, when, tags })
}

fn aggregate(field: &Field<'_>, aggregates: &IndexMap<String, AggregateDefinition>) -> Option<String> {
    let name: String = field.read()?;
    if !aggregates.contains_key(&name) {
        let message = format!("there is no aggregate \"{name}\"");
        let near = nearest(&name, aggregates.keys().map(String::as_str));
        let wrong = Diagnostic::error(codes::UNKNOWN_AGGREGATE, field.span(), message);
        field.reader().report(match near {
            Some(_) => wrong.did_you_mean(near),
            None => wrong.fix(format!("declare it: [aggregates.{name}]")),
        });
    }
    Some(name)
}

/// `{field: "uuid"}`.
fn assign(field: &Field<'_>) -> Vec<String> {
    let mut section = field.section();
    let fields = section.each().into_iter().filter_map(|(name, kind)| {
        kind.one_of(&[("uuid", ())])?;
        Some(name.to_owned())
    });
    fields.collect()
}
