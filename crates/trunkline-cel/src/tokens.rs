//! An expression's text cut into tokens: to know where each part begins and ends, and to say in our words what is
//! wrong with the text before the parser does in its own.
//!
//! The parser gives each node one place, mostly its operator's; with the tokens around it, that is a range.

use crate::limits::{NESTING_MAX, SOURCE_BYTES_MAX, TOKENS_MAX};
use crate::mistake::{Mistake, MistakeKind};
use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A name or a word such as `true`.
    Word,
    Number,
    /// Text or bytes in quotes.
    Quoted,
    Open,
    Close,
    Sign,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Of a bracket: the index of the one that belongs to it.
    pub(crate) partner: usize,
}

pub(crate) struct Tokens<'a> {
    pub(crate) source: &'a str,
    pub(crate) all: Vec<Token>,
}

/// Signs of more than one letter; the others are one.
const LONG_SIGNS: [&str; 6] = ["==", "!=", "<=", ">=", "&&", "||"];

impl<'a> Tokens<'a> {
    /// Cuts the text, which has the tokens it should, brackets that match and no limit exceeded.
    pub(crate) fn cut(source: &'a str) -> Result<Tokens<'a>, Vec<Mistake>> {
        if source.len() > SOURCE_BYTES_MAX {
            let message =
                format!("an expression has at most {SOURCE_BYTES_MAX} bytes, and this one {}", source.len());
            return Err(vec![Mistake::new(MistakeKind::Limit, 0..source.len(), message)]);
        }
        let mut cutter = Cutter {
            source,
            at: 0,
            all: Vec::new(),
            open: Vec::new(),
            mistakes: Vec::new(),
            choices: 0,
            nesting: 0,
        };
        cutter.run();
        let Cutter { all, mut mistakes, .. } = cutter;
        if mistakes.is_empty() && all.is_empty() {
            mistakes.push(
                Mistake::new(MistakeKind::Syntax, 0..source.len(), "the expression is empty")
                    .help("write a value, such as `true`"),
            );
        }
        if mistakes.is_empty() && all.len() > TOKENS_MAX {
            let message =
                format!("an expression has at most {TOKENS_MAX} names and signs, and this one {}", all.len());
            mistakes.push(Mistake::new(MistakeKind::Limit, 0..source.len(), message));
        }
        if mistakes.is_empty() { Ok(Tokens { source, all }) } else { Err(mistakes) }
    }

    pub(crate) fn text(&self, index: usize) -> &'a str {
        self.all.get(index).map_or("", |token| &self.source[token.start..token.end])
    }

    /// The token that holds the byte, or the next one after it.
    pub(crate) fn index_at(&self, byte: usize) -> usize {
        self.all.partition_point(|token| token.end <= byte)
    }

    /// The range with the brackets that stand around nothing else: `a + b` in `(a + b) * 2`.
    pub(crate) fn with_brackets(&self, mut range: Range<usize>) -> Range<usize> {
        loop {
            let first = self.index_at(range.start);
            let Some(before) = first.checked_sub(1) else { return range };
            let token = self.all[before];
            let closes = self.all.get(token.partner).is_some_and(|partner| {
                let after = self.index_at(range.end);
                after == token.partner && partner.kind == TokenKind::Close
            });
            let called =
                before > 0 && self.all[before - 1].kind == TokenKind::Word && self.text(before - 1) != "in";
            if token.kind != TokenKind::Open || self.text(before) != "(" || !closes || called {
                return range;
            }
            range = token.start..self.all[token.partner].end;
        }
    }
}

struct Cutter<'a> {
    source: &'a str,
    at: usize,
    all: Vec<Token>,
    /// The brackets that are open, by index, and how many `?` came before each in the part that holds it.
    open: Vec<(usize, usize)>,
    /// The `?` of this part: each nests what follows its `:`.
    choices: usize,
    /// The levels around this place.
    nesting: usize,
    mistakes: Vec<Mistake>,
}

