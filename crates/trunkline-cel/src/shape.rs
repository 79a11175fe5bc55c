//! What can be known of an expression's value without evaluating it.

use std::collections::BTreeSet;

use crate::expression::Expression;
use crate::program::{Node, NodeKind, Operator};
use crate::value::Value;

/// The fields of an object, as far as they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The names of fields that it may have.
    pub fields: BTreeSet<String>,
    /// Whether it has no others.
    pub whole: bool,
}

impl Shape {
    /// An object of which nothing is known.
    pub fn unknown() -> Shape {
        Shape { fields: BTreeSet::new(), whole: false }
    }

    /// An object without fields.
    pub fn empty() -> Shape {
        Shape { fields: BTreeSet::new(), whole: true }
    }

    /// What may be the one or the other, or has the fields of both.
    #[must_use]
    pub fn and(mut self, other: Shape) -> Shape {
        self.fields.extend(other.fields);
        self.whole &= other.whole;
        self
    }
}

impl Value {
    /// The fields that it has.
    ///
    /// ```
    /// use trunkline_cel::Value;
    ///
    /// let shape = Value::from_json(r#"{"status":"new"}"#).unwrap().shape();
    /// assert!(shape.whole && shape.fields.contains("status"));
    /// ```
    pub fn shape(&self) -> Shape {
        match self.fields() {
            Some(fields) => Shape { fields: fields.map(|(name, _)| name).collect(), whole: true },
            None => Shape::unknown(),
        }
    }
}

impl Expression {
    /// The fields that its value has, when it is an object; `of` says which ones the value behind a path has, such as
    /// `event.data`.
    ///
    /// ```
    /// use trunkline_cel::{Expression, Scope, Shape};
    ///
    /// let rule = "merge(event.data, {'status': 'new'})";
    /// let rule = Expression::compile(rule, &Scope::new(["event", "state"])).unwrap();
    /// let unknown = rule.shape(&|_| Shape::unknown());
    /// assert!(unknown.fields.contains("status") && !unknown.whole);
    /// let known = rule.shape(&|path| match path {
    ///     ["event", "data"] => Shape { fields: ["id".to_owned()].into(), whole: true },
    ///     _ => Shape::unknown(),
    /// });
    /// assert!(known.whole && known.fields.len() == 2);
    /// ```
    pub fn shape(&self, of: &dyn Fn(&[&str]) -> Shape) -> Shape {
        shape(self.root(), of)
    }

    /// The text that its value begins with, where it is written as a text, or as one to which more is added.
    ///
    /// ```
    /// use trunkline_cel::{Expression, Scope};
    ///
    /// let stream = Expression::compile("'order-' + command.id + '-x'", &Scope::new(["command"])).unwrap();
    /// assert_eq!(stream.begins_with(), Some("order-"));
    /// ```
    pub fn begins_with(&self) -> Option<&str> {
        let mut node = self.root();
        loop {
            match &node.kind {
                NodeKind::Binary(Operator::Add, sides) => node = &sides[0],
                NodeKind::Constant(value) => return value.as_str(),
                _ => return None,
            }
        }
    }
}

fn shape(node: &Node, of: &dyn Fn(&[&str]) -> Shape) -> Shape {
    match &node.kind {
        NodeKind::Constant(value) => value.shape(),
        NodeKind::Object(entries) => entries.iter().fold(Shape::empty(), |shape, (key, _)| named(shape, key)),
        NodeKind::If(parts) => shape(&parts[1], of).and(shape(&parts[2], of)),
        NodeKind::Default(sides) => shape(&sides[0], of).and(shape(&sides[1], of)),
        NodeKind::Call(function, arguments) => match (function.name, &arguments[..]) {
            ("merge", [one, other]) => shape(one, of).and(shape(other, of)),
            ("put", [object, key, _]) => named(shape(object, of), key),
            ("drop", [object, _]) => shape(object, of),
            _ => Shape::unknown(),
        },
        _ => path(node).map_or_else(Shape::unknown, |path| of(&path)),
    }
}

/// A shape with one more field, whose name may only be known later.
fn named(mut shape: Shape, key: &Node) -> Shape {
    match &key.kind {
        NodeKind::Constant(name) if name.as_str().is_some() => {
            shape.fields.extend(name.as_str().map(str::to_owned));
        }
        _ => shape.whole = false,
    }
    shape
}

/// A variable and the names of fields behind it.
fn path(node: &Node) -> Option<Vec<&str>> {
    match &node.kind {
        NodeKind::Variable(name) => Some(vec![name]),
        NodeKind::Select(operand, field) => {
            let mut path = path(operand)?;
            path.push(field);
            Some(path)
        }
        _ => None,
    }
}
