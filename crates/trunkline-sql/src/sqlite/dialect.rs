//! The SQL that `SQLite` takes.

use super::check;
use crate::{Dialect, Model, ModelProblem, SqlProblem, SqlQuery, SqlValue};

/// The SQL of `SQLite`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SqliteDialect;

impl Dialect for SqliteDialect {
    /// `?1`, so that a parameter that comes again is bound once.
    fn placeholder(&self, number: usize, text: &mut String) {
        text.push('?');
        text.push_str(&number.to_string());
    }

    fn quoted(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// There are no booleans: `true` is 1.
    fn bound<'v>(&self, value: SqlValue<'v>) -> SqlValue<'v> {
        match value {
            SqlValue::Boolean(value) => SqlValue::Integer(i64::from(value)),
            other => other,
        }
    }

    fn check(&self, model: &Model) -> Vec<ModelProblem> {
        check::model(model)
    }

    fn check_query(&self, models: &[&Model], query: &SqlQuery) -> Vec<SqlProblem> {
        check::query(models, query)
    }
}
