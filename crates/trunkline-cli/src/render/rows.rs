//! Rows of an answer as columns.

use std::io::{self, Write};

use serde_json::Value;

use super::table::{Cell, Table};
use super::text::one_line;

/// Prints objects of the same fields as a table; numbers stand right.
pub(crate) fn write_rows(rows: &[Value], out: &mut dyn Write) -> io::Result<()> {
    let Some(Value::Object(first)) = rows.first() else { return writeln!(out, "no rows") };
    let is_number =
        |name: &String| rows.iter().all(|row| row[name.as_str()].is_number() || row[name.as_str()].is_null());
    let mut table = Table::of_data(first.keys().map(|name| (name.clone(), is_number(name))));
    for row in rows {
        table.row(first.keys().map(|name| Cell::from(cell(&row[name.as_str()]))));
    }
    table.release(out)
}

/// A value on one line; a text without quotes, nothing as a dash.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => one_line(text),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
