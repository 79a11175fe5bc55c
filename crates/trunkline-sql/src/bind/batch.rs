//! Events with the values of their statements: found apart from where they are written, so that both can go on at once.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;

use trunkline_core::RecordedEvent;

use super::plan::Parts;
use super::{BindError, SqlValue};
use crate::model::Model;

/// Events of a projection with the values that its statements get.
///
/// Made by [`Model::batch`], on any thread; written by [`Writer::apply`](crate::Writer::apply).
#[derive(Clone)]
pub struct Batch {
    pub(crate) model: Arc<Model>,
    pub(crate) events: Arc<Vec<RecordedEvent>>,
    pub(crate) runs: Runs,
}

impl Batch {
    pub(crate) fn new(model: Arc<Model>, events: Arc<Vec<RecordedEvent>>) -> Self {
        Self { runs: Runs::of(&model, &events), model, events }
    }

    /// The events.
    pub fn events(&self) -> &[RecordedEvent] {
        &self.events
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("model", &self.model.name())
            .field("events", &self.events.len())
            .finish_non_exhaustive()
    }
}

/// Runs of statements in order, each with its values, until one whose values can't be found.
///
/// All values stand in one list and all texts in one text, so that an event takes no room of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    all: Vec<Run>,
    values: Vec<Value>,
    texts: String,
    /// What ends the runs before the end of the events.
    pub(crate) unbound: Option<Unbound>,
}

#[derive(Clone, Debug)]
struct Run {
    event: usize,
    statement: usize,
    /// Where its values end, and those of the next one begin.
    end: usize,
}

/// A value, as [`SqlValue`] has it.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Real(f64),
    Text(Range<usize>),
}

/// A value that could not be found.
#[derive(Clone, Debug)]
pub(crate) struct Unbound {
    /// The event, by its index.
    pub(crate) event: usize,
    /// The statement and its parameter, where it is one's.
    pub(crate) parameter: Option<(usize, usize)>,
    pub(crate) error: BindError,
}

impl Runs {
    /// What a model does with events.
    pub(crate) fn of(model: &Model, events: &[RecordedEvent]) -> Self {
        let mut runs = Self::default();
        let mut parts = Parts::default();
        for (number, event) in events.iter().enumerate() {
            let Some(plan) = model.plan(event.event_type()) else { continue };
            if let Err((parameter, error)) = plan.run(event, number, &mut parts, &mut runs) {
                runs.unbound = Some(Unbound { event: number, parameter, error });
                break;
            }
        }
        runs
    }

    /// Ends the run of a statement, whose values were put in since the last one.
    pub(super) fn end_run(&mut self, event: usize, statement: usize) {
        self.all.push(Run { event, statement, end: self.values.len() });
    }

    /// Puts a value in, and returns it for where it is needed again.
    pub(super) fn put(&mut self, value: SqlValue<'_>) -> Value {
        let value = match value {
            SqlValue::Null => Value::Null,
            SqlValue::Boolean(value) => Value::Boolean(value),
            SqlValue::Integer(value) => Value::Integer(value),
            SqlValue::Real(value) => Value::Real(value),
            SqlValue::Text(text) => {
                let start = self.texts.len();
                self.texts.push_str(&text);
                Value::Text(start..self.texts.len())
            }
        };
        self.put_again(value.clone());
        value
    }

    /// Puts what is written in as a text.
    pub(super) fn put_text(&mut self, text: impl fmt::Display) {
        let start = self.texts.len();
        // Writing into memory doesn't fail.
        let _ = write!(self.texts, "{text}");
        self.put_again(Value::Text(start..self.texts.len()));
    }

    /// Puts a value in that is there already.
    pub(super) fn put_again(&mut self, value: Value) {
        self.values.push(value);
    }

    /// Event, statement and values of each run, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, usize, &[Value])> {
        let mut start = 0;
        self.all.iter().map(move |run| {
            let values = &self.values[start..run.end];
            start = run.end;
            (run.event, run.statement, values)
        })
    }

    /// A value with its text.
    pub(crate) fn value(&self, value: &Value) -> SqlValue<'_> {
        match value {
            Value::Null => SqlValue::Null,
            Value::Boolean(value) => SqlValue::Boolean(*value),
            Value::Integer(value) => SqlValue::Integer(*value),
            Value::Real(value) => SqlValue::Real(*value),
            Value::Text(range) => SqlValue::Text(Cow::Borrowed(&self.texts[range.clone()])),
        }
    }
}
