//! A projection that is code, over `SQLite`: its statements are judged while they are prepared.

use std::borrow::Cow;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::hooks::{AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement};
use trunkline_core::RecordedEvent;

use super::check::may_change;
use super::fault::{is_passing, reason};
use super::run::bind;
use super::{VALUE_BYTES_MAX, clock};
use crate::bind::{SqlValue, shortened};
use crate::{ApplyError, Rows, RowsError, StatementFailure, TypedProjection};

/// Whether statements are those of a projection's code, which may not do what this crate may.
#[derive(Clone, Debug, Default)]
pub(super) struct Guarded(Arc<AtomicBool>);

impl Guarded {
    /// Has a connection's statements judged while this is on, and none of its values take the memory of others.
    pub(super) fn new(connection: &mut Connection) -> rusqlite::Result<Self> {
        let guarded = Self::default();
        let on = Arc::clone(&guarded.0);
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)?;
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            if on.load(Ordering::Relaxed) && may_change(&context.action).is_err() {
                Authorization::Deny
            } else {
                Authorization::Allow
            }
        }))?;
        Ok(guarded)
    }

    /// Has the code apply events, in order.
    pub(super) fn apply(
        &self,
        connection: &Connection,
        code: &dyn TypedProjection,
        events: &[RecordedEvent],
    ) -> Result<(), ApplyError> {
        self.0.store(true, Ordering::Relaxed);
        let mut rows = CodeRows { connection, prepared: HashMap::new(), failed: None };
        let wanted = |event: &&RecordedEvent| code.event_types().contains(&event.event_type());
        let applied = events.iter().filter(wanted).try_for_each(|event| apply(code, event, &mut rows));
        self.0.store(false, Ordering::Relaxed);
        applied
    }
}

fn apply(
    code: &dyn TypedProjection,
    event: &RecordedEvent,
    rows: &mut CodeRows<'_>,
) -> Result<(), ApplyError> {
    // What the code left behind is rolled back with the rows, and the event fails like any other.
    let applied = catch_unwind(AssertUnwindSafe(|| code.apply(event, rows)));
    let said = match applied {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("the projection's code panicked".to_owned()),
    };
    // A statement that failed may have ended the transaction: its error counts, also when the code let it go.
    let (statement, error, passing) = match (rows.failed.take(), said) {
        (Some(failed), _) => (Some(failed.statement), failed.error, failed.passing),
        (None, Some(said)) => (None, said, false),
        (None, None) => return Ok(()),
    };
    Err(ApplyError::Failed(Box::new(StatementFailure {
        position: event.position(),
        event_id: event.event_id(),
        event_type: event.event_type().to_owned(),
        statement,
        parameters: Vec::new(),
        error,
        passing,
    })))
}

struct CodeRows<'c> {
    connection: &'c Connection,
    /// Apart from the connection's own, which were prepared without being judged.
    prepared: HashMap<String, Statement<'c>>,
    failed: Option<RowsError>,
}

impl<'c> CodeRows<'c> {
    fn run<T>(
        &mut self,
        sql: &str,
        values: &[SqlValue<'_>],
        act: impl FnOnce(&mut Statement<'c>) -> rusqlite::Result<T>,
    ) -> Result<T, RowsError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let done = self.bound(sql, values).and_then(act);
        done.map_err(|error| {
            let (passing, reason) = (is_passing(&error), reason(&error));
            let failed = RowsError { statement: shortened(sql), error: reason, passing };
            self.failed.insert(failed).clone()
        })
    }

    fn bound(&mut self, sql: &str, values: &[SqlValue<'_>]) -> rusqlite::Result<&mut Statement<'c>> {
        if !self.prepared.contains_key(sql) {
            clock::refuse(sql)?;
            self.prepared.insert(sql.to_owned(), self.connection.prepare(sql)?);
        }
        let statement = self.prepared.get_mut(sql).ok_or(rusqlite::Error::InvalidQuery)?;
        if statement.parameter_count() != values.len() {
            return Err(rusqlite::Error::InvalidParameterCount(values.len(), statement.parameter_count()));
        }
        for (index, value) in values.iter().enumerate() {
            clock::refuse_value(sql, value)?;
            bind(statement, index + 1, value.clone())?;
        }
        Ok(statement)
    }
}

impl Rows for CodeRows<'_> {
    fn execute(&mut self, sql: &str, values: &[SqlValue<'_>]) -> Result<u64, RowsError> {
        self.run(sql, values, |statement| Ok(statement.raw_execute()? as u64))
    }

    fn first(
        &mut self,
        sql: &str,
        values: &[SqlValue<'_>],
    ) -> Result<Option<Vec<SqlValue<'static>>>, RowsError> {
        self.run(sql, values, |statement| {
            let columns = statement.column_count();
            let mut rows = statement.raw_query();
            let Some(row) = rows.next()? else { return Ok(None) };
            (0..columns).map(|column| Ok(value(row.get_ref(column)?))).collect::<Result<_, _>>().map(Some)
        })
    }
}

fn value(found: ValueRef<'_>) -> SqlValue<'static> {
    match found {
        ValueRef::Null => SqlValue::Null,
        ValueRef::Integer(value) => SqlValue::Integer(value),
        ValueRef::Real(value) => SqlValue::Real(value),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            SqlValue::Text(Cow::Owned(String::from_utf8_lossy(bytes).into_owned()))
        }
    }
}
