//! A projection's statements, run with the values of a batch.

use rusqlite::{CachedStatement, Connection, types::Null};
use trunkline_core::RecordedEvent;

use super::clock;
use super::dialect::SqliteDialect;
use super::fault::{is_passing, reason};
use crate::bind::{Runs, SqlValue, Unbound, Value, shortened};
use crate::text::Statement;
use crate::{ApplyError, Batch, Dialect as _, Model, StatementFailure};

/// Runs statements, each prepared at most once.
pub(super) fn run_all(connection: &Connection, texts: &[String], batch: &Batch) -> Result<(), ApplyError> {
    let Batch { model, events, runs } = batch;
    let mut prepared: Vec<Option<CachedStatement<'_>>> = Vec::new();
    prepared.resize_with(model.statements().len(), || None);
    for (event, number, values) in runs.iter() {
        run(connection, &mut prepared[number], &texts[number], runs, values).map_err(|error| {
            let statement = &model.statements()[number].statement;
            of_statement(&events[event], statement, runs, values, &error)
        })?;
    }
    let Some(unbound) = &runs.unbound else { return Ok(()) };
    Err(of_value(&events[unbound.event], model, unbound))
}

fn run<'c>(
    connection: &'c Connection,
    prepared: &mut Option<CachedStatement<'c>>,
    text: &str,
    runs: &Runs,
    values: &[Value],
) -> rusqlite::Result<()> {
    let prepared = match prepared {
        Some(prepared) => prepared,
        empty => empty.insert(connection.prepare_cached(text)?),
    };
    for (index, value) in values.iter().enumerate() {
        let value = runs.value(value);
        clock::refuse_value(text, &value)?;
        bind(prepared, index + 1, value)?;
    }
    prepared.raw_execute()?;
    Ok(())
}

/// The failure of an event whose statement failed.
fn of_statement(
    event: &RecordedEvent,
    statement: &Statement,
    runs: &Runs,
    values: &[Value],
    error: &rusqlite::Error,
) -> ApplyError {
    let names = statement.parameters().iter().map(|parameter| format!(":{}", parameter.path));
    let parameters = names.zip(values.iter().map(|value| runs.value(value).to_string())).collect();
    ApplyError::Failed(Box::new(StatementFailure {
        position: event.position(),
        event_id: event.event_id(),
        event_type: event.event_type().to_owned(),
        statement: Some(shortened(statement.source())),
        parameters,
        error: reason(error),
        passing: is_passing(error),
    }))
}

/// The failure of an event that has no value for a parameter.
fn of_value(event: &RecordedEvent, model: &Model, unbound: &Unbound) -> ApplyError {
    let of = unbound.parameter.map(|(number, parameter)| {
        let statement = &model.statements()[number].statement;
        (statement, &statement.parameters()[parameter].path)
    });
    let error = &unbound.error;
    ApplyError::Failed(Box::new(StatementFailure {
        position: event.position(),
        event_id: event.event_id(),
        event_type: event.event_type().to_owned(),
        statement: of.map(|(statement, _)| shortened(statement.source())),
        parameters: Vec::new(),
        error: of.map_or_else(|| error.to_string(), |(_, path)| format!(":{path}: {error}")),
        passing: false,
    }))
}

/// Binds a value as `SQLite` takes it.
pub(super) fn bind(
    statement: &mut rusqlite::Statement<'_>,
    at: usize,
    value: SqlValue<'_>,
) -> rusqlite::Result<()> {
    match SqliteDialect.bound(value) {
        SqlValue::Null => statement.raw_bind_parameter(at, Null),
        SqlValue::Boolean(value) => statement.raw_bind_parameter(at, value),
        SqlValue::Integer(value) => statement.raw_bind_parameter(at, value),
        // SQLite would make null of what is no number, and JSON can't write what is infinite.
        SqlValue::Real(value) if !value.is_finite() => {
            let reason = format!("{value} is no number that rows can have");
            Err(rusqlite::Error::ToSqlConversionFailure(reason.into()))
        }
        // Some columns would keep the sign of zero, and some would not.
        SqlValue::Real(value) => statement.raw_bind_parameter(at, value + 0.0),
        SqlValue::Text(text) => statement.raw_bind_parameter(at, &*text),
    }
}
