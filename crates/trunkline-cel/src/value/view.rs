//! A value taken apart, the same wherever it is kept.

use super::{List, Object, Repr, Value};
use crate::document::{Document, Kind, Unheld};
use crate::text::Text;
use crate::time::Time;
use jiff::SignedDuration;
use std::sync::Arc;

#[derive(Clone, Copy)]
pub(crate) enum View<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Timestamp(Time),
    Duration(SignedDuration),
    Type(&'static str),
    List(ListView<'a>),
    Object(ObjectView<'a>),
    /// JSON that is no value of the language, as it is written.
    Unheld(Unheld, &'a [u8]),
}

#[derive(Clone, Copy)]
pub(crate) enum ListView<'a> {
    Own(&'a List),
    Json(&'a Arc<Document>, u32),
}

#[derive(Clone, Copy)]
pub(crate) enum ObjectView<'a> {
    Own(&'a Object),
    Json(&'a Arc<Document>, u32),
}

impl Value {
    #[inline]
    pub(crate) fn view(&self) -> View<'_> {
        match &self.0 {
            Repr::Null => View::Null,
            Repr::Bool(value) => View::Bool(*value),
            Repr::Int(value) => View::Int(*value),
            Repr::Double(value) => View::Double(*value),
            Repr::Text(value) => View::Text(value),
            Repr::Bytes(value) => View::Bytes(value),
            Repr::Timestamp(value) => View::Timestamp(*value),
            Repr::Duration(value) => View::Duration(*value),
            Repr::Type(name) => View::Type(name),
            Repr::List(value) => View::List(ListView::Own(value)),
            Repr::Object(value) => View::Object(ObjectView::Own(value)),
            Repr::Json(document, part) => match document.kind(*part) {
                Kind::Null => View::Null,
                Kind::True => View::Bool(true),
                Kind::False => View::Bool(false),
                Kind::Int => View::Int(document.int(*part)),
                Kind::Double => View::Double(document.double(*part)),
                Kind::Plain | Kind::Escaped | Kind::Replaced => View::Text(document.text(*part)),
                Kind::List => View::List(ListView::Json(document, *part)),
                Kind::Object => View::Object(ObjectView::Json(document, *part)),
                Kind::Unheld(why) => View::Unheld(why, document.raw(*part)),
            },
        }
    }
}

impl<'a> ListView<'a> {
    pub(crate) fn len(self) -> usize {
        match self {
            ListView::Own(list) => list.items.len(),
            ListView::Json(document, part) => document.len(part),
        }
    }

    pub(crate) fn get(self, index: usize) -> Option<Value> {
        match self {
            ListView::Own(list) => list.items.get(index).cloned(),
            ListView::Json(document, part) => {
                if index >= document.len(part) {
                    return None;
                }
                let item = (0..index).fold(part + 1, |item, _| document.next(item));
                Some(Value::part(document, item))
            }
        }
    }

    pub(crate) fn iter(self) -> Items<'a> {
        Items { list: self, at: if let ListView::Json(_, part) = self { part + 1 } else { 0 } }
    }
}

pub(crate) struct Items<'a> {
    list: ListView<'a>,
    /// The next item's index, or its part of the document.
    at: u32,
}

impl Iterator for Items<'_> {
    type Item = Value;

    #[inline]
    fn next(&mut self) -> Option<Value> {
        match self.list {
            ListView::Own(list) => {
                let item = list.items.get(self.at as usize)?.clone();
                self.at += 1;
                Some(item)
            }
            ListView::Json(document, part) => {
                if self.at >= document.next(part) {
                    return None;
                }
                let item = self.at;
                self.at = document.next(item);
                Some(Value::part(document, item))
            }
        }
    }
}

impl<'a> ObjectView<'a> {
    pub(crate) fn len(self) -> usize {
        match self {
            ObjectView::Own(object) => object.fields.len(),
            ObjectView::Json(document, part) => document.len(part),
        }
    }

    #[inline]
    pub(crate) fn get(self, name: &str) -> Option<Value> {
        self.get_named(name.as_bytes())
    }

    /// The value of the field whose name has these bytes.
    #[inline]
    pub(crate) fn get_named(self, name: &[u8]) -> Option<Value> {
        match self {
            ObjectView::Own(object) => {
                let found = object.fields.binary_search_by(|(key, _)| key.as_bytes().cmp(name));
                found.ok().map(|index| object.fields[index].1.clone())
            }
            ObjectView::Json(document, part) => {
                document.field(part, name).map(|found| Value::part(document, found))
            }
        }
    }

    pub(crate) fn iter(self) -> Fields<'a> {
        Fields { object: self, at: if let ObjectView::Json(_, part) = self { part + 1 } else { 0 } }
    }
}

pub(crate) struct Fields<'a> {
    object: ObjectView<'a>,
    at: u32,
}

impl Iterator for Fields<'_> {
    type Item = (Text, Value);

    fn next(&mut self) -> Option<(Text, Value)> {
        match self.object {
            ObjectView::Own(object) => {
                let field = object.fields.get(self.at as usize)?.clone();
                self.at += 1;
                Some(field)
            }
            ObjectView::Json(document, part) => {
                let key = document.live_key(self.at, document.next(part))?;
                self.at = document.next(key + 1);
                Some((Text::Json(Arc::clone(document), key), Value::part(document, key + 1)))
            }
        }
    }
}
