//! Which names an expression may use.

use std::collections::BTreeMap;

/// The variables that exist where an expression stands.
///
/// ```
/// use trunkline_cel::{Expression, Scope};
///
/// let scope = Scope::new(["command", "meta"]).fields("meta", ["id", "actor"]);
/// let mistakes = Expression::compile("meta.acter == command.by", &scope).unwrap_err();
/// assert_eq!(mistakes[0].message, "`meta` has no field `acter`");
/// assert_eq!(mistakes[0].help.as_deref(), Some("did you mean `actor`?"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Scope {
    variables: BTreeMap<String, Option<Vec<String>>>,
}

impl Scope {
    /// The variables of these names, of which nothing else is known.
    pub fn new<N: Into<String>>(variables: impl IntoIterator<Item = N>) -> Scope {
        Scope { variables: variables.into_iter().map(|name| (name.into(), None)).collect() }
    }

    /// Adds a variable that is an object with these fields and no others.
    #[must_use]
    pub fn fields<N: Into<String>>(mut self, variable: &str, fields: impl IntoIterator<Item = N>) -> Scope {
        self.variables.insert(variable.to_owned(), Some(fields.into_iter().map(Into::into).collect()));
        self
    }

    pub(crate) fn has(&self, variable: &str) -> bool {
        self.variables.contains_key(variable)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// The fields of a variable, where they are known.
    pub(crate) fn known_fields(&self, variable: &str) -> Option<&[String]> {
        self.variables.get(variable)?.as_deref()
    }
}
