//! Output: data goes to standard output, talk to standard error.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};

use clap::ValueEnum;
use serde::Serialize;
use trunkline_ops::import::{ImportError, ImportProblem};
use trunkline_ops::{OpsError, Verdict};

use crate::echo;
use crate::failure::Failure;
use crate::named::Named;
use crate::render::{Mistakes, style_for};

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: columns and sentences.
    #[default]
    Human,
    /// For programs: one object, or one object per line where there are many.
    Json,
}

/// What a command found out or did, in a form that can be printed.
pub(crate) trait Report: Serialize {
    /// Prints it for people.
    fn human(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// Where a command prints to.
pub(crate) struct Output<'a> {
    pub(crate) format: Format,
    quiet: bool,
    data: &'a mut dyn Write,
    talk: &'a mut dyn Write,
    named: Named,
}

impl<'a> Output<'a> {
    pub(crate) fn new(format: Format, quiet: bool, data: &'a mut dyn Write, talk: &'a mut dyn Write) -> Self {
        Self { format, quiet, data, talk, named: Named::default() }
    }

    /// Has remedies name what the command line names.
    pub(crate) fn remedies_name(&mut self, named: Named) {
        self.named = named;
    }

    /// Prints a report as data.
    pub(crate) fn report(&mut self, report: &impl Report) -> Result<(), Failure> {
        match self.format {
            Format::Human => report.human(self.data),
            Format::Json => write_json(self.data, report),
        }
        .map_err(Failure::Output)
    }

    /// Prints a list as data: for programs an object a line, as all lists are.
    pub(crate) fn list<T: Serialize>(&mut self, report: &impl Report, items: &[T]) -> Result<(), Failure> {
        match self.format {
            Format::Human => report.human(self.data),
            Format::Json => items.iter().try_for_each(|item| write_json(self.data, item)),
        }
        .map_err(Failure::Output)
    }

    /// Where data is printed to, for what is printed piece by piece.
    pub(crate) fn data(&mut self) -> &mut dyn Write {
        self.data
    }

    /// Hands on what was printed so far.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.data.flush().map_err(Failure::Output)
    }

    /// Says something that is not data, unless the user wants quiet.
    pub(crate) fn say(&mut self, words: impl fmt::Display) {
        if !self.quiet {
            self.warn(words);
        }
    }

    /// Says something that is not data, but matters however quiet it should be.
    pub(crate) fn warn(&mut self, words: impl fmt::Display) {
        // What was printed before comes first. When that fails, the end of the command says so.
        let _ = self.data.flush();
        // A standard error that can't be written to is no reason to fail.
        let _ = writeln!(self.talk, "{words}");
    }

    /// Whether a progress bar would be welcome.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Says why the command failed, unless all of that was printed as data.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        match (self.format, failure) {
            (
                _,
                Failure::Ops(OpsError::Verdict(
                    Verdict::Mistaken { .. } | Verdict::Rejected | Verdict::Scenarios { .. },
                )),
            ) => {}
            (Format::Human, Failure::Ops(OpsError::Mistakes { evaluated, .. })) => {
                self.warn(Mistakes::of(evaluated, style_for(&io::stderr())));
            }
            (Format::Human, failure) => {
                let is_coloured = style_for(&io::stderr()).colour;
                let error = if is_coloured { "\u{1b}[31merror:\u{1b}[0m" } else { "error:" };
                let message = self.named.put_into(failure.message());
                self.warn(format_args!("{error} {}", echo::cut(message)));
                for hint in failure.hints() {
                    let hint = self.named.put_into(hint);
                    self.warn(format_args!("hint: {}", echo::cut(hint)));
                }
            }
            (Format::Json, failure) => {
                let error = serde_json::json!({ "error": ErrorBody::of(failure, &self.named) });
                self.warn(error);
            }
        }
    }
}

/// Prints a value as JSON on a line of its own.
pub(crate) fn write_json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// A failure as JSON.
#[derive(Serialize)]
struct ErrorBody {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// The code that `trunkline explain` explains.
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<&'static str>,
    #[serde(flatten)]
    details: serde_json::Map<String, serde_json::Value>,
}

impl ErrorBody {
    fn of(failure: &Failure, named: &Named) -> Self {
        let hint = named.put_into(failure.hints().join("; "));
        Self {
            code: failure.exit().name(),
            message: echo::cut(named.put_into(failure.message())),
            hint: Some(echo::cut(hint)).filter(|hint| !hint.is_empty()),
            explain: failure.code(),
            details: details(failure),
        }
    }
}

/// The facts that a program acts on.
fn details(failure: &Failure) -> serde_json::Map<String, serde_json::Value> {
    use trunkline_store::AppendError;

    let mut details = serde_json::Map::new();
    match failure {
        Failure::Ops(OpsError::Append(AppendError::Conflict { stream, found, .. })) => {
            details.insert("stream".to_owned(), stream.as_str().into());
            details.insert("found".to_owned(), found.get().into());
        }
        Failure::Ops(OpsError::Import(error)) => {
            let ImportError { problem, so_far } = &**error;
            details.insert("new".to_owned(), so_far.report.new.into());
            details.insert("already_there".to_owned(), so_far.report.already_there.into());
            details.insert("from_line".to_owned(), so_far.from_line.into());
            if let ImportProblem::Line { line, .. } = problem {
                details.insert("line".to_owned(), (*line).into());
            }
        }
        Failure::Ops(OpsError::Mistakes { evaluated, .. }) => {
            details.insert("mistakes".to_owned(), Mistakes::listed_of(evaluated));
        }
        _ => {}
    }
    details
}
