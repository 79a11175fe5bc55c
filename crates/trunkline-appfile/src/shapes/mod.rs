//! The shapes of events: those that the file has now, and those that were locked.
//!
//! `fields` finds what a schema names, `lock` remembers what was ever persisted, `today` brings a stored event to its
//! present shape.

mod fields;
mod lock;
mod today;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

pub use lock::{Lock, LockError, ShapeChange};
pub use today::Shapes;

use crate::{Definition, Schema};

/// The fields of an event's data, by path, each with its kind: `integer`, `string?` where it may be absent, `any`
/// where nothing more is known.
pub type Fields = BTreeMap<String, String>;

/// The present version and fields of every event that the file declares or its commands emit; no fields where
/// nothing shows them. `of_schema` finds those of a schema.
fn present(
    definition: &Definition,
    of_schema: impl Fn(&Schema) -> Fields,
) -> BTreeMap<String, (u32, Option<Fields>)> {
    let mut shapes = BTreeMap::new();
    for (name, event) in &definition.events {
        if !definition.upcasters.is_gone(name) {
            let fields = event.schema.as_ref().map(&of_schema);
            shapes.insert(name.clone(), (event.version, fields));
        }
    }
    let mut emitted: BTreeMap<&str, Option<Fields>> = BTreeMap::new();
    for command in definition.commands.values() {
        for emit in &command.emit {
            let shown = match emit.data.fields() {
                Some(names) => Some(names.into_iter().map(|name| (name, "any".to_owned())).collect()),
                None if emit.data.source().trim() == "command" && command.assign.is_empty() => {
                    command.schema.as_ref().map(&of_schema)
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
