//! Macros and functions, which the grammar does not tell apart.

use trunkline_nearest::nearest;

use super::{Lower, hole};
use crate::functions::{self, Function};
use crate::mistake::{Mistake, MistakeKind};
use crate::pattern;
use crate::program::{Macro, MacroKind, Node, NodeKind};
use crate::syntax::{Call, Name, Tree, TreeKind};
use std::ops::Range;

/// What is no plain function, with how it is written.
const FORMS: [(&str, &str); 11] = [
    ("has", "has(value.field)"),
    ("default", "default(value, otherwise)"),
    ("matches", "text.matches(pattern)"),
    ("all", "list.all(x, condition)"),
    ("exists", "list.exists(x, condition)"),
    ("exists_one", "list.exists_one(x, condition)"),
    ("existsOne", "list.existsOne(x, condition)"),
    ("filter", "list.filter(x, condition)"),
    ("map", "list.map(x, value)"),
    ("transformList", "list.transformList(i, x, value)"),
    ("transformMap", "object.transformMap(name, x, value)"),
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
            (name, Some(over), arguments) => match macro_of(name, arguments) {
                Some(parts) => self.macro_call(over, &parts),
                None => self.function(call),
            },
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
        if self.found() == 0 {
            let mistake = Mistake::new(MistakeKind::Arguments, inner.range, "`has` asks for a field");
            self.mistake(mistake.help("write `has(value.field)`; `'name' in value` asks for any name"));
        }
        None
    }

    fn matches(&mut self, text: &Tree<'a>, pattern: &Tree<'a>) -> Option<NodeKind> {
        let (text, pattern) = (self.node(text), self.node(pattern));
        let written = if let NodeKind::Constant(value) = &pattern.kind { value.as_str() } else { None };
        let Some(written) = written else {
            if self.found() == 0 {
                let message = "the pattern of `matches` must be known when the expression is compiled";
                let mistake = Mistake::new(MistakeKind::Arguments, pattern.range, message);
                self.mistake(mistake.help("write it as text in quotes"));
            }
            return None;
        };
        match pattern::compile(written) {
            Ok(regex) => Some(NodeKind::Matches(Box::new(text), Box::new(regex))),
            Err(reason) => {
                let message = format!("`{written}` is no regular expression: {reason}");
                self.mistake(Mistake::new(MistakeKind::Constant, pattern.range, message));
                None
            }
        }
    }

    fn macro_call(&mut self, over: &Tree<'a>, parts: &MacroParts<'_, 'a>) -> Option<NodeKind> {
        let kind = parts.kind;
        let over = self.node(over);
        let mut variables = Vec::with_capacity(parts.variables.len());
        for variable in parts.variables {
            let TreeKind::Name(name) = &variable.kind else {
                let what = match parts.variables {
                    [_] => "the first argument of `{}` is the name that each item gets",
                    _ => "the first two arguments of `{}` are names that each item's place and the item get",
                };
                let message = what.replace("{}", parts.name);
                let mistake = Mistake::new(MistakeKind::Arguments, variable.range.clone(), message);
                let form = match (form(parts.name), parts.variables) {
                    (Some(form), [_]) => form.to_owned(),
                    (Some(form), _) if form.contains("transform") => form.to_owned(),
                    _ => format!("list.{}(i, x, condition)", parts.name),
                };
                self.mistake(mistake.help(format!("write `{form}`")));
                return None;
            };
            if variables.contains(&name.text) {
                let message = format!("place and item are both called `{}`", name.text);
                self.mistake(Mistake::new(MistakeKind::Arguments, variable.range.clone(), message));
            }
            variables.push(name.text);
        }
        self.locals.extend(&variables);
        let filter = parts.filter.map(|filter| self.node(filter));
        let result = parts.result.map(|result| self.node(result));
        self.locals.truncate(self.locals.len() - variables.len());
        let mut variables = variables.into_iter().map(str::to_owned).rev();
        let variable = variables.next().unwrap_or_default();
        Some(NodeKind::Macro(Box::new(Macro {
            kind,
            over,
            place: variables.next(),
            variable,
            filter,
            result,
        })))
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
        // `strings` is no value: it stands before the function's name.
        let quote = name == "quote" && call.target.as_ref().is_some_and(|target| self.is_strings(target));
        let known = functions::find(if quote { functions::QUOTE } else { name });
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
        let target = call.target.iter().filter(|_| !quote);
        let arguments: Vec<Node> =
            target.chain(&call.arguments).map(|argument| self.node(argument)).collect();
        let function = known?;
        if arguments.len() < function.least || arguments.len() > function.most {
            self.mistake(wrong_count(function, arguments.len(), range));
            return None;
        }
        self.known_zone(function, &arguments);
        Some(NodeKind::Call(function, arguments))
    }

    fn is_strings(&self, tree: &Tree<'a>) -> bool {
        matches!(tree.kind, TreeKind::Name(Name { text: "strings", .. }))
            && !self.scope.has("strings")
            && !self.locals.contains(&"strings")
    }

    /// Looks whether a zone that is written out is one.
    fn known_zone(&mut self, function: &Function, arguments: &[Node]) {
        if let [_, Node { kind: NodeKind::Constant(value), range }] = arguments
            && function.name.starts_with("get")
            && let Some(Err(message)) = value.as_str().map(functions::zone)
            && self.found() == 0
        {
            self.mistake(Mistake::new(MistakeKind::Constant, range.clone(), message));
        }
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

/// A call that is a macro, taken apart.
struct MacroParts<'t, 'a> {
    kind: MacroKind,
    name: &'a str,
    /// One name, or two.
    variables: &'t [Tree<'a>],
    filter: Option<&'t Tree<'a>>,
    result: Option<&'t Tree<'a>>,
}

/// The macro of that name with so many arguments.
fn macro_of<'t, 'a>(name: &'a str, arguments: &'t [Tree<'a>]) -> Option<MacroParts<'t, 'a>> {
    let (kind, variables) = match (name, arguments.len()) {
        ("all", 2 | 3) => (MacroKind::All, arguments.len() - 1),
        ("exists", 2 | 3) => (MacroKind::Exists, arguments.len() - 1),
        ("exists_one" | "existsOne", 2 | 3) => (MacroKind::ExistsOne, arguments.len() - 1),
        ("filter", 2) => (MacroKind::Filter, 1),
        ("map", 2 | 3) => (MacroKind::Map, 1),
        ("transformList", 3 | 4) => (MacroKind::TransformList, 2),
        ("transformMap", 3 | 4) => (MacroKind::TransformMap, 2),
        _ => return None,
    };
    let (variables, rest) = arguments.split_at(variables);
    let (filter, result) = match (kind, rest) {
        (MacroKind::Map | MacroKind::TransformList | MacroKind::TransformMap, [result]) => {
            (None, Some(result))
        }
        (_, [filter, result]) => (Some(filter), Some(result)),
        (_, rest) => (rest.first(), None),
    };
    Some(MacroParts { kind, name, variables, filter, result })
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
