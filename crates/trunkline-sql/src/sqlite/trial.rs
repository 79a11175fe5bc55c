//! A projection's tables out of everybody's sight, for tests.

use std::sync::Arc;

use rusqlite::Connection;
use serde_json::{Map, Value};
use trunkline_core::{RecordedEvent, StoreId};

use super::dialect::SqliteDialect;
use super::fault::failed;
use super::owner::Owner;
use super::readers::cell;
use crate::{ApplyError, BatchEnd, DatabaseError, Dialect as _, Model};

/// A projection's tables out of everybody's sight: a test applies events, and looks at the rows.
///
/// They are those of a [`SqliteReadDatabase`](crate::SqliteReadDatabase), filled in the same way, and gone with this.
#[derive(Debug)]
pub struct Trial {
    owner: Owner,
    model: Arc<Model>,
}

/// A table or view of a projection, with its columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumns {
    /// The table's name.
    pub table: String,
    /// The names of its columns, in order.
    pub columns: Vec<String>,
}

impl Trial {
    /// Makes the empty tables.
    pub fn new(model: &Arc<Model>) -> Result<Self, DatabaseError> {
        let nobodys = StoreId::from_bytes([0; 16]);
        Ok(Self { owner: Owner::private(model, 1, nobodys)?, model: Arc::clone(model) })
    }

    /// Applies what a stored event is today, which may be several events or none; all of it or nothing.
    ///
    /// # Panics
    ///
    /// When they come before what was applied last.
    pub fn apply(&mut self, events: &[RecordedEvent]) -> Result<(), ApplyError> {
        let Some(last) = events.last() else { return Ok(()) };
        let batch = self.model.batch(Arc::new(events.to_vec()));
        self.owner.apply(&batch, BatchEnd::event(last))
    }

    /// The projection's tables and views, by name.
    pub fn tables(&self) -> Result<Vec<TableColumns>, DatabaseError> {
        tables(self.owner.connection()).map_err(failed(self.doing()))
    }

    /// All rows of a table, in no particular order.
    pub fn rows(&self, table: &str) -> Result<Vec<Map<String, Value>>, DatabaseError> {
        rows(self.owner.connection(), table).map_err(failed(self.doing()))
    }

    fn doing(&self) -> String {
        format!("read the rows of `{}`", self.model.name())
    }
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<TableColumns>> {
    let sql =
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'view', 'virtual')
               AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'trunkline\\_%' ESCAPE '\\'
               ORDER BY name";
    let mut statement = connection.prepare(sql)?;
    let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let with_columns = names.into_iter().map(|table| {
        let mut statement = connection.prepare_cached("SELECT name FROM pragma_table_info(?1)")?;
        let columns = statement.query_map([&table], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(TableColumns { table, columns })
    });
    with_columns.collect()
}

fn rows(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Map<String, Value>>> {
    let mut statement = connection.prepare(&format!("SELECT * FROM {}", SqliteDialect.quoted(table)))?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let cells = columns.iter().enumerate().map(|(at, name)| Ok((name.clone(), cell(row.get_ref(at)?))));
        found.push(cells.collect::<rusqlite::Result<_>>()?);
    }
    Ok(found)
}
