//! Expressions: a condition with its two outcomes binds loosest, then the levels of [`BinaryOp::LEVELS`], then `!`
//! and `-`, then single operands. Operators with two sides have white space around them.

use super::cursor::{begins_key, continues_key, is_space};
use super::number::{self, Number};
use super::{BinaryOp, Call, Expr, ExprKind, Name, Operation, Parser, Place, UnaryOp};
use crate::codes;
use crate::source::Span;

impl Parser<'_> {
    /// An expression within another, one level deeper. `None` when there is none, which is reported unless the attempt is quiet.
    pub(super) fn expression(&mut self, place: Place) -> Option<Expr> {
        if !self.enter() {
            return None;
        }
        let expr = self.ternary(place);
        self.leave();
        expr
    }

    /// The expression that begins here. `None` as for [`expression`](Self::expression).
    pub(super) fn ternary(&mut self, place: Place) -> Option<Expr> {
        let start = self.at;
        let condition = self.chain(0, place)?;
        if self.sign("?", place).is_none() {
            return Some(condition);
        }
        self.skip_operator_space(place);
        let yes = self.expression(place)?;
        if self.sign(":", place).is_none() {
            return self.no_operand("':' and the other value were expected after this", start);
        }
        self.skip_operator_space(place);
        let no = self.expression(place)?;
        Some(self.expr(ExprKind::Ternary(Box::new([condition, yes, no])), start))
    }

    /// Operands with operators of one strength between them, or of a stronger one.
    fn chain(&mut self, level: usize, place: Place) -> Option<Expr> {
        let Some(operators) = BinaryOp::LEVELS.get(level) else { return self.operand(place) };
        let start = self.at;
        let first = self.chain(level + 1, place)?;
        let mut links = Vec::new();
        while let Some((op, op_span)) = self.operator(operators, place) {
            self.skip_operator_space(place);
            let right = self.chain(level + 1, place)?;
            links.push(Operation { op, op_span, right });
        }
        Some(if links.is_empty() { first } else { self.expr(ExprKind::Chain(Box::new(first), links), start) })
    }

    fn operator(&mut self, operators: &[(&str, BinaryOp)], place: Place) -> Option<(BinaryOp, Span)> {
        operators.iter().find_map(|&(sign, op)| {
            // In a block `> … <` on one line, `<` is its end.
            let closes = place == Place::AngleInline && op == BinaryOp::Less;
            (!closes).then(|| self.sign(sign, place)).flatten().map(|span| (op, span))
        })
    }

    /// Steps over a sign with white space on both sides.
    fn sign(&mut self, sign: &str, place: Place) -> Option<Span> {
        let before = self.at;
        self.skip_operator_space(place);
        let (start, end) = (self.at, self.at + sign.len());
        if start > before && self.starts_with(sign) && self.byte(end).is_none_or(is_space) {
            self.at = end;
            return Some(self.span(start, end));
        }
        self.at = before;
        None
    }

    /// Skips the white space around an operator: within the line, but across lines in parentheses.
    fn skip_operator_space(&mut self, place: Place) {
        if place == Place::Arguments {
            self.skip_space();
        } else {
            self.skip_blanks();
        }
    }

    fn operand(&mut self, place: Place) -> Option<Expr> {
        let start = self.at;
        match self.peek() {
            Some(b'"' | b'\'') => {
                if self.starts_with("\"\"\"") {
                    self.attempt.quiet = false;
                }
                self.quoted()
            }
            Some(b'(') => self.group(place),
            Some(b'!') => self.unary(UnaryOp::Not, place),
            Some(b'-')
                if self
                    .byte(start + 1)
                    .is_some_and(|next| matches!(next, b'$' | b'(' | b'@') || begins_key(next)) =>
            {
                self.unary(UnaryOp::Negate, place)
            }
            Some(b'@') if self.at_operator_name() => self.call(),
            // In text, a bracket after an operator is no reason to read on over lines.
            Some(sign @ (b'[' | b'{')) if !(self.attempt.quiet && self.attempt.names) => {
                self.attempt.quiet = false;
                Some(if sign == b'[' { self.array() } else { self.braces() })
            }
            _ => self.word(),
        }
    }

    fn group(&mut self, place: Place) -> Option<Expr> {
        let start = self.at;
        self.at += 1;
        self.skip_operator_space(place);
        let mut expr = self.expression(place)?;
        self.skip_operator_space(place);
        if self.peek() != Some(b')') {
            if self.attempt.quiet {
                return None;
            }
            let diagnostic =
                self.error(codes::NEVER_CLOSED, start, start + 1, "'(' is never closed").here("opened here");
            self.report(diagnostic.fix("add the closing ')'"));
            return None;
        }
        self.at += 1;
        expr.span = self.span(start, self.at);
        Some(expr)
    }

    fn unary(&mut self, op: UnaryOp, place: Place) -> Option<Expr> {
        let start = self.at;
        self.at += 1;
        self.skip_blanks();
        if !self.enter() {
            return None;
        }
        let operand = self.operand(place);
        self.leave();
        Some(self.expr(ExprKind::Unary(op, Box::new(operand?)), start))
    }

    /// `@name(…)`, or `@include "path"`.
    fn call(&mut self) -> Option<Expr> {
        let start = self.at;
        let mut end = self.key_end(start + 1);
        while self.byte(end) == Some(b'.') && self.byte(end + 1).is_some_and(begins_key) {
            end = self.key_end(end + 1);
        }
        let name = Name { text: self.text[start + 1..end].to_owned(), span: self.span(start, end) };
        self.at = end;
        let bare = self.after_blanks(end);
        let arguments = if self.peek() == Some(b'(') {
            self.attempt.quiet = false;
            self.naming = None;
            self.items(Place::Arguments)?
        } else if name.text == "include" && matches!(self.byte(bare), Some(b'"' | b'\'')) {
            self.at = bare;
            vec![self.quoted()?]
        } else if self.attempt.quiet {
            return None;
        } else {
            Vec::new()
        };
        let span = self.span(start, self.at);
        Some(self.expr(ExprKind::Call(Call { name, arguments, span }), start))
    }

    /// A number, keyword, variable or bare word.
    fn word(&mut self) -> Option<Expr> {
        let start = self.at;
        let is_end = |byte: &u8| is_space(*byte) || b",()[]{}\"';".contains(byte);
        let length = self.bytes[start..].iter().position(is_end);
        let end = length.map_or(self.bytes.len(), |length| start + length);
        let word = &self.text[start..end];
        let kind = match word {
            "true" | "TRUE" => ExprKind::Bool(true),
            "false" | "FALSE" => ExprKind::Bool(false),
            "null" | "NULL" => ExprKind::Null,
            _ => match word.as_bytes() {
                [b'$', first, rest @ ..]
                    if begins_key(*first) && rest.iter().all(|&byte| continues_key(byte)) =>
                {
                    ExprKind::Variable(word[1..].to_owned())
                }
                [first, ..] if first.is_ascii_digit() || *first == b'-' => {
                    let Some(kind) = self.numeric(word, start, end) else {
                        return self.no_operand("", start);
                    };
                    kind
                }
                [first, rest @ ..] if begins_key(*first) && rest.iter().all(|&byte| continues_key(byte)) => {
                    self.attempt.names = true;
                    ExprKind::Name(word.to_owned())
                }
                _ => return self.no_operand("", start),
            },
        };
        self.at = end;
        Some(self.expr(kind, start))
    }

    fn numeric(&mut self, word: &str, start: usize, end: usize) -> Option<ExprKind> {
        let diagnostic = match number::number(word)? {
            Number::Integer(value) => return Some(ExprKind::Integer(value)),
            Number::Float(value) => return Some(ExprKind::Float(value)),
            Number::Range(min, max) if min <= max => return Some(ExprKind::Range(min, max)),
            Number::Range(min, max) => self
                .error(codes::REVERSED_RANGE, start, end, format!("the range {min}-{max} runs backwards"))
                .fix(format!(
                    "write {max}-{min}, put white space around '-' to subtract, or quotes around a text"
                )),
            Number::TooLarge => self
                .error(codes::NUMBER_TOO_LARGE, start, end, "the number does not fit 64 bits")
                .fix("put quotes around it to keep it as text"),
        };
        self.report(diagnostic);
        Some(ExprKind::Invalid)
    }

    /// Reports that a value is missing or unreadable here, unless the attempt is quiet.
    fn no_operand(&mut self, message: &str, start: usize) -> Option<Expr> {
        if self.attempt.quiet {
            return None;
        }
        let missing = self.peek().is_none_or(|byte| is_space(byte) || b",)]};".contains(&byte));
        let (from, to) =
            if missing { (start.min(self.at), self.at) } else { (self.at, self.char_end(self.at)) };
        let message = match message {
            "" => "a value was expected here",
            message => message,
        };
        let diagnostic = self.error(codes::NO_OPERAND, from, to, message);
        self.report(diagnostic.fix("write a number, a quoted text, a $variable or an operator"));
        None
    }
}
