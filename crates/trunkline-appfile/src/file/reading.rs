//! What the readers of all sections share: expressions, names, and what the program registered.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use trunkline_cel::{Expression, Mistake, MistakeKind, Scope, Template};
use trunkline_config::read::Field;
use trunkline_config::{Code, Diagnostic, Hooks, Loader, Sources, Span};
use trunkline_core::EventType;
use trunkline_sql::{SqlProblem, TypedProjection};

use super::codes;
use crate::schema::{Files, Schema};
use trunkline_runtime::{Backends, Dsn, DsnError, Role};

/// Names that begin with it are Trunkline's own.
pub const SYSTEM_NAMES: char = '$';

/// Projections as code, by the names that `class` in `[projections.NAME]` gives.
#[derive(Clone, Default)]
pub struct ProjectionClasses(BTreeMap<String, Arc<dyn TypedProjection>>);

impl From<BTreeMap<String, Arc<dyn TypedProjection>>> for ProjectionClasses {
    fn from(all: BTreeMap<String, Arc<dyn TypedProjection>>) -> Self {
        Self(all)
    }
}

impl ProjectionClasses {
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<dyn TypedProjection>> {
        self.0.get(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl fmt::Debug for ProjectionClasses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What a program registered under names that an application file may use.
#[derive(Clone, Debug, Default)]
pub struct Registered {
    /// Functions for `@go`.
    pub hooks: Hooks,
    /// Handlers for `[cqrs.command_handlers]`.
    pub command_handlers: BTreeSet<String>,
    /// Handlers for `[cqrs.query_handlers]`.
    pub query_handlers: BTreeSet<String>,
    /// Code for `class` in `[projections.NAME]`.
    pub projections: ProjectionClasses,
    /// Code for `class` in `[sagas.NAME]`.
    pub sagas: BTreeSet<String>,
    /// Handlers for `class` in `[consumers.NAME]`.
    pub message_handlers: BTreeSet<String>,
    /// The kinds of places that a DSN may name.
    pub backends: Backends,
    /// Commands that have handlers without the file.
    pub commands: BTreeSet<String>,
    /// Whether all is known: then a name that is not registered is an error. The plain binary cannot know
    /// what a program registers, so there it is a warning.
    pub complete: bool,
}

/// What reading a section takes beside its values.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) sources: &'a Sources,
    pub(crate) registered: &'a Registered,
    pub(crate) loader: &'a dyn Loader,
}

impl Reading<'_> {
    /// The DSN of a place.
    pub(crate) fn dsn(&self, field: &Field<'_>, role: Role) -> Option<Dsn> {
        let text: String = field.read()?;
        let report = |error: DsnError| {
            let wrong = Diagnostic::error(codes::BAD_DSN, field.span(), error.to_string());
            field.reader().report(wrong.fix(error.hint()));
        };
        self.registered.backends.read(role, &text).map_err(report).ok()
    }

    /// A name of the file that the program did not register.
    pub(crate) fn unresolved(&self, span: Span, message: String) -> Diagnostic {
        if self.registered.complete {
            Diagnostic::error(codes::UNRESOLVED, span, message)
        } else {
            Diagnostic::warning(codes::UNRESOLVED, span, message)
        }
    }

    /// An expression, when the field has one; its mistakes are reported where they stand.
    pub(crate) fn expression(&self, field: &Field<'_>, scope: &Scope) -> Option<Expression> {
        let text: String = field.read()?;
        Expression::compile(&text, scope).map_err(|mistakes| self.report(field, &text, mistakes)).ok()
    }

    /// An expression that must be there.
    pub(crate) fn required_expression(&self, field: &Field<'_>, scope: &Scope) -> Option<Expression> {
        let text: String = field.required()?;
        Expression::compile(&text, scope).map_err(|mistakes| self.report(field, &text, mistakes)).ok()
    }

    /// A text with expressions in it, which must be there.
    pub(crate) fn required_template(&self, field: &Field<'_>, scope: &Scope) -> Option<Template> {
        let text: String = field.required()?;
        Template::compile(&text, scope).map_err(|mistakes| self.report(field, &text, mistakes)).ok()
    }

    /// A JSON Schema: an object of the file, or JSON in a text, such as that of `@file.read`.
    pub(super) fn json_schema(&self, field: &Field<'_>) -> Option<Schema> {
        let node = field.node().filter(|_| field.is_present())?;
        let json = match &node.value {
            trunkline_config::Value::Text(text) => serde_json::from_str(text),
            other => serde_json::to_value(other),
        };
        let schema = json.map_err(|error| error.to_string()).and_then(|json| {
            let files = self.files_of(&json, field.span());
            Schema::compile_with(&json, files)
        });
        if let Ok(schema) = &schema {
            for remark in schema.remarks() {
                field.reader().report(Diagnostic::warning(codes::VAIN_SCHEMA, field.span(), remark));
            }
        }
        schema
            .map_err(|reason| {
                let message = format!("this is no JSON Schema: {reason}");
                field.reader().report(Diagnostic::error(codes::BAD_SCHEMA, field.span(), message));
            })
            .ok()
    }

    /// The files that a schema leads to: from its own file where `@file.read` names that right here, else from the one
    /// in which it stands.
    fn files_of(&self, schema: &serde_json::Value, span: Span) -> Files {
        let stands_in = self.sources.name(span.file);
        let read = self.sources.slice(span).trim().strip_prefix("@file.read(").and_then(|rest| {
            let path = rest.strip_suffix(')')?.trim();
            serde_json::from_str::<String>(path).ok()
        });
        let named = |file: &str| {
            let last = Path::new(file).file_name().and_then(OsStr::to_str).unwrap_or(file);
            self.loader.resolve(file, last)
        };
        let at = read.map_or_else(|| named(stands_in), |path| self.loader.resolve(stands_in, &path));
        // The first text is the application file itself, or a nameless one that joins it with its tests.
        let first = self.sources.names().find(|name| !name.is_empty()).unwrap_or(stands_in);
        let first = named(first);
        let folder = Path::new(&first).parent().unwrap_or(Path::new(""));
        Files::beside(schema, &at, folder, self.loader)
    }

    fn report(&self, field: &Field<'_>, text: &str, mistakes: Vec<Mistake>) {
        for mistake in mistakes {
            let span = self.within(field.span(), text, mistake.range);
            let wrong = |message| Diagnostic::error(code_of(mistake.kind), span, message);
            field.reader().report(match mistake.help {
                // In the message rather than as a fix: who prints the message alone sees it, and it is printed once.
                Some(help) if help.starts_with("did you mean") => {
                    wrong(format!("{}; {help}", mistake.message))
                }
                Some(help) => wrong(mistake.message).fix(help),
                None => wrong(mistake.message),
            });
        }
    }

    /// Reports the mistakes of an SQL text where they stand.
    pub(super) fn report_sql(&self, field: &Field<'_>, text: &str, problems: Vec<SqlProblem>) {
        for SqlProblem { range, what, fix } in problems {
            let span = self.within(field.span(), text, range);
            let wrong = |message| Diagnostic::error(codes::BAD_SQL, span, message);
            field.reader().report(match fix {
                Some(fix) if fix.starts_with("did you mean") => wrong(format!("{what}; {fix}")),
                Some(fix) => wrong(what).fix(fix),
                None => wrong(what),
            });
        }
    }

    /// A range of a text as a place in the file, where the text stands there letter for letter; else the
    /// whole value.
    pub(crate) fn within(&self, span: Span, text: &str, range: Range<usize>) -> Span {
        let written = self.sources.slice(span);
        match written.find(text) {
            Some(at) if range.end <= text.len() => {
                let start = span.start as usize + at;
                Span::new(span.file, start + range.start, start + range.end)
            }
            _ => span,
        }
    }
}

fn code_of(kind: MistakeKind) -> Code {
    match kind {
        MistakeKind::UnknownVariable | MistakeKind::UnknownField => codes::UNKNOWN_NAME,
        MistakeKind::UnknownFunction | MistakeKind::Arguments => codes::UNKNOWN_FUNCTION,
        _ => codes::NOT_AN_EXPRESSION,
    }
}

/// An event type, which must be there and be a name.
pub(super) fn event_type(field: &Field<'_>) -> Option<EventType> {
    let name: String = field.required()?;
    event_type_named(&name, field.span(), field)
}

/// An event type that is a key.
pub(super) fn event_type_named(name: &str, span: Span, field: &Field<'_>) -> Option<EventType> {
    let wrong =
        |error: trunkline_core::InvalidName| Diagnostic::error(codes::BAD_NAME, span, error.to_string());
    EventType::new(name).map_err(|error| field.reader().report(wrong(error))).ok()
}
