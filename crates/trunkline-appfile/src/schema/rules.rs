//! The rules of a schema, by the crate `jsonschema`.

use std::sync::Arc;

use jsonschema::Validator;
use serde_json::Value;

#[derive(Clone)]
pub(super) struct Rules(Arc<Validator>);

impl Rules {
    pub(super) fn compile(schema: &Value) -> Result<Self, String> {
        let compiled = jsonschema::validator_for(schema).map_err(|error| error.to_string());
        compiled.map(|validator| Self(Arc::new(validator)))
    }

    pub(super) fn hold(&self, data: &Value) -> bool {
        self.0.is_valid(data)
    }

    /// Where data breaks a rule, as a JSON Pointer, and what is wrong there.
    pub(super) fn violations<'a>(&'a self, data: &'a Value) -> impl Iterator<Item = (String, String)> + 'a {
        let errors = self.0.iter_errors(data);
        errors.map(|error| (error.instance_path().as_str().to_owned(), error.to_string()))
    }
}
