//! A projection as code: it gets each event, and a handle to the rows in the transaction that moves the checkpoint.

use std::borrow::Cow;
use std::error::Error;

use trunkline_core::RecordedEvent;

use crate::SqlValue;

/// A projection that is code rather than statements.
///
/// The tables, the checkpoint, the errors and what is done when something changes are those of any projection: the
/// rows of a batch and its checkpoint commit together, or nothing does. So [`apply`](Self::apply) must change nothing
/// but the rows, and must make the same rows of the same events.
pub trait TypedProjection: Send + Sync + 'static {
    /// The SQL that makes the tables.
    fn schema(&self) -> &str;

    /// The types of the events that it wants.
    fn event_types(&self) -> &[&str];

    /// To be raised whenever [`apply`](Self::apply) makes other rows than before: then they are built again.
    fn revision(&self) -> u32 {
        1
    }

    /// Applies an event.
    ///
    /// When this fails, or panics, or a statement failed meanwhile, the event has failed, and nothing of its batch is
    /// kept.
    fn apply(&self, event: &RecordedEvent, rows: &mut dyn Rows) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// The rows of a projection, within a transaction.
///
/// Statements have parameters `?1`, `?2` and so on; they read, insert, update and delete rows of the projection's own
/// tables and do nothing else. A statement fails that is given a double that is not finite; minus zero is zero.
pub trait Rows {
    /// Runs a statement; how many rows it changed.
    fn execute(&mut self, sql: &str, values: &[SqlValue<'_>]) -> Result<u64, RowsError>;

    /// The first row that a query finds, with what was changed before.
    fn first(
        &mut self,
        sql: &str,
        values: &[SqlValue<'_>],
    ) -> Result<Option<Vec<SqlValue<'static>>>, RowsError>;
}

/// Why a statement of a [`TypedProjection`] failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct RowsError {
    /// The statement, shortened.
    pub statement: String,
    /// What the database said.
    pub error: String,
    /// Whether the same may work later, without anybody's doing.
    pub passing: bool,
}

impl From<i64> for SqlValue<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl<'a> From<&'a str> for SqlValue<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}
