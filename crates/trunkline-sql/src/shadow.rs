//! What comes of comparing a generation's rows with those that the events make.

use std::fmt::Debug;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{DatabaseError, GenerationCheckpoint, Writer};

/// A generation as it was at one moment, and beside it, out of everybody's sight, empty tables to apply its events to
/// again.
///
/// Nothing of it stays: neither readers nor owners see it, and the generation is only read, also beside its owner.
pub trait Shadow: Debug + Send {
    /// How far the generation had come at that moment.
    fn live(&self) -> &GenerationCheckpoint;

    /// Applies events to the tables out of sight.
    fn writer(&mut self) -> &mut dyn Writer;

    /// Compares the rows, table by table.
    ///
    /// The differences are at most so many, but all of them are counted.
    fn differences(&mut self, rows_max: usize) -> BoxFuture<'_, Result<Differences, DatabaseError>>;

    /// For each of these, the rows with its key on the one side, as they are now: several only where a table has no
    /// primary key.
    fn find(
        &mut self,
        side: Side,
        rows: Arc<[RowDifference]>,
    ) -> BoxFuture<'_, Result<Vec<FoundRows>, DatabaseError>>;
}

/// Rows of one key: their columns' values, in the order of the table.
pub type FoundRows = Vec<Vec<Value>>;

/// Whose rows are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Those that readers see.
    Live,
    /// Those that the events made again.
    Rebuilt,
}

/// How the rows that readers see differ from those that the events make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// The rows that were compared, the larger number of both sides.
    pub compared: u64,
    /// How many differ.
    pub count: u64,
    /// The first of them.
    pub rows: Vec<RowDifference>,
}

/// A row that readers see otherwise than the events make it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowDifference {
    /// The table.
    pub table: String,
    /// The columns that identify the row, with their values: the primary key, or all columns where there is none.
    pub key: Map<String, Value>,
    /// The row that readers see; null when there is none.
    pub live: Option<Map<String, Value>>,
    /// The row that the events make; null when there is none.
    pub rebuilt: Option<Map<String, Value>>,
}
