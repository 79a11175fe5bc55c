//! Arithmetic, comparison and joining.

use super::{Outcome, Run, failure, made};
use crate::duration::bounded;
use crate::error::{EvaluateErrorKind, Failure};
use crate::limits::VALUE_BYTES_MAX;
use crate::program::{Node, NodeKind, Operator};
use crate::value::{Repr, TooLarge, Value, View, compare};
use std::cmp::Ordering;

impl<'e> Run<'e> {
    pub(super) fn binary(&mut self, node: &'e Node, operator: Operator, pair: &'e [Node; 2]) -> Outcome {
        let left = self.evaluate(&pair[0])?;
        let right = self.evaluate(&pair[1])?;
        match operator {
            Operator::Equal | Operator::NotEqual if is_beyond(&left, &right) => {
                Err(self.no_operation(node, operator, pair, &left, &right))
            }
            Operator::Equal => Ok(Value::from(self.equal(node, &left, &right)?)),
            Operator::NotEqual => Ok(Value::from(!self.equal(node, &left, &right)?)),
            Operator::Less => self.ordered(node, operator, pair, &left, &right, Ordering::is_lt),
            Operator::LessOrEqual => self.ordered(node, operator, pair, &left, &right, Ordering::is_le),
            Operator::Greater => self.ordered(node, operator, pair, &left, &right, Ordering::is_gt),
            Operator::GreaterOrEqual => self.ordered(node, operator, pair, &left, &right, Ordering::is_ge),
            Operator::In => self.contains(node, pair, &left, &right),
            _ => self.arithmetic(node, operator, pair, &left, &right),
        }
    }

    pub(crate) fn equal(&mut self, node: &Node, left: &Value, right: &Value) -> Outcome<bool> {
        self.charge(node, left.json_bytes().min(right.json_bytes()) as usize)?;
        Ok(left == right)
    }

    fn ordered(
        &mut self,
        node: &Node,
        operator: Operator,
        pair: &[Node; 2],
        left: &Value,
        right: &Value,
        holds: fn(Ordering) -> bool,
    ) -> Outcome {
        self.charge(node, left.text_bytes() + right.text_bytes())?;
        match compare(left, right) {
            Some(ordering) => Ok(Value::from(holds(ordering))),
            None => Err(self.no_operation(node, operator, pair, left, right)),
        }
    }

    fn contains(&mut self, node: &Node, pair: &[Node; 2], item: &Value, all: &Value) -> Outcome {
        match (all.view(), item.view()) {
            (View::List(list), _) => {
                self.charge(node, list.len())?;
                for other in list.iter() {
                    if self.equal(node, item, &other)? {
                        return Ok(Value::from(true));
                    }
                }
                Ok(Value::from(false))
            }
            (View::Object(object), View::Text(name)) => {
                self.charge(node, object.len())?;
                Ok(Value::from(object.get(name).is_some()))
            }
            // The other keys that maps of CEL may have; names of objects are text.
            (View::Object(_), View::Int(_) | View::Double(_) | View::Bool(_)) => Ok(Value::from(false)),
            _ => Err(self.no_operation(node, Operator::In, pair, item, all)),
        }
    }

    fn arithmetic(
        &mut self,
        node: &Node,
        operator: Operator,
        pair: &[Node; 2],
        left: &Value,
        right: &Value,
    ) -> Outcome {
        match (left.view(), right.view()) {
            (View::Int(a), View::Int(b)) => self.ints(node, operator, &pair[1], a, b),
            (View::Int(_) | View::Double(_), View::Int(_) | View::Double(_))
                if operator != Operator::Remainder =>
            {
                let (a, b) = (left.as_f64().unwrap_or_default(), right.as_f64().unwrap_or_default());
                self.doubles(node, operator, &pair[1], a, b)
            }
            (View::Text(a), View::Text(b)) if operator == Operator::Add => {
                self.charge(node, a.len() + b.len())?;
                let mut joined = String::with_capacity(a.len() + b.len());
                joined.push_str(a);
                joined.push_str(b);
                sized(node, Value::from(joined))
            }
            (View::Bytes(a), View::Bytes(b)) if operator == Operator::Add => {
                self.charge(node, a.len() + b.len())?;
                let value = Value(Repr::Bytes([a, b].concat().into()));
                sized(node, value)
            }
            (View::List(a), View::List(b)) if operator == Operator::Add => {
                self.charge(node, a.len() + b.len())?;
                let value = Value::checked_list(a.iter().chain(b.iter()).collect());
                made(node, value)
            }
            (View::Timestamp(a), View::Duration(b)) if operator == Operator::Add => {
                self.timed(node, a.checked_add(b).map(Value::from))
            }
            (View::Duration(a), View::Timestamp(b)) if operator == Operator::Add => {
                self.timed(node, b.checked_add(a).map(Value::from))
            }
            (View::Timestamp(a), View::Duration(b)) if operator == Operator::Subtract => {
                self.timed(node, b.checked_neg().and_then(|b| a.checked_add(b)).map(Value::from))
            }
            (View::Timestamp(a), View::Timestamp(b)) if operator == Operator::Subtract => {
                self.timed(node, a.since(b).map(Value::from))
            }
            (View::Duration(a), View::Duration(b)) if operator == Operator::Add => {
                self.timed(node, a.checked_add(b).and_then(bounded).map(Value::from))
            }
            (View::Duration(a), View::Duration(b)) if operator == Operator::Subtract => {
                self.timed(node, a.checked_sub(b).and_then(bounded).map(Value::from))
            }
            _ => Err(self.no_operation(node, operator, pair, left, right)),
        }
    }

