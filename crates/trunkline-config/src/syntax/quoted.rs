//! Quoted strings: `"…"` with escapes and `${…}`, `'…'` as it stands, `"""…"""` over lines.

use super::cursor::is_blank;
use super::{Expr, ExprKind, Parser, Piece, is_key};
use crate::codes;

/// Hexadecimal digits that a character's number can have.
const UNICODE_DIGITS_MAX: usize = 6;

impl Parser<'_> {
    /// The string that begins here. `None` when it is not closed and the attempt is quiet.
    pub(super) fn quoted(&mut self) -> Option<Expr> {
        let start = self.at;
        let pieces = self.pieces(true)?;
        Some(self.expr(ExprKind::Quoted(pieces), start))
    }

    /// The text of a quoted key: escapes count, `${…}` does not.
    pub(super) fn quoted_key(&mut self) -> String {
        match self.pieces(false).as_deref() {
            Some([Piece::Text(text)]) => text.clone(),
            _ => String::new(),
        }
    }

    fn pieces(&mut self, interpolated: bool) -> Option<Vec<Piece>> {
        if self.starts_with("'") {
            return self.raw().map(|text| vec![Piece::Text(text)]);
        }
        let start = self.at;
        let lines = interpolated && self.starts_with("\"\"\"");
        let quote = if lines { "\"\"\"" } else { "\"" };
        self.at += quote.len();
        if lines {
            self.at += if self.starts_with("\r\n") { 2 } else { usize::from(self.starts_with("\n")) };
        }
        let mut pieces = Vec::new();
        let mut text = String::new();
        // Where the last line began when it holds nothing but white space so far: it belongs to the closing quotes.
        let mut last_line = None;
        loop {
            let Some(byte) = self.peek().filter(|&byte| lines || byte != b'\n') else {
                self.unclosed_string(start, quote)?;
                break;
            };
            if self.starts_with(quote) {
                self.at += quote.len();
                break;
            }
            match byte {
                b'\n' => {
                    if text.ends_with('\r') {
                        text.pop();
                    }
                    last_line = Some(text.len());
                    text.push('\n');
                    self.at += 1;
                    continue;
                }
                b'\\' => self.escape(&mut text),
                b'$' if interpolated && self.byte(self.at + 1) == Some(b'{') => {
                    if let Some(reference) = self.reference() {
                        if !text.is_empty() {
                            pieces.push(Piece::Text(std::mem::take(&mut text)));
                        }
                        pieces.push(reference);
                    } else {
                        text.push_str("${");
                        self.at += 2;
                    }
                }
                _ => {
                    let end = self.char_end(self.at);
                    text.push_str(&self.text[self.at..end]);
                    self.at = end;
                    if is_blank(byte) {
                        continue;
                    }
                }
            }
            last_line = None;
        }
        if let Some(length) = last_line {
            text.truncate(length);
        }
        if !text.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Some(pieces)
    }

    fn raw(&mut self) -> Option<String> {
        let start = self.at;
        let line_end = self.line_end(start);
        let content = start + 1;
        let Some(length) = self.bytes[content..line_end].iter().position(|&byte| byte == b'\'') else {
            self.at = line_end;
            self.unclosed_string(start, "'")?;
            return Some(self.text[content..line_end].trim_end().to_owned());
        };
        self.at = content + length + 1;
        Some(self.text[content..content + length].to_owned())
    }

    /// Reports a string without an end, unless the attempt is quiet.
    fn unclosed_string(&mut self, start: usize, quote: &str) -> Option<()> {
        if self.attempt.quiet {
            return None;
        }
        let fix = match quote {
            "'" => {
                "add the closing quote on the same line; put \"…\" around text that begins with an apostrophe"
            }
            "\"" => "add the closing quote on the same line, or use \"\"\" for text over several lines",
            _ => "add the closing \"\"\"",
        };
        let message = "the string is never closed";
        let end = start + quote.len();
        self.report(self.error(codes::STRING_NEVER_CLOSED, start, end, message).here("opened here").fix(fix));
        Some(())
    }

    fn escape(&mut self, text: &mut String) {
        let start = self.at;
        self.at += 1;
        let plain = match self.peek() {
            Some(b'n') => Some('\n'),
            Some(b't') => Some('\t'),
            Some(b'r') => Some('\r'),
            Some(sign @ (b'\\' | b'"' | b'\'')) => Some(char::from(sign)),
            _ => None,
        };
        if let Some(plain) = plain {
            text.push(plain);
            self.at += 1;
            return;
        }
        if self.peek() == Some(b'u') {
            self.at += 1;
            let digits = self.bytes[self.at..].strip_prefix(b"{").map_or(0, |rest| {
                rest.iter().take(UNICODE_DIGITS_MAX).take_while(|byte| byte.is_ascii_hexdigit()).count()
            });
            let end = self.at + 1 + digits;
            if digits > 0 && self.byte(end) == Some(b'}') {
                let number = u32::from_str_radix(&self.text[self.at + 1..end], 16);
                if let Some(char) = number.ok().and_then(char::from_u32) {
                    text.push(char);
                    self.at = end + 1;
                    return;
                }
            }
            let message = "'\\u' needs the number of a character in braces";
            let diagnostic = self.error(codes::UNKNOWN_ESCAPE, start, self.at, message);
            self.report(diagnostic.fix("write up to six hexadecimal digits, such as \\u{e9}"));
            return;
        }
        // A line's end is left for the string to judge; anything else is kept as written.
        let end = if self.peek().is_none_or(|byte| byte == b'\n') { self.at } else { self.char_end(self.at) };
        let written = &self.text[start..end];
        let message = format!("'{written}' is not an escape");
        let diagnostic = self
            .error(codes::UNKNOWN_ESCAPE, start, end, message)
            .note("the escapes are \\n \\t \\r \\\\ \\\" \\' \\u{…}")
            .fix("write \\\\ for a backslash, or use '…' where nothing is an escape (for a regular expression)");
        self.report(diagnostic);
        text.push_str(written);
        self.at = end;
    }

    /// `${a.b}`; reports and gives `None` when it is not one.
    fn reference(&mut self) -> Option<Piece> {
        let start = self.at;
        let content = start + 2;
        let stop = self.bytes[content..].iter().position(|&byte| matches!(byte, b'}' | b'"' | b'\n'));
        let end = stop.map_or(self.bytes.len(), |length| content + length);
        let diagnostic = if self.byte(end) == Some(b'}') {
            let steps: Vec<String> = self.text[content..end].trim().split('.').map(str::to_owned).collect();
            let is_step = |step: &String| {
                is_key(step) || (!step.is_empty() && step.bytes().all(|b| b.is_ascii_digit()))
            };
            if is_key(&steps[0]) && steps.iter().all(is_step) {
                self.at = end + 1;
                return Some(Piece::Reference(steps, self.span(start, end + 1)));
            }
            self.error(
                codes::BAD_INTERPOLATION,
                start,
                end + 1,
                "'${…}' holds a name or a path, nothing else",
            )
        } else {
            self.error(codes::BAD_INTERPOLATION, start, content, "'${' is never closed")
        };
        let fix = "write ${name} or ${section.key}; '…' or \\u{24}{ give a literal '${'";
        self.report(diagnostic.fix(fix));
        None
    }
}
