//! Macros and functions, which the grammar does not tell apart.

use trunkline_nearest::nearest;

use super::{Lower, hole};
use crate::functions::{self, Function};
use crate::limits::PATTERN_BYTES_MAX;
use crate::mistake::{Mistake, MistakeKind};
use crate::program::{Macro, MacroKind, Node, NodeKind};
use crate::syntax::{Call, Name, Tree, TreeKind};
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

impl<'a> Lower<'a> {
    /// A call, whose whole range this is.
    pub(super) fn call(&mut self, call: &Call<'a>, range: Range<usize>) -> Node {
        let kind = match (call.name.text, call.target.as_ref(), call.arguments.as_slice()) {
            ("has", None, [inner]) => self.has(inner),
            ("default", None, [value, otherwise]) => {
                Some(NodeKind::Default(Box::new([self.lenient(value), self.node(otherwise)])))
            }
            ("matches", Some(text), [pattern]) | ("matches", None, [text, pattern]) => {
                self.matches(text, pattern)
            }
            ("all", Some(over), [variable, condition]) => {
                self.macro_call(MacroKind::All, over, variable, Some(condition), None)
            }
            ("exists", Some(over), [variable, condition]) => {
                self.macro_call(MacroKind::Exists, over, variable, Some(condition), None)
            }
            ("exists_one", Some(over), [variable, condition]) => {
                self.macro_call(MacroKind::ExistsOne, over, variable, Some(condition), None)
            }
            ("filter", Some(over), [variable, condition]) => {
                self.macro_call(MacroKind::Filter, over, variable, Some(condition), None)
            }
            ("map", Some(over), [variable, result]) => {
                self.macro_call(MacroKind::Map, over, variable, None, Some(result))
            }
            ("map", Some(over), [variable, condition, result]) => {
                self.macro_call(MacroKind::Map, over, variable, Some(condition), Some(result))
            }
            _ => self.function(call),
        };
        match kind {
            Some(kind) => self.folded(Node { kind, range }),
            None => hole(range),
        }
    }

    fn has(&mut self, inner: &Tree<'a>) -> Option<NodeKind> {
        let inner = self.lenient(inner);
        if matches!(inner.kind, NodeKind::Select(..)) {
            return Some(NodeKind::Has(Box::new(inner)));
        }
        if self.mistakes.is_empty() {
            let mistake = Mistake::new(MistakeKind::Arguments, inner.range, "`has` asks for a field");
            self.mistake(mistake.help("write `has(value.field)`; `'name' in value` asks for any name"));
        }
        None
    }

    fn matches(&mut self, text: &Tree<'a>, pattern: &Tree<'a>) -> Option<NodeKind> {
        let (text, pattern) = (self.node(text), self.node(pattern));
        let written = if let NodeKind::Constant(value) = &pattern.kind { value.as_str() } else { None };
        let Some(written) = written else {
            if self.mistakes.is_empty() {
                let message = "the pattern of `matches` must be known when the expression is compiled";
                let mistake = Mistake::new(MistakeKind::Arguments, pattern.range, message);
                self.mistake(mistake.help("write it as text in quotes"));
            }
            return None;
        };
        match RegexBuilder::new(written).size_limit(PATTERN_BYTES_MAX).build() {
            Ok(regex) => Some(NodeKind::Matches(Box::new(text), Box::new(regex))),
            Err(error) => {
                let reason = match &error {
                    regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
                    // The last line of several says what is wrong.
                    _ => error.to_string().lines().last().unwrap_or_default().replace("error: ", ""),
                };
                let message = format!("`{written}` is no regular expression: {reason}");
                self.mistake(Mistake::new(MistakeKind::Constant, pattern.range, message));
                None
            }
        }
    }

    fn macro_call(
        &mut self,
        kind: MacroKind,
        over: &Tree<'a>,
        variable: &Tree<'a>,
        filter: Option<&Tree<'a>>,
        result: Option<&Tree<'a>>,
    ) -> Option<NodeKind> {
        let over = self.node(over);
        let TreeKind::Name(name) = &variable.kind else {
            let message = format!("the first argument of `{}` is the name that each item gets", kind.name());
            let mistake = Mistake::new(MistakeKind::Arguments, variable.range.clone(), message);
            self.mistake(mistake.help_maybe(form(kind.name()).map(|form| format!("write `{form}`"))));
            return None;
        };
        self.locals.push(name.text);
        let filter = filter.map(|filter| self.node(filter));
        let result = result.map(|result| self.node(result));
        self.locals.pop();
        let variable = name.text.to_owned();
        Some(NodeKind::Macro(Box::new(Macro { kind, over, variable, filter, result })))
    }

    /// A function, called with its first argument before the point or in the brackets.
    fn function(&mut self, call: &Call<'a>) -> Option<NodeKind> {
        let Name { text: name, range } = call.name.clone();
        if let Some(form) = form(name) {
            let message = format!("`{name}` is written `{form}`");
            self.mistake(Mistake::new(MistakeKind::Arguments, range, message));
            if let Some(target) = &call.target {
                self.node(target);
            }
            return None;
        }
        let known = functions::find(name);
        if known.is_none() {
            self.unknown_function(name, range.clone());
            // It may be a macro that is misspelt, with the name that each item gets.
            if let (Some(target), Some(TreeKind::Name(first))) =
                (&call.target, call.arguments.first().map(|first| &first.kind))
                && !self.scope.has(first.text)
                && !self.locals.contains(&first.text)
            {
                self.node(target);
                return None;
            }
        }
        let arguments: Vec<Node> =
            call.target.iter().chain(&call.arguments).map(|argument| self.node(argument)).collect();
        let function = known?;
        if arguments.len() < function.least || arguments.len() > function.most {
            self.mistake(wrong_count(function, arguments.len(), range));
            return None;
        }
        Some(NodeKind::Call(function, arguments))
    }

    fn unknown_function(&mut self, name: &str, range: Range<usize>) {
        let names = functions::ALL.iter().map(|function| function.name);
        let help = match (name, nearest(name, names.chain(FORMS.iter().map(|(name, _)| *name)))) {
            ("uint", _) => Some("there is one type of integers: `int(value)`".to_owned()),
            (_, Some(near)) => Some(format!("did you mean `{near}`?")),
            (_, None) => None,
        };
        let message = format!("there is no function `{name}`");
        self.mistake(Mistake::new(MistakeKind::UnknownFunction, range, message).help_maybe(help));
    }
}

/// How a name is written that is no plain function's.
fn form(name: &str) -> Option<&'static str> {
    FORMS.iter().find(|(form, _)| *form == name).map(|(_, form)| *form)
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
