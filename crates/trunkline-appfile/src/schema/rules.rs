//! The rules of a schema, by the crate `jsonschema`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use jsonschema::{Retrieve, Uri, Validator};
use serde_json::{Value, json};

use super::files::Files;
use super::order;

/// What the crate says of a reference that leads nowhere.
const UNRESOLVED: &str = "is not present in a registry";

/// The schemas of files, by their URIs.
struct Beside(BTreeMap<String, Value>);

impl Retrieve for Beside {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let of_id = |schema: &&Value| schema.get("$id").is_some_and(|id| id == uri.as_str());
        let found = self.0.get(uri.as_str()).or_else(|| self.0.values().find(of_id));
        found.cloned().ok_or_else(|| "nothing is fetched but files beside the schema".into())
    }
}

#[derive(Clone)]
pub(super) struct Rules {
    validator: Arc<Validator>,
    /// Whether data has to be sorted before it is judged.
    compares_objects: bool,
}

impl Rules {
    pub(super) fn compile(schema: &Value, files: &Files) -> Result<Self, String> {
        let compares_objects =
            order::compares_objects(schema) || files.schemas().any(order::compares_objects);
        // Of most drafts, `format` is a remark unless somebody asks; what a schema says is asked of data here.
        let mut options = jsonschema::options().should_validate_formats(true);
        if let Some(base) = files.base() {
            let schemas = files.map(|schema| {
                if compares_objects { order::with_sorted_constants(schema.clone()) } else { schema.clone() }
            });
            options = options.with_base_uri(base).with_retriever(Beside(schemas));
        }
        let validator = if compares_objects {
            options.build(&order::with_sorted_constants(schema.clone()))
        } else {
            options.build(schema)
        };
        let validator = validator.map_err(|error| {
            let reason = error.to_string();
            let problem = files.problem().filter(|_| reason.contains(UNRESOLVED));
            problem.map_or(reason.clone(), str::to_owned)
        });
        let validator = Arc::new(validator?);
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
