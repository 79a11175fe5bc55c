//! Plans: values that are not computed yet, with every name bound to what it means.

use indexmap::IndexMap;

use super::operator::Operator;
use crate::source::Span;
use crate::syntax::{BinaryOp, UnaryOp};
use crate::value::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SlotId(pub(super) usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContainerId(pub(super) usize);

/// What can be referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Slot(SlotId),
    Container(ContainerId),
}

/// One value of the file: of a key, or of a variable.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) plan: Plan,
    pub(super) state: State,
    pub(super) span: Span,
    /// How messages name it; empty for values that can depend on nothing.
    pub(super) label: String,
    /// Levels of containers around it.
    pub(super) depth: usize,
}

#[derive(Debug)]
pub(super) enum State {
    Waiting,
    /// What it needs is being computed; meeting it again is a cycle.
    Busy,
    Ready(Value),
}

/// An object while it grows: sections and blocks of one name come together in it.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) entries: IndexMap<String, ContainerEntry>,
    pub(super) parent: Option<(ContainerId, String)>,
    pub(super) depth: usize,
    pub(super) span: Span,
    pub(super) progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Waiting,
    Busy,
    Done,
}

#[derive(Debug)]
pub(super) struct ContainerEntry {
    pub(super) key_span: Span,
    pub(super) item: Item,
}

impl Container {
    pub(super) fn new(parent: Option<(ContainerId, String)>, depth: usize, span: Span) -> Self {
        Self { entries: IndexMap::new(), parent, depth, span, progress: Progress::Waiting }
    }
}

/// A plan and where it is written.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) span: Span,
}

#[derive(Debug, Default)]
pub(super) enum Plan {
    Value(Value),
    Template(Vec<Part>),
    Item(Item),
    Array(Vec<Planned>),
    Unary(UnaryOp, Box<Planned>),
    Chain(Box<Planned>, Vec<(BinaryOp, Span, Planned)>),
    Ternary(Box<[Planned; 3]>),
    Call(Operator, Span, Vec<Planned>),
    /// Its mistake has been reported.
    #[default]
    Invalid,
}

/// A piece of an interpolated string.
#[derive(Debug)]
pub(super) enum Part {
    Text(String),
    Variable(SlotId, Span),
    Path(Vec<String>, Span),
    Invalid,
}
