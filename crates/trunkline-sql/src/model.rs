//! A projection as its statements: the schema of its tables, and what is done for each type of event.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use trunkline_core::RecordedEvent;

use crate::TypedProjection;
use crate::bind::{Batch, Plan};
use crate::text::{ParameterScope, Path, SqlProblem, Statement, compile};

/// A name that can be part of a file's name, of a schema's and of an SQL text: `[A-Za-z][A-Za-z0-9_]*`.
const NAME_BYTES_MAX: usize = 40;

/// Names that databases keep for themselves.
const TAKEN: [&str; 4] = ["main", "temp", "trunkline", "sqlite"];

/// What a projection does with an event: statements, once or for each element of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    pub(crate) for_each: Option<(String, Path)>,
    pub(crate) statements: Vec<Statement>,
}

impl Action {
    /// The statements of a text, run once.
    pub fn once(sql: &str) -> Result<Self, Vec<SqlProblem>> {
        Ok(Self { for_each: None, statements: not_empty(sql, compile(sql, ParameterScope::Event)?)? })
    }

    /// The statements of a text, run for each element of the list that a [`list`](Self::list) names.
    ///
    /// Nothing is run when the event has no such list, or null there.
    pub fn for_each(list: (String, Path), sql: &str) -> Result<Self, Vec<SqlProblem>> {
        Ok(Self { for_each: Some(list), statements: not_empty(sql, compile(sql, ParameterScope::Item)?)? })
    }

    /// Reads the path of a list: `data.items`.
    pub fn list(text: &str) -> Result<(String, Path), SqlProblem> {
        let path = Path::parse(text)?;
        if !matches!(path.root.as_str(), "data" | "metadata") {
            return Err(SqlProblem {
                range: 0..path.root.len(),
                what: format!("`{}` has no lists", path.root),
                fix: Some(format!("a list in the event's data is `data.{text}`")),
            });
        }
        Ok((text.to_owned(), path))
    }

    /// The statements, in order.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }
}

fn not_empty(sql: &str, statements: Vec<Statement>) -> Result<Vec<Statement>, Vec<SqlProblem>> {
    if statements.is_empty() {
        let what = "there is no statement".to_owned();
        return Err(vec![SqlProblem { range: 0..sql.len(), what, fix: None }]);
    }
    Ok(statements)
}

/// A statement of a projection, and where it stands there.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) event: String,
    pub(crate) action: usize,
    pub(crate) statement: Statement,
}

/// Why a name is no projection's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` cannot name a read model: {reason}")]
pub struct InvalidModelName {
    name: String,
    reason: &'static str,
}

/// A projection: its name, its schema, and its actions by event type.
#[derive(Clone, Debug)]
pub struct Model {
    name: String,
    schema: Vec<Vec<Statement>>,
    statements: Vec<Placed>,
    plans: BTreeMap<String, Plan>,
    definition: String,
    typed: Option<Typed>,
}

/// A projection as code.
#[derive(Clone)]
struct Typed(Arc<dyn TypedProjection>);

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typed").field("event_types", &self.0.event_types()).finish_non_exhaustive()
    }
}

impl Model {
    /// A projection with these compiled texts.
    pub fn new(
        name: &str,
        schema: Vec<Vec<Statement>>,
        actions: Vec<(String, Vec<Action>)>,
    ) -> Result<Self, InvalidModelName> {
        check_name(name)?;
        let definition = definition(&schema, &actions);
        let (mut statements, mut plans) = (Vec::new(), BTreeMap::new());
        for (event, actions) in actions {
            let plan: &mut Plan = plans.entry(event.clone()).or_default();
            for (number, action) in actions.into_iter().enumerate() {
                plan.add(&action, statements.len());
                statements.extend(action.statements.into_iter().map(|statement| Placed {
                    event: event.clone(),
                    action: number,
                    statement,
                }));
            }
        }
        Ok(Self { name: name.to_owned(), schema, statements, plans, definition, typed: None })
    }

    /// A projection as code, with its [`schema`](TypedProjection::schema) compiled.
    pub fn typed(
        name: &str,
        schema: Vec<Statement>,
        projection: Arc<dyn TypedProjection>,
    ) -> Result<Self, InvalidModelName> {
        let mut model = Self::new(name, vec![schema], Vec::new())?;
        model.plans =
            projection.event_types().iter().map(|name| ((*name).to_owned(), Plan::default())).collect();
        let types: Vec<&str> = model.event_types().collect();
        let revision = format!("revision {} on {}\n", projection.revision(), types.join(", "));
        model.definition.push_str(&revision);
        model.typed = Some(Typed(projection));
        Ok(model)
    }

