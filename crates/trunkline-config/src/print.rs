//! A tree of values as a file: read again, it gives the same tree.

use std::fmt::Write;

use crate::secret::MASK;
use crate::syntax::is_key;
use crate::value::{Node, Object, Value};

/// Writes an object as statements, one key a line. Secrets are written as `***`: they are not carried over.
///
/// ```
/// use trunkline_config::{FixedClock, MemoryEnvironment, MemoryFiles, World, evaluate, print};
///
/// let (files, environment) = (MemoryFiles::new(), MemoryEnvironment::new());
/// let world = World { loader: &files, environment: &environment, clock: &FixedClock(0) };
/// let evaluated = evaluate("app.tsk", "[a]\nports: [80, 81]\nname = demo\n", world);
/// assert_eq!(print(evaluated.root.value.as_object().unwrap()), "\
/// a: {
///   ports: [80, 81]
///   name: \"demo\"
/// }
/// ");
/// ```
pub fn print(object: &Object) -> String {
    let mut out = String::new();
    entries(object, 0, &mut out);
    out
}

fn entries(object: &Object, indent: usize, out: &mut String) {
    for (key, entry) in object.iter() {
        out.extend(std::iter::repeat_n("  ", indent));
        if is_key(key) {
            out.push_str(key);
        } else {
            quoted(key, out);
        }
        out.push_str(": ");
        value(&entry.node.value, indent, out);
        out.push('\n');
    }
}

fn value(printed: &Value, indent: usize, out: &mut String) {
    match printed {
        Value::Null | Value::Invalid => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Integer(value) => write!(out, "{value}").expect("a String takes all"),
        Value::Float(value) => write!(out, "{value:?}").expect("a String takes all"),
        Value::Text(text) => quoted(text, out),
        Value::Secret(_) => quoted(MASK, out),
        Value::Hook(name) => {
            out.push_str("@go(");
            quoted(name, out);
            out.push(')');
        }
        Value::Array(items) => array(items, indent, out),
        Value::Object(object) if object.is_empty() => out.push_str("{}"),
        Value::Object(object) => {
            out.push_str("{\n");
            entries(object, indent + 1, out);
            out.extend(std::iter::repeat_n("  ", indent));
            out.push('}');
        }
    }
}

fn array(items: &[Node], indent: usize, out: &mut String) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { ", " });
        value(&item.value, indent, out);
    }
    out.push(']');
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    let mut chars = text.chars().peekable();
    let mut first = true;
    while let Some(char) = chars.next() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Neither interpolated nor taken for an operator when it is read again.
            '$' if chars.peek() == Some(&'{') => out.push_str("\\u{24}"),
            '@' if first => out.push_str("\\u{40}"),
            char if char.is_control() => {
                write!(out, "\\u{{{:x}}}", u32::from(char)).expect("a String takes all");
            }
            char => out.push(char),
        }
        first = false;
    }
    out.push('"');
}
