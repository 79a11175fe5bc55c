//! Text with expressions in it.

use crate::error::{EvaluateError, Failure};
use crate::evaluate::{Run, made};
use crate::expression::Program;
use crate::limits::{MISTAKES_MAX, VALUE_BYTES_MAX};
use crate::lower;
use crate::mistake::{Mistake, MistakeKind};
use crate::scope::Scope;
use crate::variables::Variables;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A text in which `{…}` holds an expression; `{{` and `}}` are braces.
///
/// A text is put in as it is, a number as `string` would write it, and everything else as JSON.
///
/// ```
/// use trunkline_cel::{Scope, Template, Value, Variables};
///
/// let template = Template::compile("order is {state.status} {{{1 + 1}}}", &Scope::new(["state"])).unwrap();
/// let state = Value::from_json(r#"{"status":"pending"}"#).unwrap();
/// let variables = Variables::new().with("state", state);
/// assert_eq!(template.evaluate(&variables).unwrap(), "order is pending {2}");
/// ```
#[derive(Clone)]
pub struct Template {
    pieces: Arc<Pieces>,
}

struct Pieces {
    source: String,
    all: Vec<Piece>,
}

enum Piece {
    Text(String),
    /// With the byte at which its text begins in the template's.
    Expression(Box<Program>, usize),
}

impl Template {
    /// Compiles a text with expressions, or gives the mistakes in all of them; their ranges are in the whole text.
    pub fn compile(source: &str, scope: &Scope) -> Result<Template, Vec<Mistake>> {
        let mut all = Vec::new();
        let mut mistakes = Vec::new();
        let mut text = String::new();
        let mut at = 0;
        while let Some(char) = source[at..].chars().next() {
            let rest = &source[at..];
            match char {
                '{' if rest.starts_with("{{") => {
                    text.push('{');
                    at += 2;
                }
                '}' if rest.starts_with("}}") => {
                    text.push('}');
                    at += 2;
                }
                '}' => {
                    let mistake = Mistake::new(MistakeKind::Syntax, at..at + 1, "`}` closes nothing");
                    mistakes.push(mistake.help("a brace is written `}}`"));
                    at += 1;
                }
                '{' => {
                    let Some(length) = expression_length(&rest[1..]) else {
                        let mistake = Mistake::new(MistakeKind::Syntax, at..at + 1, "`{` is never closed");
                        mistakes.push(mistake.help("a brace is written `{{`"));
                        break;
                    };
                    if !text.is_empty() {
                        all.push(Piece::Text(std::mem::take(&mut text)));
                    }
                    let from = at + 1;
                    match lower::compile(&source[from..from + length], scope) {
                        Ok(program) => all.push(Piece::Expression(Box::new(program), from)),
                        Err(found) => mistakes.extend(found.into_iter().map(|mut mistake| {
                            mistake.range = mistake.range.start + from..mistake.range.end + from;
                            mistake
                        })),
                    }
                    at = from + length + 1;
                }
                _ => {
                    text.push(char);
                    at += char.len_utf8();
                }
            }
        }
        if !text.is_empty() {
            all.push(Piece::Text(text));
        }
        mistakes.truncate(MISTAKES_MAX);
        if mistakes.is_empty() {
            Ok(Template { pieces: Arc::new(Pieces { source: source.to_owned(), all }) })
        } else {
            Err(mistakes)
        }
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.pieces.source
    }

    /// Whether one of its expressions may read a variable, or a field of one.
    pub fn reads(&self, path: &str) -> bool {
        self.pieces.all.iter().any(|piece| match piece {
            Piece::Text(_) => false,
            Piece::Expression(program, _) => program.reads(path),
        })
    }

    /// The fields of a variable that its expressions may read, each once.
    pub fn fields_of(&self, variable: &str) -> BTreeSet<&str> {
        let programs = self.pieces.all.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Expression(program, _) => Some(program),
        });
        programs.flat_map(|program| program.fields_of(variable)).collect()
    }

    /// The text with these variables.
    pub fn evaluate(&self, variables: &Variables) -> Result<String, EvaluateError> {
        let mut out = String::new();
        for piece in &self.pieces.all {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Expression(program, from) => {
                    let shifted = |failure: Failure| {
                        let mut error = failure.into_error();
                        error.range = error.range.start + from..error.range.end + from;
                        error
                    };
                    let mut run = Run::new(variables, &program.source);
                    let value = run.evaluate(&program.root).map_err(shifted)?;
                    if out.len() as u64 + value.json_bytes() > VALUE_BYTES_MAX {
                        let refused = made(&program.root, Err(crate::value::TooLarge::Long));
                        refused.map_err(shifted)?;
                    }
                    out.push_str(&value.to_text());
                }
            }
        }
        Ok(out)
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Template").field(&self.pieces.source).finish()
    }
}

/// Bytes up to the brace that closes the expression; braces in it and in its texts do not.
fn expression_length(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let (mut at, mut open) = (0, 0_usize);
    while at < bytes.len() {
        match bytes[at] {
            b'{' => open += 1,
            b'}' if open == 0 => return Some(at),
            b'}' => open -= 1,
            quote @ (b'"' | b'\'') => {
                let raw = at > 0 && matches!(bytes[at - 1], b'r' | b'R');
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' && !raw { 2 } else { 1 };
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}
