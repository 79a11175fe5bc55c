//! The rules of a schema, by the crate `jsonschema`.

use std::borrow::Cow;
use std::sync::Arc;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::order;

#[derive(Clone)]
pub(super) struct Rules {
    validator: Arc<Validator>,
    /// Whether data has to be sorted before it is judged.
    compares_objects: bool,
}

impl Rules {
    pub(super) fn compile(schema: &Value) -> Result<Self, String> {
        let compares_objects = order::compares_objects(schema);
        // Of most drafts, `format` is a remark unless somebody asks; what a schema says is asked of data here.
        let options = jsonschema::options().should_validate_formats(true);
        let validator = if compares_objects {
            options.build(&order::with_sorted_constants(schema.clone()))
        } else {
            options.build(schema)
        };
        let validator = Arc::new(validator.map_err(|error| error.to_string())?);
        Ok(Self { validator, compares_objects })
    }

    /// Whether a format is one that the draft of a schema knows, and data is asked for.
    pub(super) fn knows_format(draft: Option<&Value>, format: &str) -> bool {
        let mut probe = json!({ "format": format });
        if let Some(draft) = draft {
            probe["$schema"] = draft.clone();
        }
        let options = jsonschema::options().should_validate_formats(true);
        options.should_ignore_unknown_formats(false).build(&probe).is_ok()
    }

    fn judged<'a>(&self, data: &'a Value) -> Cow<'a, Value> {
        if self.compares_objects { order::sorted(data) } else { Cow::Borrowed(data) }
    }

    pub(super) fn hold(&self, data: &Value) -> bool {
        self.validator.is_valid(&self.judged(data))
    }

    /// Where data breaks a rule, as a JSON Pointer, and what is wrong there.
    pub(super) fn violations(&self, data: &Value) -> Vec<(String, String)> {
        let data = self.judged(data);
        let errors = self.validator.iter_errors(&data);
        errors.map(|error| (error.instance_path().as_str().to_owned(), error.to_string())).collect()
    }
}
