//! Objects are equal whatever the order of their names is, which the crate `jsonschema` overlooks.
//!
//! It compares two objects name by name, side by side, as if both had their names sorted; here objects keep the order
//! they were written in. So what is compared is sorted, where a schema compares at all.

use std::borrow::Cow;

use serde_json::Value;

/// Whether a rule of the schema compares whole objects.
pub(super) fn compares_objects(schema: &Value) -> bool {
    match schema {
        Value::Object(rules) => rules.iter().any(|(rule, value)| match rule.as_str() {
            "const" | "enum" => has_object(value),
            "uniqueItems" => *value == Value::Bool(true),
            _ => false,
        } || compares_objects(value)),
        Value::Array(schemas) => schemas.iter().any(compares_objects),
        _ => false,
    }
}

fn has_object(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(items) => items.iter().any(has_object),
        _ => false,
    }
}

/// The schema with the objects sorted with which it compares; all else has its order, in which it is checked.
pub(super) fn with_sorted_constants(mut schema: Value) -> Value {
    sort_constants(&mut schema);
    schema
}

fn sort_constants(schema: &mut Value) {
    match schema {
        Value::Object(rules) => {
            for (rule, value) in rules.iter_mut() {
                if rule == "const" || rule == "enum" {
                    value.sort_all_objects();
                }
                sort_constants(value);
            }
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(sort_constants),
        _ => {}
    }
}

/// The data with the names of all objects sorted.
pub(super) fn sorted(data: &Value) -> Cow<'_, Value> {
    if is_sorted(data) {
        return Cow::Borrowed(data);
    }
    let mut sorted = data.clone();
    sorted.sort_all_objects();
    Cow::Owned(sorted)
}

fn is_sorted(data: &Value) -> bool {
    match data {
        Value::Object(fields) => fields.keys().is_sorted() && fields.values().all(is_sorted),
        Value::Array(items) => items.iter().all(is_sorted),
        _ => true,
    }
}
