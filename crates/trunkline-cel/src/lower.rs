//! From the tree to a program, looking at every name, function and constant on the way.

mod call;
mod fold;
mod types;

use trunkline_nearest::nearest;

use crate::expression::Program;
use crate::limits::MISTAKES_MAX;
use crate::mistake::{Mistake, MistakeKind};
use crate::program::{Node, NodeKind};
use crate::scope::Scope;
use crate::syntax::{self, Name, Sign, Tree, TreeKind};
use crate::value::Value;
use std::ops::Range;

/// Compiles a text, or gives the mistakes in it in the order of the text.
pub(crate) fn compile(source: &str, scope: &Scope) -> Result<Program, Vec<Mistake>> {
    let tree = syntax::parse(source)?;
    let mut lower = Lower {
        source,
        scope,
        locals: Vec::new(),
        mistakes: Vec::new(),
        failures: Vec::new(),
        reads: Vec::new(),
    };
    let root = lower.node(&tree);
    let Lower { mut mistakes, failures, reads, .. } = lower;
    mistakes.extend(failures);
    if mistakes.is_empty() {
        return Ok(Program { source: source.to_owned(), root, reads });
    }
    mistakes.sort_by_key(|mistake| (mistake.range.start, mistake.range.end));
    mistakes.dedup();
    mistakes.truncate(MISTAKES_MAX);
    Err(mistakes)
}

struct Lower<'a> {
    source: &'a str,
    scope: &'a Scope,
    /// The variables of the macros around, outermost first.
    locals: Vec<&'a str>,
    mistakes: Vec<Mistake>,
    /// What was computed and failed, unless an operator around it is decided by another side.
    failures: Vec<Mistake>,
    reads: Vec<Vec<String>>,
}

/// Stands where a mistake was found; nothing runs it.
fn hole(range: Range<usize>) -> Node {
    Node { kind: NodeKind::Constant(Value::NULL), range }
}

