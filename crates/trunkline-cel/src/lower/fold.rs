//! Computing what is constant, and what of it may fail because nobody needs it.

use super::{Lower, hole};
use crate::error::EvaluateErrorKind;
use crate::evaluate::Run;
use crate::mistake::{Mistake, MistakeKind};
use crate::program::{Node, NodeKind};
use crate::syntax::{Logic, Tree};
use crate::value::{Repr, Value};
use crate::variables::Variables;

impl<'a> Lower<'a> {
    /// Terms joined two by two, so that a long chain does not nest.
    ///
    /// A constant that decides makes up for what fails on the other side, as it would when it is evaluated.
    pub(super) fn logic(&mut self, logic: Logic, terms: &[Tree<'a>]) -> Node {
        if let [term] = terms {
            return self.node(term);
        }
        let (left, right) = terms.split_at(terms.len().div_ceil(2));
        let outer = std::mem::take(&mut self.failures);
        let left = self.logic(logic, left);
        let of_left = std::mem::take(&mut self.failures);
        let right = self.logic(logic, right);
        let of_right = std::mem::replace(&mut self.failures, outer);
        let range = left.range.start..right.range.end;
        if !of_left.is_empty() || !of_right.is_empty() {
            let decides = logic == Logic::Or;
            if [&left, &right].into_iter().any(|side| constant_bool(side) == Some(decides)) {
                return Node { kind: NodeKind::Constant(Value::from(decides)), range };
            }
            self.failures.extend(of_left.into_iter().chain(of_right));
        }
        let (left, right) = (Box::new(left), Box::new(right));
        let kind = match logic {
            Logic::And => NodeKind::And(left, right),
            Logic::Or => NodeKind::Or(left, right),
        };
        self.folded(Node { kind, range })
    }

    /// A condition and what is chosen between; what a constant condition leaves out may fail.
    pub(super) fn choice(&mut self, parts: &[Tree<'a>; 3]) -> [Node; 3] {
        let condition = self.node(&parts[0]);
        let before = self.failures.len();
        let known = constant_bool(&condition);
        let yes = self.node(&parts[1]);
        if known == Some(false) {
            self.failures.truncate(before);
        }
        let kept = self.failures.len();
        let no = self.node(&parts[2]);
        if known == Some(true) {
            self.failures.truncate(kept);
        }
        [condition, yes, no]
    }

    /// The node, or its value if that is known already; what fails now would fail at every evaluation.
    pub(super) fn folded(&mut self, node: Node) -> Node {
        if self.found() > 0 || !is_constant(&node) {
            return node;
        }
        let variables = Variables::new();
        let outcome = Run::new(&variables, self.source).evaluate(&node);
        match outcome {
            Ok(value) => Node { kind: NodeKind::Constant(value), range: node.range },
            Err(failure) => {
                let error = failure.into_error();
                let kind = if error.kind == EvaluateErrorKind::Limit {
                    MistakeKind::Limit
                } else {
                    MistakeKind::Constant
                };
                self.failures.push(Mistake::new(kind, error.range, error.message));
                hole(node.range)
            }
        }
    }
}

fn constant_bool(node: &Node) -> Option<bool> {
    match &node.kind {
        NodeKind::Constant(Value(Repr::Bool(value))) => Some(*value),
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
