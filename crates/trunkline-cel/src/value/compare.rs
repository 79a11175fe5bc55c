//! When values are equal, and which of two comes first.

use super::{Value, View};
use std::cmp::Ordering;

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self.view(), other.view()) {
            (View::Null, View::Null) => true,
            (View::Bool(left), View::Bool(right)) => left == right,
            (View::Type(left), View::Type(right)) => left == right,
            (View::List(left), View::List(right)) => {
                left.len() == right.len() && left.iter().zip(right.iter()).all(|(left, right)| left == right)
            }
            (View::Object(left), View::Object(right)) => {
                left.len() == right.len()
                    && left
                        .iter()
                        .all(|(name, value)| right.get_named(name.as_bytes()).as_ref() == Some(&value))
            }
            // As they are written: such a value is at least the same as itself.
            (View::Unheld(_, left), View::Unheld(_, right)) => left == right,
            (left, right) => compare_views(&left, &right) == Some(Ordering::Equal),
        }
    }
}

/// The order of two values, if they have one: numbers by size, texts and bytes by code point, `false` before `true`.
pub(crate) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    compare_views(&left.view(), &right.view())
}

fn compare_views(left: &View<'_>, right: &View<'_>) -> Option<Ordering> {
    match (left, right) {
        (View::Int(left), View::Int(right)) => Some(left.cmp(right)),
        (View::Double(left), View::Double(right)) => left.partial_cmp(right),
        (View::Int(left), View::Double(right)) => Some(compare_numbers(*left, *right)),
        (View::Double(left), View::Int(right)) => Some(compare_numbers(*right, *left).reverse()),
        (View::Text(left), View::Text(right)) => Some(left.cmp(right)),
        (View::Bytes(left), View::Bytes(right)) => Some(left.cmp(right)),
        (View::Bool(left), View::Bool(right)) => Some(left.cmp(right)),
        (View::Timestamp(left), View::Timestamp(right)) => Some(left.cmp(right)),
        (View::Duration(left), View::Duration(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Exact, where turning the integer into a double would round it.
fn compare_numbers(int: i64, double: f64) -> Ordering {
    const TWO_TO_THE_63: f64 = 9_223_372_036_854_775_808.0;
    if double >= TWO_TO_THE_63 {
        return Ordering::Less;
    }
    if double < -TWO_TO_THE_63 {
        return Ordering::Greater;
    }
    // In this range the whole part is an i64 exactly.
    let whole = double.trunc() as i64;
    int.cmp(&whole).then_with(|| 0.0_f64.partial_cmp(&(double - double.trunc())).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_doubles_compare_exactly() {
        assert_eq!(compare_numbers(i64::MAX, 9_223_372_036_854_775_807.0), Ordering::Less);
        assert_eq!(compare_numbers(9_007_199_254_740_993, 9_007_199_254_740_992.0), Ordering::Greater);
        assert_eq!(compare_numbers(i64::MIN, -9_223_372_036_854_775_808.0), Ordering::Equal);
        assert_eq!(compare_numbers(1, 1.5), Ordering::Less);
        assert_eq!(compare_numbers(-1, -1.5), Ordering::Greater);
        assert_eq!(compare_numbers(0, -0.0), Ordering::Equal);
    }
}
