//! JSON Schema: the shape of a command's data.
//!
//! `rules` judges data by the crate `jsonschema`; without the feature `schema`, no schema can be compiled.

#[cfg_attr(not(feature = "schema"), path = "left_out.rs")]
mod rules;

#[cfg(feature = "schema")]
mod order;

mod files;
mod remarks;

#[cfg(all(test, feature = "schema"))]
mod suite;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use rules::Rules;

pub(crate) use files::{Files, Within, refers};

/// How many violations of a shape are listed; the rest follow once these are mended.
const SAID_MAX: usize = 3;

/// A JSON Schema, compiled. A clone is cheap.
#[derive(Clone)]
pub struct Schema {
    rules: Rules,
    json: Arc<Value>,
    files: Arc<Files>,
}

/// How data differs from its shape.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// What is wrong, with the path of each.
    pub(crate) reason: String,
    /// The path of the first, such as `items[0].quantity`; empty for the whole.
    pub(crate) field: String,
}

impl Schema {
    /// Compiles a schema that leads to no files.
    #[cfg(test)]
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        Self::compile_with(schema, Files::default())
    }

    /// Compiles a schema with the files that it leads to; nothing is fetched from elsewhere.
    pub(crate) fn compile_with(schema: &Value, files: Files) -> Result<Self, String> {
        let rules = Rules::compile(schema, &files)?;
        Ok(Self { rules, json: Arc::new(schema.clone()), files: Arc::new(files) })
    }

    /// The schema as it was given.
    pub(crate) fn json(&self) -> &Value {
        &self.json
    }

    /// The schema as a place to begin at.
    pub(crate) fn whole(&self) -> Within<'_> {
        Within { file: None, value: &self.json }
    }

    /// The schema, and those of all files that it leads to.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Value> {
        std::iter::once(&*self.json).chain(self.files.named().map(|(_, schema)| schema))
    }

    /// What a reference leads to, unless it is one by a name.
    pub(crate) fn referred<'a>(&'a self, from: Within<'a>, reference: &str) -> Option<Within<'a>> {
        self.files.referred(&self.json, from, reference)
    }

    /// Whether schemas within it have ids of their own, to which references are relative.
    pub(crate) fn has_inner_ids(&self) -> bool {
        let inner = |schema: &Value| match schema {
            Value::Object(rules) => {
                let rules = rules.iter().filter(|(word, _)| !["$id", "id"].contains(&word.as_str()));
                let rules = rules.map(|(word, value)| (word.clone(), value.clone()));
                files::has_keyword(&Value::Object(rules.collect()), &["$id", "id"])
            }
            _ => false,
        };
        self.texts().any(inner)
    }

    /// A digest of all its text, whatever the order of names is.
    pub(crate) fn digest(&self) -> String {
        let mut texts = Value::Array(self.texts().cloned().collect());
        texts.sort_all_objects();
        Uuid::new_v5(&Uuid::NAMESPACE_OID, texts.to_string().as_bytes()).simple().to_string()
    }

    /// What the schema says that asks nothing of data, though it looks as if it did.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let in_file = |(name, schema)| {
            remarks::remarks(schema).into_iter().map(move |remark| format!("{name}: {remark}"))
        };
        let mut found = remarks::remarks(&self.json);
        found.extend(self.files.named().flat_map(in_file));
        found
    }

    /// Whether names, kinds, signs and emptiness alone say if data is of this shape: no rule looks at more of a value.
    pub(crate) fn asks_for_outlines(&self) -> bool {
        asks_for_outline(&self.json)
    }

    /// Checks data.
    pub(crate) fn check(&self, data: &Value) -> Result<(), Violation> {
        // The usual case costs a fraction of what finding all that is wrong does.
        if self.rules.hold(data) {
            return Ok(());
        }
        let mut violations = self.rules.violations(data).into_iter().map(|(pointer, reason)| {
            let path = readable(&pointer);
            (if path.is_empty() { reason.clone() } else { format!("{path}: {reason}") }, path)
        });
        let Some((mut reason, field)) = violations.next() else { return Ok(()) };
        for (further, _) in violations.by_ref().take(SAID_MAX - 1) {
            reason.push_str("; ");
            reason.push_str(&further);
        }
        let unlisted = violations.count();
        if unlisted > 0 {
            reason.extend(["; and ", &unlisted.to_string(), " more"]);
        }
        Err(Violation { reason, field })
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema")
    }
}

fn asks_for_outline(schema: &Value) -> bool {
    let Value::Object(rules) = schema else { return schema.is_boolean() };
    let is_integer = rules.get("type").is_some_and(|kind| kind == "integer");
    let at_most = |value: &Value, most: u64| value.as_u64().is_some_and(|number| number <= most);
    rules.iter().all(|(rule, value)| match rule.as_str() {
        "type" | "required" | "title" | "description" | "$comment" | "default" | "examples" => true,
        "properties" => value.as_object().is_some_and(|inner| inner.values().all(asks_for_outline)),
        "additionalProperties" | "items" | "not" => asks_for_outline(value),
        "allOf" | "anyOf" | "oneOf" => value.as_array().is_some_and(|all| all.iter().all(asks_for_outline)),
        "minimum" => at_most(value, u64::from(is_integer)),
        "exclusiveMinimum" => at_most(value, 0),
        "minLength" | "minItems" | "minProperties" => at_most(value, 1),
        _ => false,
    })
}

