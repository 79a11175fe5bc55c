//! What an expression says, before any of its names is looked up.

use crate::program::Operator;
use crate::value::Value;
use std::ops::Range;

/// A part of an expression.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    pub(crate) kind: TreeKind<'a>,
    /// The bytes of the text, with the brackets that stand around nothing else.
    pub(crate) range: Range<usize>,
    /// The levels from here down, this one included.
    pub(super) height: usize,
}

#[derive(Debug)]
pub(crate) enum TreeKind<'a> {
    Literal(Value),
    Name(Name<'a>),
    /// A name that begins with a point: a variable, never the name that a macro gives its items.
    Global(Name<'a>),
    Select(Box<Tree<'a>>, Name<'a>),
    Index(Box<[Tree<'a>; 2]>),
    /// A function, or a macro, which looks the same.
    Call(Box<Call<'a>>),
    Unary(Sign, Box<Tree<'a>>),
    Binary(Operator, Box<[Tree<'a>; 2]>),
    /// Two or more that are joined by the same operator.
    Logic(Logic, Vec<Tree<'a>>),
    If(Box<[Tree<'a>; 3]>),
    List(Vec<Tree<'a>>),
    Object(Vec<(Tree<'a>, Tree<'a>)>),
}

/// A word of the text, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Name<'a> {
    pub(crate) text: &'a str,
    pub(crate) range: Range<usize>,
}

#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// What stands before the point.
    pub(crate) target: Option<Tree<'a>>,
    pub(crate) name: Name<'a>,
    pub(crate) arguments: Vec<Tree<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Not,
    Negate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logic {
    And,
    Or,
}

impl<'a> Tree<'a> {
    pub(super) fn new(kind: TreeKind<'a>, range: Range<usize>) -> Tree<'a> {
        let height = kind.height();
        Tree { kind, range, height }
    }
}

impl TreeKind<'_> {
    fn height(&self) -> usize {
        let highest = |trees: &[Tree<'_>]| trees.iter().map(|tree| tree.height).max().unwrap_or(0);
        let inner = match self {
            TreeKind::Literal(_) | TreeKind::Name(_) | TreeKind::Global(_) => 0,
            TreeKind::Select(inner, _) | TreeKind::Unary(_, inner) => inner.height,
            TreeKind::Index(pair) | TreeKind::Binary(_, pair) => highest(&pair[..]),
            TreeKind::Call(call) => {
                highest(&call.arguments).max(call.target.as_ref().map_or(0, |target| target.height))
            }
            // They are run in pairs, and pairs of pairs.
            TreeKind::Logic(_, terms) => {
                highest(terms) + terms.len().next_power_of_two().ilog2() as usize - 1
            }
            TreeKind::If(three) => highest(&three[..]),
            TreeKind::List(items) => highest(items),
            TreeKind::Object(entries) => {
                entries.iter().map(|(key, value)| key.height.max(value.height)).max().unwrap_or(0)
            }
        };
        inner + 1
    }
}
