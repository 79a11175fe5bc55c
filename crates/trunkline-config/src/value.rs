//! What a file means: a tree of objects, arrays and scalars, each with the place it came from.

use indexmap::IndexMap;
use serde::{Serialize, Serializer};

use crate::secret::Secret;
use crate::source::Span;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it stands in the file.
    pub span: Span,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, or nothing after the separator.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number of 64 bits.
    Integer(i64),
    /// Any other number; never infinite and never `NaN`.
    Float(f64),
    /// Text.
    Text(String),
    /// Text that is never shown.
    Secret(Secret),
    /// The name of a function that the program registered: `@go("package.Function")`.
    Hook(String),
    /// A list.
    Array(Vec<Node>),
    /// Keys and values in the order of the file.
    Object(Object),
    /// A value whose mistake has been reported already: readers stay silent about it.
    Invalid,
}

/// Keys and values in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    entries: IndexMap<String, Entry>,
}

/// One key of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub node: Node,
}

impl Value {
    /// The kind of a value, with its article, as used in messages: "a number", "text".
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::Secret(_) => "a secret",
            Self::Hook(_) => "a hook",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
            Self::Invalid => "an invalid value",
        }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The value of a key, or the item at a position.
    pub(crate) fn child(&self, step: &str) -> Option<&Node> {
        match self {
            Self::Object(object) => object.get(step),
            Self::Array(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// Whether a condition holds: false are `false`, null, `0`, `""`, `"0"`, `"false"`, `"null"`, and empty arrays
    /// and objects.
    pub fn is_true(&self) -> bool {
        let holds = |text: &str| !matches!(text, "" | "0" | "false" | "null");
        match self {
            Self::Null | Self::Invalid => false,
            Self::Bool(value) => *value,
            Self::Integer(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) => holds(text),
            Self::Secret(secret) => holds(secret.expose()),
            Self::Hook(_) => true,
            Self::Array(items) => !items.is_empty(),
            Self::Object(object) => !object.is_empty(),
        }
    }
}

impl Node {
    /// The value at a path of keys and list positions, such as `retry.delays.0`.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |node, step| node.value.child(step))
    }
}

impl Object {
    /// No keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.get(key).map(|entry| &entry.node)
    }

    /// A key with its place and value.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Sets a key; one that is there keeps its place in the order.
    pub fn insert(&mut self, key: impl Into<String>, key_span: Span, node: Node) {
        self.entries.insert(key.into(), Entry { key_span, node });
    }

    /// Every key, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), entry))
    }

    /// The names of the keys, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// How many keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

/// As JSON: a secret is `"***"`, a hook `{"$go": name}`, an invalid value null.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null | Self::Invalid => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Secret(secret) => secret.serialize(serializer),
            Self::Hook(name) => serializer.collect_map([("$go", name)]),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(object) => object.serialize(serializer),
        }
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries.iter().map(|(key, entry)| (key, &entry.node)))
    }
}
