//! Queries: a text that only reads, the parameters it takes, and the shape of its answer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use trunkline_nearest::nearest;

use crate::DatabaseError;
use crate::bind::{BindError, SqlValue, of_json, shortened};
use crate::text::{Kind, ParameterScope, SqlProblem, Statement, compile, tokens};

/// What an answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Returns {
    /// One row, or none.
    One,
    /// Any number of rows.
    #[default]
    Many,
    /// The only column of one row.
    Value,
}

/// The type of a query's parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ParameterType {
    /// Whatever is given: for parameters that are not declared.
    #[default]
    Any,
    /// A text.
    Text,
    /// A number without a fraction.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// Anything, bound as JSON text.
    Json,
}

impl ParameterType {
    /// The type of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, kind)| kind)
    }

    /// The names of the types that can be declared.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("text", Self::Text),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("boolean", Self::Boolean),
        ("json", Self::Json),
    ];

    fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, kind)| *kind == self).map_or("any", |(name, _)| name)
    }
}

/// A parameter as a query declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterSpec {
    /// The name, without a colon.
    pub name: String,
    /// What may be given.
    pub kind: ParameterType,
    /// The JSON that is taken when nothing is given; without it, the parameter must be given.
    ///
    /// Null may be given where null is the default, and nowhere else.
    pub default: Option<String>,
}

/// A query: compiled, but not yet held against a database; a clone is the same one.
#[derive(Clone, Debug)]
pub struct SqlQuery(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    statement: Statement,
    parameters: Vec<ParameterSpec>,
    returns: Returns,
    names: Vec<Name>,
}

/// A name in a query's text: perhaps a table's.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    /// In lower case, without quotes.
    pub(crate) lower: String,
    /// Its place in the text.
    pub(crate) range: std::ops::Range<usize>,
    /// Whether it stands alone, without a dot before or after it: then several tables of that name are too many.
    pub(crate) alone: bool,
}

impl SqlQuery {
    /// A query of one statement.
    ///
    /// A parameter that the text uses and that is not declared must be given, and may be anything.
    pub fn new(sql: &str, declared: &[ParameterSpec], returns: Returns) -> Result<Self, Vec<SqlProblem>> {
        let mut statements = compile(sql, ParameterScope::Any)?;
        let whole = |what: &str| SqlProblem { range: 0..sql.len(), what: what.to_owned(), fix: None };
        if let Some(second) = statements.get(1) {
            return Err(vec![SqlProblem { range: second.range(), ..whole("a query is one statement") }]);
        }
        let statement = statements.pop().ok_or_else(|| vec![whole("there is no statement")])?;
        let is_used = |spec: &&ParameterSpec| {
            statement.parameters().iter().any(|parameter| parameter.path.root == spec.name)
        };
        let unused = declared.iter().filter(|spec| !is_used(spec));
        let problems: Vec<SqlProblem> = unused
            .map(|spec| SqlProblem {
                fix: Some(format!("use it as `:{}`, or remove it", spec.name)),
                ..whole(&format!("the parameter `{}` is not used", spec.name))
            })
            .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        // In the order of the placeholders, as they are bound.
        let parameters = statement.parameters().iter().map(|parameter| {
            let name = &parameter.path.root;
            let known = declared.iter().find(|spec| spec.name == *name).cloned();
            known.unwrap_or_else(|| ParameterSpec {
                name: name.clone(),
                kind: ParameterType::Any,
                default: None,
            })
        });
        let parameters = parameters.collect();
        Ok(Self(Arc::new(Compiled { names: names(sql), parameters, statement, returns })))
    }

    /// A query typed in by hand: without parameters, any number of rows.
    pub fn ad_hoc(sql: &str) -> Result<Self, Vec<SqlProblem>> {
        compile(sql, ParameterScope::Named(&[]))?;
        Self::new(sql, &[], Returns::Many)
    }

    /// What the answer is.
    pub fn returns(&self) -> Returns {
        self.0.returns
    }

