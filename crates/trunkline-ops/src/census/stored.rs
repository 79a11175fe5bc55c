//! The shape of stored data: its fields with their kinds.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

/// The fields of data in words, `name: kind` sorted by name, or what it is instead of an object.
pub(super) fn fields_in_words(data: &[u8]) -> String {
    let mut fields = BTreeMap::new();
    let outer = look(data, |name, kind| {
        fields.insert(name.to_owned(), kind);
    });
    match outer {
        None => "no JSON".to_owned(),
        Some(Kind::Object) => {
            let fields: Vec<String> = fields.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
            fields.join(", ")
        }
        Some(other) => other.to_string(),
    }
}

/// Tells the fields of an object, and what the whole is; none when it is no JSON. Values are gone over, and not made.
fn look(data: &[u8], field: impl FnMut(&str, Kind)) -> Option<Kind> {
    if data.trim_ascii_start().first() != Some(&b'{') {
        return serde_json::from_slice::<&RawValue>(data).ok().map(Kind::of);
    }
    let mut reader = serde_json::Deserializer::from_slice(data);
    let read = reader.deserialize_map(Fields(field)).and_then(|()| reader.end());
    read.ok().map(|()| Kind::Object)
}

impl Kind {
    fn of(value: &RawValue) -> Self {
        let text = value.get();
        match text.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'"') => Self::String,
            Some(b'[') => Self::Array,
            Some(b'{') => Self::Object,
            _ if text.contains(['.', 'e', 'E']) => Self::Number,
            _ => Self::Integer,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        })
    }
}

/// Calls a function with each field of an object.
struct Fields<F>(F);

impl<'de, F: FnMut(&str, Kind)> Visitor<'de> for Fields<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut name = String::new();
        while map.next_key_seed(Name(&mut name))?.is_some() {
            let value = map.next_value::<&RawValue>()?;
            (self.0)(&name, Kind::of(value));
        }
        Ok(())
    }
}

/// A name, written over the one before it.
struct Name<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<(), E> {
        self.0.clear();
        self.0.push_str(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_names_and_kinds() {
        for (data, shape) in [
            (
                r#" {"b":1,"a":"x","c":1.5,"d":null,"e":[{}],"f":{"g":1},"h":true} "#,
                "a: string, b: integer, c: number, d: null, e: array, f: object, h: boolean",
            ),
            (r#"{"a":-12345678901234567890123,"b":1e3,"c":-0}"#, "a: integer, b: number, c: integer"),
            (r#"{"a":"x","a":1}"#, "a: integer"),
            (r#"{"\u00e4":1}"#, "ä: integer"),
            ("{}", ""),
            (" [1]", "array"),
            ("1.0", "number"),
            ("null", "null"),
            (r#""x""#, "string"),
            ("", "no JSON"),
            ("nul", "no JSON"),
            ("{} {}", "no JSON"),
            (r#"{"a":1,}"#, "no JSON"),
            (r#"{"a":tru}"#, "no JSON"),
        ] {
            assert_eq!(fields_in_words(data.as_bytes()), shape, "{data}");
        }
    }
}
