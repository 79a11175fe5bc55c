//! Errors, and the names in them: the path of a field, or the text of what is no path.

use super::{Origin, Run};
use crate::error::{EvaluateError, EvaluateErrorKind, Failure};
use crate::program::{Node, NodeKind};
use crate::value::{Value, View};

/// What went wrong where.
#[cold]
pub(crate) fn failure(
    kind: EvaluateErrorKind,
    node: &Node,
    field: Option<String>,
    message: impl Into<String>,
) -> Failure {
    Failure::new(EvaluateError { message: message.into(), field, range: node.range.clone(), kind })
}

/// Letters of an expression that a message repeats.
const SHOWN_CHARS_MAX: usize = 60;

impl Run<'_> {
    /// The path that leads to a node's value from a variable: `command.items[2].quantity`.
    pub(crate) fn path(&self, node: &Node) -> Option<String> {
        match &node.kind {
            NodeKind::Variable(name) => Some(name.clone()),
            NodeKind::Local(place) => {
                let local = self.locals.get(*place)?;
                match local.from {
                    Origin::Item(over, index) => Some(format!("{}[{index}]", self.path(over)?)),
                    Origin::Field(over) => {
                        let name = &self.locals.get(place.checked_sub(1)?)?.value;
                        Some(behind(&self.path(over)?, &name.to_text()))
                    }
                    Origin::Place => None,
                }
            }
            NodeKind::Select(operand, field) => Some(behind(&self.path(operand)?, field)),
            NodeKind::Index(operand, index) => {
                let operand = self.path(operand)?;
                match &index.kind {
                    NodeKind::Constant(value) => match value.as_str() {
                        Some(field) => Some(behind(&operand, field)),
                        None => Some(format!("{operand}[{}]", value.to_text())),
                    },
                    _ => Some(format!("{operand}[{}]", self.shown(index))),
                }
            }
            _ => None,
        }
    }

    /// A node in a message, in backticks: its path, or its text.
    pub(crate) fn describe(&self, node: &Node) -> String {
        // The value of a macro's variable may be made on the way and have no path.
        let text = self.path(node).unwrap_or_else(|| self.shown(node));
        format!("`{text}`")
    }

    fn shown(&self, node: &Node) -> String {
        if let NodeKind::Local(place) = node.kind
            && let Some(local) = self.locals.get(place)
        {
            return local.name.to_owned();
        }
        let text = self.source.get(node.range.clone()).unwrap_or_default();
        let mut shown: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if shown.chars().count() > SHOWN_CHARS_MAX {
            shown = shown.chars().take(SHOWN_CHARS_MAX).collect::<String>() + "…";
        }
        shown
    }

    #[cold]
    pub(super) fn missing_field(&self, node: &Node, operand: &Node, value: &Value, field: &str) -> Failure {
        let what = self.describe(operand);
        let path = self.path(node);
        match value.view() {
            View::Object(_) => {
                failure(EvaluateErrorKind::Missing, node, path, format!("{what} has no field `{field}`"))
            }
            View::Null => {
                let message = format!("{what} is null and has no field `{field}`");
                failure(EvaluateErrorKind::Missing, node, path, message)
            }
            _ => {
                let message = format!("{what} is {} and has no field `{field}`", value.type_name());
                failure(EvaluateErrorKind::Type, node, path, message)
            }
        }
    }

    #[cold]
    pub(super) fn missing_item(&self, node: &Node, operand: &Node, value: &Value, at: &Value) -> Failure {
        let what = self.describe(operand);
        let path = self.path(operand).map(|path| match at.as_str() {
            Some(field) => behind(&path, field),
            None => format!("{path}[{}]", at.to_text()),
        });
        let at_text = at.to_text();
        let message = match (value.view(), at.view()) {
            (View::List(list), _) => match list.len() {
                0 => format!("{what} has no item {at_text}: it is empty"),
                1 => format!("{what} has no item {at_text}: it holds 1, counted from 0"),
                held => format!("{what} has no item {at_text}: it holds {held}, counted from 0"),
            },
            (View::Null, View::Int(_)) => format!("{what} is null and has no item {at_text}"),
            (View::Null, _) => format!("{what} is null and has no field `{at_text}`"),
            _ => format!("{what} has no field `{at_text}`"),
        };
        failure(EvaluateErrorKind::Missing, node, path, message)
    }

    /// What takes only another type of value.
    #[cold]
    pub(crate) fn wrong_type(
        &self,
        node: &Node,
        operand: &Node,
        value: &Value,
        taker: &str,
        wanted: &str,
    ) -> Failure {
        let what = self.describe(operand);
        let message = format!("{taker} takes {wanted}, and {what} is {}", value.type_name());
        failure(EvaluateErrorKind::Type, node, self.path(operand), message)
    }
}

#[cold]
pub(super) fn missing_variable(node: &Node, name: &str) -> Failure {
    let message = format!("`{name}` has no value here");
    failure(EvaluateErrorKind::Missing, node, Some(name.to_owned()), message)
}

/// The path of a field behind that of its object.
fn behind(path: &str, field: &str) -> String {
    if is_name(field) { format!("{path}.{field}") } else { format!("{path}['{field}']") }
}

/// Whether a field can be written after a point.
fn is_name(field: &str) -> bool {
    !field.is_empty()
        && !field.starts_with(|char: char| char.is_ascii_digit())
        && field.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}
