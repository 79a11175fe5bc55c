//! `[scenarios.NAME]`: given a history, when a command or an event comes, then this follows.

use std::time::Duration;

use indexmap::IndexMap;
use serde_json::{Map, Value};
use trunkline_config::read::Field;
use trunkline_config::{Diagnostic, Span, nearest};
use trunkline_core::saga::Status;

use super::reading::event_type;
use super::{Definition, Reading, codes};
use trunkline_runtime::{TableProblem, Tables};

/// What may be expected of time that passes.
const EXPECT_SENDS: &str =
    "write { sends: [{ command: \"…\", data: {…} }], status: \"…\" }, or { sends: [] } for none";

/// What may be expected of an event.
const EXPECT_SENDS_OR_ROWS: &str =
    "write { sends: [{ command: \"…\", data: {…} }] }, { sends: [] } for none, or { rows: { TABLE: [{…}] } }";

/// What may be expected of a command.
const EXPECT_ANYTHING: &str = "write a list of events, [{ type: \"…\", data: {…} }], { rejected: \"the reason\" }, { sends: [] } or { rows: { TABLE: [{…}] } }";

/// A test of the file's behaviour.
#[derive(Debug)]
pub struct ScenarioDefinition {
    /// What happened before, in order.
    pub given: Vec<Given>,
    /// What comes.
    pub when: When,
    /// What follows.
    pub then: Expectation,
    /// Where it stands.
    pub span: Span,
}

/// Something that happened before.
#[derive(Debug)]
pub enum Given {
    /// An event.
    Event(GivenEvent),
    /// A command, which is accepted.
    Command(GivenCommand),
    /// So much time passes, for the sagas.
    After(Duration),
}

/// An event of a history, or one that is expected.
#[derive(Debug)]
pub struct GivenEvent {
    /// Its stream; that of the command when not said.
    pub stream: Option<String>,
    /// What happened.
    pub event_type: String,
    /// The version of its shape; the present one when not said.
    pub version: Option<u32>,
    /// The data; of an expected event, any when not said.
    pub data: Option<Value>,
}

/// What comes.
#[derive(Debug)]
pub enum When {
    /// A command.
    Command(GivenCommand),
    /// An event, for the sagas.
    Event(GivenEvent),
    /// So much time, for the sagas.
    After(Duration),
}

/// A command that comes.
#[derive(Debug)]
pub struct GivenCommand {
    /// Its name.
    pub command: String,
    /// Its data.
    pub data: Value,
}

/// A message that is expected of a saga.
#[derive(Debug)]
pub struct GivenSend {
    /// Where it goes; anywhere when not said.
    pub topic: Option<String>,
    /// The command's name.
    pub command: String,
    /// The command's data; any when not said.
    pub data: Option<Value>,
}

/// What is expected to follow.
#[derive(Debug)]
pub enum Expectation {
    /// The sagas send these messages and no others, in order, and stand so then, where that is said.
    Sends(Vec<GivenSend>, Option<Status>),
    /// These events and no others, in order.
    Events(Vec<GivenEvent>),
    /// A rejection; for this reason, when one is said.
    Rejected(Option<String>),
    /// Tables of projections have these rows and no others, in any order.
    Rows(Vec<GivenRows>),
}

/// The rows that a table is expected to have.
#[derive(Debug)]
pub struct GivenRows {
    /// The table: `orders`, or `shop.orders` of the projection `shop`.
    pub table: String,
    /// The rows; columns that are left out may be anything.
    pub rows: Vec<Map<String, Value>>,
}

pub(super) fn read(
    field: &Field<'_>,
    reading: &Reading<'_>,
    definition: &Definition,
    declared: &[&str],
    projections: usize,
) -> IndexMap<String, ScenarioDefinition> {
    let mut section = field.section();
    let models = definition.projections.values().map(|projection| &projection.model);
    let tables =
        KnownTables { all: Tables::of(models), some_unread: definition.projections.len() < projections };
    let known = Known { reading, definition, declared, tables: &tables };
    let scenarios = section.each().into_iter();
    scenarios.filter_map(|(name, field)| Some((name.to_owned(), one(&field, &known)?))).collect()
}

