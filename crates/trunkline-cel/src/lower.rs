//! From the parser's tree to a program, looking at every name, function and constant on the way.

mod call;

use trunkline_nearest::nearest;

use crate::error::EvaluateErrorKind;
use crate::evaluate::Run;
use crate::expression::Program;
use crate::limits::{MISTAKES_MAX, NESTING_MAX};
use crate::mistake::{Mistake, MistakeKind};
use crate::parse::parse;
use crate::program::{Node, NodeKind, Operator};
use crate::scope::Scope;
use crate::tokens::Tokens;
use crate::value::{Repr, Value};
use crate::variables::Variables;
use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};
use std::ops::Range;
use std::thread;

/// Tokens of an expression that is compiled on the caller's stack. The parser takes up to 25 kB of it for each level
/// when it is not optimised, and the stack of a thread may be as small as 2 MiB.
const INLINE_TOKENS_MAX: usize = 40;

/// What the longest and most deeply nested expression within the limits needs, several times over; only what is used
/// of it takes memory.
const STACK_BYTES: usize = 64 << 20;

/// Compiles a text, or gives the mistakes in it in the order of the text.
pub(crate) fn compile(source: &str, scope: &Scope) -> Result<Program, Vec<Mistake>> {
    let tokens = Tokens::cut(source)?;
    if tokens.all.len() <= INLINE_TOKENS_MAX {
        return lower(&tokens, scope);
    }
    thread::scope(|threads| {
        let builder = thread::Builder::new().name("compile".to_owned()).stack_size(STACK_BYTES);
        match builder.spawn_scoped(threads, || lower(&tokens, scope)) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(error) => {
                let message =
                    format!("a long expression is compiled by a thread of its own, which failed: {error}");
                Err(vec![Mistake::new(MistakeKind::Limit, 0..source.len(), message)])
            }
        }
    })
}

fn lower(tokens: &Tokens<'_>, scope: &Scope) -> Result<Program, Vec<Mistake>> {
    let (tree, places) = parse(tokens)?;
    let mut lower = Lower {
        tokens,
        places: &places,
        scope,
        locals: Vec::new(),
        mistakes: Vec::new(),
        reads: Vec::new(),
        nesting: 0,
    };
    let root = lower.node(&tree);
    let Lower { mut mistakes, reads, .. } = lower;
    if mistakes.is_empty() {
        return Ok(Program { source: tokens.source.to_owned(), root, reads });
    }
    mistakes.sort_by_key(|mistake| (mistake.range.start, mistake.range.end));
    mistakes.dedup();
    mistakes.truncate(MISTAKES_MAX);
    Err(mistakes)
}

struct Lower<'a> {
    tokens: &'a Tokens<'a>,
    places: &'a SourceInfo,
    scope: &'a Scope,
    /// The variables of the macros around, outermost first.
    locals: Vec<String>,
    mistakes: Vec<Mistake>,
    reads: Vec<Vec<String>>,
    nesting: usize,
}

/// Stands where a mistake was found; nothing runs it.
fn hole(range: Range<usize>) -> Node {
    Node { kind: NodeKind::Constant(Value::NULL), range }
}

