//! One value out of many.

use super::Call;
use crate::error::{EvaluateErrorKind, Failure};
use crate::evaluate::{Outcome, failure};
use crate::value::{Value, View, compare};
use std::cmp::Ordering;

pub(super) fn size(call: &mut Call<'_, '_>) -> Outcome {
    let size = match call.values[0].view() {
        View::Text(text) => {
            call.charge(text.len())?;
            text.chars().count()
        }
        View::Bytes(bytes) => bytes.len(),
        View::List(list) => list.len(),
        View::Object(object) => object.len(),
        _ => return Err(call.wrong(0, "text, bytes, a list or an object")),
    };
    Ok(Value::from(i64::try_from(size).unwrap_or(i64::MAX)))
}

#[expect(clippy::cast_precision_loss, reason = "once a double is among them, the sum is one")]
pub(super) fn sum(call: &mut Call<'_, '_>) -> Outcome {
    let list = call.list(0)?;
    call.charge(list.len())?;
    let mut whole = Some(0_i64);
    // Of everything, once there is a double.
    let mut mixed: Option<f64> = None;
    let mut overflow = false;
    for (index, item) in list.iter().enumerate() {
        match (item.view(), &mut mixed) {
            (View::Int(number), None) => {
                whole = whole.and_then(|sum| sum.checked_add(number));
                overflow |= whole.is_none();
            }
            (View::Int(number), Some(sum)) => *sum += number as f64,
            (View::Double(number), Some(sum)) => *sum += number,
            (View::Double(number), None) => mixed = Some(whole.unwrap_or_default() as f64 + number),
            _ => {
                let what = call.name(0);
                let message =
                    format!("`sum` takes numbers, and item {index} of {what} is {}", item.type_name());
                let field = call.run.path(&call.arguments[0]).map(|path| format!("{path}[{index}]"));
                return Err(failure(EvaluateErrorKind::Type, call.node, field, message));
            }
        }
    }
    if overflow {
        return Err(call.run.beyond(call.node));
    }
    match (mixed, whole) {
        (Some(sum), _) => Value::from_f64(sum).ok_or_else(|| {
            call.refused(0, format!("the sum of {} is larger than a double can be", call.name(0)))
        }),
        (None, Some(sum)) => Ok(Value::from(sum)),
        (None, None) => Err(call.run.beyond(call.node)),
    }
}

pub(super) fn min(call: &mut Call<'_, '_>) -> Outcome {
    extreme(call, Ordering::Less)
}

pub(super) fn max(call: &mut Call<'_, '_>) -> Outcome {
    extreme(call, Ordering::Greater)
}

/// The first of those that no other one precedes, or exceeds: of the arguments, or of the list that is the only one.
fn extreme(call: &mut Call<'_, '_>, wanted: Ordering) -> Outcome {
    let values: Vec<Value> = match call.values {
        [only] => match only.view() {
            View::List(list) => list.iter().collect(),
            _ => return Err(call.wrong(0, "a list, or two values or more")),
        },
        several => several.to_vec(),
    };
    call.charge(values.len())?;
    let mut values = values.into_iter();
    let Some(mut best) = values.next() else {
        let message = format!("`{}` of an empty list: {} has no items", call.function.name, call.name(0));
        return Err(call.refused(0, message));
    };
    // Compared with itself, so that a single value must have an order, too.
    compare(&best, &best).ok_or_else(|| unordered(call, &best, &best))?;
    for value in values {
        let ordering = compare(&value, &best).ok_or_else(|| unordered(call, &best, &value))?;
        if ordering == wanted {
            best = value;
        }
    }
    Ok(best)
}

fn unordered(call: &Call<'_, '_>, left: &Value, right: &Value) -> Failure {
    let message =
        format!("`{}` does not compare {} with {}", call.function.name, left.type_name(), right.type_name());
    let field = call.run.path(&call.arguments[0]);
    failure(EvaluateErrorKind::Type, call.node, field, message)
}
