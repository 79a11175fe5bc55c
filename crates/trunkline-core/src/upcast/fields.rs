//! An object of JSON while it is changed: what is not touched keeps its bytes.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Names from the outside in; none for the whole.
pub(super) type Path = Vec<String>;

/// A value, opened only where something in it is asked for.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// JSON as it was stored.
    Stored(&'a [u8]),
    /// JSON that was made.
    Made(Cow<'a, str>),
    /// An object that was opened: a name may stand in it twice, as it was stored, and the last one counts.
    Open(Vec<(Cow<'a, str>, Value<'a>)>),
}

type Fields<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

impl<'a> Value<'a> {
    /// Takes what stands at the path, if anything does.
    pub(super) fn take(&mut self, path: &[String]) -> Result<Option<Value<'a>>, String> {
        let Some((last, parents)) = path.split_last() else { return Err("the path is empty".to_owned()) };
        let mut object = self;
        for name in parents {
            match find(object.open()?, name) {
                Some(inner) => object = inner,
                None => return Ok(None),
            }
        }
        let fields = object.open()?;
        let mut taken = None;
        while let Some(at) = fields.iter().rposition(|(name, _)| name == last) {
            let (_, value) = fields.remove(at);
            taken.get_or_insert(value);
        }
        Ok(taken)
    }

    /// Whether something stands at the path.
    pub(super) fn has(&mut self, path: &[String]) -> Result<bool, String> {
        let mut object = self;
        for name in path {
            match find(object.open()?, name) {
                Some(inner) => object = inner,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Puts a value at the path, in place of what stands there; objects on the way are made.
    pub(super) fn put(&mut self, path: &[String], value: Value<'a>) -> Result<(), String> {
        let mut object = self;
        for name in path {
            let fields = object.open()?;
            let at = fields.iter().rposition(|(known, _)| known == name).unwrap_or_else(|| {
                fields.push((Cow::Owned(name.clone()), Value::Open(Vec::new())));
                fields.len() - 1
            });
            object = &mut fields[at].1;
        }
        *object = value;
        Ok(())
    }

    /// Gives a field another name, at its place.
    pub(super) fn rename(&mut self, path: &[String], to: &str) -> Result<(), String> {
        let Some((last, parents)) = path.split_last() else { return Err("the path is empty".to_owned()) };
        let mut object = self;
        for name in parents {
            match find(object.open()?, name) {
                Some(inner) => object = inner,
                None => return Ok(()),
            }
        }
        let fields = object.open()?;
        if !fields.iter().any(|(name, _)| name == last) {
            return Ok(());
        }
        if fields.iter().any(|(name, _)| name == to) {
            return Err(format!("there is a field `{to}` already"));
        }
        for (name, _) in fields.iter_mut().filter(|(name, _)| name == last) {
            *name = Cow::Owned(to.to_owned());
        }
        Ok(())
    }

    /// The fields of an object; what it is instead when it is none.
    fn open(&mut self) -> Result<&mut Fields<'a>, String> {
        let opened = match self {
            Self::Open(_) => None,
            Self::Stored(json) => Some(read(json)?),
            Self::Made(Cow::Borrowed(json)) => Some(read(json.as_bytes())?),
            Self::Made(Cow::Owned(json)) => Some(owned(read(json.as_bytes())?)),
        };
        if let Some(fields) = opened {
            *self = Self::Open(fields);
        }
        match self {
            Self::Open(fields) => Ok(fields),
            Self::Stored(_) | Self::Made(_) => unreachable!("it was opened just now"),
        }
    }

    /// The value as JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Stored(json) => out.extend_from_slice(json),
            Self::Made(json) => out.extend_from_slice(json.as_bytes()),
            Self::Open(fields) => {
                out.push(b'{');
                for (at, (name, value)) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    serde_json::to_writer(&mut *out, name.as_ref()).expect("a text is JSON");
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }
}

fn find<'f, 'a>(fields: &'f mut Fields<'a>, name: &str) -> Option<&'f mut Value<'a>> {
    fields.iter_mut().rev().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn owned<'a>(fields: Fields<'_>) -> Fields<'a> {
    let own = |value: Value<'_>| match value {
        Value::Stored(json) => Value::Made(Cow::Owned(String::from_utf8_lossy(json).into_owned())),
        Value::Made(json) => Value::Made(Cow::Owned(json.into_owned())),
        Value::Open(fields) => Value::Open(owned(fields)),
    };
    fields.into_iter().map(|(name, value)| (Cow::Owned(name.into_owned()), own(value))).collect()
}

