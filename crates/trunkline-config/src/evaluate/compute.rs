//! The value of a plan, when everything it needs has one.
//!
//! An invalid operand makes the result invalid without another word: its own mistake has been reported.

use std::cmp::Ordering;

use trunkline_nearest::nearest;
use zeroize::Zeroizing;

use super::Evaluator;
use super::plan::{ContainerId, Item, Part, Plan, Planned, State};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::limits::EXPANSION_BYTES_MAX;
use crate::secret::Secret;
use crate::source::Span;
use crate::syntax::{BinaryOp, UnaryOp};
use crate::value::{Node, Object, Value};

/// What a value is counted with besides its text when it is copied.
const VALUE_BYTES: usize = 32;

impl Evaluator<'_> {
    pub(super) fn compute(&mut self, plan: &Plan, span: Span) -> Value {
        match plan {
            Plan::Value(value) => value.clone(),
            Plan::Template(parts) => self.interpolate(parts, span),
            Plan::Item(item) => self.copy(*item, span),
            Plan::Array(items) => {
                let nodes = items.iter().map(|item| Node { value: self.value(item), span: item.span });
                Value::Array(nodes.collect())
            }
            Plan::Unary(op, operand) => self.unary(*op, operand),
            Plan::Chain(first, links) => self.chain(first, links),
            Plan::Ternary(parts) => {
                let [condition, yes, no] = &**parts;
                self.choose(condition, yes, no)
            }
            Plan::Call(operator, name, arguments) => self.call(*operator, *name, arguments, span),
            Plan::Invalid => Value::Invalid,
        }
    }

    pub(super) fn value(&mut self, planned: &Planned) -> Value {
        self.compute(&planned.plan, planned.span)
    }

    pub(super) fn choose(&mut self, condition: &Planned, yes: &Planned, no: &Planned) -> Value {
        match self.value(condition) {
            Value::Invalid => Value::Invalid,
            condition if condition.is_true() => self.value(yes),
            _ => self.value(no),
        }
    }

    /// A copy of what a name stands for.
    fn copy(&mut self, item: Item, span: Span) -> Value {
        let bytes = match item {
            Item::Slot(slot) => match &self.slots[slot.0].state {
                State::Ready(value) => weight(value),
                State::Waiting | State::Busy => return Value::Invalid,
            },
            Item::Container(container) => self.container_weight(container),
        };
        if !self.spend(bytes, span) {
            return Value::Invalid;
        }
        match item {
            Item::Slot(slot) => match &self.slots[slot.0].state {
                State::Ready(value) => value.clone(),
                State::Waiting | State::Busy => Value::Invalid,
            },
            Item::Container(container) => Value::Object(self.copy_object(container)),
        }
    }

    fn container_weight(&self, container: ContainerId) -> usize {
        let entries = self.containers[container.0].entries.iter();
        let weights = entries.map(|(key, entry)| {
            let value = match entry.item {
                Item::Container(child) => self.container_weight(child),
                Item::Slot(slot) => match &self.slots[slot.0].state {
                    State::Ready(value) => weight(value),
                    State::Waiting | State::Busy => VALUE_BYTES,
                },
            };
            key.len() + value
        });
        VALUE_BYTES + weights.sum::<usize>()
    }

    fn copy_object(&self, container: ContainerId) -> Object {
        let mut object = Object::new();
        for (key, entry) in &self.containers[container.0].entries {
            let (value, span) = match entry.item {
                Item::Container(child) => {
                    (Value::Object(self.copy_object(child)), self.containers[child.0].span)
                }
                Item::Slot(slot) => match &self.slots[slot.0].state {
                    State::Ready(value) => (value.clone(), self.slots[slot.0].span),
                    State::Waiting | State::Busy => (Value::Invalid, self.slots[slot.0].span),
                },
            };
            object.insert(key.clone(), entry.key_span, Node { value, span });
        }
        object
    }

    fn interpolate(&mut self, parts: &[Part], span: Span) -> Value {
        let mut joined = Joined::default();
        let mut failed = false;
        for part in parts {
            match part {
                Part::Text(text) => joined.push(text),
                Part::Invalid => failed = true,
                Part::Variable(slot, span) => {
                    let value = self.copy(Item::Slot(*slot), *span);
                    failed |= !self.join(&mut joined, &value, *span);
                }
                Part::Path(steps, span) => {
                    let value = self.path_value(steps, *span);
                    failed |= !self.join(&mut joined, &value, *span);
                }
            }
        }
        if failed || !self.spend(joined.text.len(), span) { Value::Invalid } else { joined.into_value() }
    }

    fn path_value(&mut self, steps: &[String], span: Span) -> Value {
        match self.look_up(steps) {
            Some((item, [])) => return self.copy(item, span),
            Some((Item::Slot(slot), rest)) => {
                let State::Ready(value) = &self.slots[slot.0].state else { return Value::Invalid };
                if *value == Value::Invalid {
                    return Value::Invalid;
                }
                let mut found = Some(value);
                for step in rest {
                    found = found.and_then(|value| value.child(step)).map(|node| &node.value);
                }
                if let Some(bytes) = found.map(weight) {
                    let value = found.cloned().filter(|_| bytes <= EXPANSION_BYTES_MAX);
                    return value.filter(|_| self.spend(bytes, span)).unwrap_or(Value::Invalid);
                }
            }
            Some((Item::Container(_), _)) | None => {}
        }
        let near = self.nearest_path(steps);
        let message = format!("nothing in the file is named {}", steps.join("."));
        let mut diagnostic =
            Diagnostic::error(codes::UNDEFINED_PATH, span, message).did_you_mean(near.as_deref());
        if self.arranging {
            diagnostic = diagnostic.note("the path of an @include can only use what stands above it");
        } else if near.is_none() {
            diagnostic =
                diagnostic.note("a path begins at the top of the file, with the name of a section or key");
        }
        self.report(diagnostic);
        Value::Invalid
    }

    /// The path with its first wrong step put right, when that leads somewhere.
    fn nearest_path(&self, steps: &[String]) -> Option<String> {
        let mut container = Self::ROOT;
        for (index, step) in steps.iter().enumerate() {
            let entries = &self.containers[container.0].entries;
            match entries.get(step).map(|entry| entry.item) {
                Some(Item::Container(child)) => container = child,
                Some(Item::Slot(_)) => return None,
                None => {
                    let near = nearest(step, entries.keys().map(String::as_str))?;
                    let mut steps = steps.to_vec();
                    near.clone_into(&mut steps[index]);
                    return self.look_up(&steps).map(|_| steps.join("."));
                }
            }
        }
        None
    }

    fn unary(&mut self, op: UnaryOp, operand: &Planned) -> Value {
        let value = self.value(operand);
        match (op, value) {
            (_, Value::Invalid) => Value::Invalid,
            (UnaryOp::Not, value) => Value::Bool(!value.is_true()),
            (UnaryOp::Negate, Value::Integer(value)) => match value.checked_neg() {
                Some(value) => Value::Integer(value),
                None => self.arithmetic(operand.span, "the result does not fit 64 bits"),
            },
            (UnaryOp::Negate, Value::Float(value)) => Value::Float(-value),
            (UnaryOp::Negate, value) => {
                let message = format!("'-' needs a number, found {}", value.kind());
                self.wrong_operand(operand.span, message)
            }
        }
    }

    fn chain(&mut self, first: &Planned, links: &[(BinaryOp, Span, Planned)]) -> Value {
        let mut left = self.value(first);
        for (op, op_span, right) in links {
            left = match op {
                BinaryOp::Or | BinaryOp::And if left == Value::Invalid => Value::Invalid,
                BinaryOp::Or if left.is_true() => left,
                BinaryOp::And if !left.is_true() => left,
                BinaryOp::Or | BinaryOp::And => self.value(right),
                _ => {
                    let right_value = self.value(right);
                    self.binary(*op, *op_span, left, &right_value, first.span.to(right.span))
                }
            };
        }
        left
    }

    fn binary(&mut self, op: BinaryOp, op_span: Span, left: Value, right: &Value, span: Span) -> Value {
        if left == Value::Invalid || *right == Value::Invalid {
            return Value::Invalid;
        }
        if op == BinaryOp::Add {
            return self.add(left, right, op_span, span);
        }
        if matches!(left, Value::Secret(_)) || matches!(right, Value::Secret(_)) {
            let message = format!("'{}' would tell about a secret", op.sign());
            let diagnostic = Diagnostic::error(codes::SECRET_EXPOSED, op_span, message);
            self.report(diagnostic.fix("a secret can only be joined, passed on, or tested for being there"));
            return Value::Invalid;
        }
        match op {
            BinaryOp::Equal => Value::Bool(self.equal(&left, right, op_span)),
            BinaryOp::NotEqual => Value::Bool(!self.equal(&left, right, op_span)),
            BinaryOp::Less | BinaryOp::LessOrEqual | BinaryOp::Greater | BinaryOp::GreaterOrEqual => {
                let ordering = match (&left, right) {
                    (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
                    _ => compare_numbers(&left, right),
                };
                match ordering {
                    Some(ordering) => Value::Bool(match op {
                        BinaryOp::Less => ordering == Ordering::Less,
                        BinaryOp::LessOrEqual => ordering != Ordering::Greater,
                        BinaryOp::Greater => ordering == Ordering::Greater,
                        _ => ordering != Ordering::Less,
                    }),
                    None => self.wrong_pair(op, op_span, &left, right, "two numbers or two texts"),
                }
            }
            _ => match calculate(op, &left, right) {
                Ok(value) => value,
                Err(Calculation::NotNumbers) => self.wrong_pair(op, op_span, &left, right, "two numbers"),
                Err(Calculation::ByZero) => self.arithmetic(span, "division by zero"),
                Err(Calculation::TooLarge) => self.arithmetic(span, "the result does not fit 64 bits"),
            },
        }
    }

    fn add(&mut self, left: Value, right: &Value, op_span: Span, span: Span) -> Value {
        match calculate(BinaryOp::Add, &left, right) {
            Ok(value) => return value,
            Err(Calculation::NotNumbers) => {}
            Err(_) => return self.arithmetic(span, "the result does not fit 64 bits"),
        }
        let mut joined = Joined::default();
        if let Value::Text(text) = left {
            // Taken, not copied: a long chain of joins stays linear.
            joined.text = Zeroizing::new(text);
        } else if !self.join(&mut joined, &left, op_span) {
            return Value::Invalid;
        }
        let before = joined.text.len();
        if !self.join(&mut joined, right, op_span) {
            return Value::Invalid;
        }
        let bytes = if joined.secret { joined.text.len() } else { joined.text.len() - before };
        if self.spend(bytes, span) { joined.into_value() } else { Value::Invalid }
    }

    /// Appends a value as text; false when it has none, which is reported.
    fn join(&mut self, joined: &mut Joined, value: &Value, span: Span) -> bool {
        match value {
            Value::Null => {}
            Value::Bool(value) => joined.push(&value.to_string()),
            Value::Integer(value) => joined.push(&value.to_string()),
            Value::Float(value) => joined.push(&format!("{value:?}")),
            Value::Text(text) => joined.push(text),
            Value::Secret(secret) => {
                joined.secret = true;
                joined.push(secret.expose());
            }
            Value::Invalid => return false,
            Value::Hook(_) | Value::Array(_) | Value::Object(_) => {
                let message = format!("{} cannot become part of a text", value.kind());
                self.wrong_operand(span, message);
                return false;
            }
        }
        true
    }

    fn equal(&mut self, left: &Value, right: &Value, op_span: Span) -> bool {
        if let Some(ordering) = compare_numbers(left, right) {
            return ordering == Ordering::Equal;
        }
        let (left_kind, right_kind) = (left.kind(), right.kind());
        if left_kind != right_kind && *left != Value::Null && *right != Value::Null {
            let message = format!("{left_kind} and {right_kind} are never equal");
            let diagnostic = Diagnostic::warning(codes::NEVER_EQUAL, op_span, message);
            self.report(
                diagnostic
                    .fix("compare values of one type; environment variables are text, so quote the number"),
            );
        }
        same(left, right)
    }

    fn wrong_pair(&mut self, op: BinaryOp, span: Span, left: &Value, right: &Value, wanted: &str) -> Value {
        let message = format!("'{}' needs {wanted}, found {} and {}", op.sign(), left.kind(), right.kind());
        self.wrong_operand(span, message)
    }

    fn wrong_operand(&mut self, span: Span, message: String) -> Value {
        self.report(Diagnostic::error(codes::WRONG_OPERAND, span, message));
        Value::Invalid
    }

    fn arithmetic(&mut self, span: Span, message: &str) -> Value {
        self.report(Diagnostic::error(codes::ARITHMETIC, span, message));
        Value::Invalid
    }
}

