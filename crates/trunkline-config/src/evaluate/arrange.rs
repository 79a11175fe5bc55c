//! Statements to containers and plans, in the order of the text: here names get their meaning.

use indexmap::map::Entry as MapEntry;
use trunkline_nearest::nearest;

use super::operator::{self, Known, Operator};
use super::plan::{Container, ContainerEntry, ContainerId, Item, Part, Plan, Planned, Slot, SlotId, State};
use super::{Evaluator, HookUse};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::limits::NESTING_MAX;
use crate::source::Span;
use crate::syntax::{Call, Expr, ExprKind, Name, Piece, Statement};
use crate::value::Value;

impl Evaluator<'_> {
    /// Arranges statements that stand in `current`; section headers count from `base`.
    pub(super) fn arrange(
        &mut self,
        statements: Vec<Statement>,
        base: ContainerId,
        mut current: ContainerId,
    ) {
        for statement in statements {
            match statement {
                Statement::Section(path) => {
                    current = base;
                    for name in path {
                        current = self.child(current, name);
                    }
                }
                Statement::Entry(name, value) => self.define(current, name, value),
                Statement::Variable(name, value) => {
                    let planned = self.plan(value, current);
                    let slot = self.slot(planned, || format!("${}", name.text), 0);
                    self.first_definitions.entry(name.text.clone()).or_insert(name.span);
                    self.variables.insert(name.text, slot);
                }
                Statement::Include(call) => self.include_into(call, base, current),
            }
        }
    }

    fn define(&mut self, container: ContainerId, name: Name, value: Expr) {
        match value.kind {
            ExprKind::Object(statements) => {
                let child = self.child_at(container, name, value.span);
                if self.is_too_deep(child) {
                    return;
                }
                self.arrange(statements, child, child);
            }
            ExprKind::Call(call) if call.name.text == "include" => {
                let child = self.child_at(container, name, value.span);
                self.include_into(call, child, child);
            }
            _ => self.define_value(container, name, value),
        }
    }

    fn define_value(&mut self, container: ContainerId, name: Name, value: Expr) {
        let planned = self.plan(value, container);
        let depth = self.containers[container.0].depth;
        let label = self.path_of(container, &name.text, &planned.plan);
        let item = Item::Slot(self.slot(planned, || label, depth));
        let entries = &mut self.containers[container.0].entries;
        let entry = ContainerEntry { key_span: name.span, item };
        match entries.entry(name.text) {
            MapEntry::Vacant(vacant) => {
                vacant.insert(entry);
            }
            MapEntry::Occupied(mut occupied) => {
                let message = format!("\"{}\" is set twice; this one counts", occupied.key());
                let before = occupied.insert(entry);
                let diagnostic = Diagnostic::warning(codes::DUPLICATE_KEY, name.span, message);
                self.report(diagnostic.label(before.key_span, "set here first").fix("remove one of them"));
            }
        }
    }

    fn slot(&mut self, planned: Planned, label: impl FnOnce() -> String, depth: usize) -> SlotId {
        let id = SlotId(self.slots.len());
        let (plan, state, label) = match planned.plan {
            Plan::Value(value) => (Plan::Invalid, State::Ready(value), String::new()),
            plan => (plan, State::Waiting, label()),
        };
        self.slots.push(Slot { plan, state, span: planned.span, label, depth });
        id
    }

    /// The path of a key, for messages; empty for plain values, which no message names.
    fn path_of(&self, container: ContainerId, key: &str, plan: &Plan) -> String {
        if matches!(plan, Plan::Value(_)) {
            return String::new();
        }
        let path = self.container_path(container);
        if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
    }

    pub(super) fn container_path(&self, container: ContainerId) -> String {
        let mut steps = Vec::new();
        let mut at = &self.containers[container.0].parent;
        while let Some((parent, key)) = at {
            steps.push(key.as_str());
            at = &self.containers[parent.0].parent;
        }
        steps.reverse();
        steps.join(".")
    }

    fn child(&mut self, container: ContainerId, name: Name) -> ContainerId {
        let span = name.span;
        self.child_at(container, name, span)
    }

    /// The container of a key, made when there is none. A value that is there gives way, with a warning.
    fn child_at(&mut self, container: ContainerId, name: Name, span: Span) -> ContainerId {
        let id = ContainerId(self.containers.len());
        let depth = self.containers[container.0].depth + 1;
        let key = name.text.clone();
        let entry = ContainerEntry { key_span: name.span, item: Item::Container(id) };
        match self.containers[container.0].entries.entry(name.text) {
            MapEntry::Vacant(vacant) => {
                vacant.insert(entry);
            }
            MapEntry::Occupied(mut occupied) => {
                if let Item::Container(existing) = occupied.get().item {
                    return existing;
                }
                let message = format!("the value of \"{key}\" is replaced by this section or block");
                let before = occupied.insert(entry);
                let diagnostic = Diagnostic::warning(codes::REPLACED_BY_SECTION, name.span, message);
                self.report(
                    diagnostic.label(before.key_span, "the value is set here").fix("rename one of them"),
                );
            }
        }
        self.containers.push(Container::new(Some((container, key)), depth, span));
        id
    }

    fn is_too_deep(&mut self, container: ContainerId) -> bool {
        let Container { depth, span, .. } = self.containers[container.0];
        if depth <= NESTING_MAX {
            return false;
        }
        let message = format!("nested more than {NESTING_MAX} levels deep");
        self.report(Diagnostic::error(codes::TOO_DEEP, span, message));
        true
    }

    fn include_into(&mut self, call: Call, base: ContainerId, current: ContainerId) {
        if self.is_too_deep(current) {
            return;
        }
        let Some((path, span)) = self.include_path(call, current) else { return };
        let Some((name, tree)) = self.include(&path, span) else { return };
        self.including.push(name);
        self.arrange(tree.statements, base, current);
        self.including.pop();
    }

    /// The path of an include has to be known now, so it can only depend on what stands above.
    fn include_path(&mut self, call: Call, scope: ContainerId) -> Option<(String, Span)> {
        let span = call.span;
        let (_, mut arguments) = self.arguments(Operator::Include, call, scope)?;
        let argument = arguments.pop()?;
        let at = argument.span;
        let slot = self.slot(argument, || "@include".to_owned(), 0);
        self.settle(Item::Slot(slot));
        let State::Ready(value) = std::mem::replace(&mut self.slots[slot.0].state, State::Ready(Value::Null))
        else {
            return None;
        };
        self.public_text(value, at, "a path").map(|path| (path, span))
    }

    /// Binds the names in an expression that stands in `scope`.
    fn plan(&mut self, expr: Expr, scope: ContainerId) -> Planned {
        let span = expr.span;
        let plan = match expr.kind {
            ExprKind::Null => Plan::Value(Value::Null),
            ExprKind::Bool(value) => Plan::Value(Value::Bool(value)),
            ExprKind::Integer(value) => Plan::Value(Value::Integer(value)),
            ExprKind::Float(value) => Plan::Value(Value::Float(value)),
            ExprKind::Range(min, max) => Plan::Value(range(min, max, span)),
            ExprKind::Text(text) => Plan::Value(Value::Text(text)),
            ExprKind::Quoted(pieces) => self.plan_quoted(pieces, span),
            ExprKind::Name(name) => self.plan_name(&name, span, scope),
            ExprKind::Variable(name) => {
                self.variable(name, span).map_or(Plan::Invalid, |slot| Plan::Item(Item::Slot(slot)))
            }
            ExprKind::Array(items) => Plan::Array(self.plan_all(items, scope)),
            ExprKind::Object(statements) => {
                self.plan_object(scope, span, |this, id| this.arrange(statements, id, id))
            }
            ExprKind::Unary(op, operand) => Plan::Unary(op, Box::new(self.plan(*operand, scope))),
            ExprKind::Chain(first, links) => {
                let first = Box::new(self.plan(*first, scope));
                let links =
                    links.into_iter().map(|link| (link.op, link.op_span, self.plan(link.right, scope)));
                Plan::Chain(first, links.collect())
            }
            ExprKind::Ternary(parts) => Plan::Ternary(Box::new((*parts).map(|part| self.plan(part, scope)))),
            ExprKind::Call(call) => self.plan_call(call, scope),
            ExprKind::Loose(text, expr) => {
                if self.knows_every_name(&expr, scope) {
                    return self.plan(*expr, scope);
                }
                Plan::Value(Value::Text(text))
            }
            ExprKind::Invalid => Plan::Invalid,
        };
        Planned { plan, span }
    }

    fn plan_all(&mut self, exprs: Vec<Expr>, scope: ContainerId) -> Vec<Planned> {
        exprs.into_iter().map(|expr| self.plan(expr, scope)).collect()
    }

    /// An object that belongs to no key.
    fn plan_object(
        &mut self,
        scope: ContainerId,
        span: Span,
        fill: impl FnOnce(&mut Self, ContainerId),
    ) -> Plan {
        let id = ContainerId(self.containers.len());
        let depth = self.containers[scope.0].depth + 1;
        self.containers.push(Container::new(None, depth, span));
        if self.is_too_deep(id) {
            return Plan::Invalid;
        }
        fill(self, id);
        Plan::Item(Item::Container(id))
    }

    fn plan_name(&mut self, name: &str, span: Span, scope: ContainerId) -> Plan {
        let entries = &self.containers[scope.0].entries;
        if let Some(entry) = entries.get(name) {
            return Plan::Item(entry.item);
        }
        let near = nearest(name, entries.keys().map(String::as_str));
        let diagnostic =
            Diagnostic::error(codes::UNDEFINED_NAME, span, format!("no key above is named \"{name}\""));
        let diagnostic = match near {
            Some(near) => diagnostic.did_you_mean(Some(near)),
            None => diagnostic.fix("put quotes around it if it is text"),
        };
        self.report(diagnostic);
        Plan::Invalid
    }

    fn knows_every_name(&self, expr: &Expr, scope: ContainerId) -> bool {
        let known = |expr: &Expr| self.knows_every_name(expr, scope);
        match &expr.kind {
            ExprKind::Name(name) => self.containers[scope.0].entries.contains_key(name),
            ExprKind::Unary(_, operand) => known(operand),
            ExprKind::Chain(first, links) => known(first) && links.iter().all(|link| known(&link.right)),
            ExprKind::Ternary(parts) => parts.iter().all(known),
            _ => true,
        }
    }

    fn variable(&mut self, name: String, span: Span) -> Option<SlotId> {
        let slot = self.variables.get(&name).copied();
        if slot.is_none() {
            self.undefined.push((name, span));
        }
        slot
    }

    fn plan_quoted(&mut self, pieces: Vec<Piece>, span: Span) -> Plan {
        if let Some(Piece::Text(text)) = pieces.first() {
            self.warn_of_quoted_operator(text, span);
        }
        if let [Piece::Text(text)] = pieces.as_slice() {
            return Plan::Value(Value::Text(text.clone()));
        }
        let parts = pieces.into_iter().map(|piece| match piece {
            Piece::Text(text) => Part::Text(text),
            Piece::Reference(mut steps, span) if steps.len() == 1 => {
                let name = steps.pop().unwrap_or_default();
                self.variable(name, span).map_or(Part::Invalid, |slot| Part::Variable(slot, span))
            }
            Piece::Reference(steps, span) => Part::Path(steps, span),
        });
        Plan::Template(parts.collect())
    }

    fn warn_of_quoted_operator(&mut self, text: &str, span: Span) {
        let Some((name, _)) = text.strip_prefix('@').and_then(|rest| rest.split_once('(')) else { return };
        // An escape for the `@` says that the text is meant.
        let literal = self.sources.slice(span).trim_start_matches(['"', '\'', '\r', '\n']).starts_with('@');
        if !literal || matches!(operator::look_up(name), Known::Unknown) {
            return;
        }
        let message = format!("@{name} in quotes is text, not an operator");
        let diagnostic = Diagnostic::warning(codes::QUOTED_OPERATOR, span, message);
        self.report(
            diagnostic
                .fix("remove the quotes around it, or write \\u{40} for the '@' if it is meant as text"),
        );
    }

    fn plan_call(&mut self, call: Call, scope: ContainerId) -> Plan {
        let name = &call.name.text;
        let usage = match operator::look_up(name) {
            Known::Operator(usage) => usage,
            Known::Refused => {
                let message =
                    format!("@{name} is refused: a configuration file runs no code and opens no connection");
                let diagnostic = Diagnostic::error(codes::REFUSED_OPERATOR, call.name.span, message);
                self.report(diagnostic.fix("compute it outside and pass it in with @env or @file.read"));
                return Plan::Invalid;
            }
            Known::Unknown => {
                let message = format!("there is no operator @{name}");
                let mut diagnostic = Diagnostic::error(codes::UNKNOWN_OPERATOR, call.name.span, message);
                if let Some(near) = nearest(name, operator::names()) {
                    diagnostic = diagnostic.did_you_mean(Some(&format!("@{near}")));
                }
                let all: Vec<String> = operator::names().map(|name| format!("@{name}")).collect();
                self.report(diagnostic.note(format!("the operators are {}", all.join(", "))));
                return Plan::Invalid;
            }
        };
        match usage.operator {
            Operator::Go => self.plan_hook(&call),
            Operator::Include => {
                let span = call.span;
                self.plan_object(scope, span, |this, id| this.include_into(call, id, id))
            }
            operator => {
                let span = call.name.span;
                let planned = self.arguments(operator, call, scope);
                planned.map_or(Plan::Invalid, |(_, arguments)| Plan::Call(operator, span, arguments))
            }
        }
    }

    /// The arguments of an operator, when they are as many as it takes.
    fn arguments(
        &mut self,
        operator: Operator,
        mut call: Call,
        scope: ContainerId,
    ) -> Option<(Span, Vec<Planned>)> {
        let count = call.arguments.len();
        let Known::Operator(usage) = operator::look_up(&call.name.text) else { return None };
        if !(usage.arguments_min..=usage.arguments_max).contains(&count) {
            let message = match count {
                0 => format!("@{} needs arguments", usage.name),
                1 => format!("@{} does not take 1 argument", usage.name),
                count => format!("@{} does not take {count} arguments", usage.name),
            };
            let diagnostic = Diagnostic::error(codes::WRONG_ARGUMENTS, call.span, message);
            self.report(diagnostic.fix(format!("write {}", usage.form)));
            return None;
        }
        match operator {
            // A bare word there is the name itself, whatever keys there are.
            Operator::Env | Operator::EnvSecure | Operator::Date => {
                if let ExprKind::Loose(text, _) = &mut call.arguments[0].kind {
                    call.arguments[0].kind = ExprKind::Text(std::mem::take(text));
                }
            }
            // A bare word there can only mean a key; as text it would always be accepted.
            Operator::ValidateRequired => {
                for argument in &mut call.arguments {
                    if let ExprKind::Loose(_, expr) = &mut argument.kind {
                        argument.kind = std::mem::replace(&mut expr.kind, ExprKind::Invalid);
                    }
                }
            }
            _ => {}
        }
        Some((call.span, self.plan_all(call.arguments, scope)))
    }

    fn plan_hook(&mut self, call: &Call) -> Plan {
        let problem = match call.arguments.as_slice() {
            [Expr { kind: ExprKind::Quoted(pieces), span }] => match pieces.as_slice() {
                [Piece::Text(name)] if is_hook_name(name) => {
                    self.hooks.push(HookUse { name: name.clone(), span: *span });
                    return Plan::Value(Value::Hook(name.clone()));
                }
                [Piece::Text(_)] => {
                    (*span, "a hook's name is a package and a function with a dot between them")
                }
                _ => (*span, "a hook's name cannot be computed"),
            },
            [argument] => (argument.span, "a hook's name stands in quotes"),
            _ => (call.span, "@go takes one quoted name"),
        };
        let diagnostic = Diagnostic::error(codes::WRONG_ARGUMENTS, problem.0, problem.1);
        self.report(diagnostic.fix("write @go(\"package.Function\")"));
        Plan::Invalid
    }
}

fn is_hook_name(name: &str) -> bool {
    let is_step = |step: &str| {
        !step.is_empty() && step.chars().all(|char| char.is_alphanumeric() || "_-".contains(char))
    };
    name.contains('.') && name.split('.').all(is_step)
}

fn range(min: i64, max: i64, span: Span) -> Value {
    let mut object = crate::value::Object::new();
    let node = |value| crate::value::Node { value, span };
    object.insert("min", span, node(Value::Integer(min)));
    object.insert("max", span, node(Value::Integer(max)));
    object.insert("type", span, node(Value::Text("range".to_owned())));
    Value::Object(object)
}