impl Lower<'_> {
    fn mistake(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    /// The token that the parser remembered for a node.
    fn token(&self, id: u64) -> Option<usize> {
        let (start, _) = self.places.offset_for(id)?;
        let index = self.tokens.index_at(start as usize);
        (index < self.tokens.all.len()).then_some(index)
    }

    fn token_range(&self, index: usize) -> Range<usize> {
        self.tokens.all.get(index).map_or(0..self.tokens.source.len(), |token| token.start..token.end)
    }

    /// From a start to the bracket that belongs to the one at this token.
    fn to_partner(&self, start: usize, open: usize) -> Range<usize> {
        let partner = self.tokens.all.get(open).and_then(|token| self.tokens.all.get(token.partner));
        start..partner.map_or(self.tokens.source.len(), |token| token.end)
    }

    fn node(&mut self, tree: &IdedExpr) -> Node {
        self.nested(tree, Self::inner)
    }

    /// A node whose path may lead nowhere: it is not computed beforehand, which would fail.
    fn lenient(&mut self, tree: &IdedExpr) -> Node {
        self.nested(tree, |lower, tree| {
            let token = lower.token(tree.id).unwrap_or(0);
            match &tree.expr {
                Expr::Select(select) => {
                    let before = lower.reads.len();
                    let operand = lower.lenient(&select.operand);
                    lower.select(token, operand, &select.field, before)
                }
                Expr::Call(call) if call.func_name == operators::INDEX && call.args.len() == 2 => {
                    let inner = lower.lenient(&call.args[0]);
                    let index = lower.node(&call.args[1]);
                    let range = lower.to_partner(inner.range.start, token);
                    Node { kind: NodeKind::Index(Box::new(inner), Box::new(index)), range }
                }
                _ => lower.inner(tree),
            }
        })
    }

    fn nested(&mut self, tree: &IdedExpr, lower: impl FnOnce(&mut Self, &IdedExpr) -> Node) -> Node {
        self.nesting += 1;
        let mut node = if self.nesting > NESTING_MAX {
            let range =
                self.token(tree.id).map_or(0..self.tokens.source.len(), |index| self.token_range(index));
            if !self.mistakes.iter().any(|mistake| mistake.kind == MistakeKind::Limit) {
                let message = format!("the expression nests deeper than {NESTING_MAX} levels here");
                let mistake = Mistake::new(MistakeKind::Limit, range.clone(), message)
                    .help("a chain of operators nests once for each: put parts of it in brackets");
                self.mistake(mistake);
            }
            hole(range)
        } else {
            lower(self, tree)
        };
        self.nesting -= 1;
        node.range = self.tokens.with_brackets(node.range);
        node
    }

    fn inner(&mut self, tree: &IdedExpr) -> Node {
        let token = self.token(tree.id).unwrap_or(0);
        match &tree.expr {
            Expr::Literal(literal) => self.literal(token, literal),
            Expr::Ident(name) => self.variable(token, name),
            Expr::Select(select) => {
                let before = self.reads.len();
                let operand = self.node(&select.operand);
                let node = self.select(token, operand, &select.field, before);
                self.folded(node)
            }
            Expr::List(list) => {
                let items = list.elements.iter().map(|item| self.node(item)).collect();
                let range = self.to_partner(self.token_range(token).start, token);
                self.folded(Node { kind: NodeKind::List(items), range })
            }
            Expr::Map(map) => {
                let mut entries = Vec::new();
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        let key = self.key(&entry.key);
                        entries.push((key, self.node(&entry.value)));
                    }
                }
                let range = self.to_partner(self.token_range(token).start, token);
                self.repeated_keys(&entries);
                self.folded(Node { kind: NodeKind::Object(entries), range })
            }
            Expr::Struct(message) => {
                let start = self.tokens.source[..self.token_range(token).start].trim_end().len();
                let range = start.saturating_sub(message.type_name.len())..self.token_range(token).end;
                self.mistake(
                    Mistake::new(MistakeKind::Unsupported, range.clone(), "there are no message types here")
                        .help("an object is written `{'name': value}`"),
                );
                hole(range)
            }
            Expr::Call(call) => self.call(token, call),
            Expr::Comprehension(_) | Expr::Unspecified => hole(self.token_range(token)),
        }
    }

    /// The field whose point is this token; `before` is how many paths were read before the operand.
    fn select(&mut self, token: usize, operand: Node, field: &str, before: usize) -> Node {
        let name = self.token_range(token + 1);
        let range = operand.range.start..name.end;
        self.known_field(&operand, field, name);
        // The longer path takes the place of the operand's.
        if path(&operand).is_some() {
            self.reads.truncate(before);
        }
        let node = Node { kind: NodeKind::Select(Box::new(operand), field.to_owned()), range };
        self.read(&node);
        node
    }

    fn literal(&mut self, token: usize, literal: &LiteralValue) -> Node {
        let mut range = self.token_range(token);
        let value = match literal {
            LiteralValue::Boolean(value) => Value::from(*value.inner()),
            LiteralValue::Bytes(value) => Value(Repr::Bytes(value.inner().into())),
            LiteralValue::Double(value) => Value(Repr::Double(*value.inner())),
            LiteralValue::Int(value) => Value::from(*value.inner()),
            LiteralValue::Null => Value::NULL,
            LiteralValue::String(value) => Value::from(value.inner()),
            // The tokens refuse its form.
            LiteralValue::UInt(value) => Value::from(value.inner().cast_signed()),
        };
        // The sign is a token of its own.
        let negative = matches!(value.0, Repr::Int(number) if number < 0)
            || matches!(value.0, Repr::Double(number) if number.is_sign_negative());
        if negative && token > 0 {
            range.start = self.token_range(token - 1).start;
        }
        Node { kind: NodeKind::Constant(value), range }
    }

    fn variable(&mut self, token: usize, name: &str) -> Node {
        let range = self.token_range(token);
        if let Some(local) = self.locals.iter().rposition(|local| local == name) {
            return Node { kind: NodeKind::Local(local), range };
        }
        if !self.scope.has(name) {
            let names = self.scope.names().chain(self.locals.iter().map(String::as_str));
            let help = match nearest(name, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => self.names_help(),
            };
            let message = format!("there is no `{name}` here");
            self.mistake(Mistake::new(MistakeKind::UnknownVariable, range.clone(), message).help(help));
            return hole(range);
        }
        let node = Node { kind: NodeKind::Variable(name.to_owned()), range };
        self.read(&node);
        node
    }

    fn names_help(&self) -> String {
        let names = self.scope.names().chain(self.locals.iter().map(String::as_str));
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        if names.is_empty() {
            "no names are known here; a text is written in quotes".to_owned()
        } else {
            format!("the names here are {}; a text is written in quotes", names.join(", "))
        }
    }

    /// The key of an object's field, for which a bare word is easily written.
    fn key(&mut self, tree: &IdedExpr) -> Node {
        let before = self.mistakes.len();
        let key = self.node(tree);
        if let Expr::Ident(name) = &tree.expr
            && self.mistakes.len() > before
        {
            self.mistakes.truncate(before);
            let message = format!("there is no `{name}` here");
            let mistake = Mistake::new(MistakeKind::UnknownVariable, key.range.clone(), message)
                .help(format!("a field's name is written in quotes: `'{name}'`"));
            self.mistake(mistake);
            return key;
        }
        if let NodeKind::Constant(value) = &key.kind
            && value.as_str().is_none()
            && self.mistakes.len() == before
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
    fn known_field(&mut self, operand: &Node, field: &str, range: Range<usize>) {
        let NodeKind::Variable(name) = &operand.kind else { return };
        let Some(fields) = self.scope.known_fields(name) else { return };
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

    fn read(&mut self, node: &Node) {
        if let Some(path) = path(node) {
            self.reads.push(path);
        }
    }

    /// The node, or its value if that is known already; what fails now would fail at every evaluation.
    fn folded(&mut self, node: Node) -> Node {
        if !self.mistakes.is_empty() || !is_constant(&node) {
            return node;
        }
        let variables = Variables::new();
        let outcome = Run::new(&variables, self.tokens.source).evaluate(&node);
        match outcome {
            Ok(value) => Node { kind: NodeKind::Constant(value), range: node.range },
            Err(failure) => {
                let error = failure.into_error();
                let kind = if error.kind == EvaluateErrorKind::Limit {
                    MistakeKind::Limit
                } else {
                    MistakeKind::Constant
                };
                self.mistake(Mistake::new(kind, error.range, error.message));
                hole(node.range)
            }
        }
    }

    fn binary(&mut self, operator: Operator, left: &IdedExpr, right: &IdedExpr) -> Node {
        let pair = [self.node(left), self.node(right)];
        let range = pair[0].range.start..pair[1].range.end;
        self.folded(Node { kind: NodeKind::Binary(operator, Box::new(pair)), range })
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

/// Whether all that the node needs is constant.
fn is_constant(node: &Node) -> bool {
    let known = |node: &Node| matches!(node.kind, NodeKind::Constant(_));
    match &node.kind {
        NodeKind::Select(inner, _)
        | NodeKind::Not(inner)
        | NodeKind::Negate(inner)
        | NodeKind::Matches(inner, _) => known(inner),
        NodeKind::Index(left, right) | NodeKind::And(left, right) | NodeKind::Or(left, right) => {
            known(left) && known(right)
        }
        NodeKind::Binary(_, pair) => pair.iter().all(known),
        NodeKind::If(three) => three.iter().all(known),
        NodeKind::List(items) | NodeKind::Call(_, items) => items.iter().all(known),
        NodeKind::Object(entries) => entries.iter().all(|(key, value)| known(key) && known(value)),
        NodeKind::Constant(_)
        | NodeKind::Variable(_)
        | NodeKind::Local(_)
        | NodeKind::Has(_)
        | NodeKind::Default(_)
        | NodeKind::Macro(_) => false,
    }
}
