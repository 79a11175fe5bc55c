//! What expressions read and give: JSON values, and the few types that JSON writes as text.

mod compare;
mod view;
mod write;

pub(crate) use compare::compare;
pub(crate) use view::{ListView, ObjectView, View};

use crate::document::{self, Document, JsonError, Kind};
use crate::limits::{VALUE_BYTES_MAX, VALUE_NESTING_MAX};
use crate::text::Text;
use crate::time::Time;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// A value: immutable, cheap to clone, and safe to share between threads.
///
/// A value read from JSON keeps its bytes: [`to_json`](Self::to_json) gives them back as they were, of the whole and of
/// each part. Integers are `i64`, other numbers `f64` and finite. Equality is by meaning: `1` equals `1.0`, and the
/// order of an object's fields doesn't count.
///
/// ```
/// use trunkline_cel::Value;
///
/// let order = Value::from_json(r#"{"total": 5, "items": [ {"n":1} ]}"#).unwrap();
/// assert_eq!(order.get("total").and_then(|total| total.as_i64()), Some(5));
/// assert_eq!(order.get("items").unwrap().to_json(), r#"[ {"n":1} ]"#);
/// ```
#[derive(Clone)]
pub struct Value(pub(crate) Repr);

#[derive(Clone)]
pub(crate) enum Repr {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    Timestamp(Time),
    Duration(SignedDuration),
    /// The name of a type.
    Type(&'static str),
    List(Arc<List>),
    Object(Arc<Object>),
    /// A part of a document.
    Json(Arc<Document>, u32),
}

pub(crate) struct List {
    pub(crate) items: Vec<Value>,
    size: Size,
}

pub(crate) struct Object {
    /// Sorted by name, each name once.
    pub(crate) fields: Vec<(Text, Value)>,
    size: Size,
}

/// What writing a value takes.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    depth: usize,
    bytes: u64,
    /// Whether something in it might be what event data must not have.
    odd: bool,
}

/// A value that would be larger than any event may be, or deeper than JSON readers go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooLarge {
    Deep,
    Long,
}

impl Size {
    const EMPTY: Size = Size { depth: 1, bytes: 2, odd: false };

    fn add(&mut self, other: Size, extra: usize) {
        self.depth = self.depth.max(other.depth + 1);
        self.bytes = self.bytes.saturating_add(other.bytes).saturating_add(extra as u64);
        self.odd |= other.odd;
    }

    fn check(self) -> Result<Size, TooLarge> {
        if self.depth > VALUE_NESTING_MAX {
            return Err(TooLarge::Deep);
        }
        if self.bytes > VALUE_BYTES_MAX { Err(TooLarge::Long) } else { Ok(self) }
    }
}

impl Value {
    /// The value of a JSON text, whose bytes are kept.
    ///
    /// Where a name is written twice in an object, the last one counts. What is JSON and yet no value, such as an integer
    /// beyond 64 bits, half of a surrogate pair or what nests too deep, is passed on as it is written; an expression that
    /// works with it fails.
    ///
    /// ```
    /// use trunkline_cel::Value;
    ///
    /// let read = Value::from_json(r#"{"serial": 18446744073709551615, "n": 1}"#).unwrap();
    /// assert_eq!(read.get("n").and_then(|n| n.as_i64()), Some(1));
    /// let serial = read.get("serial").unwrap();
    /// assert_eq!((serial.as_i64(), &serial.to_json()[..]), (None, &b"18446744073709551615"[..]));
    /// ```
    pub fn from_json(text: impl Into<Bytes>) -> Result<Value, JsonError> {
        Ok(Value(Repr::Json(Arc::new(document::read(text.into())?), 0)))
    }

    /// The value of data that need not be JSON: what isn't is bytes.
    ///
    /// ```
    /// use trunkline_cel::Value;
    ///
    /// assert_eq!(Value::from_data(&b"[1]"[..]).type_name(), "a list");
    /// assert_eq!(Value::from_data(&b"\xff\xfe"[..]).to_json(), r#""//4=""#);
    /// ```
    pub fn from_data(data: impl Into<Bytes>) -> Value {
        let data = data.into();
        Value::from_json(data.clone()).unwrap_or_else(|_| Value(Repr::Bytes(data[..].into())))
    }

