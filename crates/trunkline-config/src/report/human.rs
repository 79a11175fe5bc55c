//! For people: each mistake with the lines it stands on, drawn by `miette`.

use std::collections::HashMap;
use std::fmt;

use miette::{
    Diagnostic as Drawn, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};

use crate::diagnostic::{Diagnostic, Severity};
use crate::limits::DRAWN_MAX;
use crate::mask::starred;
use crate::source::{FileId, Sources, Span};

/// Bytes of a line that are drawn on each side of what is marked; a file that is one long line stays readable.
const LINE_BYTES_MAX: usize = 500;

/// How reports look. Every word is there without colour too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to use colours.
    pub colour: bool,
    /// Columns of the screen.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { colour: false, width: 100 }
    }
}

/// Draws diagnostics one below the other, and says at the end how many there are. Nothing for none.
pub fn draw(diagnostics: &[Diagnostic], sources: &Sources, style: Style) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let theme = if style.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(style.width).with_context_lines(1);
    let mut out = String::new();
    let mut texts = HashMap::new();
    for diagnostic in diagnostics.iter().take(DRAWN_MAX) {
        let file = diagnostic.span().file;
        texts.entry(file).or_insert_with(|| starred(sources.text(file)));
    }
    for diagnostic in diagnostics.iter().take(DRAWN_MAX) {
        let report = Report::new(diagnostic, sources, &texts[&diagnostic.span().file]);
        if handler.render_report(&mut out, &report).is_err() {
            // The line says as much as the drawing would.
            out.push_str(&report.heading);
        }
        out.push('\n');
    }
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let warnings = diagnostics.len() - errors;
    if diagnostics.len() > DRAWN_MAX {
        let more = diagnostics.len() - DRAWN_MAX;
        out.push_str(&[&count(more, "more mistake"), " not shown; `--format json` lists all\n"].concat());
    }
    out + &count(errors, "error") + ", " + &count(warnings, "warning") + "\n"
}

fn count(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A diagnostic as `miette` wants it.
#[derive(Debug)]
struct Report<'a> {
    diagnostic: &'a Diagnostic,
    heading: String,
    help: Option<String>,
    excerpt: Excerpt<'a>,
}

impl<'a> Report<'a> {
    fn new(diagnostic: &'a Diagnostic, sources: &'a Sources, text: &'a str) -> Self {
        let file = diagnostic.span().file;
        // Only one text can be drawn; places in another are described in words.
        let elsewhere = diagnostic.labels.iter().filter(|label| label.span.file != file).map(|label| {
            let location = sources.locate(label.span);
            let name = sources.name(label.span.file);
            format!("{name} line {} col {}: {}", location.line, location.column, label.text)
        });
        let notes = diagnostic.note.iter().cloned().chain(elsewhere).map(|note| format!("note: {note}"));
        let help: Vec<String> = diagnostic.fix.iter().cloned().chain(notes).collect();
        Self {
            diagnostic,
            heading: diagnostic.line(sources),
            help: (!help.is_empty()).then(|| sources.hidden.masked(&help.join("\n")).into_owned()),
            excerpt: Excerpt { sources, file, text },
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.heading)
    }
}

impl std::error::Error for Report<'_> {}

impl Drawn for Report<'_> {
    fn code(&self) -> Option<Box<dyn fmt::Display + '_>> {
        Some(Box::new(format!("{} {}", self.diagnostic.severity.as_str(), self.diagnostic.code.as_str())))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let here = self.diagnostic.labels.iter().filter(|label| label.span.file == self.excerpt.file);
        Some(Box::new(here.enumerate().map(|(index, label)| {
            let text = match label.text.as_str() {
                "" if index == 0 => "here",
                text => text,
            };
            let span = SourceSpan::from(range_of(label.span));
            if index == 0 {
                LabeledSpan::new_primary_with_span(Some(text.to_owned()), span)
            } else {
                LabeledSpan::new_with_span(Some(text.to_owned()), span)
            }
        })))
    }
}

fn range_of(span: Span) -> std::ops::Range<usize> {
    span.start as usize..span.end as usize
}

/// The last beginning of a character at or before `at`.
fn char_boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// The lines around a span, found by the index of lines rather than by reading the text from its beginning.
#[derive(Debug)]
struct Excerpt<'a> {
    sources: &'a Sources,
    file: FileId,
    /// The file's text as it may be shown, in which all places are the same.
    text: &'a str,
}

impl SourceCode for Excerpt<'_> {
    fn read_span<'b>(
        &'b self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'b> + 'b>, MietteError> {
        let text = self.text;
        let (from, to) = (span.offset(), span.offset() + span.len());
        if to > text.len() {
            return Err(MietteError::OutOfBounds);
        }
        let location = self.sources.locate(Span::new(self.file, from, to));
        let first_line = location.line.saturating_sub(lines_before).max(1);
        // Without lines before it, the excerpt begins with the span: that is how its column is asked for.
        let mut start = if lines_before == 0 { from } else { self.sources.line_start(self.file, first_line) };
        let mut end = self.sources.line_start(self.file, location.end_line + lines_after + 1);
        if from - start > LINE_BYTES_MAX {
            start = char_boundary(text, from - LINE_BYTES_MAX);
        }
        if end - to > LINE_BYTES_MAX {
            end = char_boundary(text, to + LINE_BYTES_MAX);
        }
        let at = self.sources.locate(Span::new(self.file, start, start));
        Ok(Box::new(MietteSpanContents::new_named(
            self.sources.name(self.file).to_owned(),
            &text.as_bytes()[start..end],
            SourceSpan::from(start..end),
            at.line - 1,
            at.column - 1,
            text[start..end].bytes().filter(|&byte| byte == b'\n').count(),
        )))
    }
}
