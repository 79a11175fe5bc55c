//! Data from outside, gone over once: does every reader understand it alike, and is it the same as before?
//!
//! Readers differ in which of two fields of one name they take: expressions take the last, SQL the first, and others
//! refuse both. So data that comes in has each name once in an object. Nor does it have what no reader can hold: half of
//! a surrogate pair, a number beyond doubles, more levels than common readers go. What is stored is read as it is. The
//! rule is described in `docs/reference/events.md`.

pub mod scan;
mod unheld;

pub use unheld::{NESTING_MAX, Unheld};

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use siphasher::sip::SipHasher13;
use smallvec::SmallVec;

use scan::NotJson;
use unheld::Why;

/// Objects of more fields are sorted to find names written twice; for fewer, comparing all pairs is quicker.
const PAIRS_FIELDS_MAX: usize = 16;

/// Letters of a path that a message says.
const PATH_CHARS_MAX: usize = 120;

/// Why data from outside is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidData {
    /// It is no JSON; what is wrong with it, and where, is asked of `serde_json`.
    #[error("the data is not JSON")]
    NotJson,
    /// An object has two fields of one name.
    #[error(transparent)]
    RepeatedKey(#[from] RepeatedKey),
    /// It has something that no reader can hold.
    #[error(transparent)]
    Unheld(#[from] Unheld),
}

impl InvalidData {
    /// Where it is, such as `items[0].sku`; empty for the data as a whole.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::NotJson => None,
            Self::RepeatedKey(RepeatedKey { path }) | Self::Unheld(Unheld { path, .. }) => Some(path),
        }
    }
}

impl From<NotJson> for InvalidData {
    fn from(NotJson: NotJson) -> Self {
        Self::NotJson
    }
}

/// An object that has two fields of one name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is there twice, and readers differ in which of the two they take; write it once")]
pub struct RepeatedKey {
    /// Where the field is, such as `items[0].sku`.
    pub path: String,
}

/// Stands for data: the same data has the same digest, and other data, by all odds, another.
///
/// The same is what differs in white space between tokens and in the order of fields alone. Numbers and texts count as
/// they are written: `1` is not `1.0`. How it is made is written down in `docs/format/outcomes-v1.md`.
///
/// ```
/// use trunkline_core::data::digest;
/// assert_eq!(digest(br#"{"a":1,"b":[2]}"#), digest(br#"{ "b": [2], "a": 1 }"#));
/// assert_ne!(digest(br#"{"a":1}"#), digest(br#"{"a":2}"#));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// The digest of bytes that aren't data as it should be: each byte counts.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(hash(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digit = |shift: u32| b"0123456789abcdef"[(self.0 >> shift) as usize & 0xf];
        let text: [u8; 16] = std::array::from_fn(|at| digit(60 - 4 * at as u32));
        serializer.serialize_str(std::str::from_utf8(&text).expect("digits are text"))
    }
}

/// Checks data: JSON, in which every object has each name once, and nothing is what no reader can hold.
///
/// ```
/// use trunkline_core::data::check;
/// assert!(check(br#"{"items":[{"sku":"a","n":1}]}"#).is_ok());
/// let error = check(br#"{"items":[{"n":1,"n":2}]}"#).unwrap_err();
/// assert!(error.to_string().starts_with("`items[0].n` is there twice"), "{error}");
/// ```
pub fn check(json: &[u8]) -> Result<(), InvalidData> {
    walk::<false>(json, NESTING_MAX).map(drop)
}

/// Checks a JSON object some of whose fields are data: they may be as deep as data may.
pub(crate) fn check_around(json: &[u8]) -> Result<(), InvalidData> {
    walk::<false>(json, NESTING_MAX + 1).map(drop)
}

/// Checks data as [`check`] does, and gives its digest.
pub fn digest(json: &[u8]) -> Result<Digest, InvalidData> {
    walk::<true>(json, NESTING_MAX).map(Digest)
}

/// Whether data says the same: byte for byte, or as JSON whose white space and order of fields don't count.
///
/// ```
/// use trunkline_core::data::is_same;
/// assert!(is_same(br#"{"a":1,"b":2}"#, br#"{"b": 2, "a": 1}"#));
/// assert!(!is_same(b"1", b"1.0"));
/// ```
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    let digest = |json| walk::<true>(json, usize::MAX).ok();
    one == other || digest(one).is_some_and(|one| digest(other) == Some(one))
}

/// What is wrong with data that is no JSON, and where.
pub(crate) fn not_json(data: &[u8]) -> serde_json::Error {
    // What is passed over isn't looked at in full: of a text that is no UTF-8, serde says so only where it is kept.
    match serde_json::from_slice::<&RawValue>(data) {
        Err(error) => error,
        Ok(_) => serde::de::Error::custom("not UTF-8"),
    }
}

