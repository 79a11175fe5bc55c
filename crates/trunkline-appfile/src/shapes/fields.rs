//! The fields that a JSON Schema names, also behind its `$ref`s.
//!
//! Properties and items are followed, through references too. What is behind a reference elsewhere, as in `allOf`, or
//! behind one that can't be followed, has no fields that could be named: there all the text is remembered by its digest.

use serde_json::Value as Json;

use super::Fields;
use crate::Schema;
use crate::schema::{Within, refers};

/// The name under which the digest of all text is remembered; in brackets, as no field of a path.
pub(super) const BY_REFERENCE: &str = "($ref)";

/// So many references are followed one below the other, and so many fields named behind them.
const FOLLOWED_MAX: usize = 64;
const FIELDS_MAX: usize = 4096;

/// The fields that a schema names itself: all that was remembered before references were followed.
pub(super) fn named_by(schema: &Schema) -> Fields {
    let mut fields = Fields::new();
    named(schema.json(), "", &mut fields);
    fields
}

fn named(schema: &Json, path: &str, fields: &mut Fields) {
    for (name, inner) in properties(schema) {
        let path = below(path, name);
        let kind = kind(inner).unwrap_or_else(|| "any".to_owned());
        fields.insert(path.clone(), optional_unless(requires(schema, name), kind));
        named(inner, &path, fields);
        if let Some(items) = inner.get("items") {
            named(items, &format!("{path}[]"), fields);
        }
    }
}

/// The fields that a schema names, itself or by reference.
pub(super) fn of_schema(schema: &Schema) -> Fields {
    if !schema.texts().any(refers) {
        return named_by(schema);
    }
    let mut found = Found { schema, fields: Fields::new(), is_partly: schema.has_inner_ids() };
    let mut trail = vec![schema.json()];
    let all = found.with_referred(schema.whole(), &mut trail);
    found.describe(&all, "", false, &mut trail);
    let Found { mut fields, is_partly, .. } = found;
    if is_partly {
        fields.insert(BY_REFERENCE.to_owned(), schema.digest());
    }
    fields
}

struct Found<'a> {
    schema: &'a Schema,
    fields: Fields,
    /// Whether there is more behind references than the fields say.
    is_partly: bool,
}

impl<'a> Found<'a> {
    /// A schema with all that its references lead to, one after the other; `trail` has what was followed to here.
    fn with_referred(&mut self, at: Within<'a>, trail: &mut Vec<&'a Json>) -> Vec<Within<'a>> {
        let mut all = vec![at];
        while let Some(reference) = all.last().and_then(|at| at.value.get("$ref")) {
            let target = reference.as_str().and_then(|text| self.schema.referred(*all.last()?, text));
            let Some(target) =
                target.filter(|_| trail.len() < FOLLOWED_MAX && self.fields.len() < FIELDS_MAX)
            else {
                self.is_partly = true;
                break;
            };
            // A circle: what is there is named further out already.
            if trail.iter().any(|seen| std::ptr::eq(*seen, target.value)) {
                break;
            }
            trail.push(target.value);
            all.push(target);
        }
        all
    }

    fn describe(&mut self, all: &[Within<'a>], path: &str, with_items: bool, trail: &mut Vec<&'a Json>) {
        for at in all {
            let others = at.value.as_object().into_iter().flatten().filter(|(word, _)| match word.as_str() {
                "properties" | "$ref" | "$defs" | "definitions" => false,
                "items" => !with_items,
                _ => true,
            });
            // Asked as the one keyword, since that says whether its value is data.
            self.is_partly |= others
                .map(|(word, value)| Json::Object([(word.clone(), value.clone())].into_iter().collect()))
                .any(|rule| refers(&rule));
            for (name, inner) in properties(at.value) {
                let path = below(path, name);
                let length = trail.len();
                let inner = self.with_referred(Within { value: inner, ..*at }, trail);
                let kind = inner.iter().find_map(|at| kind(at.value)).unwrap_or_else(|| "any".to_owned());
                let kind = optional_unless(all.iter().any(|at| requires(at.value, name)), kind);
                let before = self.fields.insert(path.clone(), kind.clone());
                self.is_partly |= before.is_some_and(|before| before != kind);
                self.describe(&inner, &path, true, trail);
                trail.truncate(length);
            }
            if let Some(items) = at.value.get("items").filter(|_| with_items) {
                let length = trail.len();
                let items = self.with_referred(Within { value: items, ..*at }, trail);
                self.describe(&items, &format!("{path}[]"), false, trail);
                trail.truncate(length);
            }
        }
    }
}

