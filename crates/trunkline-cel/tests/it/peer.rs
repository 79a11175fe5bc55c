//! What the library that parses also evaluates gives the same as here.
//!
//! Every expression of the pages is given to both. Where both have a value, the values are equal; where only the
//! library has one, the expression is in the list below with its reason.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use cel::objects::{Key, Map};
use cel::{Context, Program};
use trunkline_cel::{Expression, Scope, Value, Variables};

const VARIABLES: &str = r#"{
  "command": {"order_id": "7", "total": 12, "price": 2.5, "zero": 0, "nothing": null, "on": true, "note": "çédille €",
    "customer": {"name": "Ada", "unit-price": 3}, "items": [{"sku": "a", "quantity": 2, "unit_price": 5}, {"sku": "b", "quantity": 1, "unit_price": 2}],
    "max": 9223372036854775807, "empty": [], "names": ["b", "a"], "at": "2026-01-31T23:59:59Z"},
  "state": {"status": "pending"},
  "version": 3
}"#;

/// What the library allows and we do not, or where it means something else.
const DIFFERENT: &[(&str, &str)] = &[
    ("9007199254740993 == 9007199254740992.0", "it compares an int as the nearest double"),
    ("command.max < 9223372036854775807.0", "it compares an int as the nearest double"),
    ("command.total in command", "no name is a number here, so that it is a mistake"),
    ("{'b': 1, 'a': 2}.map(k, k)", "its objects have no order"),
    ("command.customer.map(k, k)", "its objects have no order"),
    ("{'b': 1, 'a': 2}.filter(k, k != 'b')", "its objects have no order"),
];

#[test]
fn the_library_gives_the_same() {
    let object = Value::from_json(VARIABLES).unwrap();
    let names: Vec<(String, Value)> = object.fields().unwrap().collect();
    let scope = Scope::new(names.iter().map(|(name, _)| name.clone()));
    let mut variables = Variables::new();
    let mut context = Context::default();
    for (name, value) in names {
        context.add_variable_from_value(name.clone(), to_peer(&value));
        variables.set(name, value);
    }
    let (mut compared, mut different) = (0, Vec::new());
    for source in sources() {
        let Ok(Ok(program)) = std::panic::catch_unwind(|| Program::compile(&source)) else { continue };
        let Ok(peer) = program.execute(&context) else { continue };
        let Some(peer) = from_peer(&peer) else { continue };
        let ours = Expression::compile(&source, &scope)
            .map_err(|mistakes| mistakes[0].message.clone())
            .and_then(|expression| expression.evaluate(&variables).map_err(|error| error.message));
        compared += 1;
        if ours.as_ref() != Ok(&peer) && !DIFFERENT.iter().any(|(known, _)| *known == source) {
            different.push(format!("{source}: {peer:?} there, {ours:?} here"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(compared > 120, "only {compared} expressions ran in both");
}

/// The expressions of the pages' tables.
fn sources() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages");
    let mut sources = Vec::new();
    for page in std::fs::read_dir(folder).unwrap() {
        for line in std::fs::read_to_string(page.unwrap().path()).unwrap().lines() {
            if let Some((source, _)) = line.strip_prefix("| `").and_then(|row| row.split_once("` | ")) {
                sources.push(source.replace("\\|", "|"));
            }
        }
    }
    sources
}

fn to_peer(value: &Value) -> cel::Value {
    if let Some(fields) = value.fields() {
        let fields = fields.map(|(name, value)| (Key::from(name), to_peer(&value)));
        return cel::Value::Map(Map { map: Arc::new(fields.collect::<HashMap<_, _>>()) });
    }
    if let Some(items) = value.items() {
        return cel::Value::List(Arc::new(items.map(|item| to_peer(&item)).collect()));
    }
    match (value.as_bool(), value.as_i64(), value.as_f64(), value.as_str()) {
        (Some(value), ..) => cel::Value::Bool(value),
        (_, Some(value), ..) => cel::Value::Int(value),
        (.., Some(value), _) => cel::Value::Float(value),
        (.., Some(value)) => cel::Value::String(Arc::new(value.to_owned())),
        _ => cel::Value::Null,
    }
}

/// The library's value as ours, unless we have no such value.
fn from_peer(value: &cel::Value) -> Option<Value> {
    Some(match value {
        cel::Value::Null => Value::NULL,
        cel::Value::Bool(value) => Value::from(*value),
        cel::Value::Int(value) => Value::from(*value),
        cel::Value::Float(value) => Value::from_f64(*value)?,
        cel::Value::String(value) => Value::from(value.as_str()),
        cel::Value::List(items) => Value::list(items.iter().map(from_peer).collect::<Option<Vec<_>>>()?),
        cel::Value::Map(map) => {
            let fields = map.map.iter().map(|(name, value)| match name {
                Key::String(name) => Some((name.as_str().to_owned(), from_peer(value)?)),
                _ => None,
            });
            Value::object(fields.collect::<Option<Vec<_>>>()?)
        }
        _ => return None,
    })
}