    /// The statement.
    pub fn statement(&self) -> &Statement {
        &self.0.statement
    }

    /// The parameters, declared or not.
    pub fn parameters(&self) -> &[ParameterSpec] {
        &self.0.parameters
    }

    pub(crate) fn names(&self) -> &[Name] {
        &self.0.names
    }

    /// The values for the placeholders, in order.
    pub(crate) fn values<'a>(&'a self, given: &'a Parameters<'_>) -> Result<Vec<SqlValue<'a>>, AskError> {
        let known = || self.0.parameters.iter().map(|spec| spec.name.as_str());
        if let Some((name, _)) = given.0.iter().find(|(name, _)| !known().any(|known| known == name)) {
            return Err(AskError::UnknownParameter {
                name: name.clone(),
                nearest: nearest(name, known()).map(str::to_owned),
                known: known().map(str::to_owned).collect(),
            });
        }
        self.0.parameters.iter().map(|spec| spec.value(given.get(&spec.name))).collect()
    }
}

impl ParameterSpec {
    /// Whether the default, when there is one, is of the parameter's type.
    pub fn check_default(&self) -> Result<(), AskError> {
        self.default.as_deref().map_or(Ok(()), |default| self.value(Some(default)).map(|_| ()))
    }

    fn value<'a>(&'a self, given: Option<&'a str>) -> Result<SqlValue<'a>, AskError> {
        let Some(json) = given.or(self.default.as_deref()) else {
            return Err(AskError::MissingParameter { name: self.name.clone(), kind: self.kind.name() });
        };
        if json == "null" && (self.kind == ParameterType::Any || self.default.as_deref() == Some("null")) {
            return Ok(SqlValue::Null);
        }
        if self.kind == ParameterType::Json {
            // As it is written, whatever numbers are in it.
            return Ok(SqlValue::Text(json.into()));
        }
        let value =
            of_json(json).map_err(|reason| AskError::Parameter { name: self.name.clone(), reason })?;
        let fits = match self.kind {
            ParameterType::Any | ParameterType::Json => true,
            ParameterType::Text => json.starts_with('"'),
            ParameterType::Integer => matches!(value, SqlValue::Integer(_)),
            ParameterType::Number => matches!(value, SqlValue::Integer(_) | SqlValue::Real(_)),
            ParameterType::Boolean => matches!(value, SqlValue::Boolean(_)),
        };
        if fits {
            return Ok(value);
        }
        let (name, found) = (self.name.clone(), shortened(json));
        Err(AskError::WrongType { name, expected: self.kind.name(), found })
    }
}

/// The parameters that are given to a query: a JSON object.
///
/// They are kept as text, so that a number is never rounded on its way.
#[derive(Clone, Debug, Default)]
pub struct Parameters<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Parameters<'a> {
    /// Reads a JSON object.
    pub fn parse(json: &'a str) -> Result<Self, AskError> {
        // An object keeps its fields in order here; of two of one name, the last counts.
        let fields: indexed::Fields<'a> = serde_json::from_str(json)
            .map_err(|error| AskError::NotAnObject { reason: error.to_string() })?;
        Ok(Self(fields.0))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.get())
    }
}

mod indexed {
    //! A JSON object as a list of names and pieces of its text.

    use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
    use serde_json::value::RawValue;

    pub(super) struct Fields<'a>(pub(super) Vec<(String, &'a RawValue)>);

    impl<'a> Deserialize<'a> for Fields<'a> {
        fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
            struct Read;
            impl<'a> Visitor<'a> for Read {
                type Value = Fields<'a>;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object of parameters")
                }

                fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Fields<'a>, M::Error> {
                    let mut fields = Vec::new();
                    while let Some(field) = map.next_entry()? {
                        fields.push(field);
                    }
                    Ok(Fields(fields))
                }
            }
            deserializer.deserialize_map(Read)
        }
    }
}

