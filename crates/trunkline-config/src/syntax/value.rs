//! The right side of a separator: where it ends, arrays and arguments, and unquoted text.

use super::cursor::is_space;
use super::{Attempt, Expr, ExprKind, Open, Parser, Place, closer_of};
use crate::codes;

impl Parser<'_> {
    /// The value that begins here, up to whatever ends it at this place.
    pub(super) fn value(&mut self, place: Place) -> Expr {
        self.skip_blanks();
        let start = self.at;
        if self.end_of_value(place, false) {
            return Expr { kind: ExprKind::Null, span: self.span(start, start) };
        }
        let loud = matches!(self.peek(), Some(b'"' | b'\'' | b'[' | b'{')) || self.at_operator_name();
        let mark = self.diagnostics.mark();
        let outer = std::mem::replace(&mut self.attempt, Attempt { quiet: !loud, names: false });
        let expr = self.ternary(place);
        let attempt = std::mem::replace(&mut self.attempt, outer);
        self.naming = None;
        if !attempt.quiet {
            let expr = expr.unwrap_or_else(|| {
                self.skip_rest(place);
                self.expr(ExprKind::Invalid, start)
            });
            self.finish(place);
            return expr;
        }
        if let Some(expr) = expr {
            let end = self.at;
            if self.end_of_value(place, attempt.names) {
                if !attempt.names {
                    return expr;
                }
                let text = self.text[start..end].trim_end().to_owned();
                return Expr { span: expr.span, kind: ExprKind::Loose(text, Box::new(expr)) };
            }
        }
        self.diagnostics.rewind(mark);
        self.at = start;
        self.unquoted(place)
    }

    /// `[…]`, the array that begins here.
    pub(super) fn array(&mut self) -> Expr {
        let start = self.at;
        match self.items(Place::Array) {
            Some(items) => self.expr(ExprKind::Array(items), start),
            None => self.expr(ExprKind::Invalid, start),
        }
    }

    /// The items of the bracket that begins here; `None` when it is too deep.
    pub(super) fn items(&mut self, place: Place) -> Option<Vec<Expr>> {
        let name = self.naming.take();
        if !self.enter() {
            self.skip_balanced();
            return None;
        }
        self.open(name);
        let items = self.items_inside(place);
        self.opens.pop();
        self.leave();
        Some(items)
    }

    fn items_inside(&mut self, place: Place) -> Vec<Expr> {
        let closer = if place == Place::Array { b']' } else { b')' };
        let (mut items, mut after_item, mut separated) = (Vec::new(), false, true);
        loop {
            let crossed = self.skip_space();
            separated |= crossed && place == Place::Array;
            if self.peek().is_none() {
                self.never_closed();
                return items;
            }
            if crossed && self.recovering && self.statement_at_margin() {
                self.never_closed();
                // Back to the line's end, which ends the value too.
                self.at = self.text[..self.at].rfind('\n').unwrap_or(self.at);
                return items;
            }
            match self.peek() {
                Some(byte) if byte == closer => {
                    self.at += 1;
                    return items;
                }
                Some(b',') => {
                    if !after_item {
                        items.push(Expr { kind: ExprKind::Invalid, span: self.span(self.at, self.at) });
                    }
                    self.comma(&mut after_item);
                    separated = true;
                    continue;
                }
                Some(byte @ (b']' | b')' | b'}')) => {
                    if self.closes_an_outer(byte) {
                        self.never_closed();
                        return items;
                    }
                    self.wrong_bracket(byte);
                    continue;
                }
                _ => {}
            }
            let start = self.at;
            if !separated {
                let end = self.char_end(start);
                let message = format!("',' or '{}' was expected before this", char::from(closer));
                let fix = "put a comma between the values, or quotes around the text";
                self.report(self.error(codes::TEXT_AFTER_VALUE, start, end, message).fix(fix));
            }
            items.push(self.value(place));
            (after_item, separated) = (true, false);
            if self.at == start {
                self.at = self.char_end(start);
            }
            if self.unwinding {
                return items;
            }
        }
    }

    fn wrong_bracket(&mut self, byte: u8) {
        let Some(open) = self.opens.last() else { return };
        let (sign, opened) = (char::from(byte), char::from(open.sign));
        let label = self.span(open.at, open.at + 1);
        let diagnostic = self
            .error(codes::WRONG_CLOSER, self.at, self.at + 1, format!("'{sign}' does not close '{opened}'"))
            .label(label, "this bracket is open")
            .fix(format!("close it with '{}'", char::from(closer_of(open.sign))));
        self.report(diagnostic);
        self.at += 1;
    }

    /// Second pass only: whether this line begins a statement that is no deeper than the line of the open bracket.
    fn statement_at_margin(&mut self) -> bool {
        if !self.looks_like_statement() {
            return false;
        }
        let indent = self.indent_of(self.at);
        let Some((at, known)) = self.opens.last().map(|open| (open.at, open.indent)) else { return false };
        let margin = known.unwrap_or_else(|| self.indent_of(at));
        if let Some(open) = self.opens.last_mut() {
            open.indent = Some(margin);
        }
        indent <= margin
    }

    /// Whether the value that was read ends here; steps over a `;` that ends it. Values with bare words may be text
    /// that goes on, so less ends them.
    pub(super) fn end_of_value(&mut self, place: Place, names: bool) -> bool {
        self.skip_blanks();
        let Some(byte) = self.peek().filter(|&byte| byte != b'\n') else { return true };
        if self.comment_at(self.at) {
            return true;
        }
        match (place, byte) {
            (Place::Array | Place::Arguments | Place::Inline, b',' | b']' | b')' | b'}')
            | (Place::AngleInline, b',' | b'<') => true,
            (Place::Lines, b',') => {
                let after = self.at + 1;
                self.line_ends_at(after) || (!names && self.key_with_separator_at(after))
            }
            (Place::Lines, b'}') => !names,
            (Place::Array | Place::Arguments, b';') => false,
            (_, b';') => self.semicolon(place),
            _ => false,
        }
    }

    /// Whether the `;` here ends the value, and steps over it then. A statement after it is a mistake.
    fn semicolon(&mut self, place: Place) -> bool {
        let after = self.at + 1;
        let next = self.byte(self.after_blanks(after));
        let closed = match place {
            Place::Inline | Place::Lines => next == Some(b'}'),
            Place::AngleInline => next == Some(b'<'),
            _ => false,
        };
        if !closed && !self.line_ends_at(after) {
            if !self.statement_after_semicolon(self.at) {
                return false;
            }
            let start = self.after_blanks(after);
            let end = self.key_end(start).max(self.char_end(start));
            let diagnostic = self
                .error(codes::TWO_STATEMENTS, start, end, "a second statement on one line")
                .fix("put it on a line of its own, or quotes around the whole text");
            self.report(diagnostic);
        }
        self.at = after;
        true
    }

    fn statement_after_semicolon(&self, at: usize) -> bool {
        self.byte(at + 1).is_some_and(is_space) && self.key_with_separator_at(at + 1)
    }

    /// Reports whatever stands between a complete value and the end of its line or item.
    pub(super) fn finish(&mut self, place: Place) {
        if self.unwinding
            || matches!(place, Place::Array | Place::Arguments)
            || self.end_of_value(place, false)
        {
            return;
        }
        let start = self.at;
        let closes = |open: &Open| Some(closer_of(open.sign)) == self.peek();
        if self.opens.iter().any(closes) {
            // What is open judges its own closer.
            return;
        }
        self.skip_rest(place);
        if self.at == start {
            self.at = self.char_end(start);
        }
        let written = &self.text[start..self.at];
        let is_operator = written.starts_with(['+', '*', '/', '%', '=', '!', '|', '&', '?', '>', '<']);
        let diagnostic = self.error(codes::TEXT_AFTER_VALUE, start, self.at, "text after a complete value");
        self.report(if is_operator {
            diagnostic.fix("put white space on both sides of the operator and a value after it")
        } else {
            diagnostic.fix("put one pair of quotes around the whole text, or remove what follows the value")
        });
    }

    /// Steps over what is left of a value.
    pub(super) fn skip_rest(&mut self, place: Place) {
        self.at = self.text_end(self.at, place);
    }

    fn unquoted(&mut self, place: Place) -> Expr {
        let start = self.at;
        let stop = self.text_end(start, place);
        self.at = stop;
        let mut text = self.text[start..stop].trim_end();
        if !matches!(place, Place::Array | Place::Arguments) {
            text = text.strip_suffix(';').unwrap_or(text).trim_end();
        }
        if place == Place::Lines {
            text = text.strip_suffix(',').unwrap_or(text).trim_end();
        }
        // Stepping over a `;` that ends the text, and reporting a statement behind it.
        self.end_of_value(place, false);
        let span = self.span(start, start + text.len());
        if text.is_empty() {
            return Expr { kind: ExprKind::Null, span };
        }
        self.warn_of_variables(text, start);
        Expr { kind: ExprKind::Text(text.to_owned()), span }
    }

    /// Text is never interpolated; one that looks as if it should be is probably a mistake.
    fn warn_of_variables(&mut self, text: &str, start: usize) {
        let leading = text.strip_prefix('$').map_or(0, |_| self.key_end(start + 1) - start);
        let (at, length) = if leading > 1 {
            (start, leading)
        } else {
            let Some(at) = text.find("${") else { return };
            let Some(length) = text[at..].find('}') else { return };
            (start + at, length + 1)
        };
        let variable = &self.text[at..at + length];
        let message = format!("'{variable}' is not read in unquoted text");
        let diagnostic = crate::diagnostic::Diagnostic::warning(
            codes::VARIABLE_IN_TEXT,
            self.span(at, at + length),
            message,
        )
        .fix("write \"…${name}…\" to read it, or '…' to keep the text as it is");
        self.report(diagnostic);
    }

    /// Where unquoted text that begins at `at` ends, white space at its end included.
    fn text_end(&mut self, mut at: usize, place: Place) -> usize {
        let start = at;
        let bracketed = matches!(place, Place::Array | Place::Arguments | Place::Inline);
        let mut open = [0_usize; 3];
        while let Some(byte) = self.byte(at).filter(|&byte| byte != b'\n') {
            if at > start && (self.comment_at(at) || byte == b';' && !self.is_plain_semicolon(at, place)) {
                return at;
            }
            if let Some(after) = self.after_quoted(at) {
                at = after;
                continue;
            }
            match byte {
                b',' if bracketed || place == Place::AngleInline => return at,
                b'<' if place == Place::AngleInline && (at == 0 || is_space(self.bytes[at - 1])) => {
                    return at;
                }
                b'[' | b'(' | b'{' if bracketed => open[kind_of(byte)] += 1,
                b']' | b')' | b'}' if bracketed => match open[kind_of(byte)].checked_sub(1) {
                    Some(left) => open[kind_of(byte)] = left,
                    None => return at,
                },
                _ => {}
            }
            at += 1;
        }
        at
    }

    /// Whether a `;` is part of the text: no statement follows it, and no closer of a block on one line.
    fn is_plain_semicolon(&self, at: usize, place: Place) -> bool {
        match place {
            Place::Array | Place::Arguments => true,
            Place::Inline if self.byte(self.after_blanks(at + 1)) == Some(b'}') => false,
            _ => !self.statement_after_semicolon(at),
        }
    }
}

fn kind_of(bracket: u8) -> usize {
    match bracket {
        b'[' | b']' => 0,
        b'(' | b')' => 1,
        _ => 2,
    }
}
