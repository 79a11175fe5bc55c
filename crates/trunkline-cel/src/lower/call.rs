//! Operators, macros and functions, which the parser all gives as calls.

use trunkline_nearest::nearest;

use super::{Lower, hole};
use crate::functions::{self, Function};
use crate::limits::PATTERN_BYTES_MAX;
use crate::mistake::{Mistake, MistakeKind};
use crate::program::{Macro, MacroKind, Node, NodeKind, Operator};
use cel::common::ast::{CallExpr, Expr, IdedExpr, operators};
use regex::RegexBuilder;
use std::ops::Range;

/// What is no plain function, with how it is written.
const FORMS: [(&str, &str); 8] = [
    ("has", "has(value.field)"),
    ("default", "default(value, otherwise)"),
    ("matches", "text.matches(pattern)"),
    ("all", "list.all(x, condition)"),
    ("exists", "list.exists(x, condition)"),
    ("exists_one", "list.exists_one(x, condition)"),
    ("filter", "list.filter(x, condition)"),
    ("map", "list.map(x, value)"),
];

impl Lower<'_> {
    pub(super) fn call(&mut self, token: usize, call: &CallExpr) -> Node {
        let range = self.token_range(token);
        let operator = match call.func_name.as_str() {
            operators::ADD => Some(Operator::Add),
            operators::SUBSTRACT => Some(Operator::Subtract),
            operators::MULTIPLY => Some(Operator::Multiply),
            operators::DIVIDE => Some(Operator::Divide),
            operators::MODULO => Some(Operator::Remainder),
            operators::EQUALS => Some(Operator::Equal),
            operators::NOT_EQUALS => Some(Operator::NotEqual),
            operators::LESS => Some(Operator::Less),
            operators::LESS_EQUALS => Some(Operator::LessOrEqual),
            operators::GREATER => Some(Operator::Greater),
            operators::GREATER_EQUALS => Some(Operator::GreaterOrEqual),
            operators::IN => Some(Operator::In),
            _ => None,
        };
        match (call.func_name.as_str(), call.args.as_slice()) {
            (_, [left, right]) if operator.is_some() => {
                self.binary(operator.unwrap_or(Operator::Equal), left, right)
            }
            (operators::LOGICAL_AND, [left, right]) => {
                let (left, right) = (self.node(left), self.node(right));
                let range = left.range.start..right.range.end;
                self.folded(Node { kind: NodeKind::And(Box::new(left), Box::new(right)), range })
            }
            (operators::LOGICAL_OR, [left, right]) => {
                let (left, right) = (self.node(left), self.node(right));
                let range = left.range.start..right.range.end;
                self.folded(Node { kind: NodeKind::Or(Box::new(left), Box::new(right)), range })
            }
            (operators::LOGICAL_NOT, [inner]) => {
                let inner = self.node(inner);
                let range = range.start..inner.range.end;
                self.folded(Node { kind: NodeKind::Not(Box::new(inner)), range })
            }
            (operators::NEGATE, [inner]) => {
                let inner = self.node(inner);
                let range = range.start..inner.range.end;
                self.folded(Node { kind: NodeKind::Negate(Box::new(inner)), range })
            }
            (operators::CONDITIONAL, [condition, yes, no]) => {
                let three = [self.node(condition), self.node(yes), self.node(no)];
                let range = three[0].range.start..three[2].range.end;
                self.folded(Node { kind: NodeKind::If(Box::new(three)), range })
            }
            (operators::INDEX, [inner, index]) => {
                let inner = self.node(inner);
                let index = self.node(index);
                let range = self.to_partner(inner.range.start, token);
                self.folded(Node { kind: NodeKind::Index(Box::new(inner), Box::new(index)), range })
            }
            _ => self.named(token, call),
        }
    }

    /// A call by name, whose opening bracket is this token.
    fn named(&mut self, open: usize, call: &CallExpr) -> Node {
        let name = call.func_name.trim_start_matches('.');
        let name_range = self.token_range(open.saturating_sub(1));
        match (name, call.target.as_deref(), call.args.as_slice()) {
            ("has", None, [inner]) => self.has(open, name_range, inner),
            ("default", None, [value, otherwise]) => {
                let pair = [self.lenient(value), self.node(otherwise)];
                let range = self.to_partner(name_range.start, open);
                Node { kind: NodeKind::Default(Box::new(pair)), range }
            }
            ("matches", Some(text), [pattern]) | ("matches", None, [text, pattern]) => {
                let start = call.target.is_none().then_some(name_range.start);
                self.matches(open, start, text, pattern)
            }
            ("all", Some(over), [variable, condition]) => {
                self.macro_call(open, MacroKind::All, over, variable, Some(condition), None)
            }
            ("exists", Some(over), [variable, condition]) => {
                self.macro_call(open, MacroKind::Exists, over, variable, Some(condition), None)
            }
            ("exists_one", Some(over), [variable, condition]) => {
                self.macro_call(open, MacroKind::ExistsOne, over, variable, Some(condition), None)
            }
            ("filter", Some(over), [variable, condition]) => {
                self.macro_call(open, MacroKind::Filter, over, variable, Some(condition), None)
            }
            ("map", Some(over), [variable, result]) => {
                self.macro_call(open, MacroKind::Map, over, variable, None, Some(result))
            }
            ("map", Some(over), [variable, condition, result]) => {
                self.macro_call(open, MacroKind::Map, over, variable, Some(condition), Some(result))
            }
            _ => self.function(open, name, call),
        }
    }

    fn has(&mut self, open: usize, name_range: Range<usize>, inner: &IdedExpr) -> Node {
        let inner = self.lenient(inner);
        let range = self.to_partner(name_range.start, open);
        if !matches!(inner.kind, NodeKind::Select(..)) {
            if self.mistakes.is_empty() {
                let message = "`has` asks for a field";
                let mistake = Mistake::new(MistakeKind::Arguments, inner.range, message)
                    .help("write `has(value.field)`; `'name' in value` asks for any name");
                self.mistake(mistake);
            }
            return hole(range);
        }
        Node { kind: NodeKind::Has(Box::new(inner)), range }
    }

    fn matches(&mut self, open: usize, start: Option<usize>, text: &IdedExpr, pattern: &IdedExpr) -> Node {
        let (text, pattern) = (self.node(text), self.node(pattern));
        let range = self.to_partner(start.unwrap_or(text.range.start), open);
        let written = if let NodeKind::Constant(value) = &pattern.kind { value.as_str() } else { None };
        let Some(written) = written else {
            if self.mistakes.is_empty() {
                let message = "the pattern of `matches` must be known when the expression is compiled";
                let mistake = Mistake::new(MistakeKind::Arguments, pattern.range, message)
                    .help("write it as text in quotes");
                self.mistake(mistake);
            }
            return hole(range);
        };
        match RegexBuilder::new(written).size_limit(PATTERN_BYTES_MAX).build() {
            Ok(regex) => {
                self.folded(Node { kind: NodeKind::Matches(Box::new(text), Box::new(regex)), range })
            }
            Err(error) => {
                let reason = match &error {
                    regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
                    // The last line of several says what is wrong.
                    _ => error.to_string().lines().last().unwrap_or_default().replace("error: ", ""),
                };
                let message = format!("`{written}` is no regular expression: {reason}");
                self.mistake(Mistake::new(MistakeKind::Constant, pattern.range, message));
                hole(range)
            }
        }
    }

    fn macro_call(
        &mut self,
        open: usize,
        kind: MacroKind,
        over: &IdedExpr,
        variable: &IdedExpr,
        filter: Option<&IdedExpr>,
        result: Option<&IdedExpr>,
    ) -> Node {
        let over = self.node(over);
        let range = self.to_partner(over.range.start, open);
        let Expr::Ident(name) = &variable.expr else {
            let at = self.token(variable.id).map_or(range.clone(), |token| self.token_range(token));
            let message = format!("the first argument of `{}` is the name that each item gets", kind.name());
            let mistake = Mistake::new(MistakeKind::Arguments, at, message);
            let form = FORMS.iter().find(|(form, _)| *form == kind.name());
            self.mistake(mistake.help_maybe(form.map(|(_, form)| format!("write `{form}`"))));
            return hole(range);
        };
        self.locals.push(name.clone());
        let filter = filter.map(|filter| self.node(filter));
        let result = result.map(|result| self.node(result));
        self.locals.pop();
        let variable = name.clone();
        Node { kind: NodeKind::Macro(Box::new(Macro { kind, over, variable, filter, result })), range }
    }

    /// A function, called with its first argument before the point or in the brackets.
    fn function(&mut self, open: usize, name: &str, call: &CallExpr) -> Node {
        let name_range = self.token_range(open.saturating_sub(1));
        let known = functions::find(name);
        let form = FORMS.iter().find(|(form, _)| *form == name).map(|(_, form)| *form);
        if known.is_none() && form.is_none() {
            let names = functions::ALL.iter().map(|function| function.name);
            let near = nearest(name, names.chain(FORMS.iter().map(|(name, _)| *name)));
            let message = format!("there is no function `{name}`");
            let help = match (name, near) {
                ("uint", _) => Some("there is one type of integers: `int(value)`".to_owned()),
                (_, Some(near)) => Some(format!("did you mean `{near}`?")),
                (_, None) => None,
            };
            self.mistake(
                Mistake::new(MistakeKind::UnknownFunction, name_range.clone(), message).help_maybe(help),
            );
            // It may be a macro that is misspelt, with the name that each item gets.
            let gives_name = matches!(call.args.first().map(|first| &first.expr), Some(Expr::Ident(name))
                if !self.scope.has(name) && !self.locals.contains(name));
            if call.target.is_some() && gives_name {
                if let Some(target) = &call.target {
                    self.node(target);
                }
                return hole(self.token_range(open));
            }
        }
        let count = call.args.len() + usize::from(call.target.is_some());
        if let Some(form) = form {
            let message = format!("`{name}` is written `{form}`");
            self.mistake(Mistake::new(MistakeKind::Arguments, name_range, message));
            if let Some(target) = &call.target {
                self.node(target);
            }
            return hole(self.token_range(open));
        }
        let mut arguments: Vec<Node> = Vec::new();
        arguments.extend(call.target.iter().map(|target| self.node(target)));
        arguments.extend(call.args.iter().map(|argument| self.node(argument)));
        let start = match &call.target {
            Some(_) => arguments[0].range.start,
            None => self.token_range(open.saturating_sub(1)).start,
        };
        let range = self.to_partner(start, open);
        let Some(function) = known else { return hole(range) };
        if count < function.least || count > function.most {
            self.mistake(wrong_count(function, count, self.token_range(open.saturating_sub(1))));
            return hole(range);
        }
        self.folded(Node { kind: NodeKind::Call(function, arguments), range })
    }
}

fn wrong_count(function: &Function, count: usize, range: Range<usize>) -> Mistake {
    let wanted = match (function.least, function.most) {
        (least, usize::MAX) => format!("at least {}", arguments(least)),
        (least, most) if least == most => arguments(least),
        (least, most) => format!("{least} to {}", arguments(most)),
    };
    let message = format!("`{}` takes {wanted}, not {count}", function.name);
    Mistake::new(MistakeKind::Arguments, range, message).help(format!("write `{}`", function.form))
}

fn arguments(count: usize) -> String {
    format!("{count} argument{}", if count == 1 { "" } else { "s" })
}
