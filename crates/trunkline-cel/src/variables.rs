//! What the names of an expression stand for in one evaluation.

use crate::value::Value;
use smallvec::SmallVec;
use std::borrow::Cow;

/// The values of the variables, by name.
///
/// Setting one moves a [`Value`] in; nothing is converted or copied.
///
/// ```
/// use trunkline_cel::{Expression, Scope, Value, Variables};
///
/// let open = Expression::compile("state.status == 'open'", &Scope::new(["state"])).unwrap();
/// let state = Value::from_json(r#"{"status":"open"}"#).unwrap();
/// let variables = Variables::new().with("state", state);
/// assert_eq!(open.evaluate(&variables).unwrap().as_bool(), Some(true));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Variables {
    values: SmallVec<[(Cow<'static, str>, Value); 4]>,
}

impl Variables {
    /// No variables yet.
    pub fn new() -> Variables {
        Variables::default()
    }

    /// Adds a variable, or replaces it.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Variables {
        self.set(name, value);
        self
    }

    /// Adds a variable, or replaces it.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match self.values.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.values.push((name, value)),
        }
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}
