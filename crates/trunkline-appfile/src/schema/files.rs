//! The files that a schema's `$ref` names: read beside it, within the folder of the application file, and never from a
//! network.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Component, Path};

use serde_json::Value;
use trunkline_config::Loader;

use super::remarks::BY_NAME;

/// How many files a schema may lead to.
const FILES_MAX: usize = 256;

/// What a schema is when files refer to each other: a URI of our own, whose path begins with the application's folder.
const SCHEME: &str = "tsk-schema:///folder/";

/// Keywords whose values are data, in which nothing refers to anything.
const DATA: [&str; 4] = ["const", "default", "enum", "examples"];

/// A schema in one of the files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Within<'a> {
    /// The file, by its URI; none is the schema itself.
    pub(crate) file: Option<&'a str>,
    pub(crate) value: &'a Value,
}

/// The files that a schema leads to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    /// Where the schema itself stands, as a URI.
    base: Option<String>,
    /// The schemas of the files, by their URIs.
    schemas: BTreeMap<String, Value>,
    /// What is wrong with references to files; one that a schema within the schema answers is none.
    problems: Vec<String>,
}

impl Files {
    /// Reads the files that a schema leads to, which stands in the file `at`, in an application whose files are in
    /// `folder`.
    pub(crate) fn beside(schema: &Value, at: &str, folder: &Path, loader: &dyn Loader) -> Self {
        let Some(base) = uri(at, folder) else { return Self::default() };
        let mut files = Self { base: Some(base), ..Self::default() };
        let mut waiting = vec![(at.to_owned(), schema.clone())];
        while let Some((at, schema)) = waiting.pop() {
            let mut named = Vec::new();
            references(&schema, &mut named);
            for path in named {
                let name = loader.resolve(&at, &path);
                let Some(uri) = uri(&name, folder) else {
                    files.problems.push(format!(
                        "`$ref` {path:?} is outside the folder of the application file; put the file into it"
                    ));
                    continue;
                };
                if files.schemas.contains_key(&uri) || files.base.as_ref() == Some(&uri) {
                    continue;
                }
                if files.schemas.len() == FILES_MAX {
                    files
                        .problems
                        .push(format!("it leads to more than {FILES_MAX} files; put some into one"));
                    return files;
                }
                let read = loader.load(&name).map_err(|error| error.to_string());
                let read = read.and_then(|bytes| {
                    serde_json::from_slice::<Value>(&bytes).map_err(|error| error.to_string())
                });
                match read {
                    Ok(schema) => {
                        files.schemas.insert(uri, schema.clone());
                        waiting.push((name, schema));
                    }
                    Err(error) => files.problems.push(format!(
                        "`$ref` {path:?}: {name} cannot be read: {error}; paths are relative to the schema's file"
                    )),
                }
            }
        }
        files
    }

    /// Where the schema itself stands, where it leads to files.
    #[cfg(feature = "schema")]
    pub(super) fn base(&self) -> Option<&str> {
        self.base.as_deref().filter(|_| !self.schemas.is_empty())
    }

    /// All schemas of files.
    #[cfg(feature = "schema")]
    pub(super) fn schemas(&self) -> impl Iterator<Item = &Value> {
        self.schemas.values()
    }

    /// The same, with all schemas made others.
    #[cfg(feature = "schema")]
    pub(super) fn map(&self, make: impl Fn(&Value) -> Value) -> BTreeMap<String, Value> {
        self.schemas.iter().map(|(uri, schema)| (uri.clone(), make(schema))).collect()
    }

    /// The schemas with the paths of their files.
    pub(super) fn named(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.schemas.iter().map(|(uri, schema)| (uri.strip_prefix(SCHEME).unwrap_or(uri), schema))
    }

    /// What a reference leads to, which stands in one of the files, or in `whole`, the schema itself.
    pub(super) fn referred<'a>(
        &'a self,
        whole: &'a Value,
        from: Within<'a>,
        reference: &str,
    ) -> Option<Within<'a>> {
        let (path, place) = reference.split_once('#').unwrap_or((reference, ""));
        let file = if path.is_empty() {
            from.file
        } else {
            let uri = beside(from.file.or(self.base.as_deref())?, &path_of(path)?)?;
            match self.schemas.get_key_value(&uri) {
                Some((uri, _)) => Some(uri.as_str()),
                None if self.base.as_ref() == Some(&uri) => None,
                None => return None,
            }
        };
        let root = file.map_or(Some(whole), |file| self.schemas.get(file))?;
        let value = root.pointer(&unescaped(place)?)?;
        Some(Within { file, value })
    }

    /// What is wrong with the first reference to a file.
    #[cfg(feature = "schema")]
    pub(super) fn problem(&self) -> Option<&str> {
        self.problems.first().map(String::as_str)
    }
}

