//! A mistake as data: what, how bad, where, and what to do. Drawing it is another module's work.

use crate::limits::DIAGNOSTICS_MAX;
use crate::source::{Sources, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The file means something, though perhaps not what its author thinks.
    Warning,
    /// The file cannot be used.
    Error,
}

impl Severity {
    /// `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The name of a kind of mistake, such as `TL1002`. Each has a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

impl Code {
    /// A code by its name; crates that add codes of their own add pages for them too.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

/// A place and what to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// A few words; empty when the message says it all.
    pub text: String,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// One short sentence, lowercase, without a full stop.
    pub message: String,
    /// The place of the mistake, first; then the places it has to do with.
    pub labels: Vec<Label>,
    /// Something worth knowing that is not what to do.
    pub note: Option<String>,
    /// What to do.
    pub fix: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, span, message)
    }

    /// A warning at a place.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, span, message)
    }

    fn new(code: Code, severity: Severity, span: Span, message: impl Into<String>) -> Self {
        let labels = vec![Label { span, text: String::new() }];
        Self { code, severity, message: message.into(), labels, note: None, fix: None }
    }

    /// Says a few words at the place of the mistake.
    #[must_use]
    pub fn here(mut self, text: impl Into<String>) -> Self {
        self.labels[0].text = text.into();
        self
    }

    /// Points at another place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds something worth knowing.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.note = Some(text.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn fix(mut self, text: impl Into<String>) -> Self {
        self.fix = Some(text.into());
        self
    }

    /// Proposes the nearest right name, when there is one.
    #[must_use]
    pub fn did_you_mean(mut self, name: Option<&str>) -> Self {
        if let Some(name) = name {
            self.message = format!("{}; did you mean \"{name}\"?", self.message);
            self.fix = Some(format!("write \"{name}\""));
        }
        self
    }

    /// The place of the mistake.
    pub fn span(&self) -> Span {
        self.labels[0].span
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The mistake in a line: `line 2 col 7: '[' is never closed`.
    pub fn line(&self, sources: &Sources) -> String {
        let location = sources.locate(self.span());
        format!("line {} col {}: {}", location.line, location.column, sources.hidden.masked(&self.message))
    }
}

/// Diagnostics as they are found, bounded by [`DIAGNOSTICS_MAX`].
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    found: Vec<Diagnostic>,
    overflowed: bool,
}

impl Diagnostics {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        if self.found.len() < DIAGNOSTICS_MAX {
            self.found.push(diagnostic);
        } else if !self.overflowed {
            self.overflowed = true;
            let message = format!("more than {DIAGNOSTICS_MAX} mistakes; the rest are not listed");
            self.found.push(Diagnostic::error(crate::codes::TOO_MANY, diagnostic.span(), message));
        }
    }

    pub(crate) fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        for diagnostic in diagnostics {
            self.push(diagnostic);
        }
    }

    /// A mark to return to with [`rewind`](Self::rewind), for an attempt that may come to nothing.
    pub(crate) fn mark(&self) -> Mark {
        Mark { found: self.found.len(), overflowed: self.overflowed }
    }

    /// Forgets what was found since the mark.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.found.truncate(mark.found);
        self.overflowed = mark.overflowed;
    }

    pub(crate) fn into_vec(self) -> Vec<Diagnostic> {
        self.found
    }
}

/// See [`Diagnostics::mark`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    found: usize,
    overflowed: bool,
}