fn read(json: &[u8]) -> Result<Fields<'_>, String> {
    let Opened(fields) = serde_json::from_slice(json).map_err(|_| match json.first() {
        Some(b'[') => "it is a list, not an object".to_owned(),
        Some(_) => format!("it is not an object: {}", String::from_utf8_lossy(&json[..json.len().min(40)])),
        None => "it is empty, not an object".to_owned(),
    })?;
    Ok(fields)
}

/// A name, copied only where it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

struct Opened<'a>(Fields<'a>);

impl<'de> Deserialize<'de> for Opened<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Opened<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Opened<'de>, M::Error> {
                let mut fields = Vec::with_capacity(8);
                while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    fields.push((name, Value::Stored(value.get().as_bytes())));
                }
                Ok(Opened(fields))
            }
        }

        deserializer.deserialize_map(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        text.split('.').map(str::to_owned).collect()
    }

    fn changed(
        json: &str,
        change: impl FnOnce(&mut Value<'_>) -> Result<(), String>,
    ) -> Result<String, String> {
        let mut value = Value::Stored(json.as_bytes());
        change(&mut value)?;
        let mut out = Vec::new();
        value.write(&mut out);
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn what_is_not_touched_keeps_its_bytes() {
        let json = r#"{"a": {"n" : 1.50, "x":[ 1 ]},"big":123456789012345678901234567890,"é\n":1e400}"#;
        let renamed = changed(json, |value| value.rename(&path("a.n"), "m")).unwrap();
        assert_eq!(renamed, r#"{"a":{"m":1.50,"x":[ 1 ]},"big":123456789012345678901234567890,"é\n":1e400}"#);
        assert_eq!(changed(json, |value| value.has(&[]).map(drop)).unwrap(), json, "nothing was opened");
    }

    #[test]
    fn of_a_name_that_stands_twice_the_last_counts() {
        let twice = r#"{"a":1,"b":0,"a":2}"#;
        assert_eq!(changed(twice, |value| value.rename(&path("a"), "c")).unwrap(), r#"{"c":1,"b":0,"c":2}"#);
        let moved = changed(twice, |value| {
            let taken = value.take(&path("a"))?.unwrap();
            value.put(&path("d.e"), taken)
        });
        assert_eq!(moved.unwrap(), r#"{"b":0,"d":{"e":2}}"#, "and the first does not come back");
    }

    #[test]
    fn a_way_through_what_is_no_object_is_refused() {
        for json in [r#"{"a":[1]}"#, r#"{"a":7}"#, r#"{"a":null}"#, "[]", "7", "", "\u{0}"] {
            let put = changed(json, |value| value.put(&path("a.b"), Value::Made("1".into())));
            assert!(put.is_err(), "{json}: {put:?}");
        }
    }

    #[test]
    fn what_was_made_can_be_opened_again() {
        let json = changed("{}", |value| {
            value.put(&path("a"), Value::Made(Cow::Owned(r#"{"b":{"c":1}}"#.to_owned())))?;
            value.rename(&path("a.b.c"), "d")?;
            value.put(&path("a.e"), Value::Made("2".into()))
        });
        assert_eq!(json.unwrap(), r#"{"a":{"b":{"d":1},"e":2}}"#);
    }
}