/// The URI of a file in the application's folder.
fn uri(name: &str, folder: &Path) -> Option<String> {
    let inside = Path::new(name).strip_prefix(folder).ok()?;
    let is_inside = inside.components().all(|step| matches!(step, Component::Normal(_)));
    let path = inside.to_str().filter(|path| is_inside && !path.is_empty())?;
    let mut uri = SCHEME.to_owned();
    escape(path, &mut uri);
    Some(uri)
}

fn escape(path: &str, uri: &mut String) {
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            byte => write!(uri, "%{byte:02X}").expect("a text takes everything"),
        }
    }
}

/// The paths of files that a schema refers to: neither a place within it, nor anything with a scheme.
fn references(schema: &Value, named: &mut Vec<String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| references(item, named)),
        Value::Object(rules) => {
            for (word, value) in rules {
                match value {
                    Value::String(reference) if word == "$ref" => named.extend(path_of(reference)),
                    // What stands in it by a name is a schema, whatever word the name is.
                    Value::Object(schemas) if BY_NAME.contains(&word.as_str()) => {
                        schemas.values().for_each(|schema| references(schema, named));
                    }
                    value if !DATA.contains(&word.as_str()) => references(value, named),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn path_of(reference: &str) -> Option<String> {
    let path = reference.split(['#', '?']).next().filter(|path| !path.is_empty())?;
    let first = path.split('/').next().unwrap_or_default();
    if first.contains(':') || path.starts_with('/') {
        return None;
    }
    unescaped(path)
}

/// The text of a URI may have its letters in escapes; a wrong one is left for the schema's compilation to refuse.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let escaped = || u8::from_str_radix(std::str::from_utf8(after.get(..2)?).ok()?, 16).ok();
        if let Some(escaped) = escaped().filter(|_| *byte == b'%') {
            bytes.push(escaped);
            rest = &after[2..];
        } else {
            bytes.push(*byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The URI of a file whose path is relative to that of another.
fn beside(file: &str, path: &str) -> Option<String> {
    let mut steps: Vec<&str> = file.strip_prefix(SCHEME)?.split('/').collect();
    steps.pop();
    let mut encoded = String::new();
    escape(path, &mut encoded);
    for step in encoded.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()?),
            step => steps.push(step),
        }
    }
    Some(format!("{SCHEME}{}", steps.join("/")))
}

/// Whether anything in a schema is said by a reference.
pub(crate) fn refers(schema: &Value) -> bool {
    has_keyword(schema, &["$ref", "$dynamicRef", "$recursiveRef"])
}

/// Whether a schema, or one within it, has one of these keywords with a text.
pub(super) fn has_keyword(schema: &Value, keywords: &[&str]) -> bool {
    match schema {
        Value::Array(items) => items.iter().any(|item| has_keyword(item, keywords)),
        Value::Object(rules) => rules.iter().any(|(word, value)| match value {
            Value::String(_) => keywords.contains(&word.as_str()),
            Value::Object(schemas) if BY_NAME.contains(&word.as_str()) => {
                schemas.values().any(|schema| has_keyword(schema, keywords))
            }
            value => !DATA.contains(&word.as_str()) && has_keyword(value, keywords),
        }),
        _ => false,
    }
}

#[cfg(all(test, feature = "schema"))]
mod tests {
    use serde_json::json;
    use trunkline_config::MemoryFiles;

    use super::super::Schema;
    use super::*;

    fn compile(schema: &Value, at: &str, files: &MemoryFiles) -> Result<Schema, String> {
        let folder = Path::new("app");
        Schema::compile_with(schema, Files::beside(schema, at, folder, files))
    }

    #[test]
    fn references_lead_to_files_beside_the_schema_and_from_there() {
        let files = MemoryFiles::new()
            .with(
                "app/schemas/address.json",
                r#"{"properties": {"zip": {"$ref": "./parts/zip%20code.json#/$defs/de"}}}"#,
            )
            .with(
                "app/schemas/parts/zip code.json",
                r#"{"$defs": {"de": {"pattern": "^[0-9]{5}$"}, "up": {"$ref": "../address.json"}}}"#,
            );
        let schema = json!({"properties": {"to": {"$ref": "address.json"}, "from": {"$ref": "../schemas/address.json"}}});
        let schema = compile(&schema, "app/schemas/order.json", &files).unwrap();
        for side in ["to", "from"] {
            assert_eq!(schema.check(&json!({side: {"zip": "12345"}})), Ok(()));
            assert_eq!(schema.check(&json!({side: {"zip": "x"}})).unwrap_err().field, format!("{side}.zip"));
        }
    }

    #[test]
    fn names_of_the_user_are_no_keywords_whatever_they_are() {
        let files = MemoryFiles::new().with("app/a.json", r#"{"type": "integer"}"#);
        for name in DATA.into_iter().chain(["properties", "$ref"]) {
            for word in ["properties", "patternProperties", "dependentSchemas"] {
                let schema = json!({word: {name: {"properties": {name: {"$ref": "a.json"}}}}});
                assert!(compile(&schema, "app/app.tsk", &files).is_ok(), "{schema}");
            }
            for word in ["$defs", "definitions"] {
                let schema = json!({"$ref": format!("#/{word}/{name}"), word: {name: {"$ref": "a.json"}}});
                let schema = compile(&schema, "app/app.tsk", &files).unwrap();
                assert!(schema.check(&json!("x")).is_err() && schema.check(&json!(1)).is_ok(), "{name}");
            }
        }
        let data = json!({"properties": {"const": {"const": {"$ref": "none.json"}}}});
        let schema = compile(&data, "app/app.tsk", &files).unwrap();
        assert_eq!(schema.check(&json!({"const": {"$ref": "none.json"}})), Ok(()));
    }

    #[test]
    fn constants_in_files_are_compared_whatever_the_order_of_their_names() {
        let files = MemoryFiles::new().with("app/kind.json", r#"{"const": {"b": 1, "a": 2}}"#);
        let schema = compile(&json!({"$ref": "kind.json"}), "app/app.tsk", &files).unwrap();
        assert_eq!(schema.check(&json!({"a": 2, "b": 1})), Ok(()));
        assert_eq!(schema.check(&json!({"b": 1, "a": 2})), Ok(()));
        assert!(schema.check(&json!({"b": 2, "a": 1})).is_err());
    }

    #[test]
    fn a_file_with_an_id_is_found_by_it() {
        let files = MemoryFiles::new()
            .with("app/address.json", r#"{"$id": "https://shop.example/address.json", "type": "object"}"#);
        let schema = json!({"$id": "https://shop.example/order.json", "items": {"$ref": "address.json"}});
        let schema = compile(&schema, "app/order.json", &files).unwrap();
        assert!(schema.check(&json!([1])).is_err() && schema.check(&json!([{}])).is_ok());
    }

    #[test]
    fn what_is_outside_missing_or_no_json_is_refused_with_its_remedy() {
        let files =
            MemoryFiles::new().with("secret.json", "{}").with("app/bad.json", "{").with("other/x.json", "{}");
        for (reference, wanted) in [
            ("../secret.json", "is outside the folder of the application file"),
            ("../../secret.json", "is outside the folder"),
            ("../other/x.json", "is outside the folder"),
            ("none.json", "none.json cannot be read: "),
            ("bad.json", "bad.json cannot be read: EOF"),
            ("https://shop.example/address.json", "is not present in a registry"),
            ("/secret.json", "is not present in a registry"),
        ] {
            let schema = json!({"properties": {"a": {"$ref": reference}}});
            let error = compile(&schema, "app/app.tsk", &files).unwrap_err();
            assert!(error.contains(wanted), "{reference}: {error}");
        }
    }

    #[test]
    fn a_file_above_the_working_folder_is_outside_of_an_application_in_it() {
        let here = Path::new("");
        assert_eq!(uri("a b.json", here).as_deref(), Some("tsk-schema:///folder/a%20b.json"));
        for outside in ["../a.json", "x/../../a.json", "/a.json", ""] {
            assert_eq!(uri(outside, here), None, "{outside}");
        }
    }

    #[test]
    fn what_is_found_within_the_schema_needs_no_file() {
        let schema = json!({"$ref": "address.json", "$defs": {"a": {"$id": "address.json", "type": "object"}},
            "default": {"$ref": "../data.json"}});
        let schema = compile(&schema, "app/app.tsk", &MemoryFiles::new()).unwrap();
        assert!(schema.check(&json!(1)).is_err());
    }

    #[test]
    fn a_word_in_a_file_that_asks_nothing_is_said_with_the_file() {
        let files = MemoryFiles::new().with("app/a.json", r#"{"requierd": []}"#);
        let schema = compile(&json!({"$ref": "a.json"}), "app/app.tsk", &files).unwrap();
        assert!(
            schema.remarks()[0].starts_with("a.json: `requierd` is no keyword"),
            "{:?}",
            schema.remarks()
        );
    }
}