/// Text being put together; secret as soon as a part of it is.
#[derive(Default)]
struct Joined {
    text: Zeroizing<String>,
    secret: bool,
}

impl Joined {
    fn push(&mut self, text: &str) {
        if self.text.capacity() - self.text.len() < text.len() {
            // Growing in place would leave a copy of a secret in freed memory; this one is wiped.
            let mut larger = Zeroizing::new(String::with_capacity((self.text.len() + text.len()) * 2));
            larger.push_str(&self.text);
            self.text = larger;
        }
        self.text.push_str(text);
    }

    fn into_value(mut self) -> Value {
        let text = std::mem::take(&mut *self.text);
        if self.secret { Value::Secret(Secret::new(text)) } else { Value::Text(text) }
    }
}

/// What keeps two values from being calculated with.
enum Calculation {
    NotNumbers,
    ByZero,
    TooLarge,
}

fn calculate(op: BinaryOp, left: &Value, right: &Value) -> Result<Value, Calculation> {
    if let (Value::Integer(left), Value::Integer(right)) = (left, right) {
        let exact = match op {
            BinaryOp::Add => left.checked_add(*right),
            BinaryOp::Subtract => left.checked_sub(*right),
            BinaryOp::Multiply => left.checked_mul(*right),
            _ if *right == 0 => return Err(Calculation::ByZero),
            BinaryOp::Remainder => left.checked_rem(*right),
            // A division with a remainder gives the fraction below.
            _ if left.checked_rem(*right).is_some_and(|rest| rest != 0) => {
                return Ok(quotient(*left, *right));
            }
            _ => left.checked_div(*right),
        };
        return exact.map(Value::Integer).ok_or(Calculation::TooLarge);
    }
    let (left, right) = number(left).zip(number(right)).ok_or(Calculation::NotNumbers)?;
    let result = match op {
        BinaryOp::Add => left + right,
        BinaryOp::Subtract => left - right,
        BinaryOp::Multiply => left * right,
        _ if right == 0.0 => return Err(Calculation::ByZero),
        BinaryOp::Remainder => left % right,
        _ => left / right,
    };
    if result.is_finite() { Ok(Value::Float(result)) } else { Err(Calculation::TooLarge) }
}