/// What a scenario may name.
struct Known<'a> {
    reading: &'a Reading<'a>,
    definition: &'a Definition,
    /// The names of all declared commands, those with mistakes too.
    declared: &'a [&'a str],
    tables: &'a KnownTables,
}

/// The tables of the file's projections.
struct KnownTables {
    all: Tables,
    /// Whether there are projections whose tables aren't known: their class isn't, or they have mistakes.
    some_unread: bool,
}

fn one(field: &Field<'_>, known: &Known<'_>) -> Option<ScenarioDefinition> {
    let mut section = field.section();
    let given: Vec<Option<Given>> =
        section.key("given").items().iter().map(|item| given(item, known)).collect();
    let when = when(&section.key("when"), known);
    let then_field = section.key("then");
    let then = then(&then_field, when.as_ref(), known.tables);
    section.finish();
    let given: Vec<Given> = given.into_iter().collect::<Option<_>>()?;
    let time_passes = given.iter().any(|given| matches!(given, Given::After(_)));
    if time_passes && !matches!(then, Some(Expectation::Sends(..)) | None) {
        let message = "time passes for sagas alone, and this expects nothing of them";
        let wrong = Diagnostic::error(codes::BAD_SCENARIO, then_field.span(), message);
        field.reader().report(wrong.fix(EXPECT_SENDS));
    }
    Some(ScenarioDefinition { given, when: when?, then: then?, span: field.span() })
}

fn given(field: &Field<'_>, known: &Known<'_>) -> Option<Given> {
    let has = |key| field.section().key(key).is_present();
    if has("command") {
        command(field, known).map(Given::Command)
    } else if has("after") {
        after(field).map(Given::After)
    } else {
        event(field).map(Given::Event)
    }
}

fn when(field: &Field<'_>, known: &Known<'_>) -> Option<When> {
    let has = |key| field.section().key(key).is_present();
    if has("type") {
        event(field).map(When::Event)
    } else if has("after") {
        after(field).map(When::After)
    } else {
        command(field, known).map(When::Command)
    }
}

/// `{ after: "30s" }`.
fn after(field: &Field<'_>) -> Option<Duration> {
    let mut section = field.section();
    let time = section.key("after").required();
    section.finish();
    time
}

fn event(field: &Field<'_>) -> Option<GivenEvent> {
    let mut section = field.section();
    let event_type = event_type(&section.key("type"));
    let stream = section.key("stream").read();
    let version = section.key("version").integer_within(1, i64::from(u32::MAX));
    let version = version.and_then(|version| u32::try_from(version).ok());
    let data = json(&section.key("data"));
    section.finish();
    Some(GivenEvent { version, stream, event_type: event_type?.as_str().to_owned(), data })
}

fn command(field: &Field<'_>, known: &Known<'_>) -> Option<GivenCommand> {
    let Known { reading, definition, declared, .. } = known;
    let mut section = field.required_section();
    let name = section.key("command");
    let command: Option<String> = name.required();
    let data = json(&section.key("data"));
    section.finish();
    let command = command?;
    let mapped = || definition.command_handlers.iter().map(|mapping| mapping.name.as_str());
    let programs = || reading.registered.commands.iter().map(String::as_str);
    let known = || declared.iter().copied().chain(mapped()).chain(programs());
    // What the program handles isn't known to the plain binary.
    if !known().any(|known| known == command) && definition.command_handlers.is_empty() {
        let message = format!("the command \"{command}\" has no handler");
        let near = nearest(&command, known());
        let wrong = Diagnostic::error(codes::NO_HANDLER, name.span(), message);
        field.reader().report(match near {
            Some(_) => wrong.did_you_mean(near),
            None => wrong.fix(format!("declare it: [commands.{command}]")),
        });
        return None;
    }
    Some(GivenCommand { command, data: data.unwrap_or_else(|| Value::Object(Map::new())) })
}

