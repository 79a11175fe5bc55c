//! Rows beside those that a test expects.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The rows of a table beside those that a test expects.
///
/// ```
/// use serde_json::json;
/// use trunkline_sql::ComparedRows;
///
/// let rows = |json: serde_json::Value| serde_json::from_value(json).unwrap();
/// let expected = rows(json!([{ "id": "1", "status": "paid" }]));
/// let found = rows(json!([{ "id": "1", "status": "pending", "total": 5 }]));
/// let compared = ComparedRows::of(expected, found);
/// assert!(!compared.is_same());
/// assert_eq!(compared.to_string(), "  - expected {\"id\":\"1\",\"status\":\"paid\"}
///   + found    {\"id\":\"1\",\"status\":\"pending\"}
/// ");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComparedRows {
    /// Rows that were expected, and are there.
    pub same: Vec<Map<String, Value>>,
    /// Rows that were expected, and are not there.
    pub missing: Vec<Map<String, Value>>,
    /// Rows that are there, and were not expected.
    pub surplus: Vec<Map<String, Value>>,
}

impl ComparedRows {
    /// Compares rows in whatever order they stand.
    ///
    /// Each expected row is one of those found, and each of those is expected once. A column that an expected row
    /// doesn't have may be anything. Of those found, only the columns are kept that some expected row has, and all of
    /// them when no row is expected.
    pub fn of(expected: Vec<Map<String, Value>>, found: Vec<Map<String, Value>>) -> Self {
        // Which expected row each of those found is; a row that could be several makes place for one that can't.
        let mut taken: Vec<Option<usize>> = vec![None; found.len()];
        for at in 0..expected.len() {
            place(at, &expected, &found, &mut taken, &mut vec![false; found.len()]);
        }
        let placed: BTreeSet<usize> = taken.iter().copied().flatten().collect();
        let columns: BTreeSet<String> = expected.iter().flat_map(|row| row.keys().cloned()).collect();
        let shown = |row: Map<String, Value>| {
            let kept = row.into_iter().filter(|(name, _)| columns.is_empty() || has(&columns, name));
            kept.collect::<Map<_, _>>()
        };
        let mut compared = Self::default();
        for (row, taken) in found.into_iter().zip(taken) {
            let list = if taken.is_some() { &mut compared.same } else { &mut compared.surplus };
            list.push(shown(row));
        }
        let missing = expected.into_iter().enumerate().filter(|(at, _)| !placed.contains(at));
        compared.missing = missing.map(|(_, row)| row).collect();
        compared
    }

    /// Whether the rows are those that were expected.
    pub fn is_same(&self) -> bool {
        self.missing.is_empty() && self.surplus.is_empty()
    }
}

impl std::fmt::Display for ComparedRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sides = [("= ", &self.same), ("- expected ", &self.missing), ("+ found    ", &self.surplus)];
        for (side, rows) in sides {
            for row in rows {
                writeln!(f, "  {side}{}", Value::Object(row.clone()))?;
            }
        }
        Ok(())
    }
}

fn has(columns: &BTreeSet<String>, name: &str) -> bool {
    columns.iter().any(|column| column.eq_ignore_ascii_case(name))
}

/// Finds a row for an expected one, moving others where that makes place; tells whether there is one.
fn place(
    at: usize,
    expected: &[Map<String, Value>],
    found: &[Map<String, Value>],
    taken: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for row in 0..found.len() {
        if tried[row] || !matches(&expected[at], &found[row]) {
            continue;
        }
        tried[row] = true;
        let free = match taken[row] {
            None => true,
            Some(other) => place(other, expected, found, taken, tried),
        };
        if free {
            taken[row] = Some(at);
            return true;
        }
    }
    false
}

fn matches(expected: &Map<String, Value>, found: &Map<String, Value>) -> bool {
    expected.iter().all(|(name, value)| {
        found.iter().any(|(column, cell)| column.eq_ignore_ascii_case(name) && is(value, cell))
    })
}

/// Whether a cell is a value: a database has no booleans, and a whole number may be stored as a real one.
fn is(value: &Value, cell: &Value) -> bool {
    match (value, cell) {
        (Value::Bool(value), Value::Number(cell)) => cell.as_i64() == Some(i64::from(*value)),
        (Value::Number(value), Value::Number(cell)) => match (value.as_i64(), cell.as_i64()) {
            (Some(value), Some(cell)) => value == cell,
            _ => value.as_f64() == cell.as_f64(),
        },
        (value, cell) => value == cell,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compared(expected: Value, found: Value) -> String {
        let rows = |json| serde_json::from_value(json).unwrap();
        ComparedRows::of(rows(expected), rows(found)).to_string()
    }

    #[test]
    fn rows_are_compared_in_any_order_and_each_once() {
        let both = json!([{ "a": 1 }, { "a": 2 }]);
        assert_eq!(compared(both.clone(), json!([{ "a": 2 }, { "a": 1 }])), "  = {\"a\":2}\n  = {\"a\":1}\n");
        assert_eq!(
            compared(both, json!([{ "a": 1 }, { "a": 1 }])),
            "  = {\"a\":1}\n  - expected {\"a\":2}\n  + found    {\"a\":1}\n"
        );
        assert_eq!(
            compared(json!([]), json!([{ "a": 1, "b": null }])),
            "  + found    {\"a\":1,\"b\":null}\n"
        );
        assert_eq!(compared(json!([]), json!([])), "");
    }

    #[test]
    fn rows_too_many_and_rows_too_few_are_not_the_same() {
        let is_same = |expected: Value, found: Value| {
            let rows = |json| serde_json::from_value(json).unwrap();
            ComparedRows::of(rows(expected), rows(found)).is_same()
        };
        let (one, two) = (json!([{ "a": 1 }]), json!([{ "a": 1 }, { "a": 2 }]));
        assert!(is_same(one.clone(), one.clone()));
        assert!(!is_same(one.clone(), two.clone()));
        assert!(!is_same(two, one));
    }

    #[test]
    fn a_row_that_could_be_several_leaves_those_that_others_need() {
        let rows = json!([{ "a": 1, "b": 2 }, { "a": 1, "b": 3 }]);
        let found = compared(json!([{ "a": 1 }, { "a": 1, "b": 2 }]), rows);
        assert!(!found.contains("expected"), "{found}");
    }

    #[test]
    fn values_are_those_of_a_database() {
        for (value, cell, same) in [
            (json!(true), json!(1), true),
            (json!(false), json!(1), false),
            (json!(2), json!(2.0), true),
            (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64), false),
            (json!("1"), json!(1), false),
            (json!(null), json!(null), true),
            (json!(null), json!(0), false),
        ] {
            assert_eq!(is(&value, &cell), same, "{value} {cell}");
        }
    }
}
