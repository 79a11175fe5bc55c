//! The macros, which go over the items of a list or the fields of an object.

use super::{FAILURE_COST, Local, Origin, Outcome, Run, made};
use crate::error::{EvaluateErrorKind, Failure};
use crate::program::{Macro, MacroKind, Node};
use crate::text::Text;
use crate::value::{Repr, Value, View};

/// What the items so far have come to.
#[derive(Default)]
struct Sofar {
    kept: Vec<Value>,
    fields: Vec<(Text, Value)>,
    count: usize,
    /// Of `all` and `exists`: a failure counts only if no other item decides.
    failure: Option<Failure>,
}

impl<'e> Run<'e> {
    pub(super) fn loop_over(&mut self, node: &'e Node, inner: &'e Macro) -> Outcome {
        let over = self.evaluate(&inner.over)?;
        let before = self.locals.len();
        if let Some(place) = &inner.place {
            self.locals.push(Local { name: place, value: Value::NULL, from: Origin::Place });
        }
        let from = Origin::Item(&inner.over, 0);
        self.locals.push(Local { name: &inner.variable, value: Value::NULL, from });
        let outcome = self.each(node, inner, &over);
        self.locals.truncate(before);
        outcome
    }

    fn each(&mut self, node: &'e Node, inner: &'e Macro, over: &Value) -> Outcome {
        let mut sofar = Sofar::default();
        match over.view() {
            // An index is no name of a field.
            View::List(list) if inner.kind != MacroKind::TransformMap => {
                for (index, item) in list.iter().enumerate() {
                    if inner.place.is_some() {
                        self.bind_place(Value::from(i64::try_from(index).unwrap_or(i64::MAX)));
                    }
                    let from = Origin::Item(&inner.over, index);
                    if let Some(decided) = self.step(inner, item, from, &mut sofar)? {
                        return Ok(decided);
                    }
                }
            }
            View::Object(object) => {
                // Always in the order of the names, whoever wrote the object.
                let mut fields: Vec<(Text, Value)> = object.iter().collect();
                self.charge(node, fields.len())?;
                fields.sort_unstable_by(|left, right| left.0.cmp(&right.0));
                for (index, (name, value)) in fields.into_iter().enumerate() {
                    let name = match name {
                        Text::Own(text) => Value(Repr::Text(text)),
                        Text::Json(document, part) => Value(Repr::Json(document, part)),
                    };
                    let (item, from) = if inner.place.is_some() {
                        self.bind_place(name);
                        (value, Origin::Field(&inner.over))
                    } else {
                        (name, Origin::Item(&inner.over, index))
                    };
                    if let Some(decided) = self.step(inner, item, from, &mut sofar)? {
                        return Ok(decided);
                    }
                }
            }
            _ => {
                let taker = format!("`{}`", inner.kind.name());
                let wanted =
                    if inner.kind == MacroKind::TransformMap { "an object" } else { "a list or an object" };
                return Err(self.wrong_type(node, &inner.over, over, &taker, wanted));
            }
        }
        match inner.kind {
            MacroKind::All | MacroKind::Exists => match sofar.failure {
                Some(failure) => Err(failure),
                None => Ok(Value::from(inner.kind == MacroKind::All)),
            },
            MacroKind::ExistsOne => Ok(Value::from(sofar.count == 1)),
            MacroKind::Filter | MacroKind::Map | MacroKind::TransformList => self.list(node, sofar.kept),
            MacroKind::TransformMap => made(node, Value::sorted_object(sofar.fields)),
        }
    }

    /// Gives the variable before the last one its value.
    fn bind_place(&mut self, place: Value) {
        let before = self.locals.len() - 2;
        self.locals[before].value = place;
    }

    /// One item; gives the whole outcome where it decides it.
    fn step(
        &mut self,
        inner: &'e Macro,
        item: Value,
        from: Origin<'e>,
        sofar: &mut Sofar,
    ) -> Outcome<Option<Value>> {
        let local = self.locals.last_mut().expect("the macro's variable is bound");
        local.value = item;
        local.from = from;
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
        match (inner.kind, &inner.result) {
            (MacroKind::All, _) if !counts => return Ok(Some(Value::from(false))),
            (MacroKind::Exists, _) if counts => return Ok(Some(Value::from(true))),
            (MacroKind::Filter, _) if counts => {
                let item = self.locals.last().map(|local| local.value.clone());
                sofar.kept.extend(item);
            }
            (MacroKind::TransformMap, Some(result)) if counts => {
                let result = self.evaluate(result)?;
                let name = match &self.locals[self.locals.len() - 2].value.0 {
                    Repr::Text(name) => Some(Text::Own(name.clone())),
                    Repr::Json(document, part) => Some(Text::Json(document.clone(), *part)),
                    _ => None,
                };
                sofar.fields.extend(name.map(|name| (name, result)));
            }
            (_, Some(result)) if counts => sofar.kept.push(self.evaluate(result)?),
            (MacroKind::ExistsOne, _) => sofar.count += usize::from(counts),
            _ => {}
        }
        Ok(None)
    }

    fn condition(&mut self, filter: &'e Node, kind: MacroKind) -> Outcome<bool> {
        self.bool_of(filter, kind.name())
    }
}
