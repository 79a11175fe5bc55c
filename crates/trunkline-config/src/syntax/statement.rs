//! Statements: keys, variables, sections, blocks, and what closes a block.

use super::{Expr, ExprKind, Name, Parser, Place, Statement, Tree, closer_of, opener_of};
use crate::codes;
use crate::limits::NESTING_MAX;

/// What the statements being read stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    File,
    /// `{ … }`
    Braces,
    /// `> … <`
    Angles,
}

/// What to do about a closer that does not belong to the innermost block.
enum Closing {
    /// The innermost block ends here.
    Ends,
    /// The closer was skipped; the block goes on.
    Skipped,
}

impl Parser<'_> {
    pub(super) fn file(&mut self) -> Tree {
        Tree { statements: self.statements(Inside::File, Place::Line) }
    }

    /// `{ … }`, the object or block that begins here.
    pub(super) fn braces(&mut self) -> Expr {
        let place = if self.closed_on_its_line(self.at) { Place::Inline } else { Place::Lines };
        self.block(Inside::Braces, place)
    }

    /// `> … <`, the block that begins here.
    fn angles(&mut self) -> Expr {
        let after = self.at + 1;
        let inline = !self.line_ends_at(after) && self.line_ends_with_angle(after);
        self.block(Inside::Angles, if inline { Place::AngleInline } else { Place::Line })
    }

    fn block(&mut self, inside: Inside, place: Place) -> Expr {
        let start = self.at;
        let name = self.naming.take();
        if !self.enter() {
            self.skip_balanced();
            return self.expr(ExprKind::Invalid, start);
        }
        self.open(name);
        let statements = self.statements(inside, place);
        self.opens.pop();
        self.leave();
        self.expr(ExprKind::Object(statements), start)
    }

    fn statements(&mut self, inside: Inside, place: Place) -> Vec<Statement> {
        let mut statements = Vec::new();
        let mut after_item = false;
        loop {
            self.skip_space();
            let Some(byte) = self.peek() else {
                if inside != Inside::File {
                    self.never_closed();
                }
                return statements;
            };
            match byte {
                b'}' if inside == Inside::Braces => {
                    self.at += 1;
                    return statements;
                }
                b'<' if inside == Inside::Angles => {
                    self.at += 1;
                    return statements;
                }
                b'}' | b'<' | b']' | b')' => match self.wrong_closer(byte) {
                    Closing::Ends => return statements,
                    Closing::Skipped => continue,
                },
                b',' if place.has_commas() => {
                    self.comma(&mut after_item);
                    continue;
                }
                b'[' if inside == Inside::File => statements.extend(self.section()),
                b'[' if self.begins_line() => {
                    self.section_in_block();
                    return statements;
                }
                _ => statements.extend(self.statement(place)),
            }
            after_item = true;
            if self.unwinding {
                if inside != Inside::File {
                    return statements;
                }
                self.unwinding = false;
            }
        }
    }

    /// Steps over a comma; nothing before it is a mistake.
    pub(super) fn comma(&mut self, after_item: &mut bool) {
        if !*after_item {
            let diagnostic =
                self.error(codes::NO_ITEM, self.at, self.at + 1, "nothing stands before this comma");
            self.report(diagnostic.fix("remove the comma, or write null"));
        }
        *after_item = false;
        self.at += 1;
    }

    fn statement(&mut self, place: Place) -> Option<Statement> {
        let start = self.at;
        if self.at_operator_name() {
            return self.operator_statement(place);
        }
        let variable = self.peek() == Some(b'$') && self.key_end(self.at + 1) > self.at + 1;
        if variable {
            self.at += 1;
        }
        let Some(text) = self.key() else {
            self.not_a_key(place);
            return None;
        };
        let name = Name { text, span: self.span(start, self.at) };
        self.skip_blanks();
        let value = match self.peek() {
            Some(b':' | b'=') => {
                self.separator();
                self.naming = Some(name.text.clone());
                self.value(place)
            }
            Some(b'{') if !variable => {
                self.naming = Some(name.text.clone());
                let block = self.braces();
                self.finish(place);
                block
            }
            Some(b'>') if !variable && self.byte(self.at + 1) != Some(b'=') => {
                self.naming = Some(name.text.clone());
                let block = self.angles();
                self.finish(place);
                block
            }
            _ => {
                self.no_separator(&name, place);
                return None;
            }
        };
        self.naming = None;
        Some(if variable {
            let text = name.text;
            Statement::Variable(Name { text, span: name.span }, value)
        } else {
            Statement::Entry(name, value)
        })
    }

    /// A key, quoted or not.
    fn key(&mut self) -> Option<String> {
        if matches!(self.peek(), Some(b'"' | b'\'')) {
            return Some(self.quoted_key());
        }
        let end = self.key_end(self.at);
        let key = self.text[self.at..end].to_owned();
        self.at = end;
        (!key.is_empty()).then_some(key)
    }

    fn separator(&mut self) {
        let start = self.at;
        while matches!(self.peek(), Some(b':' | b'=')) {
            self.at += 1;
        }
        if self.at > start + 1 {
            let written = &self.text[start..self.at];
            let message = format!("'{written}' is not a separator");
            self.report(
                self.error(codes::DOUBLED_SEPARATOR, start, self.at, message).fix("write one ':' or one '='"),
            );
        }
    }

    fn no_separator(&mut self, name: &Name, place: Place) {
        let at = self.at;
        let end = name.span.end as usize;
        let message = format!("'{}' is not followed by ':' or '='", name.text);
        let diagnostic = self.error(codes::NO_SEPARATOR, name.span.start as usize, end, message);
        let fix = match self.peek() {
            Some(b'.') => "a key holds no dots: use a section [a.b], a block, or put quotes around the key",
            _ => "write `key: value`, or `key { … }` for a block",
        };
        self.report(diagnostic.fix(fix));
        self.at = at;
        self.skip_rest(place);
    }

    fn not_a_key(&mut self, place: Place) {
        let start = self.at;
        self.skip_rest(place);
        if self.at == start {
            self.at = self.char_end(start);
        }
        let diagnostic = self
            .error(codes::NOT_A_KEY, start, self.at, "a key was expected here")
            .note("a key is letters, digits, '_' and '-', and begins with a letter or '_'; any other goes into quotes")
            .fix("write `key: value`");
        self.report(diagnostic);
    }

    fn operator_statement(&mut self, place: Place) -> Option<Statement> {
        let start = self.at;
        let expr = self.expression(place);
        if expr.is_none() {
            self.skip_rest(place);
        }
        self.finish(place);
        match expr?.kind {
            ExprKind::Call(call) if call.name.text == "include" => Some(Statement::Include(call)),
            _ => {
                let message = "only @include stands alone; other operators are values";
                self.report(self.error(codes::NOT_A_KEY, start, self.at, message).fix("write `key: @…`"));
                None
            }
        }
    }

    /// `[a.b]`. A header with a mistake still opens the section as far as it was understood.
    fn section(&mut self) -> Option<Statement> {
        let start = self.at;
        let line_end = self.line_end(start);
        self.at += 1;
        let mut path = Vec::new();
        let problem = loop {
            self.skip_blanks();
            let name_start = self.at;
            if self.peek() == Some(b']') && path.is_empty() {
                self.at += 1;
                break Some("a section needs a name");
            }
            let Some(text) = self.key() else {
                break Some("a section's name is keys with dots between them");
            };
            path.push(Name { text, span: self.span(name_start, self.at) });
            self.skip_blanks();
            match self.peek() {
                Some(b'.') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    break None;
                }
                _ if self.line_ends_at(self.at) => break Some("the section's ']' is missing"),
                _ => break Some("a section's name is keys with dots between them"),
            }
        };
        if let Some(problem) = problem {
            let end = self.text[..line_end].trim_end().len().max(start + 1);
            let diagnostic = self.error(codes::BAD_SECTION, start, end, problem);
            self.report(
                diagnostic.fix("write [name] or [outer.inner]; names with other characters go into quotes"),
            );
        } else if !self.statement_ends_at(self.at) {
            self.skip_blanks();
            let after = self.at;
            self.skip_rest(Place::Line);
            let diagnostic =
                self.error(codes::BAD_SECTION, after, self.at, "nothing may follow a section's ']'");
            self.report(diagnostic.fix("move it to a line of its own"));
        }
        self.at = line_end;
        if path.len() > NESTING_MAX {
            let message = format!("nested more than {NESTING_MAX} levels deep");
            self.report(self.error(codes::TOO_DEEP, start, start + 1, message));
            return None;
        }
        (!path.is_empty()).then_some(Statement::Section(path))
    }

    /// Whether nothing follows on the line but a `;`, which may end any statement.
    fn statement_ends_at(&self, at: usize) -> bool {
        let at = self.after_blanks(at);
        self.line_ends_at(if self.byte(at) == Some(b';') { at + 1 } else { at })
    }

    /// Whether nothing but white space precedes on the line.
    fn begins_line(&self) -> bool {
        let before = self.text[..self.at].trim_end_matches([' ', '\t', '\r']);
        before.is_empty() || before.ends_with('\n')
    }

    /// A header inside a block: most probably the block was not closed, so every open block ends here.
    fn section_in_block(&mut self) {
        let (block, line) = self.innermost();
        let opened = self.opens.last().map_or(self.at, |open| open.at);
        let end = self.text[..self.line_end(self.at)].trim_end().len().max(self.at + 1);
        let message = format!("a section cannot begin inside the block '{block}' from line {line}");
        let diagnostic = self
            .error(codes::SECTION_IN_BLOCK, self.at, end, message)
            .label(self.span(opened, opened + 1), "this block is still open")
            .fix("close the block first");
        self.report(diagnostic);
        self.unwinding = true;
        self.forgiven += self.opens.len();
    }

    /// How the innermost open block was written, and on which line.
    fn innermost(&mut self) -> (String, usize) {
        let Some(open) = self.opens.last() else { return (String::new(), 1) };
        let sign = char::from(open.sign);
        let written = open.name.as_ref().map_or(sign.to_string(), |name| format!("{name} {sign}"));
        let at = open.at;
        (written, self.line_of(at))
    }

    fn wrong_closer(&mut self, closer: u8) -> Closing {
        let sign = char::from(closer);
        let at = self.at;
        let Some(open) = self.opens.last() else {
            self.at += 1;
            if self.forgiven > 0 {
                self.forgiven -= 1;
            } else {
                let message = format!("'{sign}' closes nothing");
                self.report(self.error(codes::WRONG_CLOSER, at, at + 1, message).fix("remove it"));
            }
            return Closing::Skipped;
        };
        let label = self.span(open.at, open.at + 1);
        let right = char::from(closer_of(open.sign));
        let outer = self.closes_an_outer(closer);
        if matches!(closer, b'}' | b'<') {
            let (block, line) = self.innermost();
            let opener = char::from(opener_of(closer));
            let message = format!(
                "'{sign}' closes a '{opener}' block, but the open block is '{block}' from line {line}"
            );
            let diagnostic = self
                .error(codes::WRONG_CLOSER, at, at + 1, message)
                .label(label, "this block is open")
                .fix(format!("close it with '{right}'"));
            self.report(diagnostic);
        } else if outer {
            self.never_closed();
        } else {
            self.at += 1;
            let message = format!("'{sign}' closes nothing");
            self.report(self.error(codes::WRONG_CLOSER, at, at + 1, message).fix("remove it"));
            return Closing::Skipped;
        }
        if !outer {
            self.at += 1;
        }
        Closing::Ends
    }

    /// Steps over a bracket and everything in it, without looking into it.
    pub(super) fn skip_balanced(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            if let Some(after) = self.after_quoted(self.at) {
                self.at = after;
                continue;
            }
            self.at += 1;
            match byte {
                b'[' | b'(' | b'{' => depth += 1,
                b']' | b')' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }
}
