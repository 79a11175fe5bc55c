//! A query's text against the tables that are kept in its read database.

use indexmap::IndexMap;
use trunkline_sql::{Model, SqlProblem, SqlQuery};

use super::ProjectionDefinition;
use trunkline_runtime::Dsn;
use trunkline_runtime::dialect;

/// The tables of one read database, beside those of all.
pub(super) struct Kept<'a> {
    pub(super) projections: &'a IndexMap<String, ProjectionDefinition>,
    /// The read database; the application's own when none is named.
    pub(super) read_db: Option<&'a Dsn>,
}

impl Kept<'_> {
    /// What is wrong with a query there.
    ///
    /// A query reads one database: what it would read only in another one, or in several, is said.
    pub(super) fn check(&self, query: &SqlQuery) -> Vec<SqlProblem> {
        let found = self.check_at(self.read_db, query);
        if found.is_empty() {
            return found;
        }
        let others = self.projections.values().map(|projection| projection.read_db.as_ref());
        let right = others
            .filter(|other| *other != self.read_db)
            .find(|other| self.check_at(*other, query).is_empty());
        let all: Vec<&Model> = self.projections.values().map(|projection| &*projection.model).collect();
        let (what, fix) = match right {
            Some(Some(other)) => (
                "the tables of this query are kept in another read database",
                format!("name it: read_db: \"{other}\""),
            ),
            Some(None) => (
                "the tables of this query are kept in the read database of the application",
                "leave `read_db` out".to_owned(),
            ),
            None if dialect().check_query(&all, query).is_empty() => (
                "the tables of this query are kept in several read databases, and a query reads one",
                "keep the projections in one `read_db`, or ask one query of each".to_owned(),
            ),
            None => return found,
        };
        vec![SqlProblem { range: query.statement().range(), what: what.to_owned(), fix: Some(fix) }]
    }

    fn check_at(&self, read_db: Option<&Dsn>, query: &SqlQuery) -> Vec<SqlProblem> {
        let kept = self.projections.values().filter(|projection| projection.read_db.as_ref() == read_db);
        let models: Vec<&Model> = kept.map(|projection| &*projection.model).collect();
        dialect().check_query(&models, query)
    }
}
