//! What a projection is: its statements, and what is to be done when something changes or fails.

use std::sync::Arc;

use trunkline_sql::{Model, TypedProjection, schema};

use crate::backend::Dsn;

/// A projection: its statements, and what to do when something changes or fails.
#[derive(Clone, Debug)]
pub struct ProjectionDefinition {
    /// The schema and the statements.
    pub model: Arc<Model>,
    /// The read database that keeps the rows; none when it is the application's own.
    pub read_db: Option<Dsn>,
    /// Whether events may be applied again onto rows that are there.
    pub idempotent: bool,
    /// What to do with an event that fails.
    pub on_error: OnError,
    /// What to do when the statements are no longer those that made the rows.
    pub on_change: OnChange,
}

/// What to do with an event that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// Stop there.
    #[default]
    Stop,
    /// Put it aside and go on.
    Park,
}

/// What to do when the statements are no longer those that made the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnChange {
    /// Build the rows again beside those that are there, then show the new ones.
    #[default]
    Rebuild,
    /// Stop until an operator decides what to do.
    Stop,
}

impl ProjectionDefinition {
    /// A projection with these statements: an event that fails stops it, and other statements build its rows again.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use trunkline::sql::{Action, Model, schema};
    /// use trunkline::{App, MemoryStore, OnError, ProjectionDefinition};
    ///
    /// let tables = schema("CREATE TABLE orders (id TEXT PRIMARY KEY)").unwrap();
    /// let on_created = Action::once("INSERT INTO orders VALUES (:data.order_id)").unwrap();
    /// let model = Model::new("orders", vec![tables], vec![("OrderCreated".into(), vec![on_created])])?;
    /// let orders = ProjectionDefinition { on_error: OnError::Park, ..ProjectionDefinition::new(model) };
    ///
    /// let app = App::builder().store(MemoryStore::new()).projection_definition(orders).build().await?;
    /// assert_eq!(app.projections().names().collect::<Vec<_>>(), ["orders"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(model: Model) -> Self {
        Self {
            model: Arc::new(model),
            read_db: None,
            idempotent: false,
            on_error: OnError::default(),
            on_change: OnChange::default(),
        }
    }

    /// A projection whose statements are code; what is wrong with its tables, when they can't be.
    pub fn typed(name: &str, code: Arc<dyn TypedProjection>) -> Result<Self, String> {
        let tables = schema(code.schema()).map_err(|problems| problems[0].to_string())?;
        let model = Model::typed(name, tables, code).map_err(|error| error.to_string())?;
        // Without it, the read database that makes the tables says what is wrong with them.
        #[cfg(feature = "sqlite")]
        if let Some(wrong) = super::dialect().check(&model).first() {
            return Err(format!("its schema has a mistake: {wrong}"));
        }
        Ok(Self::new(model))
    }
}
