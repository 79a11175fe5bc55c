//! Read databases: where projections keep the rows that queries read.
//!
//! Read in this order: [`compile`] makes [`Statement`]s of SQL text with parameters like `:data.order_id`;
//! [`Model`] puts a projection's statements together; [`ReadDatabase`] is the trait of places that keep them, in
//! generations with a [`GenerationCheckpoint`] each, and [`Writer`] applies events to one; [`SqlQuery`] reads.
//! A [`Dialect`] is what one kind of database takes; `SqliteReadDatabase` is the backend for one machine, and for memory.
//! `SqliteSnapshots`, `SqliteSagaIndex` and `SqliteCauseIndex` keep what is derived from a log.
//!
//! This crate knows neither event stores nor application files: events are handed in, and every mistake in a text is
//! given with its place in that text.
//! The decisions are in `docs/design/0013-read-databases.md`.
//!
#![cfg_attr(feature = "sqlite", doc = "```")]
#![cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
//! use std::sync::Arc;
//! use trunkline_core::{EventId, NewEvent, Position, RecordedEvent, StoreId, Timestamp, Version};
//! use trunkline_sql::{
//!     Action, AnswerLimits, BatchEnd, Model, Parameters, ReadDatabase, SqlQuery, SqliteReadDatabase, schema,
//! };
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let database = SqliteReadDatabase::memory()?;
//! let on_created = Action::once("INSERT INTO orders VALUES (:data.order_id, :data.total)").unwrap();
//! let tables = schema("CREATE TABLE orders (id TEXT PRIMARY KEY, total INTEGER)").unwrap();
//! let model = Arc::new(Model::new("orders", vec![tables], vec![("OrderCreated".into(), vec![on_created])])?);
//!
//! let generation = database.create(&model, StoreId::from_bytes([1; 16])).await?;
//! let mut writer = database.open(&model, generation).await?;
//! let event = NewEvent::json("OrderCreated", r#"{"order_id":"7","total":350}"#)?;
//! let event =
//!     RecordedEvent::from_new(&event, &"order-7".parse()?, Position::FIRST, Version::new(1), Timestamp::default());
//! let end = BatchEnd::event(&event);
//! writer.apply(Arc::new(model.batch(Arc::new(vec![event]))), end).await?;
//!
//! let query = SqlQuery::ad_hoc("SELECT total FROM orders").unwrap();
//! let answer = database.ask(&query, &Parameters::default(), &AnswerLimits::default()).await?;
//! assert_eq!(answer.to_json().to_string(), r#"[{"total":350}]"#);
//! # Ok(())
//! # }
//! ```

#![cfg_attr(
    not(feature = "sqlite"),
    expect(dead_code, reason = "batches and queries are taken apart by backends only")
)]

mod text;

mod bind;

mod dialect;

mod model;

mod typed;

mod error;

mod query;

mod database;

mod shadow;

mod compare;

#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sqlite")]
pub mod testing;

#[cfg(feature = "conformance")]
#[expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test that fails says where")]
pub mod conformance;

pub use bind::{Batch, BindError, SqlValue};
pub use compare::ComparedRows;
pub use database::{
    BatchEnd, Claim, Claimed, Generation, GenerationCheckpoint, ReadDatabase, Standing, State, Writer,
};
pub use dialect::Dialect;
pub use error::{ApplyError, DatabaseError, ModelPart, ModelProblem, Parked, StatementFailure};
pub use model::{Action, InvalidModelName, Model, schema};
pub use query::{
    AnswerLimits, AskError, ParameterSpec, ParameterType, Parameters, QueryAnswer, Returns, SqlQuery,
};
pub use shadow::{Differences, FoundRows, RowDifference, Shadow, Side};
#[cfg(feature = "sqlite")]
pub use sqlite::{
    SqliteCauseIndex, SqliteDialect, SqliteOptions, SqliteReadDatabase, SqliteSagaIndex, SqliteSnapshots,
    TableColumns, Trial,
};
pub use text::{Parameter, ParameterScope, Path, PathStep, Rendered, SqlProblem, Statement, compile};
pub use typed::{Rows, RowsError, TypedProjection};