fn properties(schema: &Json) -> impl Iterator<Item = (&String, &Json)> {
    schema.get("properties").and_then(Json::as_object).into_iter().flatten()
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn requires(schema: &Json, name: &str) -> bool {
    let list = schema.get("required").and_then(Json::as_array);
    list.is_some_and(|list| list.iter().any(|required| required == name))
}

fn kind(schema: &Json) -> Option<String> {
    match schema.get("type")? {
        Json::String(kind) => Some(kind.clone()),
        Json::Array(kinds) => Some(kinds.iter().filter_map(Json::as_str).collect::<Vec<_>>().join("|")),
        _ => None,
    }
}

fn optional_unless(is_required: bool, kind: String) -> String {
    if is_required { kind } else { format!("{kind}?") }
}

#[cfg(all(test, feature = "schema"))]
mod tests {
    use std::path::Path;

    use serde_json::json;
    use trunkline_config::MemoryFiles;

    use super::*;
    use crate::schema::Files;

    fn fields(schema: &Json, beside: &[(&str, &str)]) -> Vec<String> {
        let files = MemoryFiles::new();
        let files = beside.iter().fold(files, |files, (name, text)| files.with(format!("app/{name}"), *text));
        let files = Files::beside(schema, "app/app.tsk", Path::new("app"), &files);
        let schema = Schema::compile_with(schema, files).expect("a schema");
        of_schema(&schema).iter().map(|(path, kind)| format!("{path}: {kind}")).collect()
    }

    #[test]
    fn a_schema_is_its_fields() {
        let schema = json!({"required": ["id"], "properties": {
            "id": {"type": "string"}, "note": {"type": ["string", "null"]}, "x": {},
            "items": {"type": "array", "items": {"required": ["n"], "properties": {"n": {"type": "integer"}}}},
        }});
        assert_eq!(
            fields(&schema, &[]),
            ["id: string", "items: array?", "items[].n: integer", "note: string|null?", "x: any?"]
        );
    }

    #[test]
    fn fields_behind_references_are_those_of_the_schema() {
        let line = r##"{"$defs": {"n": {"type": "integer"}}, "required": ["n"],
            "properties": {"n": {"$ref": "#/$defs/n"}, "in": {"$ref": "../order.json#/properties/a~1b%20c"}}}"##;
        let order = r#"{"required": ["lines"], "properties": {"a/b c": {"type": "string"},
            "lines": {"type": "array", "items": {"$ref": "./parts/line.json"}}}}"#;
        let beside = [("order.json", order), ("parts/line.json", line)];
        let wanted = ["a/b c: string?", "lines: array", "lines[].in: string?", "lines[].n: integer"];
        assert_eq!(fields(&json!({"$ref": "order.json"}), &beside), wanted);
        let within =
            json!({"$ref": "#/$defs/of", "$defs": {"of": {"$ref": "order.json"}}, "required": ["a/b c"]});
        assert_eq!(fields(&within, &beside)[0], "a/b c: string", "what stands beside a reference counts");
    }

    #[test]
    fn a_circle_of_references_is_named_once() {
        let tree = json!({"properties": {"name": {"type": "string"}, "left": {"$ref": "#"},
            "all": {"items": {"$ref": "#/properties/one"}}, "one": {"$ref": "#/properties/all"}}});
        let said = fields(&tree, &[]);
        assert!(said.contains(&"name: string?".to_owned()) && said.len() < 100, "{said:?}");
        let mut many = json!({});
        for n in 0..40 {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            many[format!("d{n}")] = json!({"properties": {"a": next, "b": next}});
        }
        many["d40"] = json!({});
        let said = fields(&json!({"$ref": "#/$defs/d0", "$defs": many}), &[]);
        assert!(said.len() <= FIELDS_MAX * 2 && said[0].starts_with(BY_REFERENCE), "{}", said.len());
    }

    #[test]
    fn what_has_no_names_is_remembered_by_its_text() {
        let of = |schema: &Json, file: &str| fields(schema, &[("a.json", file)]);
        for schema in [
            json!({"allOf": [{"$ref": "a.json"}]}),
            json!({"properties": {"x": {"items": {"items": {"$ref": "a.json"}}}}}),
            json!({"items": {"$ref": "a.json"}}),
            json!({"patternProperties": {"^enum$": {"$ref": "a.json"}}}),
            json!({"$ref": "a.json#here"}),
        ] {
            let (one, same, other) = (
                r#"{"$anchor": "here", "type": "string"}"#,
                r#"{ "type": "string", "$anchor": "here" }"#,
                r#"{"$anchor": "here", "type": "integer"}"#,
            );
            assert!(of(&schema, one)[0].starts_with(BY_REFERENCE), "{schema}");
            assert_eq!(of(&schema, one), of(&schema, same), "{schema}");
            assert_ne!(of(&schema, one), of(&schema, other), "{schema}");
        }
        let data = json!({"properties": {"x": {"const": {"$ref": "a.json"}}}});
        assert_eq!(of(&data, "{}"), ["x: any?"]);
    }
}