/// A JSON Pointer as expressions write paths: `/items/0/quantity` is `items[0].quantity`.
fn readable(pointer: &str) -> String {
    let mut path = String::new();
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) {
            path.extend(["[", &step, "]"]);
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&step);
        }
    }
    path
}

#[cfg(all(test, feature = "schema"))]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_violation_names_the_path() {
        let schema = json!({"properties": {"items": {"items": {"properties": {"n": {"type": "integer"}}}}}});
        let schema = Schema::compile(&schema).unwrap();
        assert_eq!(schema.check(&json!({"items": [{"n": 1}]})), Ok(()));
        let violation = schema.check(&json!({"items": [{"n": 1}, {"n": "x"}]})).unwrap_err();
        assert_eq!(violation.field, "items[1].n");
        assert_eq!(violation.reason, r#"items[1].n: "x" is not of type "integer""#);
    }

    #[test]
    fn a_schema_asks_for_outlines_unless_a_rule_looks_at_values() {
        let of = |json: &Value| Schema::compile(json).unwrap().asks_for_outlines();
        for shape in [
            json!(true),
            json!({"type": "object", "required": ["a"], "additionalProperties": false, "properties": {
                "a": {"type": ["string", "null"], "minLength": 1}, "b": {"minimum": 0},
                "c": {"type": "integer", "minimum": 1}, "d": {"items": {"exclusiveMinimum": 0}, "minItems": 1}}}),
            json!({"anyOf": [{"type": "string"}, {"not": {"type": "array"}}]}),
        ] {
            assert!(of(&shape), "{shape}");
        }
        for value in [
            json!({"minimum": 1}),
            json!({"type": "integer", "minimum": 2}),
            json!({"minimum": -1}),
            json!({"maximum": 3}),
            json!({"properties": {"a": {"enum": ["x"]}}}),
            json!({"items": {"pattern": "x"}}),
            json!({"anyOf": [{"const": 1}]}),
            json!({"minLength": 2}),
            json!({"uniqueItems": true}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {}}}),
        ] {
            assert!(!of(&value), "{value}");
        }
    }

    #[test]
    fn objects_are_equal_whatever_the_order_of_their_names_is() {
        let of = |json: Value| Schema::compile(&json).unwrap();
        let (one, other) =
            (json!({"a": 1, "b": [{"c": 2, "d": 3}]}), json!({"b": [{"d": 3, "c": 2}], "a": 1}));
        let unlike = json!({"a": 1, "b": [{"c": 3, "d": 2}]});
        for schema in [
            json!({"const": one}),
            json!({"enum": [0, one]}),
            json!({"anyOf": [{"type": "string"}, {"enum": [[], other]}]}),
            json!({"$ref": "#/$defs/one", "$defs": {"one": {"const": other}}}),
        ] {
            let schema = of(schema);
            assert_eq!((schema.check(&one), schema.check(&other)), (Ok(()), Ok(())));
            assert!(schema.check(&unlike).is_err());
        }
        let unique = of(json!({"properties": {"list": {"uniqueItems": true}}}));
        // Few are compared each with each, many by their digests.
        for fill in [0, 40] {
            let mut list: Vec<Value> = (0..fill).map(Value::from).collect();
            list.extend([one.clone(), unlike.clone()]);
            assert_eq!(unique.check(&json!({ "list": list })), Ok(()), "{fill}");
            list.push(other.clone());
            assert!(unique.check(&json!({ "list": list })).is_err(), "{fill}");
        }
    }

    #[test]
    fn a_format_is_asked_of_data_in_every_draft() {
        let drafts = [
            json!("https://json-schema.org/draft/2020-12/schema"),
            json!("https://json-schema.org/draft/2019-09/schema"),
            json!("http://json-schema.org/draft-07/schema#"),
            json!("http://json-schema.org/draft-06/schema#"),
            json!("http://json-schema.org/draft-04/schema#"),
        ];
        let mut schemas = vec![json!({"format": "date-time"})];
        schemas.extend(drafts.map(|draft| json!({"$schema": draft, "format": "date-time"})));
        for json in schemas {
            let schema = Schema::compile(&json).unwrap();
            assert_eq!(schema.check(&json!("2010-12-01T08:26:00Z")), Ok(()), "{json}");
            assert_eq!(schema.check(&json!(7)), Ok(()), "a format is one of texts");
            assert!(schema.check(&json!("blah")).is_err(), "{json}");
        }
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        assert!(Schema::compile(&json!({"type": "intger"})).is_err());
    }
}