/// How much of an answer is wanted, of whose tables, and how long it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerLimits {
    /// Rows to pass over first.
    pub skip: usize,
    /// Rows to give at most.
    pub rows_max: usize,
    /// Bytes of text to give at most.
    pub bytes_max: usize,
    /// How long it may take.
    pub time_limit: Duration,
    /// The projections whose tables there are for the query; those of all when not said.
    pub projections: Option<Arc<BTreeSet<String>>>,
}

impl Default for AnswerLimits {
    /// What an answer in memory may be: 10,000 rows, 64 MiB, within 5 seconds, of all tables.
    fn default() -> Self {
        Self {
            skip: 0,
            rows_max: 10_000,
            bytes_max: 64 << 20,
            time_limit: Duration::from_secs(5),
            projections: None,
        }
    }
}

/// The answer to a query.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryAnswer {
    /// What was asked for.
    pub returns: Returns,
    /// The names of the columns, in order; each once.
    pub columns: Vec<String>,
    /// The rows: a value for each column. A blob is text in base64.
    pub rows: Vec<Vec<Value>>,
    /// Whether there are rows beyond these.
    pub more: bool,
}

impl QueryAnswer {
    /// The answer as JSON: a list of objects, an object (null when there is none), or a bare value.
    pub fn to_json(&self) -> Value {
        let object = |row: &Vec<Value>| -> Value {
            Value::Object(self.columns.iter().cloned().zip(row.iter().cloned()).collect::<Map<_, _>>())
        };
        match self.returns {
            Returns::Many => Value::Array(self.rows.iter().map(object).collect()),
            Returns::One => self.rows.first().map_or(Value::Null, object),
            Returns::Value => self.rows.first().and_then(|row| row.first()).cloned().unwrap_or(Value::Null),
        }
    }
}

/// Why a query has no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// What was given is no JSON object.
    #[error("the parameters are not a JSON object: {reason}")]
    NotAnObject {
        /// What is wrong, with line and column.
        reason: String,
    },
    /// A parameter was given that the query doesn't have.
    #[error("the query has no parameter `{name}`{}", known_parameters(.nearest.as_deref(), .known))]
    UnknownParameter {
        /// Its name.
        name: String,
        /// The one that was probably meant.
        nearest: Option<String>,
        /// Those that the query has.
        known: Vec<String>,
    },
    /// A parameter without a default was not given.
    #[error("the parameter `{name}` ({kind}) is missing")]
    MissingParameter {
        /// Its name.
        name: String,
        /// Its type.
        kind: &'static str,
    },
    /// A parameter has another type.
    #[error("the parameter `{name}` is {expected}, not {found}")]
    WrongType {
        /// Its name.
        name: String,
        /// What it should be.
        expected: &'static str,
        /// What was given, shortened.
        found: String,
    },
    /// A parameter's value is no value for a database.
    #[error("the parameter `{name}` cannot be bound: {reason}")]
    Parameter {
        /// Its name.
        name: String,
        /// Why not.
        reason: BindError,
    },
    /// The text doesn't fit the tables.
    #[error("{}{}", .0[0], fix(&.0[0]))]
    Text(Vec<SqlProblem>),
    /// The query should give one row.
    #[error("the query gives more than one row")]
    MoreThanOne,
    /// The answer is larger than it may be.
    #[error("the answer is larger than {bytes_max} bytes; ask for fewer rows")]
    TooLarge {
        /// How large it may be.
        bytes_max: usize,
    },
    /// It took too long, and was stopped.
    #[error("the query took longer than {} ms and was stopped", .limit.as_millis())]
    TookTooLong {
        /// How long it may take.
        limit: Duration,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

fn known_parameters(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None if known.is_empty() => "; it has none".to_owned(),
        None => format!("; it has `{}`", known.join("`, `")),
    }
}

fn fix(problem: &SqlProblem) -> String {
    problem.fix.as_ref().map_or(String::new(), |fix| format!("; {fix}"))
}