/// A list or an object that is not over yet.
#[derive(Clone, Copy)]
struct Open<'a> {
    close: u8,
    /// Of an object: the name of the field that is read, with its quotes, and where that begins.
    key: &'a [u8],
    key_at: usize,
    /// How many elements or fields are over.
    count: u64,
    /// Where the object's names begin among all that are kept.
    first_key: usize,
    /// Of all that is over: a sum, so that the order of fields doesn't count; that of elements is in each.
    sum: u64,
}

/// A value that is over.
#[derive(Clone, Copy)]
enum Value<'a> {
    /// Neither a list nor an object: as it is written.
    Scalar(&'a [u8]),
    /// A list or an object: what it ended with, and its sum.
    Holder(u8, u64),
}

/// Goes over the whole text, without recursion, so that no text is too deep.
fn walk<const DIGEST: bool>(json: &[u8], nesting_max: usize) -> Result<u64, InvalidData> {
    if std::str::from_utf8(json).is_err() {
        return Err(InvalidData::NotJson);
    }
    // The names in the objects that are open, one object's after the other's.
    let mut keys: SmallVec<[&[u8]; 32]> = SmallVec::new();
    let mut has_escapes = false;
    let mut open: SmallVec<[Open<'_>; 8]> = SmallVec::new();
    // What was found first; reported when it is known that the text is JSON.
    let mut fault: Option<InvalidData> = None;
    let mut at = scan::space(json, 0);
    let root = loop {
        let start = at;
        let close = match json.get(at) {
            Some(b'{') => b'}',
            Some(b'[') => b']',
            _ => 0,
        };
        if close != 0 && open.len() >= nesting_max && fault.is_none() {
            fault = Some(Unheld::new(path_to_value(&open), Why::Deep).into());
        }
        let mut value = if close == 0 {
            let mut is_odd = false;
            at = scan::scalar_noting(json, at, &mut is_odd)?;
            if is_odd && fault.is_none() {
                fault = unheld::of_scalar(&json[start..at])
                    .map(|why| Unheld::new(path_to_value(&open), why).into());
            }
            Value::Scalar(&json[start..at])
        } else {
            at = scan::space(json, at + 1);
            if json.get(at) == Some(&close) {
                at += 1;
                Value::Holder(close, 0)
            } else {
                let first_key = keys.len();
                let mut opened = Open { close, key: b"", key_at: at, count: 0, first_key, sum: 0 };
                if close == b'}' {
                    (opened.key, at) = scan::key(json, at, &mut has_escapes)?;
                    keys.push(opened.key);
                }
                open.push(opened);
                if has_escapes && close == b'}' && fault.is_none() {
                    fault = unheld_name(&open);
                }
                continue;
            }
        };
        // The value may be the last one of what holds it, and that the last one of what holds that.
        let ended = loop {
            let Some(holder) = open.last_mut() else { break true };
            if DIGEST {
                holder.sum = holder.sum.wrapping_add(hash_in(holder, value, &json[holder.key_at..at]));
            }
            at = scan::space(json, at);
            match json.get(at) {
                Some(b',') => {
                    holder.count += 1;
                    at = scan::space(json, at + 1);
                    if holder.close == b'}' {
                        holder.key_at = at;
                        (holder.key, at) = scan::key(json, at, &mut has_escapes)?;
                        keys.push(holder.key);
                        if has_escapes && fault.is_none() {
                            fault = unheld_name(&open);
                        }
                    }
                    break false;
                }
                Some(byte) if *byte == holder.close => at += 1,
                _ => return Err(InvalidData::NotJson),
            }
            let &mut Open { close, first_key, sum, .. } = holder;
            if close == b'}' {
                if fault.is_none()
                    && let Some(key) = repeated(&keys[first_key..], has_escapes)
                {
                    fault = Some(RepeatedKey { path: path(&open, key) }.into());
                }
                keys.truncate(first_key);
            }
            open.pop();
            value = Value::Holder(close, sum);
        };
        if ended {
            break value;
        }
    };
    if scan::space(json, at) < json.len() {
        return Err(InvalidData::NotJson);
    }
    match fault {
        Some(fault) => Err(fault),
        None if DIGEST => Ok(hash_of(&[], root)),
        None => Ok(0),
    }
}

/// The hash of a value in its place: with its name, in a list with its number. `field` is all of it, as it is written.
fn hash_in(holder: &Open<'_>, value: Value<'_>, field: &[u8]) -> u64 {
    match value {
        _ if holder.close == b']' => hash_of(&[&holder.count.to_le_bytes()], value),
        // As it is usually written, with nothing between the tokens, it needs no copy.
        Value::Scalar(text) if field.len() == holder.key.len() + 1 + text.len() => hash(field),
        _ => hash_of(&[holder.key, b":"], value),
    }
}

fn hash_of(before: &[&[u8]], value: Value<'_>) -> u64 {
    let mut bytes: SmallVec<[u8; 128]> = SmallVec::new();
    for part in before {
        bytes.extend_from_slice(part);
    }
    match value {
        Value::Scalar(text) => bytes.extend_from_slice(text),
        Value::Holder(close, sum) => {
            bytes.push(close);
            bytes.extend_from_slice(&sum.to_le_bytes());
        }
    }
    hash(&bytes)
}

/// What is wrong with the name that was read last, if something is.
#[cold]
fn unheld_name(open: &[Open<'_>]) -> Option<InvalidData> {
    let key = open.last()?.key;
    unheld::of_scalar(key).map(|why| Unheld::new(path_to_value(open), why).into())
}

/// The way to a field of the innermost object.
fn path(open: &[Open<'_>], key: &[u8]) -> String {
    let (innermost, outer) = open.split_last().expect("a key is in an object");
    path_of(outer.iter().map(|open| (open.close, open.key, open.count)).chain([(innermost.close, key, 0)]))
}

/// The way to the value that is being read.
#[cold]
fn path_to_value(open: &[Open<'_>]) -> String {
    path_of(open.iter().map(|open| (open.close, open.key, open.count)))
}

fn path_of<'a>(steps: impl Iterator<Item = (u8, &'a [u8], u64)>) -> String {
    let mut path = String::new();
    for (close, key, count) in steps {
        if close == b']' {
            path.extend(["[", &count.to_string(), "]"]);
            continue;
        }
        if !path.is_empty() {
            path.push('.');
        }
        let name = name(key);
        let name = String::from_utf8_lossy(&name);
        path.extend(name.chars().map(|char| if char.is_control() { ' ' } else { char }));
    }
    match path.char_indices().nth(PATH_CHARS_MAX) {
        Some((end, _)) => path[..end].to_owned() + "…",
        None => path,
    }
}

/// A name as it is meant, of a key with its quotes.
fn name(key: &[u8]) -> Cow<'_, [u8]> {
    let plain = &key[1..key.len() - 1];
    if !plain.contains(&b'\\') {
        return Cow::Borrowed(plain);
    }
    // Half of a surrogate pair means nothing; as it is written it is still a name.
    serde_json::from_slice(key).map_or(Cow::Borrowed(plain), |name: String| Cow::Owned(name.into_bytes()))
}

/// A name that is twice among these keys.
fn repeated<'a>(keys: &[&'a [u8]], has_escapes: bool) -> Option<&'a [u8]> {
    if has_escapes {
        let mut sorted: Vec<_> = keys.iter().map(|key| (name(key), *key)).collect();
        sorted.sort_unstable();
        return sorted.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].1);
    }
    if keys.len() <= PAIRS_FIELDS_MAX {
        return keys.iter().enumerate().find(|(at, key)| keys[..*at].contains(key)).map(|(_, key)| *key);
    }
    let mut sorted = keys.to_vec();
    sorted.sort_unstable_by_key(|key| (key.len(), *key));
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// A hash that is the same everywhere and for good, since it is stored.
fn hash(bytes: &[u8]) -> u64 {
    SipHasher13::new().hash(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value as Json;

    use super::*;

    fn path(json: &str) -> Option<String> {
        match check(json.as_bytes()) {
            Ok(()) => None,
            Err(InvalidData::RepeatedKey(RepeatedKey { path })) => Some(path),
            Err(fault) => panic!("{json}: {fault}"),
        }
    }

    #[test]
    fn a_name_that_is_twice_in_an_object_is_found_wherever_it_is() {
        for (json, wanted) in [
            (r#"{"a":1,"a":1}"#, "a"),
            (r#"{"a":{"b":1},"c":[0,[],{"d":1,"e":{},"d":{}}]}"#, "c[2].d"),
            (r#"[[{"":1,"":2}]]"#, "[0][0]."),
            (r#"{"a":{"x":1,"\u0078":2}}"#, "a.x"),
            (r#"{"e\u0301":{"a":1,"a":2}}"#, "e\u{301}.a"),
            (r#"{"a\nb":1,"a\u000ab":2}"#, "a b"),
        ] {
            assert_eq!(path(json).as_deref(), Some(wanted), "{json}");
        }
        for json in [
            "1",
            "{}",
            r#"{"a":{"a":{"a":1}},"A":1,"b":[{"a":1},{"a":1}],"c":"a"}"#,
            r#"{"a":1,"a\\":2,"\"a":3}"#,
        ] {
            assert_eq!(path(json), None, "{json}");
        }
    }

    #[test]
    fn among_many_names_too() {
        for count in [15, 16, 17, 40] {
            for escaped in ["", r#""\n":0,"#] {
                let fields: Vec<String> =
                    (0..count).map(|number| format!(r#""f{number}":{number}"#)).collect();
                assert_eq!(path(&format!("{{{escaped}{}}}", fields.join(","))), None);
                let json = format!(r#"{{{escaped}{},"f7":0}}"#, fields.join(","));
                assert_eq!(path(&json).as_deref(), Some("f7"), "{json}");
            }
        }
    }

    #[test]
    fn what_is_no_json_is_said_first() {
        for json in [r#"{"a":1,"a":2"#, r#"{"a":1,"a":2}}"#, "", "{", "[1,]", "{\"a\":1,}", "{1:1}"] {
            assert_eq!(check(json.as_bytes()), Err(InvalidData::NotJson), "{json}");
            assert_eq!(digest(json.as_bytes()), Err(InvalidData::NotJson), "{json}");
        }
        assert_eq!(check(b"\"\xff\""), Err(InvalidData::NotJson));
    }

    #[test]
    fn a_long_path_is_cut() {
        let json = format!(r#"{{"{0}":1,"{0}":2}}"#, "é".repeat(1000));
        assert_eq!(path(&json).unwrap().chars().count(), PATH_CHARS_MAX + 1);
    }

    #[test]
    fn no_text_is_too_deep() {
        let deep = format!("{}{{\"a\":1,\"a\":2}}{}", "[".repeat(50_000), "]".repeat(50_000));
        assert!(matches!(check(deep.as_bytes()), Err(InvalidData::Unheld(_))));
    }

    #[test]
    fn digests_are_the_same_for_good() {
        // They are stored: were they made otherwise, commands that are sent again would be taken for others.
        for (json, wanted) in [
            ("{}", "5d2efa3087f91cda"),
            (r#"{"a":1}"#, "77c6c80f7b5cf4b6"),
            (
                r#"{"order_id":"1","items":[{"sku":"é","quantity":2,"price":1.50},null],"note":"\n"}"#,
                "06495b6df333cc03",
            ),
        ] {
            let digest = digest(json.as_bytes()).unwrap();
            assert_eq!(digest.to_string(), wanted, "{json}");
            assert_eq!(serde_json::to_string(&digest).unwrap(), format!("\"{wanted}\""));
        }
    }

    #[test]
    fn data_that_is_written_otherwise_is_the_same_and_other_data_is_not() {
        let of = |json: &str| digest(json.as_bytes()).unwrap();
        let first = r#"{"a":1,"b":{"c":[1,[2,{}]],"d":"x y"},"e":null}"#;
        for same in [
            r#"{"e":null,"b":{"d":"x y","c":[1,[2,{}]]},"a":1}"#,
            "{ \"a\" : 1,\n\"b\":\t{\"c\": [ 1 , [2,{ }] ],\"d\": \"x y\"},\r\n\"e\":null }\n",
        ] {
            assert_eq!(of(same), of(first), "{same}");
        }
        for other in [
            r#"{"a":1.0,"b":{"c":[1,[2,{}]],"d":"x y"},"e":null}"#,
            r#"{"a":1,"b":{"c":[1,[2,[]]],"d":"x y"},"e":null}"#,
            r#"{"a":1,"b":{"c":[[2,{}],1],"d":"x y"},"e":null}"#,
            r#"{"a":1,"b":{"c":[1,[2],{}],"d":"x y"},"e":null}"#,
            r#"{"a":1,"b":{"c":[1,[2,{}]],"d":"xy"},"e":null}"#,
            r#"{"a":1,"b":{"c":[1,[2,{}]]},"d":"x y","e":null}"#,
            r#"{"a":1,"b":{"c":[1,[2,{}]],"d":"x y"}}"#,
            r#"{"a":null,"b":{"c":[1,[2,{}]],"d":"x y"},"e":1}"#,
        ] {
            assert_ne!(of(other), of(first), "{other}");
        }
        assert_ne!(of("[]"), of("{}"));
        assert_ne!(of("1"), of("\"1\""));
    }

    fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            "[a-c\\\\\"\n é]{0,6}".prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
                prop::collection::vec(("[a-d\\\\\"]{0,2}", inner), 0..5)
                    .prop_map(|fields| Json::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// The same with the fields of all objects the other way round.
    fn turned(json: &Json) -> Json {
        match json {
            Json::Array(items) => items.iter().map(turned).collect(),
            Json::Object(fields) => {
                fields.iter().rev().map(|(name, value)| (name.clone(), turned(value))).collect()
            }
            scalar => scalar.clone(),
        }
    }

    proptest! {
        #[test]
        fn the_same_data_is_told_from_other_data(one in json(), other in json()) {
            let of = |text: String| digest(text.as_bytes()).unwrap();
            prop_assert_eq!(of(one.to_string()), of(serde_json::to_string_pretty(&turned(&one)).unwrap()));
            prop_assert_eq!(of(one.to_string()) == of(other.to_string()), one == other);
        }
    }
}
