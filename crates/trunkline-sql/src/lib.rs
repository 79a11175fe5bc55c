//! Read databases: where projections keep the rows that queries read.
//!
//! Read in this order: [`compile`] makes [`Statement`]s of SQL text with parameters like `:data.order_id`;
//! [`Model`] puts a projection's statements together; [`ReadDatabase`] is the trait of places that keep them, in
//! generations with a [`GenerationCheckpoint`] each, and [`Writer`] applies events to one; [`SqlQuery`] reads.
//! [`SqliteReadDatabase`] is the backend for one machine.
//! `SqliteSnapshots` and `SqliteSagaIndex` keep what is derived from a log.
//!
//! This crate knows neither event stores nor application files: events are handed in, and every mistake in a text is
//! given with its place in that text.
//! The decisions are in `docs/design/0013-read-databases.md`.
//!
#![cfg_attr(feature = "sqlite", doc = "```")]
#![cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
//! use std::sync::Arc;
//! use trunkline_core::{EventId, NewEvent, Position, RecordedEvent, StoreId, Timestamp, Version};
//! use trunkline_sql::{Action, AnswerLimits, Model, Parameters, SqlQuery, BatchEnd, ReadDatabase, SqliteReadDatabase, schema};
//!
//! let folder = tempfile::tempdir()?;
//! let database = SqliteReadDatabase::open(&folder.path().join("read.db"))?;
//! let on_created = Action::once("INSERT INTO orders VALUES (:data.order_id, :data.total)").unwrap();
//! let tables = schema("CREATE TABLE orders (id TEXT PRIMARY KEY, total INTEGER)").unwrap();
//! let model = Arc::new(Model::new("orders", vec![tables], vec![("OrderCreated".into(), vec![on_created])])?);
//!
//! let generation = database.create(&model, StoreId::from_bytes([1; 16]))?;
//! let mut writer = database.open(&model, generation)?;
//! let event = NewEvent::json("OrderCreated", r#"{"order_id":"7","total":350}"#)?;
//! let event =
//!     RecordedEvent::from_new(&event, &"order-7".parse()?, Position::FIRST, Version::new(1), Timestamp::default());
//! writer.apply(&[event.clone()], BatchEnd::event(&event))?;
//!
//! let query = SqlQuery::ad_hoc("SELECT total FROM orders").unwrap();
//! let answer = database.ask(&query, &Parameters::default(), &AnswerLimits::default())?;
//! assert_eq!(answer.to_json().to_string(), r#"[{"total":350}]"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod text;

mod bind;

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

pub use bind::{Batch, BindError, SqlValue};
pub use compare::ComparedRows;
pub use database::{
    BatchEnd, Claim, Generation, GenerationCheckpoint, ReadDatabase, Standing, State, Writer,
};
pub use error::{ApplyError, DatabaseError, ModelProblem, Parked, Part, StatementFailure};
pub use model::{Action, InvalidModelName, Model, schema};
pub use query::{
    Answer, AnswerLimits, AskError, ParameterSpec, ParameterType, Parameters, Returns, SqlQuery,
};
pub use shadow::{Differences, RowDifference, Shadow, Side};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteReadDatabase, SqliteSagaIndex, SqliteSnapshots, TableColumns, Trial};
pub use text::{Parameter, Path, Scope, SqlProblem, Statement, Step, compile};
pub use typed::{Rows, RowsError, TypedProjection};