    /// Adds to what decides which rows there are: how the events that it is given come about.
    pub fn depend_on(&mut self, text: &str) {
        self.definition.push_str(text);
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The types of the events that the projection wants, in order.
    pub fn event_types(&self) -> impl Iterator<Item = &str> {
        self.plans.keys().map(String::as_str)
    }

    /// Everything that decides which rows there are, as text: a projection with another text must be rebuilt.
    pub fn definition(&self) -> &str {
        &self.definition
    }

    pub(crate) fn code(&self) -> Option<&dyn TypedProjection> {
        self.typed.as_ref().map(|typed| &*typed.0)
    }

    pub(crate) fn schema(&self) -> &[Vec<Statement>] {
        &self.schema
    }

    pub(crate) fn statements(&self) -> &[Placed] {
        &self.statements
    }

    /// What is done with events of a type.
    pub(crate) fn plan(&self, event_type: &str) -> Option<&Plan> {
        self.plans.get(event_type)
    }

    /// Finds the values that the statements get for these events, before a writer applies them.
    pub fn batch(self: &Arc<Self>, events: Arc<Vec<RecordedEvent>>) -> Batch {
        Batch::new(Arc::clone(self), events)
    }
}

/// Compiles a text of a schema.
pub fn schema(sql: &str) -> Result<Vec<Statement>, Vec<SqlProblem>> {
    compile(sql, ParameterScope::Schema)
}

fn check_name(name: &str) -> Result<(), InvalidModelName> {
    let refused = |reason| Err(InvalidModelName { name: name.to_owned(), reason });
    if name.len() > NAME_BYTES_MAX {
        return refused("a name has at most 40 letters");
    }
    if !name.starts_with(|c: char| c.is_ascii_alphabetic())
        || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return refused("a name has letters, digits and `_`, and begins with a letter");
    }
    if TAKEN.iter().any(|taken| name.eq_ignore_ascii_case(taken)) {
        return refused("databases keep this name for themselves");
    }
    Ok(())
}

/// The statements as they are written; where a text ends makes no difference to the rows.
fn definition(schema: &[Vec<Statement>], actions: &[(String, Vec<Action>)]) -> String {
    let mut text = String::new();
    for statement in schema.iter().flatten() {
        let _ = writeln!(text, "{};", statement.source());
    }
    // The order in which event types are written makes no difference; that of actions does.
    let ordered: BTreeMap<&String, &Vec<Action>> =
        actions.iter().map(|(event, actions)| (event, actions)).collect();
    for (event, actions) in ordered {
        for action in actions {
            let list =
                action.for_each.as_ref().map_or(String::new(), |(list, _)| format!(" for each {list}"));
            let _ = writeln!(text, "on {event}{list}:");
            for statement in &action.statements {
                let _ = writeln!(text, "{};", statement.source());
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(actions: &[(&str, &str)]) -> Model {
        let actions =
            actions.iter().map(|(event, sql)| ((*event).to_owned(), vec![Action::once(sql).unwrap()]));
        Model::new("m", vec![schema("CREATE TABLE t (a)").unwrap()], actions.collect()).unwrap()
    }

    #[test]
    fn the_definition_is_the_same_for_the_same_rows() {
        let first = model(&[("A", "DELETE FROM t; -- gone"), ("B", "DELETE FROM t")]);
        let second = model(&[("B", "DELETE FROM t;"), ("A", " DELETE FROM t")]);
        assert_eq!(first.definition(), second.definition());
        assert_ne!(first.definition(), model(&[("A", "DELETE FROM t")]).definition());
    }

    #[test]
    fn names_are_fit_for_files_and_schemas() {
        let make = |name: &str| Model::new(name, vec![], vec![]).map(|model| model.name().to_owned());
        assert_eq!(make("orders_by_day").unwrap(), "orders_by_day");
        for name in ["", "1a", "a-b", "a.b", "../a", "Main", "é", &"a".repeat(41)] {
            assert!(make(name).is_err(), "{name}");
        }
    }
}
