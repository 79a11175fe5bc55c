//! The macros, which go over the items of a list or the names of an object.

use super::{FAILURE_COST, Local, Outcome, Run};
use crate::error::{EvaluateErrorKind, Failure};
use crate::program::{Macro, MacroKind, Node};
use crate::text::Text;
use crate::value::{Repr, Value, View};

/// What the items so far have come to.
#[derive(Default)]
struct Sofar {
    kept: Vec<Value>,
    count: usize,
    /// Of `all` and `exists`: a failure counts only if no other item decides.
    failure: Option<Failure>,
}

impl<'e> Run<'e> {
    pub(super) fn loop_over(&mut self, node: &'e Node, inner: &'e Macro) -> Outcome {
        let over = self.evaluate(&inner.over)?;
        let local = Local { name: &inner.variable, value: Value::NULL, over: &inner.over, index: 0 };
        self.locals.push(local);
        let outcome = self.each(node, inner, &over);
        self.locals.pop();
        outcome
    }

    fn each(&mut self, node: &'e Node, inner: &'e Macro, over: &Value) -> Outcome {
        let mut sofar = Sofar::default();
        match over.view() {
            View::List(list) => {
                for (index, item) in list.iter().enumerate() {
                    if let Some(decided) = self.step(inner, index, item, &mut sofar)? {
                        return Ok(decided);
                    }
                }
            }
            View::Object(object) => {
                // Always in the order of the names, whoever wrote the object.
                let mut names: Vec<Text> = object.iter().map(|(name, _)| name).collect();
                self.charge(node, names.len())?;
                names.sort_unstable();
                for (index, name) in names.into_iter().enumerate() {
                    let name = match name {
                        Text::Own(text) => Value(Repr::Text(text)),
                        Text::Json(document, part) => Value(Repr::Json(document, part)),
                    };
                    if let Some(decided) = self.step(inner, index, name, &mut sofar)? {
                        return Ok(decided);
                    }
                }
            }
            _ => {
                let taker = format!("`{}`", inner.kind.name());
                return Err(self.wrong_type(node, &inner.over, over, &taker, "a list or an object"));
            }
        }
        match inner.kind {
            MacroKind::All | MacroKind::Exists => match sofar.failure {
                Some(failure) => Err(failure),
                None => Ok(Value::from(inner.kind == MacroKind::All)),
            },
            MacroKind::ExistsOne => Ok(Value::from(sofar.count == 1)),
            MacroKind::Filter | MacroKind::Map => self.list(node, sofar.kept),
        }
    }

    /// One item; gives the whole outcome where it decides it.
    fn step(
        &mut self,
        inner: &'e Macro,
        index: usize,
        item: Value,
        sofar: &mut Sofar,
    ) -> Outcome<Option<Value>> {
        let local = self.locals.last_mut().expect("the macro's variable is bound");
        local.value = item;
        local.index = index;
        let counts = match &inner.filter {
            None => true,
            Some(filter) => match self.condition(filter, inner.kind) {
                Ok(counts) => counts,
                Err(failure) if failure.kind() == EvaluateErrorKind::Limit => return Err(failure),
                Err(failure) if matches!(inner.kind, MacroKind::All | MacroKind::Exists) => {
                    self.charge(filter, FAILURE_COST)?;
                    sofar.failure.get_or_insert(failure);
                    return Ok(None);
                }
                Err(failure) => return Err(failure),
            },
        };
        match inner.kind {
            MacroKind::All if !counts => return Ok(Some(Value::from(false))),
            MacroKind::Exists if counts => return Ok(Some(Value::from(true))),
            MacroKind::Filter if counts => {
                let item = self.locals.last().map(|local| local.value.clone());
                sofar.kept.extend(item);
            }
            MacroKind::Map if counts => {
                if let Some(result) = &inner.result {
                    sofar.kept.push(self.evaluate(result)?);
                }
            }
            MacroKind::ExistsOne => sofar.count += usize::from(counts),
            _ => {}
        }
        Ok(None)
    }

    fn condition(&mut self, filter: &'e Node, kind: MacroKind) -> Outcome<bool> {
        self.bool_of(filter, kind.name())
    }
}
