//! Typed reading: a section asks for its keys by name and type, and every mismatch becomes a diagnostic at the value.
//!
//! The same function checks a section and reads it, so the two cannot differ:
//!
//! ```
//! use std::time::Duration;
//! use trunkline_config::{FixedClock, MemoryEnvironment, MemoryFiles, World, evaluate, read::Reader};
//!
//! let (files, environment) = (MemoryFiles::new(), MemoryEnvironment::new());
//! let world = World { loader: &files, environment: &environment, clock: &FixedClock(0) };
//! let evaluated = evaluate("app.tsk", "[read_db]\nstatement_timeout: \"5x\"\ndns: \"sqlite:x\"\n", world);
//!
//! let reader = Reader::new();
//! let mut section = reader.root(&evaluated.root).key("read_db").section();
//! let timeout = section.key("statement_timeout").or(Duration::from_secs(5));
//! let dsn = section.key("dsn").or(String::from("sqlite:./data/read.db"));
//! section.finish();
//!
//! assert_eq!((timeout, dsn.as_str()), (Duration::from_secs(5), "sqlite:./data/read.db"));
//! let messages: Vec<String> = reader.diagnostics().iter().map(|found| found.line(&evaluated.sources)).collect();
//! assert_eq!(messages, [
//!     "line 2 col 20: \"5x\" is not a duration",
//!     "line 3 col 1: nothing in \"read_db\" reads the key \"dns\"; did you mean \"dsn\"?",
//! ]);
//! ```

mod duration;
mod size;
mod types;

use std::cell::RefCell;

use trunkline_nearest::nearest;

pub use duration::parse_duration;
pub use size::{Size, parse_size};
pub use types::{FromValue, HookName, Mismatch};

use crate::codes;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::Span;
use crate::value::{Node, Object, Value};

/// Collects what is wrong while values are read.
#[derive(Debug, Default)]
pub struct Reader {
    diagnostics: RefCell<Diagnostics>,
}

impl Reader {
    /// Nothing wrong yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The file's top level.
    pub fn root<'a>(&'a self, root: &'a Node) -> Section<'a> {
        self.section(String::new(), Some(root), root.span)
    }

    /// Adds a mistake that the caller found, at a span that it was given.
    pub fn report(&self, diagnostic: Diagnostic) {
        self.diagnostics.borrow_mut().push(diagnostic);
    }

    /// Everything found so far, in the order of the text; the reader is empty then.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut diagnostics = self.diagnostics.take().into_vec();
        diagnostics.sort_by_key(Diagnostic::span);
        diagnostics
    }

    fn section<'a>(&'a self, path: String, node: Option<&'a Node>, near: Span) -> Section<'a> {
        let mut broken = false;
        let object = match node.map(|node| (&node.value, node.span)) {
            Some((Value::Object(object), _)) => Some(object),
            None | Some((Value::Null, _)) => None,
            Some((other, span)) => {
                broken = true;
                if *other != Value::Invalid {
                    self.report(mismatch(span, "a section or block", other));
                }
                None
            }
        };
        Section {
            reader: self,
            path,
            object,
            broken,
            span: node.map_or(near, |node| node.span),
            asked: Vec::new(),
        }
    }
}

/// An object whose keys are asked for one by one. [`finish`](Section::finish) reports those that were not asked for.
#[derive(Debug)]
#[must_use = "finish() reports the keys that nobody asked for"]
pub struct Section<'a> {
    reader: &'a Reader,
    path: String,
    object: Option<&'a Object>,
    /// Something else stands in its place, which has been reported: nothing in it is missed.
    broken: bool,
    span: Span,
    asked: Vec<String>,
}

impl<'a> Section<'a> {
    /// A key of this section, there or not.
    pub fn key(&mut self, name: &str) -> Field<'a> {
        self.asked.push(name.to_owned());
        self.field(name)
    }

    /// Every key, whatever its name, as for `[events.NAME]`.
    pub fn each(&mut self) -> Vec<(&'a str, Field<'a>)> {
        let keys: Vec<&'a str> = self.object.map(|object| object.keys().collect()).unwrap_or_default();
        self.asked.extend(keys.iter().map(|&key| key.to_owned()));
        keys.into_iter().map(|key| (key, self.field(key))).collect()
    }

    /// Whether the section is there.
    pub fn is_present(&self) -> bool {
        self.object.is_some()
    }

    /// The path of this section from the top of the file; empty for the top.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where the section stands, or the place it should be in.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The reader, to report what the section's own rules refuse.
    pub fn reader(&self) -> &'a Reader {
        self.reader
    }

    /// Reports every key that was not asked for.
    pub fn finish(self) {
        let Some(object) = self.object else { return };
        for (key, entry) in object.iter().filter(|(key, _)| !self.asked.iter().any(|asked| asked == key)) {
            let (code, message) = match (self.path.as_str(), &entry.node.value) {
                ("", Value::Object(_)) => (codes::UNKNOWN_SECTION, format!("there is no section \"{key}\"")),
                ("", _) => (codes::UNKNOWN_KEY, format!("nothing reads the key \"{key}\"")),
                (path, _) => (codes::UNKNOWN_KEY, format!("nothing in \"{path}\" reads the key \"{key}\"")),
            };
            let mut diagnostic = Diagnostic::error(code, entry.key_span, message);
            diagnostic = match nearest(key, self.asked.iter().map(String::as_str)) {
                Some(near) => diagnostic.did_you_mean(Some(near)),
                None => diagnostic.fix("remove it, or move it to the section it belongs to"),
            };
            if !self.asked.is_empty() {
                let what = if code == codes::UNKNOWN_SECTION { "sections" } else { "keys" };
                diagnostic = diagnostic.note(format!("the {what} are {}", self.asked.join(", ")));
            }
            self.reader.report(diagnostic);
        }
    }

    fn field(&self, name: &str) -> Field<'a> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        let entry = self.object.and_then(|object| object.entry(name));
        let (node, key_span) =
            (entry.map(|entry| &entry.node), entry.map_or(self.span, |entry| entry.key_span));
        Field { reader: self.reader, path, node, key_span, near: self.span, broken: self.broken }
    }
}

