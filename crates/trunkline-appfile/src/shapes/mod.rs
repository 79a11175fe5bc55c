//! The shapes of events: those that the file has now, and those that were locked.
//!
//! `lock` remembers what was ever persisted, `today` brings a stored event to its present shape.

mod lock;
mod today;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::Value as Json;

pub use lock::{Lock, LockError, ShapeChange};
pub use today::Shapes;

use crate::Definition;

/// The fields of an event's data, by path, each with its kind: `integer`, `string?` where it may be absent, `any`
/// where nothing more is known.
pub type Fields = BTreeMap<String, String>;

/// The present version and fields of every event that the file declares or its commands emit; no fields where
/// nothing shows them.
pub(crate) fn present(definition: &Definition) -> BTreeMap<String, (u32, Option<Fields>)> {
    let mut shapes = BTreeMap::new();
    for (name, event) in &definition.events {
        if !definition.upcasters.is_gone(name) {
            let fields = event.schema.as_ref().map(|schema| of_schema(schema.json()));
            shapes.insert(name.clone(), (event.version, fields));
        }
    }
    let mut emitted: BTreeMap<&str, Option<Fields>> = BTreeMap::new();
    for command in definition.commands.values() {
        for emit in &command.emit {
            let shown = match emit.data.fields() {
                Some(names) => Some(names.into_iter().map(|name| (name, "any".to_owned())).collect()),
                None if emit.data.source().trim() == "command" && command.assign.is_empty() => {
                    command.schema.as_ref().map(|schema| of_schema(schema.json()))
                }
                None => None,
            };
            match emitted.entry(emit.event_type.as_str()) {
                Entry::Vacant(entry) => drop(entry.insert(shown)),
                Entry::Occupied(mut entry) => {
                    let both =
                        entry.get().as_ref().zip(shown.as_ref()).map(|(one, other)| either(one, other));
                    entry.insert(both);
                }
            }
        }
    }
    for (name, fields) in emitted {
        let (_, known) = shapes.entry(name.to_owned()).or_insert((1, None));
        if known.is_none() {
            *known = fields;
        }
    }
    shapes
}

/// What is in one or the other; what is not in both may be absent.
fn either(one: &Fields, other: &Fields) -> Fields {
    let optional = |kind: &String| if kind.ends_with('?') { kind.clone() } else { format!("{kind}?") };
    let mut fields = Fields::new();
    for name in one.keys().chain(other.keys()) {
        let kind = match (one.get(name), other.get(name)) {
            (Some(kind), Some(same)) if kind == same => kind.clone(),
            (Some(_), Some(_)) => "any".to_owned(),
            (Some(kind), None) | (None, Some(kind)) => optional(kind),
            (None, None) => continue,
        };
        fields.insert(name.clone(), kind);
    }
    fields
}

/// The fields that a JSON Schema names.
fn of_schema(schema: &Json) -> Fields {
    let mut fields = Fields::new();
    describe(schema, "", &mut fields);
    fields
}

fn describe(schema: &Json, path: &str, fields: &mut Fields) {
    let required = |name: &str| {
        let list = schema.get("required").and_then(Json::as_array);
        list.is_some_and(|list| list.iter().any(|required| required == name))
    };
    let properties = schema.get("properties").and_then(Json::as_object);
    for (name, inner) in properties.into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let kind = match inner.get("type") {
            Some(Json::String(kind)) => kind.clone(),
            Some(Json::Array(kinds)) => kinds.iter().filter_map(Json::as_str).collect::<Vec<_>>().join("|"),
            _ => "any".to_owned(),
        };
        fields.insert(path.clone(), if required(name) { kind } else { format!("{kind}?") });
        describe(inner, &path, fields);
        if let Some(items) = inner.get("items") {
            describe(items, &format!("{path}[]"), fields);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_its_fields() {
        let schema = json!({"required": ["id"], "properties": {
            "id": {"type": "string"}, "note": {"type": ["string", "null"]}, "x": {},
            "items": {"type": "array", "items": {"required": ["n"], "properties": {"n": {"type": "integer"}}}},
        }});
        let changes: Vec<String> =
            of_schema(&schema).iter().map(|(path, kind)| format!("{path}: {kind}")).collect();
        assert_eq!(
            changes,
            ["id: string", "items: array?", "items[].n: integer", "note: string|null?", "x: any?"]
        );
    }
}
