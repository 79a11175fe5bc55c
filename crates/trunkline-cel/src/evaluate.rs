//! Running a program.
//!
//! Every node costs a step, and what goes through a value costs more with its size, so that an evaluation ends. An
//! error knows the path of the field it concerns; paths are put together only then.

mod loops;
mod operators;
mod path;

pub(crate) use operators::sized;
pub(crate) use path::failure;

use crate::error::{EvaluateErrorKind, Failure};
use crate::functions::Call;
use crate::limits::{STEPS_MAX, VALUE_BYTES_MAX, VALUE_NESTING_MAX};
use crate::program::{Node, NodeKind};
use crate::text::Text;
use crate::value::{Repr, TooLarge, Value, View};
use crate::variables::Variables;
use path::missing_variable;
use smallvec::SmallVec;

pub(crate) type Outcome<T = Value> = Result<T, Failure>;

/// What a failure costs that something else makes up for, in bytes gone through: its message is written, and the value
/// it is about is looked at.
const FAILURE_COST: usize = 1600;

/// One evaluation.
pub(crate) struct Run<'e> {
    variables: &'e Variables,
    source: &'e str,
    locals: SmallVec<[Local<'e>; 2]>,
    steps_left: u32,
}

/// The variable of a macro that is running.
struct Local<'e> {
    name: &'e str,
    value: Value,
    from: Origin<'e>,
}