    /// Null.
    pub const NULL: Value = Value(Repr::Null);

    /// A number that is no integer; none if it is not finite.
    pub fn from_f64(number: f64) -> Option<Value> {
        number.is_finite().then_some(Value(Repr::Double(number)))
    }

    /// An object; where a name is given twice, the last one counts.
    ///
    /// ```
    /// use trunkline_cel::Value;
    ///
    /// let meta = Value::object([("b", Value::from(1)), ("a", Value::from("x"))]);
    /// assert_eq!(meta.to_json(), r#"{"a":"x","b":1}"#);
    /// ```
    pub fn object<N: AsRef<str>>(fields: impl IntoIterator<Item = (N, Value)>) -> Value {
        let fields: Vec<(Text, Value)> =
            fields.into_iter().map(|(name, value)| (Text::Own(name.as_ref().into()), value)).collect();
        let fields = sorted(fields);
        let size = object_size(&fields);
        Value(Repr::Object(Arc::new(Object { fields, size })))
    }

    /// A list.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Value {
        let items: Vec<Value> = items.into_iter().collect();
        let size = list_size(&items);
        Value(Repr::List(Arc::new(List { items, size })))
    }

    /// An object of fields, of which those further back replace others.
    pub(crate) fn checked_object(fields: Vec<(Text, Value)>) -> Result<Value, TooLarge> {
        Value::sorted_object(sorted(fields))
    }

    /// An object of fields that are sorted and different.
    pub(crate) fn sorted_object(fields: Vec<(Text, Value)>) -> Result<Value, TooLarge> {
        let size = object_size(&fields).check()?;
        Ok(Value(Repr::Object(Arc::new(Object { fields, size }))))
    }

    pub(crate) fn checked_list(items: Vec<Value>) -> Result<Value, TooLarge> {
        let size = list_size(&items).check()?;
        Ok(Value(Repr::List(Arc::new(List { items, size }))))
    }

    /// Whether the value is null.
    pub fn is_null(&self) -> bool {
        match &self.0 {
            Repr::Null => true,
            Repr::Json(document, part) => document.kind(*part) == Kind::Null,
            _ => false,
        }
    }

    /// The bytes of a text, which looking at it goes through; 0 of everything else.
    pub(crate) fn text_bytes(&self) -> usize {
        match &self.0 {
            Repr::Text(text) => text.len(),
            Repr::Json(document, part) => match document.kind(*part) {
                Kind::Plain | Kind::Escaped => document.raw(*part).len(),
                _ => 0,
            },
            _ => 0,
        }
    }

    /// The value of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        if let View::Bool(value) = self.view() { Some(value) } else { None }
    }

    /// The value of an integer.
    pub fn as_i64(&self) -> Option<i64> {
        if let View::Int(value) = self.view() { Some(value) } else { None }
    }

    /// The value of a number, the nearest one of a large integer.
    #[expect(clippy::cast_precision_loss, reason = "it is what is asked for")]
    pub fn as_f64(&self) -> Option<f64> {
        match self.view() {
            View::Int(value) => Some(value as f64),
            View::Double(value) => Some(value),
            _ => None,
        }
    }

    /// The characters of a text.
    pub fn as_str(&self) -> Option<&str> {
        if let View::Text(value) = self.view() { Some(value) } else { None }
    }

    /// The field's value, if this is an object that has it.
    pub fn get(&self, field: &str) -> Option<Value> {
        if let View::Object(object) = self.view() { object.get(field) } else { None }
    }

    /// The item, counted from 0, if this is a list that has it.
    pub fn at(&self, index: usize) -> Option<Value> {
        if let View::List(list) = self.view() { list.get(index) } else { None }
    }

    /// The items, if this is a list.
    pub fn items(&self) -> Option<impl Iterator<Item = Value> + '_> {
        if let View::List(list) = self.view() { Some(list.iter()) } else { None }
    }

    /// The names and values, if this is an object, in the order they are written in.
    pub fn fields(&self) -> Option<impl Iterator<Item = (String, Value)> + '_> {
        let View::Object(object) = self.view() else { return None };
        Some(object.iter().map(|(name, value)| (name.shown().into_owned(), value)))
    }

    /// What the value is, as it is called in messages: `a list`.
    pub fn type_name(&self) -> &'static str {
        match self.view() {
            View::Null => "null",
            View::Bool(_) => "a bool",
            View::Int(_) => "an int",
            View::Double(_) => "a double",
            View::Text(_) => "text",
            View::Bytes(_) => "bytes",
            View::Timestamp(_) => "a timestamp",
            View::Duration(_) => "a duration",
            View::Type(_) => "a type",
            View::List(_) => "a list",
            View::Object(_) => "an object",
            View::Unheld(why, _) => why.name(),
        }
    }

    /// The part of a document, copied out where that is as small and as exact.
    #[inline]
    pub(crate) fn part(document: &Arc<Document>, part: u32) -> Value {
        Value(match document.kind(part) {
            Kind::Null => Repr::Null,
            Kind::True => Repr::Bool(true),
            Kind::False => Repr::Bool(false),
            // Of -0, the sign is only in the text.
            Kind::Int if document.int(part) != 0 => Repr::Int(document.int(part)),
            _ => Repr::Json(Arc::clone(document), part),
        })
    }

    pub(crate) fn size(&self) -> Size {
        let bytes = match &self.0 {
            Repr::List(list) => return list.size,
            Repr::Object(object) => return object.size,
            Repr::Json(document, part) => {
                let bytes = document.raw(*part).len() as u64;
                return Size { depth: document.depth(*part), bytes, odd: document.is_odd() };
            }
            Repr::Text(text) => text.len() + 2,
            Repr::Bytes(bytes) => bytes.len() * 4 / 3 + 4,
            Repr::Null | Repr::Bool(_) | Repr::Int(_) => 8,
            Repr::Type(name) => name.len() + 2,
            Repr::Double(_) | Repr::Timestamp(_) | Repr::Duration(_) => 24,
        };
        Size { depth: 0, bytes: bytes as u64, odd: false }
    }

    /// Whether the value may hold something that is no value of the language, or a name twice in one object: whoever makes
    /// an event of it has to look.
    pub fn may_be_odd(&self) -> bool {
        self.size().odd
    }

    /// About how many bytes the value takes as JSON.
    pub(crate) fn json_bytes(&self) -> u64 {
        self.size().bytes
    }
}

