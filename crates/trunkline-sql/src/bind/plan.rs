//! What is done with an event of one type: which parts are wanted, and which statements get them.

use std::borrow::Cow;

use trunkline_core::RecordedEvent;

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

/// What runs statements: a database, or a test that looks at them.
pub(crate) trait Sink {
    /// What running can fail with.
    type Error;

    /// Runs the statement with this number.
    fn run(&mut self, statement: usize, values: &[SqlValue<'_>]) -> Result<(), Self::Error>;

    /// What a value that cannot be bound means to the database's user.
    fn unbound(&self, statement: Option<usize>, parameter: Option<usize>, error: BindError) -> Self::Error;
}

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

    /// Runs the statements for an event, in order.
    pub(crate) fn run<'a, S: Sink>(
        &self,
        event: &'a RecordedEvent,
        parts: &mut Parts<'a>,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        find(&self.data, "data", event.data(), &mut parts.data)
            .and_then(|()| find(&self.metadata, "metadata", event.metadata(), &mut parts.metadata))
            .map_err(|error| sink.unbound(None, None, error))?;
        for step in &self.steps {
            let Some(each) = &step.each else {
                parts.run(event, step, sink)?;
                continue;
            };
            let list = match parts.json(each.list) {
                None | Some("null") => continue,
                Some(json) => elements(json),
            };
            let Some(list) = list else {
                return Err(sink.unbound(None, None, BindError::NotAList { path: each.path.clone() }));
            };
            for json in list {
                each.item.find_in_part(json, &mut parts.item);
                parts.run(event, step, sink)?;
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
        return Ok(());
    }
    shape.find(json, found).map_err(|reason| BindError::NotJson { what, reason })
}

/// The parts of an event that were found; kept from one event to the next for its room.
#[derive(Debug, Default)]
pub(crate) struct Parts<'a> {
    data: Found<'a>,
    metadata: Found<'a>,
    item: Found<'a>,
    values: Vec<SqlValue<'a>>,
}

impl<'a> Parts<'a> {
    fn run<S: Sink>(&mut self, event: &'a RecordedEvent, step: &Step, sink: &mut S) -> Result<(), S::Error> {
        for (number, sources) in &step.statements {
            self.values.clear();
            for (parameter, source) in sources.iter().enumerate() {
                let value = self.value(event, *source);
                self.values.push(value.map_err(|error| sink.unbound(Some(*number), Some(parameter), error))?);
            }
            sink.run(*number, &self.values)?;
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

    fn value(&self, event: &'a RecordedEvent, source: Source) -> Result<SqlValue<'a>, BindError> {
        let number = |number: u64| {
            i64::try_from(number)
                .map(SqlValue::Integer)
                .map_err(|_| BindError::IntegerTooLarge { text: number.to_string() })
        };
        let owned = |text: String| Ok(SqlValue::Text(Cow::Owned(text)));
        match source {
            Source::Data(_) | Source::Metadata(_) | Source::Item(_) => {
                self.json(source).map_or(Ok(SqlValue::Null), of_json)
            }
            Source::Stream => Ok(SqlValue::Text(Cow::Borrowed(event.stream()))),
            Source::StreamId => Ok(SqlValue::Text(Cow::Borrowed(event.aggregate_id()))),
            Source::EventType => Ok(SqlValue::Text(Cow::Borrowed(event.event_type()))),
            Source::Version => number(event.version().get()),
            Source::Position => number(event.position().get()),
            Source::EventId => owned(event.event_id().to_string()),
            Source::OccurredAt => owned(event.occurred_at().to_string()),
        }
    }
}
