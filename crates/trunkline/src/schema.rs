//! JSON Schema: the shape of a command's data.

use std::fmt;

use jsonschema::Validator;
use serde_json::Value;

/// How many violations of a shape are said; the rest follow once these are mended.
const SAID_MAX: usize = 3;

/// A JSON Schema, compiled.
pub struct Schema {
    validator: Validator,
    json: Value,
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
    /// Compiles a schema; nothing is fetched from elsewhere.
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        let compiled = jsonschema::validator_for(schema).map_err(|error| error.to_string());
        compiled.map(|validator| Self { validator, json: schema.clone() })
    }

    /// The schema as it was given.
    pub(crate) fn json(&self) -> &Value {
        &self.json
    }

    /// Checks data.
    pub(crate) fn check(&self, data: &Value) -> Result<(), Violation> {
        // The usual case costs a fraction of what finding all that is wrong does.
        if self.validator.is_valid(data) {
            return Ok(());
        }
        let mut violations = self.validator.iter_errors(data).map(|error| {
            let path = readable(error.instance_path().as_str());
            let reason = error.to_string();
            (if path.is_empty() { reason.clone() } else { format!("{path}: {reason}") }, path)
        });
        let Some((mut reason, field)) = violations.next() else { return Ok(()) };
        for (further, _) in violations.by_ref().take(SAID_MAX - 1) {
            reason.push_str("; ");
            reason.push_str(&further);
        }
        let unsaid = violations.count();
        if unsaid > 0 {
            reason.extend(["; and ", &unsaid.to_string(), " more"]);
        }
        Err(Violation { reason, field })
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema")
    }
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

#[cfg(test)]
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
    fn what_is_no_schema_is_refused() {
        assert!(Schema::compile(&json!({"type": "intger"})).is_err());
    }
}