fn sorted(mut fields: Vec<(Text, Value)>) -> Vec<(Text, Value)> {
    // Stable, so that of equal names the last given is the last.
    fields.sort_by(|left, right| left.0.cmp(&right.0));
    fields.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            std::mem::swap(later, earlier);
        }
        same
    });
    fields
}

fn object_size(fields: &[(Text, Value)]) -> Size {
    let mut size = Size::EMPTY;
    for (name, value) in fields {
        size.add(value.size(), name.as_bytes().len() + 4);
    }
    size
}

fn list_size(items: &[Value]) -> Size {
    let mut size = Size::EMPTY;
    for item in items {
        size.add(item.size(), 1);
    }
    size
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_json()))
    }
}

impl Default for Value {
    fn default() -> Self {
        Value::NULL
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value(Repr::Bool(value))
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value(Repr::Int(value))
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Value(Repr::Int(value.into()))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Value(Repr::Int(value.into()))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value(Repr::Text(value.into()))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value(Repr::Text(value.into()))
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Value(Repr::Timestamp(value.into()))
    }
}

impl From<Time> for Value {
    fn from(value: Time) -> Self {
        Value(Repr::Timestamp(value))
    }
}

impl From<SignedDuration> for Value {
    fn from(value: SignedDuration) -> Self {
        Value(Repr::Duration(value))
    }
}

/// The value, or null.
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::NULL, Into::into)
    }
}