impl Cutter<'_> {
    fn mistake(&mut self, range: Range<usize>, message: impl Into<String>, help: Option<&str>) {
        if self.mistakes.len() < crate::limits::MISTAKES_MAX {
            let mistake = Mistake::new(MistakeKind::Syntax, range, message);
            self.mistakes.push(mistake.help_maybe(help.map(str::to_owned)));
        }
    }

    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn push(&mut self, kind: TokenKind, length: usize) {
        let (start, end) = (self.at, self.at + length);
        self.all.push(Token { kind, start, end, partner: usize::MAX });
        self.at = end;
    }

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
                '`' => {
                    let length = self.rest()[1..].find('`').map_or(1, |at| at + 2);
                    let range = self.at..self.at + length;
                    let help = "write a field that is no plain name in brackets: `event.data['unit-price']`";
                    self.mistake(range, "names are not quoted with backticks", Some(help));
                    self.at += length;
                }
                '(' | '[' | '{' => self.open(),
                ')' | ']' | '}' => self.close(char),
                _ => self.sign(char),
            }
        }
        for (index, _) in std::mem::take(&mut self.open) {
            let token = self.all[index];
            let open = self.source[token.start..token.end].to_owned();
            self.mistake(token.start..token.end, format!("`{open}` is never closed"), None);
        }
        self.mistakes.sort_by_key(|mistake| mistake.range.start);
    }

    fn word(&mut self) {
        let rest = self.rest();
        let length =
            rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(rest.len());
        let prefix = matches!(&rest.to_ascii_lowercase()[..length], "r" | "b" | "br");
        if prefix && rest[length..].starts_with(['"', '\'']) {
            self.quoted(length);
        } else {
            self.push(TokenKind::Word, length);
        }
    }

    fn number(&mut self) {
        let bytes = self.rest().as_bytes();
        let digits =
            |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let length = if bytes.starts_with(b"0x") {
            2 + bytes[2..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count()
        } else {
            let mut end = digits(0);
            if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
                end = digits(end + 1);
            }
            if let Some(b'e' | b'E') = bytes.get(end) {
                let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
                let exponent = digits((end + 1 + sign).min(bytes.len()));
                end = if exponent > end + 1 + sign { exponent } else { end };
            }
            end
        };
        let after =
            bytes[length..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let range = self.at..self.at + length + after;
        if after > 0 || &self.source[range.clone()] == "0x" {
            let written = &self.source[range.clone()];
            let unsigned = after == 1 && length > 0 && matches!(bytes[length], b'u' | b'U');
            let message = format!("`{written}` is not a number");
            let help = unsigned.then_some("integers have a sign here and are written without `u`");
            self.mistake(range, message, help);
        }
        self.push(TokenKind::Number, length + after);
    }

    /// Text in quotes, after a prefix of so many letters.
    fn quoted(&mut self, prefix: usize) {
        let rest = self.rest();
        let raw = rest[..prefix].contains(['r', 'R']);
        let mark = &rest[prefix..=prefix];
        let triple = mark.repeat(3);
        let long = rest[prefix..].starts_with(&triple);
        let (mark, from) = if long { (triple.as_str(), prefix + 3) } else { (mark, prefix + 1) };
        let bytes = rest.as_bytes();
        let mut at = from;
        let mut found = None;
        while at < bytes.len() {
            if bytes[at..].starts_with(mark.as_bytes()) {
                found = Some(at + mark.len());
                break;
            }
            if !long && matches!(bytes[at], b'\n' | b'\r') {
                break;
            }
            at += if bytes[at] == b'\\' && !raw { 2 } else { 1 };
        }
        let Some(length) = found else {
            let start = self.at;
            self.mistake(
                start..start + from,
                format!("the text that begins with {mark} is not closed"),
                None,
            );
            // What follows is not known to be inside or outside of the text.
            self.at = self.source.len();
            self.open.clear();
            return;
        };
        if !raw {
            self.check_escapes(prefix, from, length - mark.len());
        }
        self.push(TokenKind::Quoted, length);
    }

    /// The escapes of a text whose content lies between these bytes of the rest.
    fn check_escapes(&mut self, prefix: usize, from: usize, to: usize) {
        let start = self.at;
        let content = self.source.as_bytes();
        let is_bytes = prefix > 0;
        let mut at = start + from;
        while at < start + to {
            if content[at] != b'\\' {
                at += 1;
                continue;
            }
            let letter = content.get(at + 1).copied().unwrap_or(b' ');
            let digits = match letter {
                b'x' | b'X' => 2,
                b'u' if !is_bytes => 4,
                b'U' if !is_bytes => 8,
                b'0'..=b'3' => 3,
                b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'"' | b'\'' | b'\\' | b'?' | b'`' => 0,
                _ => usize::MAX,
            };
            let octal = digits == 3;
            let first = at + if octal { 1 } else { 2 };
            let valid = digits != usize::MAX
                && content.get(first..first + digits).is_some_and(|digits| {
                    let right = |byte: &u8| {
                        if octal { matches!(byte, b'0'..=b'7') } else { byte.is_ascii_hexdigit() }
                    };
                    digits.iter().all(right)
                })
                && first + digits <= start + to;
            let code = || u32::from_str_radix(&self.source[first..first + digits], 16).ok();
            let valid = valid && (digits < 4 || code().and_then(char::from_u32).is_some());
            if valid {
                at = first + digits;
                continue;
            }
            let letter = self.source[at + 1..].chars().next().unwrap_or(' ');
            let end = (at + 1 + letter.len_utf8()).min(self.source.len());
            self.mistake(
                at..end,
                format!("`\\{letter}` is not an escape, or not a whole one"),
                Some("a backslash is written `\\\\`; in a text that begins with r' it stands for itself"),
            );
            at = end;
        }
    }

    fn open(&mut self) {
        self.open.push((self.all.len(), std::mem::take(&mut self.choices)));
        self.nest();
        self.push(TokenKind::Open, 1);
    }

    /// Goes one level deeper, which the parser does by recursing.
    fn nest(&mut self) {
        self.nesting += 1;
        if self.nesting > NESTING_MAX
            && !self.mistakes.iter().any(|mistake| mistake.kind == MistakeKind::Limit)
        {
            let range = self.at..self.at + 1;
            let message = format!("the expression nests deeper than {NESTING_MAX} levels here");
            self.mistakes.push(Mistake::new(MistakeKind::Limit, range, message));
        }
    }

    fn close(&mut self, char: char) {
        let wanted = match char {
            ')' => "(",
            ']' => "[",
            _ => "{",
        };
        let range = self.at..self.at + 1;
        let Some((index, choices)) = self.open.pop() else {
            self.mistake(range, format!("`{char}` closes nothing"), None);
            self.at += 1;
            return;
        };
        self.nesting -= 1 + self.choices;
        self.choices = choices;
        let open = self.source[self.all[index].start..self.all[index].end].to_owned();
        if open == wanted {
            let partner = self.all.len();
            self.all[index].partner = partner;
            self.push(TokenKind::Close, 1);
            self.all[partner].partner = index;
        } else {
            self.mistake(range, format!("`{char}` does not close `{open}`"), None);
            self.at += 1;
        }
    }

    fn sign(&mut self, char: char) {
        if let Some(sign) = LONG_SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
            return self.push(TokenKind::Sign, sign.len());
        }
        match char {
            '?' => {
                self.choices += 1;
                self.nest();
            }
            ',' => self.nesting -= std::mem::take(&mut self.choices),
            _ => {}
        }
        if "+-*/%!<>?:.,".contains(char) {
            return self.push(TokenKind::Sign, 1);
        }
        let help = match char {
            '=' => Some("write `==` to compare"),
            '&' => Some("write `&&`"),
            '|' => Some("write `||`"),
            _ => None,
        };
        let length = char.len_utf8();
        let range = self.at..self.at + length;
        self.mistake(range, format!("`{}` means nothing in an expression", char.escape_debug()), help);
        self.at += length;
    }
}
