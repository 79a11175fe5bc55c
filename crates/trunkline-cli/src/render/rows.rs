//! Rows of an answer as columns.

use std::io::{self, Write};

use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::text::{one_line, shorten};

/// A column is no wider, so that several fit a terminal.
const COLUMN_WIDTH_MAX: usize = 40;

/// Prints objects of the same fields as a table; numbers stand right.
pub(crate) fn write_rows(rows: &[Value], out: &mut dyn Write) -> io::Result<()> {
    let Some(Value::Object(first)) = rows.first() else { return writeln!(out, "no rows") };
    let names: Vec<&String> = first.keys().collect();
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| names.iter().map(|name| shorten(&cell(&row[name.as_str()]), COLUMN_WIDTH_MAX)).collect())
        .collect();
    let width = |column: usize| {
        let widest = cells.iter().map(|row| row[column].width()).max().unwrap_or_default();
        widest.max(names[column].width())
    };
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    let right: Vec<bool> = names
        .iter()
        .map(|name| rows.iter().all(|row| row[name.as_str()].is_number() || row[name.as_str()].is_null()))
        .collect();
    let heading: Vec<String> = names.iter().map(|name| (*name).clone()).collect();
    for row in std::iter::once(&heading).chain(&cells) {
        let mut line = String::new();
        for (column, text) in row.iter().enumerate() {
            let room = " ".repeat(widths[column].saturating_sub(text.width()));
            let (before, after) = if right[column] { (room.as_str(), "") } else { ("", room.as_str()) };
            line.extend([if column == 0 { "" } else { "  " }, before, text, after]);
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
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
