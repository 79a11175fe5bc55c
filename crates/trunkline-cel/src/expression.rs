//! An expression, compiled once and evaluated often.

use crate::error::{EvaluateError, Failure};
use crate::evaluate::Run;
use crate::lower;
use crate::mistake::Mistake;
use crate::program::{Node, NodeKind};
use crate::scope::Scope;
use crate::value::Value;
use crate::variables::Variables;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A compiled expression: cheap to clone, and safe to share between threads.
///
/// Evaluating it twice with the same variables gives the same twice: it has no clock, no randomness and no I/O.
///
/// ```
/// use trunkline_cel::{Expression, Scope, Value, Variables};
///
/// let scope = Scope::new(["command", "state"]);
/// let rule = Expression::compile("command.total > 0 && state.status == 'pending'", &scope).unwrap();
/// let variables = Variables::new()
///     .with("command", Value::from_json(r#"{"total":5}"#).unwrap())
///     .with("state", Value::from_json("{}").unwrap());
/// let error = rule.evaluate(&variables).unwrap_err();
/// assert_eq!(error.message, "`state` has no field `status`");
/// assert_eq!(error.field.as_deref(), Some("state.status"));
/// ```
#[derive(Clone)]
pub struct Expression {
    program: Arc<Program>,
}

pub(crate) struct Program {
    pub(crate) source: String,
    pub(crate) root: Node,
    /// The paths that are read, each a variable and the names of fields behind it.
    pub(crate) reads: Vec<Vec<String>>,
}

impl Program {
    pub(crate) fn fields_of(&self, variable: &str) -> BTreeSet<&str> {
        let behind = self.reads.iter().filter(|path| path[0] == variable);
        behind.filter_map(|path| path.get(1).map(String::as_str)).collect()
    }

    pub(crate) fn reads(&self, path: &str) -> bool {
        let asked: Vec<&str> = path.split('.').collect();
        self.reads.iter().any(|read| read.iter().zip(&asked).all(|(read, asked)| read == asked))
    }
}

impl Expression {
    /// Compiles an expression, or gives all the mistakes that can be known now, in the order of the text.
    pub fn compile(source: &str, scope: &Scope) -> Result<Expression, Vec<Mistake>> {
        lower::compile(source, scope).map(|program| Expression { program: Arc::new(program) })
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.program.source
    }

    /// Whether it may read a variable, or a field of one that is given by its path: what it does not read need not be
    /// there when it is evaluated.
    ///
    /// ```
    /// use trunkline_cel::{Expression, Scope};
    ///
    /// let tags = Expression::compile("['order:' + event.data.id]", &Scope::new(["event"])).unwrap();
    /// assert!(tags.reads("event") && tags.reads("event.data"));
    /// assert!(!tags.reads("event.metadata"));
    /// ```
    pub fn reads(&self, path: &str) -> bool {
        self.program.reads(path)
    }

    /// The fields of a variable that it may read, each once.
    ///
    /// ```
    /// use trunkline_cel::{Expression, Scope};
    ///
    /// let rule = Expression::compile("state.total > 5 && state.by.name == 'x'", &Scope::new(["state"])).unwrap();
    /// assert_eq!(rule.fields_of("state"), ["by", "total"].into());
    /// ```
    pub fn fields_of(&self, variable: &str) -> BTreeSet<&str> {
        self.program.fields_of(variable)
    }

    pub(crate) fn root(&self) -> &Node {
        &self.program.root
    }

    /// The names of the fields that it makes, where it is written as an object with plain names.
    ///
    /// ```
    /// use trunkline_cel::{Expression, Scope};
    ///
    /// let fields = |text| Expression::compile(text, &Scope::new(["command"])).unwrap().fields();
    /// assert_eq!(fields("{'id': command.id, 'note': ''}"), Some(vec!["id".to_owned(), "note".to_owned()]));
    /// assert_eq!(fields("command"), None);
    /// ```
    pub fn fields(&self) -> Option<Vec<String>> {
        match &self.program.root.kind {
            NodeKind::Object(entries) => {
                let name = |key: &Node| match &key.kind {
                    NodeKind::Constant(value) => value.as_str().map(str::to_owned),
                    _ => None,
                };
                entries.iter().map(|(key, _)| name(key)).collect()
            }
            NodeKind::Constant(value) => Some(value.fields()?.map(|(name, _)| name).collect()),
            _ => None,
        }
    }

    /// The value with these variables.
    pub fn evaluate(&self, variables: &Variables) -> Result<Value, EvaluateError> {
        Run::new(variables, &self.program.source).evaluate(&self.program.root).map_err(Failure::into_error)
    }

    /// The value of a condition: what is neither true nor false is an error.
    pub fn evaluate_bool(&self, variables: &Variables) -> Result<bool, EvaluateError> {
        Run::new(variables, &self.program.source)
            .evaluate_bool(&self.program.root)
            .map_err(Failure::into_error)
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expression").field(&self.program.source).finish()
    }
}