/// A key, or an item of a list, that is about to be read.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    reader: &'a Reader,
    path: String,
    node: Option<&'a Node>,
    key_span: Span,
    near: Span,
    broken: bool,
}

impl<'a> Field<'a> {
    /// The value, or `None` when it is absent, null, or wrong (which is reported).
    pub fn read<T: FromValue>(&self) -> Option<T> {
        let node = self.present()?;
        T::from_value(&node.value)
            .map_err(|problem| self.reader.report(problem.at(node.span, &node.value)))
            .ok()
    }

    /// The value, or the default when it is absent, null, or wrong (which is reported).
    pub fn or<T: FromValue>(&self, default: T) -> T {
        self.read().unwrap_or(default)
    }

    /// The value, which must be there; `None` when it is not or is wrong, both reported.
    pub fn required<T: FromValue>(&self) -> Option<T> {
        self.demand();
        self.read()
    }

    /// A whole number from `min` to `max`.
    pub fn integer_within(&self, min: i64, max: i64) -> Option<i64> {
        let value = self.read::<i64>()?;
        if (min..=max).contains(&value) {
            return Some(value);
        }
        let message = format!("{value} is not in the range {min} to {max}");
        self.reader.report(Diagnostic::error(codes::OUT_OF_RANGE, self.span(), message));
        None
    }

    /// One of a few words, each with what it stands for.
    pub fn one_of<T: Clone>(&self, words: &[(&str, T)]) -> Option<T> {
        let node = self.present()?;
        let names: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let Value::Text(text) = &node.value else {
            self.reader.report(mismatch(node.span, &format!("one of {}", names.join(", ")), &node.value));
            return None;
        };
        if let Some((_, meaning)) = words.iter().find(|(word, _)| word == text) {
            return Some(meaning.clone());
        }
        let message = format!("\"{text}\" is not one of {}", names.join(", "));
        let near = nearest(text, words.iter().map(|(word, _)| *word));
        self.reader.report(Diagnostic::error(codes::UNKNOWN_WORD, node.span, message).did_you_mean(near));
        None
    }

    /// The items of a list; none when it is absent. Anything else is a mistake.
    pub fn items(&self) -> Vec<Field<'a>> {
        match self.present().map(|node| (&node.value, node.span)) {
            Some((Value::Array(items), _)) => self.fields(items),
            Some((other, span)) => {
                self.reader.report(mismatch(span, "a list", other));
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// The items of a list, or the value itself as the only one, where both may be written.
    pub fn item_or_items(&self) -> Vec<Field<'a>> {
        match self.present().map(|node| &node.value) {
            Some(Value::Array(items)) => self.fields(items),
            Some(_) => vec![self.clone()],
            None => Vec::new(),
        }
    }

    /// The value as a section of its own; absent, it is an empty one.
    pub fn section(&self) -> Section<'a> {
        self.reader.section(self.path.clone(), self.node, self.near)
    }

    /// The value as a section that must be there.
    pub fn required_section(&self) -> Section<'a> {
        self.demand();
        self.section()
    }

    /// Whether something other than null is there.
    pub fn is_present(&self) -> bool {
        self.present().is_some()
    }

    /// The value as it is, for what no type here describes.
    pub fn node(&self) -> Option<&'a Node> {
        self.node
    }

    /// The path from the top of the file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where the value stands, or its section when it is absent.
    pub fn span(&self) -> Span {
        self.node.map_or(self.near, |node| node.span)
    }

    /// Where the key stands; of an item of a list, where the item does.
    pub fn key_span(&self) -> Span {
        self.key_span
    }

    /// The reader, to report what the caller's own rules refuse.
    pub fn reader(&self) -> &'a Reader {
        self.reader
    }

    fn present(&self) -> Option<&'a Node> {
        self.node.filter(|node| !matches!(node.value, Value::Null | Value::Invalid))
    }

    fn demand(&self) {
        if !self.broken && self.node.is_none_or(|node| node.value == Value::Null) {
            let message = format!("\"{}\" is required", self.path);
            let diagnostic = Diagnostic::error(codes::MISSING_KEY, self.span(), message);
            let key = self.path.rsplit('.').next().unwrap_or_default();
            self.reader.report(diagnostic.fix(format!("add `{key}: …` here")));
        }
    }

    fn fields(&self, items: &'a [Node]) -> Vec<Field<'a>> {
        let field = |(index, node): (usize, &'a Node)| Field {
            reader: self.reader,
            path: format!("{}.{index}", self.path),
            node: Some(node),
            key_span: node.span,
            near: node.span,
            broken: false,
        };
        items.iter().enumerate().map(field).collect()
    }
}

fn mismatch(span: Span, expected: &str, found: &Value) -> Diagnostic {
    Diagnostic::error(codes::WRONG_TYPE, span, format!("expected {expected}, found {}", found.kind()))
}
