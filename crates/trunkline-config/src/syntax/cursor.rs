//! Moving through the text: white space, comments, names, and looking ahead within a line.

use super::Parser;
use crate::codes;

/// What has been found out about the line ahead, so that it is not read once for every bracket on it.
#[derive(Debug, Default)]
pub(super) struct Scans {
    /// Where the last line looked at was entered, where its content ends, and the `{` on it that are closed on it.
    line: Option<(usize, usize, Vec<usize>)>,
    /// A place and how many lines end before it.
    numbered: (usize, usize),
}

impl Parser<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.byte(self.at)
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    pub(super) fn starts_with(&self, sign: &str) -> bool {
        self.bytes[self.at..].starts_with(sign.as_bytes())
    }

    /// The end of the character that begins at `at`; `at` itself at the end of the text.
    pub(super) fn char_end(&self, at: usize) -> usize {
        self.text[at..].chars().next().map_or(at, |char| at + char.len_utf8())
    }

    /// Skips white space within the line.
    pub(super) fn skip_blanks(&mut self) {
        self.at = self.after_blanks(self.at);
    }

    pub(super) fn after_blanks(&self, mut at: usize) -> usize {
        while self.byte(at).is_some_and(is_blank) {
            at += 1;
        }
        at
    }

    /// Skips white space, line ends and comments, and says whether a line ended.
    pub(super) fn skip_space(&mut self) -> bool {
        let mut crossed = false;
        loop {
            match self.peek() {
                Some(b'\n') => {
                    crossed = true;
                    self.at += 1;
                }
                Some(byte) if is_blank(byte) => self.at += 1,
                Some(_) if self.comment_at(self.at) => crossed |= self.skip_comment(),
                _ => return crossed,
            }
        }
    }

    /// Skips the comment that begins here, and says whether a line ended within it.
    fn skip_comment(&mut self) -> bool {
        let start = self.at;
        if !self.starts_with("/*") {
            self.at = self.line_end(self.at);
            return false;
        }
        let Some(length) = self.text[start + 2..].find("*/") else {
            self.at = self.bytes.len();
            let diagnostic = self
                .error(codes::COMMENT_NEVER_CLOSED, start, start + 2, "'/*' is never closed")
                .fix("add the closing '*/', or put quotes around a text that begins with '/*'");
            self.report(diagnostic);
            return true;
        };
        self.at = start + 2 + length + 2;
        self.bytes[start..self.at].contains(&b'\n')
    }

    /// Whether a comment begins at `at`: at a line's start or after white space.
    pub(super) fn comment_at(&self, at: usize) -> bool {
        let sign = match self.byte(at) {
            Some(b'#') => true,
            Some(b'/') => matches!(self.byte(at + 1), Some(b'/' | b'*')),
            _ => false,
        };
        sign && (at == 0 || is_space(self.bytes[at - 1]))
    }

    /// Where the line ends: at its `\n` or at the end of the text.
    pub(super) fn line_end(&self, at: usize) -> usize {
        self.bytes[at..].iter().position(|&byte| byte == b'\n').map_or(self.bytes.len(), |length| at + length)
    }

    /// Whether nothing but white space and comments follows on the line.
    pub(super) fn line_ends_at(&self, at: usize) -> bool {
        let at = self.after_blanks(at);
        self.byte(at).is_none_or(|byte| byte == b'\n') || self.comment_at(at)
    }

    /// Whether an operator's name begins here.
    pub(super) fn at_operator_name(&self) -> bool {
        self.peek() == Some(b'@') && self.byte(self.at + 1).is_some_and(begins_key)
    }

    /// Where the unquoted key that begins at `at` ends; `at` when none does.
    pub(super) fn key_end(&self, at: usize) -> usize {
        if !self.byte(at).is_some_and(begins_key) {
            return at;
        }
        let length = self.bytes[at..].iter().position(|&byte| !continues_key(byte));
        length.map_or(self.bytes.len(), |length| at + length)
    }

    /// Whether a key, or a variable, with its separator stands at `at`.
    pub(super) fn key_with_separator_at(&self, at: usize) -> bool {
        let mut at = self.after_blanks(at);
        if self.byte(at) == Some(b'$') {
            at += 1;
        }
        let end = match self.byte(at) {
            Some(quote @ (b'"' | b'\'')) => match self.closing_quote(at + 1, quote) {
                Some(end) => end + 1,
                None => return false,
            },
            _ => self.key_end(at),
        };
        end > at && matches!(self.byte(self.after_blanks(end)), Some(b':' | b'='))
    }

    /// The closing quote on this line, for a string whose content begins at `at`.
    fn closing_quote(&self, mut at: usize, quote: u8) -> Option<usize> {
        loop {
            match self.byte(at)? {
                b'\n' => return None,
                byte if byte == quote => return Some(at),
                b'\\' if quote == b'"' && self.byte(at + 1) != Some(b'\n') => at += 2,
                _ => at += 1,
            }
        }
    }

    /// Where to go on when a quoted passage begins at `at`, inside unquoted text: after its closing quote.
    ///
    /// A quote counts only after white space or punctuation that precedes a value, and only when it is closed on the
    /// line, so an apostrophe is a plain character.
    pub(super) fn after_quoted(&self, at: usize) -> Option<usize> {
        let quote = self.byte(at).filter(|byte| matches!(byte, b'"' | b'\''))?;
        let before = at.checked_sub(1).map_or(b'\n', |before| self.bytes[before]);
        if !is_space(before) && !matches!(before, b'[' | b'{' | b'(' | b',' | b':' | b'=' | b'!') {
            return None;
        }
        // A search that fails has met no further quote of its kind, so few can fail on one line.
        self.closing_quote(at + 1, quote).map(|closing| closing + 1)
    }

    /// Whether the `{` at `at` is closed on its line.
    pub(super) fn closed_on_its_line(&mut self, at: usize) -> bool {
        self.scan_line(at);
        self.scans.line.as_ref().is_some_and(|(_, _, closed)| closed.binary_search(&at).is_ok())
    }

    /// Whether the line, comments apart, ends with `<`.
    pub(super) fn line_ends_with_angle(&mut self, at: usize) -> bool {
        self.scan_line(at);
        let end = self.scans.line.as_ref().map_or(at, |(_, end, _)| *end).max(at);
        let content = self.text[at..end].trim_end();
        content.strip_suffix(';').unwrap_or(content).trim_end().ends_with('<')
    }

    /// Where to go on behind `sign`, when it follows before the line ends.
    fn on_this_line(&self, at: usize, sign: &str) -> Option<usize> {
        let length = self.text[at..].find(sign)?;
        (!self.bytes[at..at + length].contains(&b'\n')).then_some(at + length + sign.len())
    }

    /// Reads the rest of the line once: where its content ends and which of its `{` are closed.
    fn scan_line(&mut self, start: usize) {
        if self.scans.line.as_ref().is_some_and(|(from, to, _)| (*from..*to).contains(&start)) {
            return;
        }
        let (mut at, mut open, mut closed) = (start, Vec::new(), Vec::new());
        while let Some(byte) = self.byte(at).filter(|&byte| byte != b'\n') {
            if self.comment_at(at) {
                let block = self.byte(at + 1) == Some(b'*');
                match if block { self.on_this_line(at + 2, "*/") } else { None } {
                    Some(after) => at = after,
                    None => break,
                }
                continue;
            }
            if self.bytes[at..].starts_with(b"\"\"\"") {
                match self.on_this_line(at + 3, "\"\"\"") {
                    Some(after) => at = after,
                    None => break,
                }
                continue;
            }
            match byte {
                b'{' => open.push(at),
                b'}' => closed.extend(open.pop()),
                _ => {
                    if let Some(after) = self.after_quoted(at) {
                        at = after;
                        continue;
                    }
                }
            }
            at += 1;
        }
        closed.sort_unstable();
        self.scans.line = Some((start, at, closed));
    }

    /// The number of a line, counted from the last one asked for.
    pub(super) fn line_of(&mut self, at: usize) -> usize {
        let (known, line) = self.scans.numbered;
        let newlines = |from: usize, to: usize| self.text[from..to].matches('\n').count();
        let line = if at < known { line - newlines(at, known) } else { line + newlines(known, at) };
        self.scans.numbered = (at, line);
        line + 1
    }

    /// White space before the first character of the line on which `at` stands.
    pub(super) fn indent_of(&self, at: usize) -> usize {
        let start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        self.after_blanks(start).min(at) - start
    }

    /// Whether a statement seems to begin here: a key with its separator and white space, or a section header.
    pub(super) fn looks_like_statement(&self) -> bool {
        let at = self.at + usize::from(self.peek() == Some(b'$'));
        let end = self.key_end(at);
        if end > at {
            let separator = self.after_blanks(end);
            return match self.byte(separator) {
                Some(b':' | b'=') => self.byte(separator + 1).is_none_or(is_space),
                Some(b'{') => self.line_ends_at(separator + 1),
                _ => false,
            };
        }
        self.peek() == Some(b'[') && {
            let line = self.text[self.at..self.line_end(self.at)].trim_end();
            line.strip_prefix('[')
                .and_then(|line| line.strip_suffix(']'))
                .is_some_and(|path| path.split('.').all(is_key))
        }
    }
}

/// Whether a text can be written as a key without quotes.
pub(crate) fn is_key(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(begins_key) && bytes.all(continues_key)
}

pub(super) fn begins_key(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

pub(super) fn continues_key(byte: u8) -> bool {
    begins_key(byte) || byte.is_ascii_digit() || byte == b'-'
}

/// White space within a line; a carriage return counts, so that CRLF needs no case of its own.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

pub(super) fn is_space(byte: u8) -> bool {
    is_blank(byte) || byte == b'\n'
}