#[expect(clippy::cast_precision_loss, reason = "a fraction of two integers is a floating-point number")]
fn quotient(left: i64, right: i64) -> Value {
    Value::Float(left as f64 / right as f64)
}

/// A number as a floating-point one.
#[expect(clippy::cast_precision_loss, reason = "mixed with a float, an integer counts as one")]
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}

pub(super) fn compare_numbers(left: &Value, right: &Value) -> Option<Ordering> {
    if let (Value::Integer(left), Value::Integer(right)) = (left, right) {
        return Some(left.cmp(right));
    }
    number(left)?.partial_cmp(&number(right)?)
}

/// Whether two values are the same, wherever they stand; numbers by their value.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| same(&left.value, &right.value))
        }
        (Value::Object(left), Value::Object(right)) => {
            let matches = |(key, entry): (&str, &crate::value::Entry)| {
                right.get(key).is_some_and(|node| same(&entry.node.value, &node.value))
            };
            left.len() == right.len() && left.iter().all(matches)
        }
        _ => {
            compare_numbers(left, right).map_or_else(|| left == right, |ordering| ordering == Ordering::Equal)
        }
    }
}

/// Roughly what a copy of a value takes.
fn weight(value: &Value) -> usize {
    VALUE_BYTES
        + match value {
            Value::Text(text) | Value::Hook(text) => text.len(),
            Value::Secret(secret) => secret.expose().len(),
            Value::Array(items) => items.iter().map(|item| weight(&item.value)).sum(),
            Value::Object(object) => {
                object.iter().map(|(key, entry)| key.len() + weight(&entry.node.value)).sum()
            }
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Invalid => 0,
        }
}