/// Where the value of a macro's variable comes from.
#[derive(Clone, Copy)]
enum Origin<'e> {
    /// What it runs over, and how far it is.
    Item(&'e Node, usize),
    /// A field of what it runs over, whose name is the variable before it.
    Field(&'e Node),
    /// It is a place, and not in the data.
    Place,
}

impl<'e> Run<'e> {
    pub(crate) fn new(variables: &'e Variables, source: &'e str) -> Run<'e> {
        Run { variables, source, locals: SmallVec::new(), steps_left: STEPS_MAX }
    }

    /// Takes steps for one thing done, and for going through so many bytes or entries.
    #[inline]
    pub(crate) fn charge(&mut self, node: &Node, through: usize) -> Outcome<()> {
        let steps = u32::try_from(through / 16).unwrap_or(u32::MAX).saturating_add(1);
        match self.steps_left.checked_sub(steps) {
            Some(left) => {
                self.steps_left = left;
                Ok(())
            }
            None => Err(self.out_of_steps(node)),
        }
    }

    #[cold]
    fn out_of_steps(&mut self, node: &Node) -> Failure {
        self.steps_left = 0;
        let message = format!("the evaluation takes more than {STEPS_MAX} steps");
        failure(EvaluateErrorKind::Limit, node, None, message)
    }

    pub(crate) fn evaluate(&mut self, node: &'e Node) -> Outcome {
        self.charge(node, 0)?;
        match &node.kind {
            NodeKind::Constant(value) => Ok(value.clone()),
            NodeKind::Variable(name) => match self.variables.get(name) {
                Some(value) => Ok(value.clone()),
                None => Err(missing_variable(node, name)),
            },
            NodeKind::Local(place) => Ok(self.locals[*place].value.clone()),
            NodeKind::Select(operand, field) => {
                if let Some(known) = self.known(operand) {
                    if let View::Object(object) = known.view() {
                        let (held, found) = (object.len(), object.get(field));
                        self.charge(node, held)?;
                        if let Some(found) = found {
                            return Ok(found);
                        }
                    }
                    let known = self.evaluate(operand)?;
                    return Err(self.missing_field(node, operand, &known, field));
                }
                let value = self.evaluate(operand)?;
                match self.field(&value, field, node)? {
                    Some(found) => Ok(found),
                    None => Err(self.missing_field(node, operand, &value, field)),
                }
            }
            NodeKind::Index(operand, index) => {
                let value = self.evaluate(operand)?;
                let at = self.evaluate(index)?;
                match self.index(node, operand, &value, &at)? {
                    Some(found) => Ok(found),
                    None => Err(self.missing_item(node, operand, &value, &at)),
                }
            }
            NodeKind::Not(inner) => Ok(Value::from(!self.bool_of(inner, "!")?)),
            NodeKind::Negate(inner) => self.negate(node, inner),
            NodeKind::And(left, right) => self.logical(left, right, "&&", false),
            NodeKind::Or(left, right) => self.logical(left, right, "||", true),
            NodeKind::If(three) => {
                let branch = if self.bool_of(&three[0], "?")? { &three[1] } else { &three[2] };
                self.evaluate(branch)
            }
            NodeKind::Binary(operator, pair) => self.binary(node, *operator, pair),
            NodeKind::List(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.push(self.evaluate(item)?);
                }
                self.list(node, values)
            }
            NodeKind::Object(entries) => self.object_literal(node, entries),
            NodeKind::Has(inner) => {
                let NodeKind::Select(operand, field) = &inner.kind else { return Ok(Value::from(false)) };
                let Some(value) = self.tolerant(operand)? else { return Ok(Value::from(false)) };
                if value.is_null() {
                    return Ok(Value::from(false));
                }
                match value.view() {
                    View::Object(_) => Ok(Value::from(self.field(&value, field, node)?.is_some())),
                    _ => Err(self.missing_field(inner, operand, &value, field)),
                }
            }
            NodeKind::Default(pair) => match self.tolerant(&pair[0])? {
                Some(value) if !value.is_null() => Ok(value),
                _ => self.evaluate(&pair[1]),
            },
            NodeKind::Macro(inner) => self.loop_over(node, inner),
            NodeKind::Matches(text, regex) => {
                let value = self.evaluate(text)?;
                let Some(text_value) = value.as_str() else {
                    return Err(self.wrong_type(node, text, &value, "`matches`", "text"));
                };
                self.charge(node, text_value.len())?;
                Ok(Value::from(regex.is_match(text_value)))
            }
            NodeKind::Call(function, arguments) => {
                let mut values: SmallVec<[Value; 3]> = SmallVec::new();
                for argument in arguments {
                    let value = self.evaluate(argument)?;
                    self.charge(node, value.text_bytes())?;
                    values.push(value);
                }
                (function.run)(&mut Call { run: self, function, node, arguments, values: &values })
            }
        }
    }

    /// The value of a condition.
    pub(crate) fn evaluate_bool(&mut self, node: &'e Node) -> Outcome<bool> {
        let value = self.evaluate(node)?;
        value.as_bool().ok_or_else(|| {
            let what = self.describe(node);
            let message = format!("the condition must be true or false, and {what} is {}", value.type_name());
            failure(EvaluateErrorKind::Type, node, self.path(node), message)
        })
    }

    /// The value of a node that needs no computing.
    #[inline]
    fn known(&self, node: &'e Node) -> Option<&Value> {
        match &node.kind {
            NodeKind::Constant(value) => Some(value),
            NodeKind::Variable(name) => self.variables.get(name),
            NodeKind::Local(place) => self.locals.get(*place).map(|local| &local.value),
            _ => None,
        }
    }

    /// The field of a value, if that is an object that has it.
    fn field(&mut self, value: &Value, field: &str, node: &Node) -> Outcome<Option<Value>> {
        let View::Object(object) = value.view() else { return Ok(None) };
        self.charge(node, object.len())?;
        Ok(object.get(field))
    }

    /// The item or field of a value at an index, if it is there.
    fn index(&mut self, node: &Node, operand: &Node, value: &Value, at: &Value) -> Outcome<Option<Value>> {
        match (value.view(), at.view()) {
            (View::List(list), View::Int(index)) => {
                self.charge(node, usize::try_from(index).unwrap_or(0).min(list.len()))?;
                Ok(usize::try_from(index).ok().and_then(|index| list.get(index)))
            }
            (View::Object(_), View::Text(field)) => self.field(value, field, node),
            (View::List(_), View::Double(double)) if double.fract() == 0.0 => {
                // Beyond 64 bits it is the largest, and no item's either.
                self.index(node, operand, value, &Value::from(double as i64))
            }
            (View::Null, _) => Ok(None),
            (View::List(_), _) => {
                let what = self.describe(operand);
                let message =
                    format!("an item of the list {what} has an int as its index, not {}", at.type_name());
                Err(failure(EvaluateErrorKind::Type, node, self.path(operand), message))
            }
            (View::Object(_), _) => {
                let what = self.describe(operand);
                let message =
                    format!("a field of the object {what} has text as its name, not {}", at.type_name());
                Err(failure(EvaluateErrorKind::Type, node, self.path(operand), message))
            }
            _ => {
                let what = self.describe(operand);
                let message = format!("{what} is {} and has no items", value.type_name());
                Err(failure(EvaluateErrorKind::Type, node, self.path(operand), message))
            }
        }
    }

    /// The value of a path, or none where it leads through something missing or null.
    fn tolerant(&mut self, node: &'e Node) -> Outcome<Option<Value>> {
        self.charge(node, 0)?;
        match &node.kind {
            NodeKind::Select(operand, field) => {
                let Some(value) = self.tolerant(operand)? else { return Ok(None) };
                match value.view() {
                    View::Null => Ok(None),
                    View::Object(_) => self.field(&value, field, node),
                    _ => Err(self.missing_field(node, operand, &value, field)),
                }
            }
            NodeKind::Index(operand, index) => {
                let Some(value) = self.tolerant(operand)? else { return Ok(None) };
                let at = self.evaluate(index)?;
                self.index(node, operand, &value, &at)
            }
            _ => self.evaluate(node).map(Some),
        }
    }

    fn bool_of(&mut self, node: &'e Node, what: &str) -> Outcome<bool> {
        let value = self.evaluate(node)?;
        value
            .as_bool()
            .ok_or_else(|| self.wrong_type(node, node, &value, &format!("`{what}`"), "true or false"))
    }

    /// `&&` and `||`: one side that decides is enough, whatever is wrong with the other.
    fn logical(&mut self, left: &'e Node, right: &'e Node, sign: &str, decides: bool) -> Outcome {
        match self.bool_of(left, sign) {
            Ok(value) if value == decides => Ok(Value::from(decides)),
            Ok(_) => Ok(Value::from(self.bool_of(right, sign)?)),
            Err(error) if error.kind() == EvaluateErrorKind::Limit => Err(error),
            Err(error) => match self.charge(left, FAILURE_COST).and_then(|()| self.bool_of(right, sign)) {
                Ok(value) if value == decides => Ok(Value::from(decides)),
                Err(other) if other.kind() == EvaluateErrorKind::Limit => Err(other),
                _ => Err(error),
            },
        }
    }

    fn object_literal(&mut self, node: &'e Node, entries: &'e [(Node, Node)]) -> Outcome {
        let mut fields: Vec<(Text, Value)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let name = if let NodeKind::Constant(Value(Repr::Text(name))) = &key.kind {
                Text::Own(name.clone())
            } else {
                let name = self.evaluate(key)?;
                match text_of(&name) {
                    Some(name) => name,
                    None => return Err(self.wrong_type(key, key, &name, "a field's name", "text")),
                }
            };
            let value = self.evaluate(value)?;
            fields.push((name, value));
        }
        fields.sort_by(|left, right| left.0.cmp(&right.0));
        if let Some(pair) = fields.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let message = format!("the field `{}` is there twice", pair[0].0.shown());
            return Err(failure(EvaluateErrorKind::Value, node, None, message));
        }
        let value = Value::sorted_object(fields);
        made(node, value)
    }

    pub(crate) fn list(&mut self, node: &Node, values: Vec<Value>) -> Outcome {
        self.charge(node, values.len())?;
        let value = Value::checked_list(values);
        made(node, value)
    }
}

/// A value that was made, unless it is too large.
pub(crate) fn made(node: &Node, made: Result<Value, TooLarge>) -> Outcome {
    made.map_err(|error| {
        let message = match error {
            TooLarge::Deep => format!("the result nests deeper than {VALUE_NESTING_MAX} levels"),
            TooLarge::Long => format!("the result takes more than {} MiB", VALUE_BYTES_MAX >> 20),
        };
        failure(EvaluateErrorKind::Limit, node, None, message)
    })
}

/// A text as the name of a field.
pub(crate) fn text_of(value: &Value) -> Option<Text> {
    match &value.0 {
        Repr::Text(text) => Some(Text::Own(text.clone())),
        Repr::Json(document, part) if value.as_str().is_some() => Some(Text::Json(document.clone(), *part)),
        _ => None,
    }
}