fn then(field: &Field<'_>, when: Option<&When>, tables: &KnownTables) -> Option<Expectation> {
    let report = |message: &str, fix: &str| {
        let wrong = Diagnostic::error(codes::BAD_SCENARIO, field.span(), message);
        field.reader().report(wrong.fix(fix));
    };
    // What can only be expected of a command isn't expected of these.
    let instead: Option<(&str, &str)> = match when {
        Some(When::Event(_)) => Some(("of an event, messages or rows are expected", EXPECT_SENDS_OR_ROWS)),
        Some(When::After(_)) => Some(("of time that passes, messages of sagas are expected", EXPECT_SENDS)),
        Some(When::Command(_)) | None => None,
    };
    if field.node().is_some_and(|node| matches!(node.value, trunkline_config::Value::Array(_))) {
        if let Some((message, fix)) = instead {
            report(message, fix);
            return None;
        }
        let events: Vec<Option<GivenEvent>> = field.items().iter().map(event).collect();
        return events.into_iter().collect::<Option<_>>().map(Expectation::Events);
    }
    let mut section = field.required_section();
    let sends_field = section.key("sends");
    if sends_field.is_present() {
        let status = section.key("status").one_of(&Status::ALL.map(|status| (status.as_str(), status)));
        section.finish();
        let sends: Vec<Option<GivenSend>> = sends_field.items().iter().map(send).collect();
        return sends.into_iter().collect::<Option<_>>().map(|sends| Expectation::Sends(sends, status));
    }
    let rows_field = section.key("rows");
    if rows_field.is_present() && !matches!(when, Some(When::After(_))) {
        section.finish();
        return rows(&rows_field, tables).map(Expectation::Rows);
    }
    if let Some((message, fix)) = instead {
        report(message, fix);
        return None;
    }
    let rejected = section.key("rejected");
    let reason = match rejected.node().map(|node| &node.value) {
        Some(trunkline_config::Value::Bool(true)) => Some(None),
        Some(_) => rejected.read::<String>().map(Some),
        None => {
            report("this expects nothing", EXPECT_ANYTHING);
            None
        }
    };
    section.finish();
    reason.map(Expectation::Rejected)
}

fn send(field: &Field<'_>) -> Option<GivenSend> {
    let mut section = field.section();
    let topic = section.key("topic").read();
    let command = section.key("command").required();
    let data = json(&section.key("data"));
    section.finish();
    Some(GivenSend { topic, command: command?, data })
}

/// `{ TABLE: [{ COLUMN: value }] }`.
fn rows(field: &Field<'_>, tables: &KnownTables) -> Option<Vec<GivenRows>> {
    let mut section = field.section();
    let each: Vec<Option<GivenRows>> =
        section.each().into_iter().map(|(table, field)| rows_of(table, &field, tables)).collect();
    section.finish();
    each.into_iter().collect()
}

fn rows_of(name: &str, field: &Field<'_>, tables: &KnownTables) -> Option<GivenRows> {
    let report = |span, TableProblem { what, near, fix }: TableProblem| {
        let wrong = Diagnostic::error(codes::BAD_SCENARIO, span, what);
        field.reader().report(match near {
            Some(near) => wrong.did_you_mean(Some(&near)),
            None => wrong.fix(fix),
        });
    };
    let table = match tables.all.find(name) {
        Ok(table) => Some(table),
        // Those of a program's projection aren't known here.
        Err(_) if tables.some_unread => None,
        Err(problem) => {
            report(field.key_span(), problem);
            return None;
        }
    };
    let mut all = Some(Vec::new());
    for row in field.items() {
        let mut section = row.required_section();
        for (column, field) in section.each() {
            if let Some(problem) = table.and_then(|table| table.lacks(column)) {
                report(field.key_span(), problem);
                all = None;
            }
        }
        section.finish();
        match (json(&row), &mut all) {
            (Some(Value::Object(row)), Some(all)) => all.push(row),
            _ => all = None,
        }
    }
    Some(GivenRows { table: name.to_owned(), rows: all? })
}

/// Data as it stands in the file.
fn json(field: &Field<'_>) -> Option<Value> {
    let node = field.node().filter(|_| field.is_present())?;
    serde_json::to_value(&node.value).ok()
}
