//! Declared queries: the read models answer them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use trunkline_sql::{AnswerLimits, Parameters, ReadDatabase, Returns, SqlQuery};

use trunkline_runtime::Dsn;
use trunkline_runtime::{Projections, QueryContext, QueryError, QueryLogic};

/// A query of the file.
pub(crate) struct DeclaredQuery {
    pub(crate) query: Arc<SqlQuery>,
    /// The read database; the application's own when none is named.
    pub(crate) read_db: Option<Dsn>,
    pub(crate) time_limit: Duration,
}

impl QueryLogic for DeclaredQuery {
    fn answer<'a>(
        &'a self,
        context: QueryContext<'a>,
        parameters: Bytes,
    ) -> BoxFuture<'a, Result<Bytes, QueryError>> {
        let (query, projections) = (Arc::clone(&self.query), Arc::clone(context.projections));
        let limits = AnswerLimits { time_limit: self.time_limit, ..AnswerLimits::default() };
        let (asked, read_db) = (context.name.to_owned(), self.read_db.clone());
        Box::pin(async move {
            // A projection that has stopped is no reason to hide what there is; its status says it.
            if let Err(error) = projections.settled(self.time_limit).await {
                tracing::warn!(query = asked, %error, "the answer may be older than the process");
            }
            let database = projections.database_at(read_db.as_ref()).await;
            let database = database.map_err(|error| QueryError::of_database(&error))?;
            ask(&asked, &query, &projections, &**database, &parameters, &limits).await
        })
    }
}

async fn ask(
    name: &str,
    query: &SqlQuery,
    projections: &Projections,
    database: &dyn ReadDatabase,
    parameters: &Bytes,
    limits: &AnswerLimits,
) -> Result<Bytes, QueryError> {
    use trunkline_sql::AskError as Sql;
    let wrong = |reason: String| QueryError::Parameters { query: name.to_owned(), reason };
    let text = std::str::from_utf8(parameters).map_err(|error| wrong(error.to_string()))?;
    let given = if text.trim().is_empty() { "{}" } else { text };
    let parameters = Parameters::parse(given).map_err(|error| wrong(error.to_string()))?;
    let answer =
        projections.ask(database, query, &parameters, limits).await.map_err(|error| match error {
            Sql::NotAnObject { .. }
            | Sql::UnknownParameter { .. }
            | Sql::MissingParameter { .. }
            | Sql::WrongType { .. }
            | Sql::Parameter { .. } => wrong(error.to_string()),
            other => QueryError::of_ask(&other),
        })?;
    if query.returns() == Returns::One && answer.rows.is_empty() {
        return Err(QueryError::NotFound { what: format!("an answer to {name}") });
    }
    if answer.more {
        let reason = format!("the answer has more than {} rows; ask for fewer", limits.rows_max);
        return Err(QueryError::Failed { reason });
    }
    Ok(answer.to_json().to_string().into())
}
