//! What an event of one type and version becomes.

use std::fmt;
use std::sync::Arc;

use super::fields::Path;
use super::step::{Compute, Judge, Old, Step};

/// What an event of one type and version becomes: steps, in order, that change its data, and an end.
///
/// Without an end it becomes the next version of its type. Paths are names with `.` between them.
#[derive(Clone, Debug)]
#[must_use = "a link does something once it is among the upcasters"]
pub struct Link {
    pub(super) event_type: String,
    pub(super) from: u32,
    pub(super) steps: Vec<Step>,
    pub(super) end: End,
}

/// What it is after its steps.
#[derive(Clone, Debug)]
pub(super) enum End {
    Next,
    Becomes(String, u32),
    Splits(Vec<Part>),
    Drops,
}

/// One of the events that an old one is split into.
#[derive(Clone)]
#[must_use = "a part does something once it is in a link"]
pub struct Part {
    pub(super) event_type: String,
    pub(super) version: u32,
    pub(super) data: Option<(String, Compute)>,
    pub(super) when: Option<(String, Judge)>,
}

impl Link {
    /// What an event of this type and version of its shape becomes; nothing changes yet but the version.
    pub fn from(event_type: impl Into<String>, version: u32) -> Self {
        Self { event_type: event_type.into(), from: version, steps: Vec::new(), end: End::Next }
    }

    /// A field has another name, in the same object, at the same place. A field that is not there is not missed.
    pub fn rename(self, path: &str, name: impl Into<String>) -> Self {
        self.step(Step::Rename(split(path), name.into()))
    }

    /// A field is there: this JSON, where it was absent.
    pub fn add(self, path: &str, json: impl Into<String>) -> Self {
        self.step(Step::Add(split(path), json.into()))
    }

    /// A field is gone.
    pub fn remove(self, path: &str) -> Self {
        self.step(Step::Remove(split(path)))
    }

    /// A field is elsewhere; objects on the way are made. A field that is not there is not missed.
    pub fn move_to(self, from: &str, to: &str) -> Self {
        self.step(Step::Move(split(from), split(to)))
    }

    /// A field is computed; the whole data where the path is empty.
    ///
    /// `what` stands for the function where links are compared: change it when the function gives something
    /// else, so that snapshots made with the former one are not used.
    pub fn compute(
        self,
        path: &str,
        what: impl Into<String>,
        compute: impl Fn(&Old<'_>) -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        self.step(Step::Compute(split(path), what.into(), Arc::new(compute)))
    }

    /// Events of which this holds are dropped; `what` is as for [`compute`](Link::compute).
    pub fn drop_when(
        self,
        what: impl Into<String>,
        judge: impl Fn(&Old<'_>) -> Result<bool, String> + Send + Sync + 'static,
    ) -> Self {
        self.step(Step::DropWhen(what.into(), Arc::new(judge)))
    }

    /// It is an event of another type, in this version of that type's shape.
    pub fn becomes(mut self, event_type: impl Into<String>, version: u32) -> Self {
        self.end = End::Becomes(event_type.into(), version);
        self
    }

    /// It is several events; all have its place in the stream and in the store.
    pub fn splits(mut self, parts: impl IntoIterator<Item = Part>) -> Self {
        self.end = End::Splits(parts.into_iter().collect());
        self
    }

    /// It is no event any more.
    pub fn drops(mut self) -> Self {
        self.end = End::Drops;
        self
    }

    /// The type that it is for.
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// The version that it is for.
    pub fn version(&self) -> u32 {
        self.from
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Whether what it makes of data depends on more than names and kinds.
    pub(super) fn looks_at_values(&self) -> bool {
        let step = |step: &Step| matches!(step, Step::Compute(..) | Step::DropWhen(..));
        let part = |part: &Part| part.data.is_some() || part.when.is_some();
        self.steps.iter().any(step) || matches!(&self.end, End::Splits(parts) if parts.iter().any(part))
    }

    /// The types and versions that it leads to.
    pub(super) fn targets(&self) -> Vec<(&str, u32)> {
        match &self.end {
            End::Next => vec![(&self.event_type, self.from.saturating_add(1))],
            End::Becomes(event_type, version) => vec![(event_type, *version)],
            End::Splits(parts) => parts.iter().map(|part| (&*part.event_type, part.version)).collect(),
            End::Drops => Vec::new(),
        }
    }
}

impl Part {
    /// An event of this type and version of its shape, with the old event's data.
    pub fn new(event_type: impl Into<String>, version: u32) -> Self {
        Self { event_type: event_type.into(), version, data: None, when: None }
    }

    /// With this data; `what` is as for [`Link::compute`].
    pub fn data(
        mut self,
        what: impl Into<String>,
        compute: impl Fn(&Old<'_>) -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        self.data = Some((what.into(), Arc::new(compute)));
        self
    }

    /// Only where this holds; `what` is as for [`Link::compute`].
    pub fn when(
        mut self,
        what: impl Into<String>,
        judge: impl Fn(&Old<'_>) -> Result<bool, String> + Send + Sync + 'static,
    ) -> Self {
        self.when = Some((what.into(), Arc::new(judge)));
        self
    }
}

fn split(path: &str) -> Path {
    if path.is_empty() { Path::new() } else { path.split('.').map(str::to_owned).collect() }
}

/// Everything that makes the link what it is: two links that are written alike do the same.
impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.event_type, self.from)?;
        for step in &self.steps {
            write!(f, "; {step}")?;
        }
        match &self.end {
            End::Next => Ok(()),
            End::Becomes(event_type, version) => write!(f, "; becomes {event_type} {version}"),
            End::Splits(parts) => {
                f.write_str("; splits into")?;
                parts.iter().try_for_each(|part| write!(f, " {part:?}"))
            }
            End::Drops => f.write_str("; is dropped"),
        }
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event_type, version, data, when } = self;
        write!(f, "({event_type} {version}")?;
        data.iter().try_for_each(|(what, _)| write!(f, " of {what}"))?;
        when.iter().try_for_each(|(what, _)| write!(f, " when {what}"))?;
        f.write_str(")")
    }
}
