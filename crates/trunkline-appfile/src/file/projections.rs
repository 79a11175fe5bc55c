//! `[projections.NAME]`: tables, and what events do to their rows.

use std::sync::Arc;

use indexmap::IndexMap;
use trunkline_config::read::Field;
use trunkline_config::{Diagnostic, Value, nearest};
use trunkline_sql::{Action, Model, ModelPart, Statement, TypedProjection, schema};

use super::reading::event_type_named;
use super::{ReadDbDefinition, Reading, codes};
use trunkline_runtime::{OnChange, OnError, ProjectionDefinition, dialect};

pub(super) fn read(
    field: &Field<'_>,
    reading: &Reading<'_>,
    read_db: &ReadDbDefinition,
) -> IndexMap<String, ProjectionDefinition> {
    let mut section = field.section();
    let projections = section.each().into_iter();
    projections
        .filter_map(|(name, field)| Some((name.to_owned(), one(name, &field, reading, read_db)?)))
        .collect()
}

/// A text of the file with what it is part of.
struct Text<'a> {
    field: Field<'a>,
    text: String,
}

fn one(
    name: &str,
    field: &Field<'_>,
    reading: &Reading<'_>,
    read_db: &ReadDbDefinition,
) -> Option<ProjectionDefinition> {
    let mut section = field.section();
    let class = section.key("class");
    let code = class.read::<String>().map(|class_name| of_class(&class, &class_name, reading));
    let read_db = read_db.other(&section.key("read_db"), reading);
    let (schema, on) = (section.key("schema"), section.key("on"));
    if code.is_some() {
        for field in [&schema, &on].into_iter().filter(|field| field.is_present()) {
            let message = "a projection with a class has its tables and its events from there".to_owned();
            field.reader().report(Diagnostic::error(codes::BAD_PROJECTION, field.span(), message));
        }
    }
    let (schema_texts, tables) = schemas(&schema, reading);
    let (action_texts, actions) = actions(&on, reading);
    let idempotent = section.key("idempotent").or(false);
    let on_error = section.key("on_error").one_of(&[("stop", OnError::Stop), ("park", OnError::Park)]);
    let on_change =
        section.key("on_change").one_of(&[("rebuild", OnChange::Rebuild), ("stop", OnChange::Stop)]);
    section.finish();
    let report = |error: String| {
        field.reader().report(Diagnostic::error(codes::BAD_PROJECTION, field.span(), error));
    };
    let projection = match code {
        Some(code) => ProjectionDefinition::typed(name, code?).map_err(report),
        None => Model::new(name, tables?, actions?)
            .map(ProjectionDefinition::new)
            .map_err(|error| report(error.to_string())),
    };
    let projection = projection.ok()?;
    for found in dialect().check(&projection.model) {
        let text = match &found.part {
            ModelPart::Schema { text } => schema_texts.get(*text),
            ModelPart::Action { event, action } => {
                let texts = action_texts.iter().find(|(known, _)| known == event);
                texts.and_then(|(_, texts)| texts.get(*action))
            }
        };
        let text = text?;
        reading.report_sql(&text.field, &text.text, vec![found.problem]);
    }
    Some(ProjectionDefinition {
        read_db,
        idempotent,
        on_error: on_error.unwrap_or_default(),
        on_change: on_change.unwrap_or_default(),
        ..projection
    })
}

/// The code that a class names.
fn of_class(field: &Field<'_>, class: &str, reading: &Reading<'_>) -> Option<Arc<dyn TypedProjection>> {
    let known = &reading.registered.projections;
    let found = known.get(class).cloned();
    if found.is_none() {
        let message = format!("no projection named \"{class}\" is registered");
        let unresolved = reading.unresolved(field.span(), message);
        let unresolved = match nearest(class, known.names()) {
            Some(near) => unresolved.did_you_mean(Some(near)),
            None => unresolved.fix("declare it here: schema and on { EVENT: SQL }"),
        };
        field.reader().report(unresolved);
    }
    found
}

type Compiled<'a, T> = (Vec<Text<'a>>, Option<Vec<T>>);

/// A text, a list of texts, or an object of them by database.
fn schemas<'a>(field: &Field<'a>, reading: &Reading<'_>) -> Compiled<'a, Vec<Statement>> {
    let by_database = matches!(field.node().map(|node| &node.value), Some(Value::Object(_)));
    let chosen = if by_database {
        let mut section = field.section();
        let keys = ["default", "sqlite", "postgres", "mysql"].map(|key| section.key(key));
        section.finish();
        let [default, sqlite, ..] = keys;
        if sqlite.is_present() { sqlite } else { default }
    } else {
        field.clone()
    };
    let mut texts = Vec::new();
    let mut compiled = Some(Vec::new());
    for field in chosen.item_or_items() {
        let Some(text) = field.read::<String>() else {
            compiled = None;
            continue;
        };
        match schema(&text) {
            Ok(statements) => compiled.iter_mut().for_each(|all| all.push(statements.clone())),
            Err(problems) => {
                reading.report_sql(&field, &text, problems);
                compiled = None;
            }
        }
        texts.push(Text { field, text });
    }
    (texts, compiled)
}

type Actions<'a> = (Vec<(String, Vec<Text<'a>>)>, Option<Vec<(String, Vec<Action>)>>);

fn actions<'a>(field: &Field<'a>, reading: &Reading<'_>) -> Actions<'a> {
    let mut section = field.section();
    let mut texts = Vec::new();
    let mut compiled = Some(Vec::new());
    for (event, field) in section.each() {
        event_type_named(event, field.key_span(), &field);
        let (mut of_event, mut actions) = (Vec::new(), Some(Vec::new()));
        for item in field.item_or_items() {
            let (text, action) = action(&item, reading);
            of_event.extend(text);
            match (action, &mut actions) {
                (Some(action), Some(actions)) => actions.push(action),
                _ => actions = None,
            }
        }
        texts.push((event.to_owned(), of_event));
        match (actions, &mut compiled) {
            (Some(actions), Some(all)) => all.push((event.to_owned(), actions)),
            _ => compiled = None,
        }
    }
    section.finish();
    (texts, compiled)
}

/// SQL, or `{for_each: path, sql: SQL}`.
fn action<'a>(field: &Field<'a>, reading: &Reading<'_>) -> (Option<Text<'a>>, Option<Action>) {
    let report = |field: &Field<'_>, text: &str, problems| reading.report_sql(field, text, problems);
    if !matches!(field.node().map(|node| &node.value), Some(Value::Object(_))) {
        let Some(text) = field.read::<String>() else { return (None, None) };
        let action = Action::once(&text).map_err(|problems| report(field, &text, problems)).ok();
        return (Some(Text { field: field.clone(), text }), action);
    }
    let mut section = field.section();
    let (list, sql) = (section.key("for_each"), section.key("sql"));
    section.finish();
    let path = list
        .required::<String>()
        .and_then(|text| Action::list(&text).map_err(|problem| report(&list, &text, vec![problem])).ok());
    let Some(text) = sql.required::<String>() else { return (None, None) };
    let action = path.and_then(|path| {
        Action::for_each(path, &text).map_err(|problems| report(&sql, &text, problems)).ok()
    });
    (Some(Text { field: sql, text }), action)
}
