//! A compiled expression: a tree of what to do, with names looked up and constants computed.

use crate::functions::Function;
use crate::value::Value;
use regex::Regex;
use std::ops::Range;

pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    /// The bytes of the text it comes from.
    pub(crate) range: Range<usize>,
}

pub(crate) enum NodeKind {
    Constant(Value),
    Variable(String),
    /// The variable of a macro, by its place among those that are bound around it, outermost first.
    Local(usize),
    Select(Box<Node>, String),
    Index(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    If(Box<[Node; 3]>),
    Binary(Operator, Box<[Node; 2]>),
    List(Vec<Node>),
    Object(Vec<(Node, Node)>),
    /// Whether the field that the inner [`NodeKind::Select`] names is there.
    Has(Box<Node>),
    Default(Box<[Node; 2]>),
    Macro(Box<Macro>),
    Matches(Box<Node>, Box<Regex>),
    Call(&'static Function, Vec<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

impl Operator {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Remainder => "%",
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::In => "in",
        }
    }
}

/// What is done with each item of a list, or each name of an object.
pub(crate) struct Macro {
    pub(crate) kind: MacroKind,
    pub(crate) over: Node,
    /// The name that each item gets.
    pub(crate) variable: String,
    /// The name that its place gets: its index in a list, its name in an object.
    pub(crate) place: Option<String>,
    /// Which items count; without one, all of them.
    pub(crate) filter: Option<Node>,
    /// What `map`, `transformList` and `transformMap` make of each.
    pub(crate) result: Option<Node>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MacroKind {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
    TransformList,
    TransformMap,
}

impl MacroKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            MacroKind::All => "all",
            MacroKind::Exists => "exists",
            MacroKind::ExistsOne => "exists_one",
            MacroKind::Filter => "filter",
            MacroKind::Map => "map",
            MacroKind::TransformList => "transformList",
            MacroKind::TransformMap => "transformMap",
        }
    }
}
