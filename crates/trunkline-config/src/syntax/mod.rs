//! Text to tree.
//!
//! A recursive-descent parser written by hand. It knows where things stand and how they nest; what a name or an
//! operator means is left to the evaluation. It never fails: it gives the tree it could build and every mistake.
//!
//! - `cursor`: white space, comments, names; what may be skipped and what comes next.
//! - `statement`: keys, sections, blocks and what closes them.
//! - `value`: the right side of a separator, arrays, and where unquoted text ends.
//! - `expression`: operators and operands.
//! - `quoted`, `number`: the scalars.
//!
//! **Text or expression.** An unquoted value is tried as an expression, quietly; when that comes to nothing it is
//! text. The attempt never leaves the line and text begins where the attempt began, so each byte is read a bounded
//! number of times. Once an attempt has seen something that text would not contain (an operator with parentheses, a
//! `"""`), it is committed: mistakes are then reported and nothing is read again.
//!
//! **Brackets that are never closed** would swallow the rest of the file. When the first pass meets one, the text is
//! parsed a second time in which a line that looks like a statement, no deeper than the line of the open bracket, ends
//! it. Files without that mistake are never judged by their indentation.

mod cursor;
mod expression;
mod number;
mod quoted;
mod statement;
mod tree;
mod value;

pub use tree::{BinaryOp, Call, Expr, ExprKind, Name, Operation, Piece, Statement, Tree, UnaryOp};

use crate::codes;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::limits::NESTING_MAX;
use crate::source::{FileId, Span};

pub(crate) use cursor::is_key;

/// Parses a text that was added to the sources as `file`.
///
/// ```
/// use trunkline_config::{Sources, syntax};
///
/// let mut sources = Sources::new();
/// let file = sources.add("bad.tsk", "a: 1\nlist: [1, 2,\nb: 3\n");
/// let (tree, diagnostics) = syntax::parse(file, sources.text(file));
/// assert_eq!(diagnostics[0].line(&sources), "line 2 col 7: '[' is never closed");
/// assert_eq!(tree.statements.len(), 3);
/// ```
pub fn parse(file: FileId, text: &str) -> (Tree, Vec<Diagnostic>) {
    let mut parser = Parser::new(file, text, false);
    let mut tree = parser.file();
    if parser.bracket_never_closed {
        parser = Parser::new(file, text, true);
        tree = parser.file();
    }
    (tree, parser.diagnostics.into_vec())
}

/// Where a value stands, which decides where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At top level, in a section, or in a `>` block over lines: up to the end of the line.
    Line,
    /// In a `{` block over lines: up to the end of the line, with commas allowed between items.
    Lines,
    /// In a `{…}` on one line.
    Inline,
    /// In a `> … <` on one line.
    AngleInline,
    /// In `[…]`.
    Array,
    /// In the parentheses of an operator.
    Arguments,
}

impl Place {
    /// Whether values may be separated by commas here.
    fn has_commas(self) -> bool {
        self != Self::Line
    }
}

/// A bracket or block that is open.
#[derive(Debug)]
struct Open {
    /// `[`, `(`, `{` or `>`.
    sign: u8,
    at: usize,
    /// The key, when it is a block.
    name: Option<String>,
    /// White space before the first character of its line, once it was asked for.
    indent: Option<usize>,
}

/// How the expression that is being read is judged.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    /// A mistake means that this is text.
    quiet: bool,
    /// It holds bare words.
    names: bool,
}

struct Parser<'s> {
    file: FileId,
    text: &'s str,
    bytes: &'s [u8],
    at: usize,
    diagnostics: Diagnostics,
    attempt: Attempt,
    depth: usize,
    opens: Vec<Open>,
    /// The key before a value, for the block that may follow.
    naming: Option<String>,
    /// Second pass: lines that look like statements end open brackets.
    recovering: bool,
    bracket_never_closed: bool,
    /// A section header was met inside a block: every open block ends here.
    unwinding: bool,
    /// Closers that belong to blocks which a section header ended.
    forgiven: usize,
    scans: cursor::Scans,
}

impl<'s> Parser<'s> {
    fn new(file: FileId, text: &'s str, recovering: bool) -> Self {
        Self {
            file,
            text,
            bytes: text.as_bytes(),
            at: 0,
            diagnostics: Diagnostics::default(),
            attempt: Attempt { quiet: false, names: false },
            depth: 0,
            opens: Vec::new(),
            naming: None,
            recovering,
            bracket_never_closed: false,
            unwinding: false,
            forgiven: 0,
            scans: cursor::Scans::default(),
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    fn expr(&self, kind: ExprKind, start: usize) -> Expr {
        Expr { kind, span: self.span(start, self.at) }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn error(&self, code: Code, start: usize, end: usize, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, self.span(start, end), message)
    }

    /// Goes one level deeper, or reports that it is too deep.
    fn enter(&mut self) -> bool {
        if self.depth < NESTING_MAX {
            self.depth += 1;
            return true;
        }
        if !self.attempt.quiet {
            let end = self.char_end(self.at);
            let message = format!("nested more than {NESTING_MAX} levels deep");
            self.report(self.error(codes::TOO_DEEP, self.at, end, message));
        }
        false
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Steps over an opening sign and remembers it.
    fn open(&mut self, name: Option<String>) {
        self.opens.push(Open { sign: self.bytes[self.at], at: self.at, name, indent: None });
        self.at += 1;
    }

    fn never_closed(&mut self) {
        let Some(open) = self.opens.last() else { return };
        let sign = char::from(open.sign);
        let mut diagnostic = self
            .error(codes::NEVER_CLOSED, open.at, open.at + 1, format!("'{sign}' is never closed"))
            .here("opened here")
            .fix(format!("add the closing '{}'", char::from(closer_of(open.sign))));
        if open.sign == b'{' {
            diagnostic = diagnostic.note(
                "unquoted text in a block over several lines runs to the end of its line, closers included",
            );
        }
        self.bracket_never_closed |= matches!(open.sign, b'[' | b'(');
        self.report(diagnostic);
    }

    /// Whether an open bracket around the innermost one is closed by `closer`.
    fn closes_an_outer(&self, closer: u8) -> bool {
        self.opens.iter().rev().skip(1).any(|open| closer_of(open.sign) == closer)
    }
}

fn closer_of(sign: u8) -> u8 {
    match sign {
        b'[' => b']',
        b'(' => b')',
        b'{' => b'}',
        _ => b'<',
    }
}

fn opener_of(closer: u8) -> u8 {
    match closer {
        b']' => b'[',
        b')' => b'(',
        b'}' => b'{',
        _ => b'>',
    }
}
