//! Queries: questions with a name, answered from wherever their handler looks.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use trunkline_nearest::nearest;
use trunkline_sql::{AskError, DatabaseError};
use trunkline_store::Advice;

use crate::Projections;

/// Answers one kind of question.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use trunkline::{App, MemoryStore, QueryError, QueryHandler};
///
/// #[derive(Deserialize)]
/// struct GetOrder { order_id: String }
///
/// #[derive(Serialize)]
/// struct Order { order_id: String, status: &'static str }
///
/// struct Orders;
///
/// impl QueryHandler for Orders {
///     type Input = GetOrder;
///     type Output = Order;
///
///     async fn answer(&self, GetOrder { order_id }: GetOrder) -> Result<Order, QueryError> {
///         Ok(Order { order_id, status: "pending" })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = App::builder().store(MemoryStore::new()).query("GetOrder", Orders).build().await?;
/// let answer = app.query("GetOrder", r#"{"order_id":"1"}"#).await?;
/// assert_eq!(answer, r#"{"order_id":"1","status":"pending"}"#);
/// # Ok(())
/// # }
/// ```
pub trait QueryHandler: Send + Sync + 'static {
    /// What the parameters are read as.
    type Input: DeserializeOwned + Send;
    /// The answer.
    type Output: Serialize;

    /// Answers.
    fn answer(&self, input: Self::Input) -> impl Future<Output = Result<Self::Output, QueryError>> + Send;
}

/// Why a query has no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// No handler has this name.
    #[error("no query is named \"{name}\"{}", .near.as_ref().map_or_else(String::new, |near| format!("; did you mean \"{near}\"?")))]
    UnknownQuery {
        /// The name.
        name: String,
        /// The nearest name there is.
        near: Option<String>,
        /// All names that there are, sorted.
        known: Vec<String>,
    },
    /// The parameters are not those of the query.
    #[error("the parameters of {query} are wrong: {reason}")]
    Parameters {
        /// The query.
        query: String,
        /// What is wrong.
        reason: String,
    },
    /// There is nothing to answer with.
    #[error("{what} was not found")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// What it is to be answered from is damaged.
    #[error("the query failed: {reason}")]
    Damaged {
        /// What is damaged, and the remedy.
        reason: String,
        /// The remedy as a command, in which `FILE` is the application file.
        remedy: String,
    },
    /// The handler failed.
    #[error("the query failed: {reason}")]
    Failed {
        /// What happened.
        reason: String,
    },
}

impl QueryError {
    /// What the caller can do.
    pub fn advice(&self) -> Advice {
        match self {
            Self::UnknownQuery { .. } | Self::Parameters { .. } | Self::NotFound { .. } => Advice::FixRequest,
            Self::Damaged { .. } => Advice::Stop,
            Self::Failed { .. } => Advice::Retry,
        }
    }

    /// What it means for a query that a read database failed.
    pub fn of_database(error: &DatabaseError) -> Self {
        let reason = error.to_string();
        match error {
            DatabaseError::Damaged { remedy, .. } => Self::Damaged { reason, remedy: remedy.clone() },
            _ => Self::Failed { reason },
        }
    }

    /// What it means for a query that its SQL has no answer.
    pub fn of_ask(error: &AskError) -> Self {
        match error {
            AskError::Database(error) => Self::of_database(error),
            other => Self::Failed { reason: other.to_string() },
        }
    }
}

/// A question, as something that answers sees it.
#[derive(Clone, Copy, Debug)]
pub struct QueryContext<'a> {
    /// The query's name.
    pub name: &'a str,
    /// The read models of the application.
    pub projections: &'a Arc<Projections>,
}

/// Something that answers queries, whatever it is made of: the form that an application keeps.
///
/// A [`QueryHandler`] becomes one when it is registered; what reads parameters itself, as a declared query does,
/// implements it and is registered with [`query_logic`](crate::AppBuilder::query_logic).
pub trait QueryLogic: Send + Sync + 'static {
    /// Answers; parameters and answer are JSON.
    fn answer<'a>(
        &'a self,
        context: QueryContext<'a>,
        parameters: Bytes,
    ) -> BoxFuture<'a, Result<Bytes, QueryError>>;
}

/// A [`QueryHandler`] as [`QueryLogic`].
pub(crate) struct Handler<H>(pub(crate) H);

impl<H: QueryHandler> QueryLogic for Handler<H> {
    fn answer<'a>(
        &'a self,
        context: QueryContext<'a>,
        parameters: Bytes,
    ) -> BoxFuture<'a, Result<Bytes, QueryError>> {
        Box::pin(async move {
            let input = serde_json::from_slice(&parameters).map_err(|error| QueryError::Parameters {
                query: context.name.to_owned(),
                reason: error.to_string(),
            })?;
            let output = self.0.answer(input).await?;
            let json = serde_json::to_vec(&output);
            json.map(Bytes::from).map_err(|error| QueryError::Failed { reason: error.to_string() })
        })
    }
}

/// Queries by their names.
#[derive(Default)]
pub(crate) struct Queries(pub(crate) HashMap<String, Arc<dyn QueryLogic>>);

impl Queries {
    pub(crate) async fn answer(
        &self,
        name: &str,
        parameters: Bytes,
        projections: &Arc<Projections>,
    ) -> Result<Bytes, QueryError> {
        if let Some(logic) = self.0.get(name) {
            return logic.answer(QueryContext { name, projections }, parameters).await;
        }
        let mut known: Vec<String> = self.0.keys().cloned().collect();
        known.sort_unstable();
        let near = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
        Err(QueryError::UnknownQuery { name: name.to_owned(), near, known })
    }
}