/// The names in a text, with or without quotes.
fn names(sql: &str) -> Vec<Name> {
    let all: Vec<_> = tokens(sql).filter(|token| token.kind != Kind::Space).collect();
    let text = |at: usize| all.get(at).map_or("", |token| &sql[token.range.clone()]);
    let found =
        all.iter().enumerate().filter(|(_, token)| matches!(token.kind, Kind::Word | Kind::QuotedName));
    found
        .map(|(at, token)| {
            let before = if at == 0 { "" } else { text(at - 1) };
            let bare = match token.kind {
                Kind::QuotedName => &sql[token.range.start + 1..token.range.end - 1],
                _ => &sql[token.range.clone()],
            };
            Name {
                lower: bare.to_ascii_lowercase(),
                range: token.range.clone(),
                alone: before != "." && text(at + 1) != "." && !before.eq_ignore_ascii_case("AS"),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str, kind: ParameterType, default: Option<&str>) -> ParameterSpec {
        ParameterSpec { name: name.to_owned(), kind, default: default.map(str::to_owned) }
    }

    fn query() -> SqlQuery {
        let declared = vec![
            spec("country", ParameterType::Text, Some("null")),
            spec("least", ParameterType::Integer, Some("0")),
            spec("tags", ParameterType::Json, Some("[]")),
        ];
        let sql = "SELECT :id, :least, :country, :tags, :least";
        SqlQuery::new(sql, &declared, Returns::Many).unwrap()
    }

    fn values(json: &str) -> Result<Vec<String>, String> {
        let parameters = Parameters::parse(json).map_err(|error| error.to_string())?;
        let query = query();
        let values = query.values(&parameters).map_err(|error| error.to_string())?;
        Ok(values.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn parameters_are_typed_and_have_defaults() {
        assert_eq!(values(r#"{"id": 7}"#).unwrap(), ["7", "0", "null", r#""[]""#]);
        let given = r#"{"id": "x", "country": "Peru", "least": 3, "tags": {"a": 1}}"#;
        assert_eq!(values(given).unwrap(), [r#""x""#, "3", r#""Peru""#, r#""{\"a\": 1}""#]);
        assert_eq!(values(r#"{"id": null, "country": null}"#).unwrap()[2], "null");
        for written in ["18446744073709551616", "9007199254740993.0", "[1e-400]"] {
            let given = format!(r#"{{"id": 7, "tags": {written}}}"#);
            assert_eq!(values(&given).unwrap()[3], format!("{written:?}"));
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_says_what_would() {
        for (json, error) in [
            ("[]", "the parameters are not a JSON object"),
            ("{}", "the parameter `id` (any) is missing"),
            (r#"{"id": 1, "contry": "x"}"#, "no parameter `contry`; did you mean `country`?"),
            (r#"{"id": 1, "zzzzzzz": "x"}"#, "it has `id`, `least`, `country`, `tags`"),
            (r#"{"id": 1, "least": 1.5}"#, "the parameter `least` is integer, not 1.5"),
            (r#"{"id": 1, "least": null}"#, "the parameter `least` is integer, not null"),
            (r#"{"id": 18446744073709551616}"#, "doesn't fit 64 bits"),
            (r#"{"id": 9007199254740993.0}"#, "has more digits than a double holds"),
            (r#"{"id": 1e-400}"#, "is too small for a double"),
        ] {
            let found = values(json).unwrap_err();
            assert!(found.contains(error), "{json}: {found}");
        }
    }

    #[test]
    fn a_query_is_one_statement_and_uses_what_it_declares() {
        assert!(SqlQuery::new("SELECT 1; SELECT 2", &[], Returns::Many).is_err());
        assert!(SqlQuery::new("SELECT 1", &[spec("x", ParameterType::Text, None)], Returns::Many).is_err());
        assert!(SqlQuery::new("-- nothing", &[], Returns::Many).is_err());
        assert!(SqlQuery::ad_hoc("SELECT :x").is_err());
    }
}
