//! The names of types, with which what `type` gives is compared.

use super::Lower;
use crate::syntax::{Name, Tree, TreeKind};
use crate::value::{Repr, Value};

/// The types that have one word as their name. Variables of the same name hide them.
const NAMES: [&str; 9] = ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type"];

/// The types whose name is a path.
const PATHS: [(&str, &str); 2] =
    [("Timestamp", "google.protobuf.Timestamp"), ("Duration", "google.protobuf.Duration")];

/// The type of that name.
pub(super) fn named(name: &str) -> Option<Value> {
    NAMES.iter().find(|known| **known == name).map(|name| Value(Repr::Type(name)))
}

impl<'a> Lower<'a> {
    /// The type that a path names.
    pub(super) fn type_of_path(&self, operand: &Tree<'a>, field: &Name<'a>) -> Option<Value> {
        let (_, path) = PATHS.iter().find(|(name, _)| *name == field.text)?;
        let TreeKind::Select(outer, Name { text: "protobuf", .. }) = &operand.kind else { return None };
        let TreeKind::Name(Name { text: "google", .. }) = &outer.kind else { return None };
        let is_hidden = self.scope.has("google") || self.locals.contains(&"google");
        (!is_hidden).then_some(Value(Repr::Type(path)))
    }
}