impl<'a> Lower<'a> {
    fn mistake(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    /// How many mistakes and failures there are, to see whether more came.
    fn found(&self) -> usize {
        self.mistakes.len() + self.failures.len()
    }

    fn node(&mut self, tree: &Tree<'a>) -> Node {
        let range = tree.range.clone();
        let kind = match &tree.kind {
            TreeKind::Literal(value) => NodeKind::Constant(value.clone()),
            TreeKind::Name(name) => return self.variable(name, range, true),
            TreeKind::Global(name) => return self.variable(name, range, false),
            TreeKind::Select(operand, field) => {
                if let Some(name) = self.type_of_path(operand, field) {
                    return Node { kind: NodeKind::Constant(name), range };
                }
                let before = self.reads.len();
                let operand = self.node(operand);
                self.select(operand, field, before)
            }
            TreeKind::Index(pair) => {
                let [operand, index] = self.pair(pair);
                NodeKind::Index(Box::new(operand), Box::new(index))
            }
            TreeKind::Call(call) => return self.call(call, range),
            TreeKind::Unary(Sign::Not, inner) => NodeKind::Not(Box::new(self.node(inner))),
            TreeKind::Unary(Sign::Negate, inner) => NodeKind::Negate(Box::new(self.node(inner))),
            TreeKind::Binary(operator, pair) => NodeKind::Binary(*operator, Box::new(self.pair(pair))),
            TreeKind::Logic(logic, terms) => return Node { range, ..self.logic(*logic, terms) },
            TreeKind::If(parts) => NodeKind::If(Box::new(self.choice(parts))),
            TreeKind::List(items) => NodeKind::List(items.iter().map(|item| self.node(item)).collect()),
            TreeKind::Object(entries) => self.object(entries),
        };
        self.folded(Node { kind, range })
    }

    fn pair(&mut self, pair: &[Tree<'a>; 2]) -> [Node; 2] {
        pair.each_ref().map(|side| self.node(side))
    }

    /// A node whose path may lead nowhere: it is not computed beforehand, which would fail.
    fn lenient(&mut self, tree: &Tree<'a>) -> Node {
        let kind = match &tree.kind {
            TreeKind::Select(operand, field) => {
                let before = self.reads.len();
                let operand = self.lenient(operand);
                self.select(operand, field, before)
            }
            TreeKind::Index(pair) => {
                let operand = self.lenient(&pair[0]);
                NodeKind::Index(Box::new(operand), Box::new(self.node(&pair[1])))
            }
            _ => return self.node(tree),
        };
        Node { kind, range: tree.range.clone() }
    }

    /// A field; `before` is how many paths were read before the operand.
    fn select(&mut self, operand: Node, field: &Name<'a>, before: usize) -> NodeKind {
        self.known_field(&operand, field);
        let of_path = path(&operand);
        let kind = NodeKind::Select(Box::new(operand), field.text.to_owned());
        if let Some(mut path) = of_path {
            // The longer path takes the place of the operand's.
            self.reads.truncate(before);
            path.push(field.text.to_owned());
            self.reads.push(path);
        }
        kind
    }

    fn object(&mut self, entries: &[(Tree<'a>, Tree<'a>)]) -> NodeKind {
        let entries: Vec<(Node, Node)> =
            entries.iter().map(|(key, value)| (self.key(key), self.node(value))).collect();
        self.repeated_keys(&entries);
        NodeKind::Object(entries)
    }

    /// A variable, or the name that a macro gives its items if it may be one.
    fn variable(&mut self, name: &Name<'a>, range: Range<usize>, local: bool) -> Node {
        let name = name.text;
        if let Some(local) = self.locals.iter().rposition(|known| local && *known == name) {
            return Node { kind: NodeKind::Local(local), range };
        }
        if !self.scope.has(name) {
            if let Some(known) = types::named(name) {
                return Node { kind: NodeKind::Constant(known), range };
            }
            let names = self.scope.names().chain(self.locals.iter().copied());
            let help = match nearest(name, names) {
                _ if name == "uint" => "there is one type of integers: `int`".to_owned(),
                Some(near) => format!("did you mean `{near}`?"),
                None => self.names_help(),
            };
            let message = format!("there is no `{name}` here");
            self.mistake(Mistake::new(MistakeKind::UnknownVariable, range.clone(), message).help(help));
            return hole(range);
        }
        self.reads.push(vec![name.to_owned()]);
        Node { kind: NodeKind::Variable(name.to_owned()), range }
    }

    fn names_help(&self) -> String {
        let names = self.scope.names().chain(self.locals.iter().copied());
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        if names.is_empty() {
            "no names are known here; a text is written in quotes".to_owned()
        } else {
            format!("the names here are {}; a text is written in quotes", names.join(", "))
        }
    }

    /// The key of an object's field, for which a bare word is easily written.
    fn key(&mut self, tree: &Tree<'a>) -> Node {
        let (before, mistakes) = (self.found(), self.mistakes.len());
        let key = self.node(tree);
        if let TreeKind::Name(Name { text: name, .. }) = &tree.kind
            && self.found() > before
        {
            self.mistakes.truncate(mistakes);
            let message = format!("there is no `{name}` here");
            let mistake = Mistake::new(MistakeKind::UnknownVariable, key.range.clone(), message)
                .help(format!("a field's name is written in quotes: `'{name}'`"));
            self.mistake(mistake);
            return key;
        }
        if let NodeKind::Constant(value) = &key.kind
            && value.as_str().is_none()
            && self.found() == before
        {
            let message = format!("the name of a field is text, not {}", value.type_name());
            let mistake = Mistake::new(MistakeKind::Constant, key.range.clone(), message)
                .help(format!("write `'{}'`", value.to_text()));
            self.mistake(mistake);
        }
        key
    }

    fn repeated_keys(&mut self, entries: &[(Node, Node)]) {
        let mut names: Vec<(&str, &Range<usize>)> = Vec::new();
        for (key, _) in entries {
            if let NodeKind::Constant(value) = &key.kind
                && let Some(name) = value.as_str()
            {
                names.push((name, &key.range));
            }
        }
        names.sort_by_key(|&(name, range)| (name, range.start));
        for pair in names.windows(2) {
            if pair[0].0 == pair[1].0 {
                let message = format!("the field `{}` is there twice", pair[1].0);
                self.mistakes.push(Mistake::new(MistakeKind::Constant, pair[1].1.clone(), message));
            }
        }
    }

    /// Looks whether a variable with known fields has this one.
    fn known_field(&mut self, operand: &Node, field: &Name<'_>) {
        let NodeKind::Variable(name) = &operand.kind else { return };
        let Some(fields) = self.scope.known_fields(name) else { return };
        let Name { text: field, range } = field.clone();
        if fields.iter().any(|known| known == field) {
            return;
        }
        let near = nearest(field, fields.iter().map(String::as_str));
        let help = near.map_or_else(
            || {
                let known: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
                format!("its fields are {}", known.join(", "))
            },
            |near| format!("did you mean `{near}`?"),
        );
        let message = format!("`{name}` has no field `{field}`");
        self.mistake(Mistake::new(MistakeKind::UnknownField, range, message).help(help));
    }
}

/// The variable and the names of fields that a node spells.
fn path(node: &Node) -> Option<Vec<String>> {
    match &node.kind {
        NodeKind::Variable(name) => Some(vec![name.clone()]),
        NodeKind::Select(operand, field) => {
            let mut path = path(operand)?;
            path.push(field.clone());
            Some(path)
        }
        _ => None,
    }
}
