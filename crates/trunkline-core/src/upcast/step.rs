//! A change to an event's data.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::fields::{Path, Value};
use crate::RecordedEvent;

/// An event on its way to today's shape, as functions of links see it.
///
/// Its places (position, version in the stream) are not shown: an event that is copied into another store has
/// others there, and must become the same.
#[derive(Clone, Copy, Debug)]
pub struct Old<'a> {
    pub(super) event: &'a RecordedEvent,
    pub(super) event_type: &'a str,
    pub(super) version: u32,
    pub(super) data: &'a [u8],
}

impl<'a> Old<'a> {
    /// Its type by now.
    pub fn event_type(&self) -> &'a str {
        self.event_type
    }

    /// The version of its shape by now.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Its data by now.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Its stream's name.
    pub fn stream(&self) -> &'a str {
        self.event.stream()
    }

    /// Its metadata, a JSON object.
    pub fn metadata(&self) -> &'a [u8] {
        self.event.metadata()
    }

    /// Its tags.
    pub fn tags(&self) -> impl ExactSizeIterator<Item = &'a str> {
        self.event.tags()
    }

    /// When it happened.
    pub fn occurred_at(&self) -> crate::Timestamp {
        self.event.occurred_at()
    }
}

/// Makes JSON of an old event.
pub(super) type Compute = Arc<dyn Fn(&Old<'_>) -> Result<String, String> + Send + Sync>;

/// Says something of an old event.
pub(super) type Judge = Arc<dyn Fn(&Old<'_>) -> Result<bool, String> + Send + Sync>;

#[derive(Clone)]
pub(super) enum Step {
    Rename(Path, String),
    Add(Path, String),
    Remove(Path),
    Move(Path, Path),
    /// Where to, what the function is called, the function.
    Compute(Path, String, Compute),
    /// The event is dropped when the function says so.
    DropWhen(String, Judge),
}

/// Whether an event is left.
#[derive(PartialEq, Eq)]
pub(super) enum After {
    Left,
    Dropped,
}

impl Step {
    /// Changes the data.
    pub(super) fn apply<'a>(&'a self, data: &mut Value<'a>, old: Old<'_>) -> Result<After, String> {
        match self {
            Self::Rename(path, to) => data.rename(path, to)?,
            Self::Add(path, json) => {
                if !data.has(path)? {
                    data.put(path, Value::Made(Cow::Borrowed(json)))?;
                }
            }
            Self::Remove(path) => drop(data.take(path)?),
            Self::Move(from, to) => {
                if let Some(value) = data.take(from)? {
                    if data.has(to)? {
                        return Err(format!("there is something at `{}` already", to.join(".")));
                    }
                    data.put(to, value)?;
                }
            }
            Self::Compute(path, _, compute) => {
                let mut json = Vec::new();
                data.write(&mut json);
                let made = compute(&Old { data: &json, ..old })?;
                data.put(path, Value::Made(Cow::Owned(made)))?;
            }
            Self::DropWhen(_, judge) => {
                let mut json = Vec::new();
                data.write(&mut json);
                if judge(&Old { data: &json, ..old })? {
                    return Ok(After::Dropped);
                }
            }
        }
        Ok(After::Left)
    }
}

/// Everything that makes the step what it is: two steps that are written alike do the same.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rename(path, to) => write!(f, "rename {} to {to}", path.join(".")),
            Self::Add(path, json) => write!(f, "add {}: {json}", path.join(".")),
            Self::Remove(path) => write!(f, "remove {}", path.join(".")),
            Self::Move(from, to) => write!(f, "move {} to {}", from.join("."), to.join(".")),
            Self::Compute(path, what, _) => write!(f, "compute {}: {what}", path.join(".")),
            Self::DropWhen(what, _) => write!(f, "drop when {what}"),
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
