//! A text cut into words, numbers, texts and signs.

use crate::limits::{MISTAKES_MAX, SOURCE_BYTES_MAX, TOKENS_MAX};
use crate::mistake::{Mistake, MistakeKind};
use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name or a word such as `true`.
    Word,
    /// Digits, with every letter that follows them: which of them are a number, the literals know.
    Number,
    /// Text or bytes in quotes.
    Quoted,
    /// A field's name in backticks.
    Field,
    Sign,
    /// Stands once, behind all others.
    End,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind,
    pub(super) text: &'a str,
    pub(super) start: usize,
}

impl Token<'_> {
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }
}

/// Signs of more than one letter; the others are one.
const LONG_SIGNS: [&str; 6] = ["==", "!=", "<=", ">=", "&&", "||"];

/// Cuts the text, or says which parts of it are no token.
pub(super) fn cut(source: &str) -> Result<Vec<Token<'_>>, Vec<Mistake>> {
    if source.len() > SOURCE_BYTES_MAX {
        let message =
            format!("an expression has at most {SOURCE_BYTES_MAX} bytes, and this one {}", source.len());
        return Err(vec![Mistake::new(MistakeKind::Limit, 0..source.len(), message)]);
    }
    let mut cutter = Cutter { source, at: 0, tokens: Vec::new(), mistakes: Vec::new() };
    cutter.run();
    let Cutter { tokens, mut mistakes, .. } = cutter;
    if mistakes.is_empty() && tokens.len() == 1 {
        let mistake = Mistake::new(MistakeKind::Syntax, 0..source.len(), "the expression is empty");
        mistakes.push(mistake.help("write a value, such as `true`"));
    }
    if mistakes.is_empty() && tokens.len() > TOKENS_MAX + 1 {
        let message = format!(
            "an expression has at most {TOKENS_MAX} names and signs, and this one {}",
            tokens.len() - 1
        );
        mistakes.push(Mistake::new(MistakeKind::Limit, 0..source.len(), message));
    }
    if mistakes.is_empty() { Ok(tokens) } else { Err(mistakes) }
}

struct Cutter<'a> {
    source: &'a str,
    at: usize,
    tokens: Vec<Token<'a>>,
    mistakes: Vec<Mistake>,
}

impl<'a> Cutter<'a> {
    fn run(&mut self) {
        while let Some(char) = self.rest().chars().next() {
            match char {
                ' ' | '\t' | '\r' | '\n' | '\u{c}' => self.at += 1,
                '/' if self.rest().starts_with("//") => {
                    self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                }
                'a'..='z' | 'A'..='Z' | '_' => self.word(),
                '0'..='9' => self.number(),
                '.' if self.rest()[1..].starts_with(|next: char| next.is_ascii_digit()) => self.number(),
                '"' | '\'' => self.quoted(0),
                '`' => self.backticks(),
                _ => self.sign(char),
            }
        }
        self.push(TokenKind::End, 0);
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn push(&mut self, kind: TokenKind, length: usize) {
        self.tokens.push(Token { kind, text: &self.rest()[..length], start: self.at });
        self.at += length;
    }

    /// Passes over so many bytes, which are wrong.
    fn wrong(&mut self, length: usize, message: impl Into<String>, help: Option<&str>) {
        if self.mistakes.len() < MISTAKES_MAX {
            let mistake = Mistake::new(MistakeKind::Syntax, self.at..self.at + length, message);
            self.mistakes.push(mistake.help_maybe(help.map(str::to_owned)));
        }
        self.at += length;
    }

    fn word(&mut self) {
        let rest = self.rest();
        let length = letters(rest);
        let prefix = ["r", "b", "br"].iter().any(|prefix| rest[..length].eq_ignore_ascii_case(prefix));
        if prefix && rest[length..].starts_with(['"', '\'']) {
            self.quoted(length);
        } else {
            self.push(TokenKind::Word, length);
        }
    }

    fn number(&mut self) {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let digits =
            |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut end = digits(0);
        if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
            end = digits(end + 1);
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            end = digits(end + 1 + sign).max(end);
        }
        self.push(TokenKind::Number, end + letters(&rest[end..]));
    }

    /// Text in quotes, after a prefix of so many letters.
    fn quoted(&mut self, prefix: usize) {
        let rest = self.rest();
        let raw = rest[..prefix].contains(['r', 'R']);
        let quote = &rest[prefix..=prefix];
        let triple = quote.repeat(3);
        let long = rest[prefix..].starts_with(&triple);
        let mark = if long { triple.as_str() } else { quote };
        let (bytes, from) = (rest.as_bytes(), prefix + mark.len());
        let mut at = from;
        while at < bytes.len() && (long || !matches!(bytes[at], b'\n' | b'\r')) {
            if bytes[at..].starts_with(mark.as_bytes()) {
                return self.push(TokenKind::Quoted, at + mark.len());
            }
            at += if bytes[at] == b'\\' && !raw { 2 } else { 1 };
        }
        self.wrong(from, format!("the text that begins with {mark} is not closed"), None);
        // What follows is not known to be inside or outside of the text.
        self.at = self.source.len();
    }

    /// Behind a point, a field whose name is no plain one.
    fn backticks(&mut self) {
        let rest = &self.rest()[1..];
        let length = rest.find('`').map_or(1, |at| at + 2);
        let name = rest.get(..length.saturating_sub(2)).unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-/ ".contains(&byte);
        let help = "write any other field in brackets: `event.data['unit price (€)']`";
        if length > 2 && name.bytes().all(plain) {
            self.push(TokenKind::Field, length);
        } else {
            let message = "a name in backticks is made of letters, digits, `_`, `.`, `-`, `/` and spaces";
            self.wrong(length, message, Some(help));
        }
    }

    fn sign(&mut self, char: char) {
        if let Some(sign) = LONG_SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
            return self.push(TokenKind::Sign, sign.len());
        }
        if "+-*/%!<>?:.,()[]{}".contains(char) {
            return self.push(TokenKind::Sign, 1);
        }
        let help = match char {
            '=' => Some("write `==` to compare"),
            '&' => Some("write `&&`"),
            '|' => Some("write `||`"),
            _ => None,
        };
        let message = format!("`{}` means nothing in an expression", char.escape_debug());
        self.wrong(char.len_utf8(), message, help);
    }
}

/// Bytes of the letters, digits and underscores at the beginning.
fn letters(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}
