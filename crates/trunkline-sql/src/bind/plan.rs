//! What is done with an event of one type: which parts are wanted, and which statements get them.

use trunkline_core::RecordedEvent;

use super::batch::{Runs, Value};
use super::shape::{Found, Shape, elements};
use super::{BindError, SqlValue, of_json};
use crate::model::Action;
use crate::text::{Path, Statement};

/// Where a parameter's value comes from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Data(usize),
    Metadata(usize),
    Item(usize),
    Stream,
    StreamId,
    Version,
    Position,
    EventId,
    EventType,
    OccurredAt,
}

/// The statements of one event type, in order, with where their values come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    data: Shape,
    metadata: Shape,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
struct Step {
    each: Option<Each>,
    statements: Vec<(usize, Vec<Source>)>,
}

/// The list that a step's statements run for.
#[derive(Clone, Debug)]
struct Each {
    list: Source,
    path: String,
    item: Shape,
}

/// Why the values of a statement can't be found: which statement and parameter, where it is one's, and the error.
pub(super) type NoValue = (Option<(usize, usize)>, BindError);

impl Plan {
    /// Adds the statements of an action; the first has this number.
    pub(crate) fn add(&mut self, action: &Action, first: usize) {
        let mut each = action.for_each.as_ref().map(|(text, path)| {
            let mut none = Shape::default();
            Each { list: self.source(path, &mut none), path: text.clone(), item: Shape::default() }
        });
        let mut none = Shape::default();
        let item = each.as_mut().map_or(&mut none, |each| &mut each.item);
        let numbered = (first..).zip(&action.statements);
        let statements =
            numbered.map(|(number, statement)| (number, self.sources(statement, item))).collect();
        self.steps.push(Step { each, statements });
    }

    fn sources(&mut self, statement: &Statement, item: &mut Shape) -> Vec<Source> {
        statement.parameters().iter().map(|parameter| self.source(&parameter.path, item)).collect()
    }

    fn source(&mut self, path: &Path, item: &mut Shape) -> Source {
        match path.root.as_str() {
            "data" => Source::Data(self.data.want(&path.steps)),
            "metadata" => Source::Metadata(self.metadata.want(&path.steps)),
            "item" => Source::Item(item.want(&path.steps)),
            "stream" => Source::Stream,
            "stream_id" => Source::StreamId,
            "version" => Source::Version,
            "position" => Source::Position,
            "event_id" => Source::EventId,
            "event_type" => Source::EventType,
            "occurred_at" => Source::OccurredAt,
            other => unreachable!("the scope of events has no `{other}`"),
        }
    }

    /// Puts the runs of the statements for an event in, in order.
    pub(super) fn run<'a>(
        &self,
        event: &'a RecordedEvent,
        number: usize,
        parts: &mut Parts<'a>,
        runs: &mut Runs,
    ) -> Result<(), NoValue> {
        let whole = |error| (None, error);
        find(&self.data, "data", event.data(), &mut parts.data).map_err(whole)?;
        find(&self.metadata, "metadata", event.metadata(), &mut parts.metadata).map_err(whole)?;
        parts.known.clear();
        parts.known.resize(parts.data.len() + parts.metadata.len(), None);
        for step in &self.steps {
            let Some(each) = &step.each else {
                parts.run(event, number, step, runs)?;
                continue;
            };
            let list = match parts.json(each.list) {
                None | Some("null") => continue,
                Some(json) => elements(json),
            };
            let Some(list) = list else {
                return Err(whole(BindError::NotAList { path: each.path.clone() }));
            };
            for json in list {
                each.item.find_in_part(json, &mut parts.item);
                parts.run(event, number, step, runs)?;
            }
        }
        Ok(())
    }
}

fn find<'a>(
    shape: &Shape,
    what: &'static str,
    json: &'a [u8],
    found: &mut Found<'a>,
) -> Result<(), BindError> {
    // Data that nobody asks for may be anything.
    if shape.is_empty() {
        found.clear();
        return Ok(());
    }
    shape.find(json, found).map_err(|reason| BindError::NotJson { what, reason })
}

/// The parts of an event that were found; kept from one event to the next for its room.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    data: Found<'a>,
    metadata: Found<'a>,
    item: Found<'a>,
    /// The values of data and metadata that were made already: for each element of a list they are the same.
    known: Vec<Option<Value>>,
}

impl<'a> Parts<'a> {
    fn run(
        &mut self,
        event: &'a RecordedEvent,
        number: usize,
        step: &Step,
        runs: &mut Runs,
    ) -> Result<(), NoValue> {
        for (statement, sources) in &step.statements {
            for (parameter, source) in sources.iter().enumerate() {
                self.put(event, *source, runs).map_err(|error| (Some((*statement, parameter)), error))?;
            }
            runs.end_run(number, *statement);
        }
        Ok(())
    }

    fn json(&self, source: Source) -> Option<&'a str> {
        match source {
            Source::Data(slot) => self.data[slot],
            Source::Metadata(slot) => self.metadata[slot],
            Source::Item(slot) => self.item[slot],
            _ => None,
        }
    }

    /// Puts the value of a parameter in.
    fn put(&mut self, event: &'a RecordedEvent, source: Source, runs: &mut Runs) -> Result<(), BindError> {
        let value = match source {
            Source::Data(slot) => return self.put_part(slot, source, runs),
            Source::Metadata(slot) => return self.put_part(self.data.len() + slot, source, runs),
            Source::EventId => {
                runs.put_text(event.event_id());
                return Ok(());
            }
            Source::OccurredAt => {
                runs.put_text(event.occurred_at());
                return Ok(());
            }
            Source::Item(_) => self.json(source).map_or(Ok(SqlValue::Null), of_json)?,
            Source::Stream => event.stream().into(),
            Source::StreamId => event.aggregate_id().into(),
            Source::EventType => event.event_type().into(),
            Source::Version => of_number(event.version().get())?,
            Source::Position => of_number(event.position().get())?,
        };
        runs.put(value);
        Ok(())
    }

    fn put_part(&mut self, slot: usize, source: Source, runs: &mut Runs) -> Result<(), BindError> {
        if let Some(known) = &self.known[slot] {
            runs.put_again(known.clone());
            return Ok(());
        }
        let value = self.json(source).map_or(Ok(SqlValue::Null), of_json)?;
        self.known[slot] = Some(runs.put(value));
        Ok(())
    }
}

fn of_number(number: u64) -> Result<SqlValue<'static>, BindError> {
    let integer =
        i64::try_from(number).map_err(|_| BindError::IntegerTooLarge { text: number.to_string() })?;
    Ok(integer.into())
}
