//! What each kind of database writes in its own way, and what it takes in a text.

use std::fmt;

use crate::{Model, ModelProblem, SqlProblem, SqlQuery, SqlValue};

/// The SQL of one kind of database.
///
/// A compiled [`Statement`](crate::Statement) belongs to none; a dialect [renders](crate::Statement::render) it.
/// Nothing here needs a database that is open, so texts are checked where there is none yet.
pub trait Dialect: fmt::Debug + Send + Sync + 'static {
    /// Writes the placeholder of a parameter; they are counted from 1, and one that comes again has its number again.
    fn placeholder(&self, number: usize, text: &mut String);

    /// A name in quotes, whatever it is made of.
    fn quoted(&self, name: &str) -> String;

    /// The value that is bound in place of this one, where the database has no such type.
    fn bound<'v>(&self, value: SqlValue<'v>) -> SqlValue<'v>;

    /// Prepares a projection's schema and statements without touching what is stored, and says what is wrong.
    fn check(&self, model: &Model) -> Vec<ModelProblem>;

    /// Prepares a query against the tables of these projections without touching what is stored.
    ///
    /// A query that could write, or do anything but read tables, is a problem here.
    fn check_query(&self, models: &[&Model], query: &SqlQuery) -> Vec<SqlProblem>;
}