    fn ints(&mut self, node: &Node, operator: Operator, divisor: &Node, a: i64, b: i64) -> Outcome {
        let result = match operator {
            Operator::Add => a.checked_add(b),
            Operator::Subtract => a.checked_sub(b),
            Operator::Multiply => a.checked_mul(b),
            Operator::Divide | Operator::Remainder if b == 0 => return Err(self.by_zero(node, divisor)),
            Operator::Divide => a.checked_div(b),
            _ => a.checked_rem(b),
        };
        result.map(Value::from).ok_or_else(|| self.beyond(node))
    }

    fn doubles(&mut self, node: &Node, operator: Operator, divisor: &Node, a: f64, b: f64) -> Outcome {
        let result = match operator {
            Operator::Add => a + b,
            Operator::Subtract => a - b,
            Operator::Multiply => a * b,
            _ if b == 0.0 => return Err(self.by_zero(node, divisor)),
            _ => a / b,
        };
        Value::from_f64(result).ok_or_else(|| {
            let message = format!("{} is larger than a double can be", self.describe(node));
            failure(EvaluateErrorKind::Value, node, None, message)
        })
    }

    pub(super) fn negate(&mut self, node: &'e Node, inner: &'e Node) -> Outcome {
        let value = self.evaluate(inner)?;
        match value.view() {
            View::Int(number) => number.checked_neg().map(Value::from).ok_or_else(|| self.beyond(node)),
            View::Double(number) => Ok(Value(Repr::Double(-number))),
            View::Duration(duration) => self.timed(node, duration.checked_neg().map(Value::from)),
            _ => Err(self.wrong_type(node, inner, &value, "`-`", "a number")),
        }
    }

    fn timed(&self, node: &Node, value: Option<Value>) -> Outcome {
        value.ok_or_else(|| {
            let message = format!("{} is beyond the times that can be told", self.describe(node));
            failure(EvaluateErrorKind::Value, node, None, message)
        })
    }

    #[cold]
    pub(crate) fn beyond(&self, node: &Node) -> Failure {
        let message = format!("{} does not fit 64 bits", self.describe(node));
        failure(EvaluateErrorKind::Value, node, None, message)
    }

    #[cold]
    fn by_zero(&self, node: &Node, divisor: &Node) -> Failure {
        let message = match divisor.kind {
            NodeKind::Constant(_) => format!("division by zero: {}", self.describe(node)),
            _ => format!("division by zero: {} is 0", self.describe(divisor)),
        };
        failure(EvaluateErrorKind::Value, node, self.path(divisor), message)
    }

    #[cold]
    fn no_operation(
        &self,
        node: &Node,
        operator: Operator,
        pair: &[Node; 2],
        left: &Value,
        right: &Value,
    ) -> Failure {
        let sign = operator.sign();
        let message = format!(
            "`{sign}` does not go with {} and {}: {} {sign} {}",
            left.type_name(),
            right.type_name(),
            self.describe(&pair[0]),
            self.describe(&pair[1])
        );
        let field = self.path(&pair[0]).or_else(|| self.path(&pair[1]));
        failure(EvaluateErrorKind::Type, node, field, message)
    }
}

/// Whether nobody can tell if these are equal: one is no value of the language.
fn is_beyond(left: &Value, right: &Value) -> bool {
    let is_unheld = |value: &Value| matches!(value.view(), View::Unheld(..));
    is_unheld(left) && !right.is_null() || is_unheld(right) && !left.is_null()
}

/// A text or bytes that were made, unless they are too large.
pub(crate) fn sized(node: &Node, value: Value) -> Outcome {
    if value.json_bytes() > VALUE_BYTES_MAX {
        return made(node, Err(TooLarge::Long));
    }
    Ok(value)
}
