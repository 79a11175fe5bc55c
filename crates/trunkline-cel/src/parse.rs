//! The library's parser, and its complaints in our words.

use crate::limits::NESTING_MAX;
use crate::mistake::{Mistake, MistakeKind};
use crate::tokens::{TokenKind, Tokens};
use cel::common::ast::{IdedExpr, SourceInfo};
use cel::{Env, ParseError};
use std::ops::Range;
use std::sync::LazyLock;

/// Without macros: they are looked at here like functions, so that what is wrong with one can be said.
static GRAMMAR: LazyLock<Env> = LazyLock::new(|| Env::default().with_optional_support(false));

pub(crate) fn parse(tokens: &Tokens<'_>) -> Result<(IdedExpr, SourceInfo), Vec<Mistake>> {
    // The tokens nest no deeper than our limit, so that the parser never meets its own, which it cannot tell of.
    let parser = GRAMMAR.parser().max_recursion_depth(2 * NESTING_MAX as u16);
    parser.parse_with_source_info(tokens.source).map_err(|errors| {
        let mut mistakes: Vec<Mistake> =
            errors.errors.iter().filter_map(|error| mistake(tokens, error)).collect();
        // Where the grammar is left, the errors after the first follow from it.
        let first = mistakes.iter().position(|mistake| mistake.kind == MistakeKind::Syntax);
        let mut index = 0;
        mistakes.retain(|mistake| {
            index += 1;
            mistake.kind != MistakeKind::Syntax || Some(index - 1) == first
        });
        if mistakes.is_empty() {
            let all = 0..tokens.source.len();
            mistakes.push(Mistake::new(MistakeKind::Syntax, all, "this is not an expression"));
        }
        mistakes
    })
}

/// One of the parser's errors; none if it only says that another one left a hole.
fn mistake(tokens: &Tokens<'_>, error: &ParseError) -> Option<Mistake> {
    let (index, range) = place(tokens, error.pos);
    let word = tokens.text(index);
    let message = error.msg.as_str();
    let help = match word {
        "and" => Some("write `&&`"),
        "or" => Some("write `||`"),
        _ if index.checked_sub(1).is_some_and(|before| tokens.text(before) == "not") => Some("write `!`"),
        _ => None,
    };
    let mistake = if let Some(syntax) = message.strip_prefix("Syntax error: ") {
        let (_, expected) = syntax.split_once("expecting ").unwrap_or(("", ""));
        let value_wanted = expected.contains("IDENTIFIER") || syntax.starts_with("no viable");
        let wanted = if let Some(missing) = syntax.strip_prefix("missing ") {
            missing.split(" at ").next().map(|sign| sign.replace('\'', "`"))
        } else if value_wanted && expected != "IDENTIFIER" {
            Some("a value".to_owned())
        } else if expected == "IDENTIFIER" {
            Some("a name".to_owned())
        } else if matches!(tokens.all.get(index).map(|token| token.kind), None | Some(TokenKind::Close)) {
            expected.contains("':'").then(|| "`:`".to_owned())
        } else {
            Some("an operator".to_owned())
        };
        let text = match (wanted, word) {
            (Some(wanted), "") => format!("{wanted} is missing at the end"),
            (None, "") => "something is missing at the end".to_owned(),
            (Some(wanted), word) => format!("{wanted} is missing before `{word}`"),
            (None, word) => format!("`{word}` is not expected here"),
        };
        Mistake::new(MistakeKind::Syntax, range, text)
    } else if message.starts_with("reserved identifier") {
        let text = format!("`{word}` is a reserved word");
        let help = "a field of this name is written in brackets: `command['NAME']`".replace("NAME", word);
        Mistake::new(MistakeKind::Syntax, range, text).help(help)
    } else if message.starts_with("invalid int literal") || message.starts_with("invalid uint literal") {
        Mistake::new(MistakeKind::Constant, range, format!("the integer {word} does not fit 64 bits"))
    } else if message.starts_with("invalid double literal") {
        Mistake::new(MistakeKind::Constant, range, format!("the number {word} is too large"))
    } else if message.starts_with("unsupported syntax") {
        Mistake::new(MistakeKind::Unsupported, range, "there is no `?` for fields that may be missing")
            .help("write `default(value, otherwise)` or `has(value)`")
    } else if message.starts_with("invalid string literal") || message.starts_with("invalid bytes literal") {
        Mistake::new(MistakeKind::Syntax, range, "the text has an escape that is none")
    } else {
        return None;
    };
    Some(mistake.help_maybe(help.map(str::to_owned)))
}

/// How many come before a place that is counted from 1.
fn before(place: isize) -> usize {
    usize::try_from(place - 1).unwrap_or(0)
}

/// The token at a line and column, both counted from 1, in letters.
fn place(tokens: &Tokens<'_>, (line, column): (isize, isize)) -> (usize, Range<usize>) {
    let end = tokens.source.len();
    let lines = tokens.source.split_inclusive('\n');
    let passed: usize = lines.clone().take(before(line)).map(str::len).sum();
    let letters = tokens.source.get(passed..).unwrap_or_default().chars().take(before(column));
    let byte = passed + letters.map(char::len_utf8).sum::<usize>();
    let index = tokens.index_at(byte);
    match tokens.all.get(index) {
        Some(token) => (index, token.start..token.end),
        None => (index, end..end),
    }
}
