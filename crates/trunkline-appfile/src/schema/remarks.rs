//! What a schema says in vain: words that are no keywords, and formats that nobody knows.
//!
//! JSON Schema passes over both in silence, so that a rule that is misspelt is none.

use serde_json::{Map, Value};
use trunkline_config::nearest;

use super::Rules;

/// Keywords whose value is a schema, or a list of some.
const SCHEMAS: [&str; 16] = [
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Keywords whose value has schemas by names of the user's own.
pub(super) const BY_NAME: [&str; 6] =
    ["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"];

/// All other keywords, of any draft.
const OTHERS: [&str; 44] = [
    "$anchor",
    "$comment",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$recursiveAnchor",
    "$recursiveRef",
    "$ref",
    "$schema",
    "$vocabulary",
    "const",
    "contentEncoding",
    "contentMediaType",
    "default",
    "dependentRequired",
    "deprecated",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "id",
    "maxContains",
    "maximum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minContains",
    "minimum",
    "minItems",
    "minLength",
    "minProperties",
    "multipleOf",
    "pattern",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
    // Annotations of OpenAPI, whose schemas are taken over often.
    "discriminator",
    "example",
    "externalDocs",
];

/// The formats of JSON Schema.
const FORMATS: [&str; 19] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "idn-email",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uri-template",
    "uuid",
];

/// What a schema says in vain, in its order.
pub(super) fn remarks(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    of_schema(schema, schema.get("$schema"), &mut String::new(), &mut found);
    found
}

fn of_schema(schema: &Value, draft: Option<&Value>, path: &mut String, found: &mut Vec<String>) {
    let inner = |value: &Value, step: &str, path: &mut String, found: &mut Vec<String>| {
        let length = path.len();
        path.extend(["/", step]);
        of_schema(value, draft, path, found);
        path.truncate(length);
    };
    match schema {
        Value::Array(schemas) => {
            for (index, schema) in schemas.iter().enumerate() {
                inner(schema, &index.to_string(), path, found);
            }
        }
        Value::Object(rules) => {
            for (word, value) in rules {
                if SCHEMAS.contains(&word.as_str()) {
                    inner(value, word, path, found);
                } else if BY_NAME.contains(&word.as_str()) {
                    let empty = Map::new();
                    for (name, schema) in value.as_object().unwrap_or(&empty) {
                        inner(schema, &format!("{word}/{name}"), path, found);
                    }
                } else if word == "format" {
                    found.extend(value.as_str().and_then(|format| of_format(format, draft, path)));
                } else if !OTHERS.contains(&word.as_str()) && !word.starts_with("x-") {
                    found.push(no_keyword(word, path));
                }
            }
        }
        _ => {}
    }
}

/// Where a schema stands in its whole.
fn place(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(", at {path},") }
}

fn no_keyword(word: &str, path: &str) -> String {
    let keywords = SCHEMAS.into_iter().chain(BY_NAME).chain(OTHERS);
    let meant = match nearest(word, keywords) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "begin its name with `x-` if it is a note".to_owned(),
    };
    format!("`{word}`{} is no keyword of JSON Schema and asks nothing of data; {meant}", place(path))
}

fn of_format(format: &str, draft: Option<&Value>, path: &str) -> Option<String> {
    if Rules::knows_format(draft, format) {
        return None;
    }
    let meant = if FORMATS.contains(&format) {
        "the draft that `$schema` names has none of this name".to_owned()
    } else if let Some(near) = nearest(format, FORMATS) {
        format!("did you mean `{near}`?")
    } else {
        "say what you ask for with `pattern`".to_owned()
    };
    Some(format!("the format `{format}`{} is not known and asks nothing of data; {meant}", place(path)))
}

#[cfg(all(test, feature = "schema"))]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_word_that_is_no_keyword_is_said_with_the_nearest() {
        for (schema, wanted) in [
            (
                json!({"requierd": ["a"]}),
                "`requierd` is no keyword of JSON Schema and asks nothing of data; did you mean `required`?",
            ),
            (json!({"additionalproperties": false}), "did you mean `additionalProperties`?"),
            (json!({"properties": {"a": {"minlength": 1}}}), "`minlength`, at /properties/a, is"),
            (json!({"anyOf": [true, {"items": {"patern": "x"}}]}), "`patern`, at /anyOf/1/items, is"),
            (json!({"$defs": {"a": {"enumeration": [1]}}}), "begin its name with `x-` if it is a note"),
            (json!({"dependentSchemas": {"a": {"maxItem": 1}}}), "did you mean `maxItems`?"),
        ] {
            let found = remarks(&schema);
            assert!(found.len() == 1 && found[0].contains(wanted), "{schema}: {found:?}");
        }
    }

    #[test]
    fn names_of_the_user_and_notes_are_no_keywords() {
        for schema in [
            json!(true),
            json!({"properties": {"requierd": {}, "format": {"type": "string"}}, "required": ["requierd"]}),
            json!({"x-note": {"requierd": 1}, "$comment": "x", "example": {"formt": 1}, "discriminator": {}}),
            json!({"const": {"requierd": 1}, "enum": [{"formt": 1}], "default": {"formt": 1}, "examples": [{"a": 1}]}),
            json!({"dependencies": {"a": ["b"]}, "dependentRequired": {"a": ["b"]}, "id": "x"}),
            json!({"patternProperties": {"^formt$": {"format": "email"}}}),
        ] {
            assert_eq!(remarks(&schema), Vec::<String>::new(), "{schema}");
        }
    }

    #[test]
    fn a_format_that_nobody_knows_is_said_and_all_of_json_schema_are_known() {
        for format in FORMATS {
            assert_eq!(remarks(&json!({ "format": format })), Vec::<String>::new(), "{format}");
        }
        let found = remarks(&json!({"properties": {"at": {"format": "datetime"}}}));
        assert_eq!(
            found,
            [
                "the format `datetime`, at /properties/at, is not known and asks nothing of data; did you mean `date-time`?"
            ]
        );
        assert!(remarks(&json!({"format": "iban"}))[0].ends_with("with `pattern`"));
        let old = json!({"$schema": "http://json-schema.org/draft-07/schema#", "items": {"format": "uuid"}});
        assert!(remarks(&old)[0].contains("the draft that `$schema` names has none"), "{:?}", remarks(&old));
    }
}
