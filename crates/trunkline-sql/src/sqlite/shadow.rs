//! A generation beside its shadow: the rows are compared by walking through both in one order.

use std::cmp::Ordering;
use std::sync::Arc;

use futures::future::BoxFuture;
use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, Rows, Statement, params_from_iter};
use serde_json::{Map, Value};
use trunkline_core::StoreId;

use super::dialect::SqliteDialect;
use super::fault::{failed, failed_in};
use super::files::Files;
use super::owner::Owner;
use super::readers::cell;
use super::tables;
use super::writer::{SqliteWriter, ended};
use crate::shadow::{Differences, FoundRows, RowDifference, Shadow, Side};
use crate::{DatabaseError, Dialect as _, GenerationCheckpoint, Model, Writer};

#[derive(Debug)]
pub(super) struct SqliteShadow {
    checkpoint: GenerationCheckpoint,
    writer: SqliteWriter<Pair>,
}

/// What the shadow's thread has.
#[derive(Debug)]
struct Pair {
    /// The generation as it was when this was made.
    live: Connection,
    checkpoint: GenerationCheckpoint,
    rebuilt: Owner,
}

impl AsMut<Owner> for Pair {
    fn as_mut(&mut self) -> &mut Owner {
        &mut self.rebuilt
    }
}

/// A table, and the columns that identify its rows.
struct Table {
    name: String,
    columns: Vec<String>,
    /// The columns of the primary key; all where there is none.
    key: Vec<usize>,
}

impl SqliteShadow {
    pub(super) async fn begin(
        files: &Files,
        model: &Arc<Model>,
        number: u64,
        store: StoreId,
    ) -> Result<Self, DatabaseError> {
        let (files, of) = (files.clone(), Arc::clone(model));
        let writer = SqliteWriter::begin(model, move || Pair::open(&files, &of, number, store)).await?;
        let read = writer.worker().call(|pair| pair.checkpoint.clone()).await;
        let checkpoint = read.ok_or_else(|| ended(model.name()))?;
        Ok(Self { checkpoint, writer })
    }

    async fn call<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Pair) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let name = self.writer.model().name();
        let doing = format!("compare generation {} of `{name}`", self.checkpoint.generation);
        let called = self.writer.worker().call(move |pair| act(pair).map_err(failed(doing))).await;
        called.ok_or_else(|| ended(name))?
    }
}

impl Pair {
    fn open(files: &Files, model: &Arc<Model>, number: u64, store: StoreId) -> Result<Self, DatabaseError> {
        let name = model.name();
        let doing = format!("compare generation {number} of `{name}`");
        let read = || {
            let live = files.open_as_it_is(name, number)?;
            let checkpoint = tables::read_checkpoint(&live)?;
            Ok((live, checkpoint))
        };
        let (live, checkpoint) = read().map_err(failed_in(doing.clone(), &files.generation(name, number)))?;
        let checkpoint = tables::found(checkpoint, &doing, name, number)?;
        let rebuilt = Owner::private(model, number, store)?;
        Ok(Self { live, checkpoint, rebuilt })
    }

    fn differences(&self, rows_max: usize) -> rusqlite::Result<Differences> {
        let mut found = Differences::default();
        for table in own_tables(self.rebuilt.connection())? {
            compare(&self.live, self.rebuilt.connection(), &table, rows_max, &mut found)?;
        }
        Ok(found)
    }

    fn find(&self, side: Side, row: &RowDifference) -> rusqlite::Result<FoundRows> {
        let connection = match side {
            Side::Live => &self.live,
            Side::Rebuilt => self.rebuilt.connection(),
        };
        // JSON knows no blobs: they are looked for as the text that they are shown as, and not found.
        let wanted: Vec<String> = row.key.keys().map(|name| format!("{} IS ?", quoted(name))).collect();
        let sql = format!("SELECT * FROM {} WHERE {}", quoted(&row.table), wanted.join(" AND "));
        let mut statement = connection.prepare_cached(&sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(row.key.values().map(of_json)))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let cells = (0..columns).map(|column| row.get_ref(column).map(cell));
            found.push(cells.collect::<rusqlite::Result<_>>()?);
        }
        Ok(found)
    }
}

impl Shadow for SqliteShadow {
    fn live(&self) -> &GenerationCheckpoint {
        &self.checkpoint
    }

    fn writer(&mut self) -> &mut dyn Writer {
        &mut self.writer
    }

    fn differences(&mut self, rows_max: usize) -> BoxFuture<'_, Result<Differences, DatabaseError>> {
        Box::pin(self.call(move |pair| pair.differences(rows_max)))
    }

    fn find(
        &mut self,
        side: Side,
        rows: Arc<[RowDifference]>,
    ) -> BoxFuture<'_, Result<Vec<FoundRows>, DatabaseError>> {
        Box::pin(self.call(move |pair| rows.iter().map(|row| pair.find(side, row)).collect()))
    }
}

fn of_json(value: &Value) -> Cell {
    match value {
        Value::Number(number) => {
            number.as_i64().map_or_else(|| Cell::Real(number.as_f64().unwrap_or_default()), Cell::Integer)
        }
        Value::String(text) => Cell::Text(text.clone()),
        _ => Cell::Null,
    }
}

fn quoted(name: &str) -> String {
    SqliteDialect.quoted(name)
}

/// The projection's own tables; those in which a virtual table keeps its rows depend on how the rows came.
fn own_tables(connection: &Connection) -> rusqlite::Result<Vec<Table>> {
    let sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')
               AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'trunkline\\_%' ESCAPE '\\'
               ORDER BY name";
    let mut statement = connection.prepare(sql)?;
    let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    names.into_iter().map(|name| table(connection, name)).collect()
}

fn table(connection: &Connection, name: String) -> rusqlite::Result<Table> {
    let mut statement = connection.prepare("SELECT name, pk FROM pragma_table_info(?1)")?;
    let columns: Vec<(String, usize)> = statement
        .query_map([&name], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut key: Vec<(usize, usize)> =
        columns.iter().enumerate().filter(|(_, (_, pk))| *pk > 0).map(|(at, (_, pk))| (*pk, at)).collect();
    key.sort_unstable();
    let key: Vec<usize> = if key.is_empty() {
        (0..columns.len()).collect()
    } else {
        key.into_iter().map(|(_, at)| at).collect()
    };
    Ok(Table { name, columns: columns.into_iter().map(|(name, _)| name).collect(), key })
}

/// Rows of one side, in the order of their keys and then of all columns.
struct Walk<'s> {
    rows: Rows<'s>,
    columns: usize,
    next: Option<Vec<Cell>>,
    passed: u64,
}

impl<'s> Walk<'s> {
    fn new(statement: &'s mut Statement<'_>) -> rusqlite::Result<Self> {
        let columns = statement.column_count();
        let mut walk = Self { rows: statement.raw_query(), columns, next: None, passed: 0 };
        walk.step()?;
        walk.passed = 0;
        Ok(walk)
    }

    /// Goes on to the next row, and gives the one before it.
    fn step(&mut self) -> rusqlite::Result<Option<Vec<Cell>>> {
        let next = match self.rows.next()? {
            Some(row) => Some((0..self.columns).map(|column| row.get(column)).collect::<Result<_, _>>()?),
            None => None,
        };
        self.passed += 1;
        Ok(std::mem::replace(&mut self.next, next))
    }
}

fn compare(
    live: &Connection,
    rebuilt: &Connection,
    table: &Table,
    rows_max: usize,
    found: &mut Differences,
) -> rusqlite::Result<()> {
    let columns: Vec<String> = table.columns.iter().map(|name| quoted(name)).collect();
    let rest = (0..columns.len()).filter(|at| !table.key.contains(at));
    let order: Vec<usize> = table.key.iter().copied().chain(rest).collect();
    let sorted: Vec<String> = order.iter().map(|at| format!("{} COLLATE BINARY", columns[*at])).collect();
    let sql =
        format!("SELECT {} FROM {} ORDER BY {}", columns.join(", "), quoted(&table.name), sorted.join(", "));
    let (mut live, mut rebuilt) = (live.prepare(&sql)?, rebuilt.prepare(&sql)?);
    let (mut live, mut rebuilt) = (Walk::new(&mut live)?, Walk::new(&mut rebuilt)?);
    loop {
        let (one, other) = match (&live.next, &rebuilt.next) {
            (None, None) => break,
            (Some(_), None) => (live.step()?, None),
            (None, Some(_)) => (None, rebuilt.step()?),
            (Some(one), Some(other)) => match by(&table.key, one, other) {
                Ordering::Less => (live.step()?, None),
                Ordering::Greater => (None, rebuilt.step()?),
                Ordering::Equal => (live.step()?, rebuilt.step()?),
            },
        };
        if by_all(one.as_deref(), other.as_deref()) {
            continue;
        }
        found.count += 1;
        if found.rows.len() < rows_max {
            found.rows.push(difference(table, one.as_deref(), other.as_deref()));
        }
    }
    found.compared += live.passed.max(rebuilt.passed);
    Ok(())
}

fn by(columns: &[usize], one: &[Cell], other: &[Cell]) -> Ordering {
    let each = columns.iter().map(|at| order(&one[*at], &other[*at]));
    each.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Whether both are there, and the same to the last bit.
fn by_all(one: Option<&[Cell]>, other: Option<&[Cell]>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return false };
    one.iter().zip(other).all(|cells| match cells {
        (Cell::Real(one), Cell::Real(other)) => one.to_bits() == other.to_bits(),
        (one, other) => one == other,
    })
}

/// The order of `SQLite`: nulls, numbers, texts, blobs.
#[expect(clippy::cast_precision_loss, reason = "numbers of both kinds in one key column, and far apart")]
fn order(one: &Cell, other: &Cell) -> Ordering {
    let class = |cell: &Cell| match cell {
        Cell::Null => 0,
        Cell::Integer(_) | Cell::Real(_) => 1,
        Cell::Text(_) => 2,
        Cell::Blob(_) => 3,
    };
    match (one, other) {
        (Cell::Integer(one), Cell::Integer(other)) => one.cmp(other),
        (Cell::Integer(one), Cell::Real(other)) => (*one as f64).total_cmp(other),
        (Cell::Real(one), Cell::Integer(other)) => one.total_cmp(&(*other as f64)),
        (Cell::Real(one), Cell::Real(other)) => one.total_cmp(other),
        (Cell::Text(one), Cell::Text(other)) => one.cmp(other),
        (Cell::Blob(one), Cell::Blob(other)) => one.cmp(other),
        _ => class(one).cmp(&class(other)),
    }
}

fn difference(table: &Table, live: Option<&[Cell]>, rebuilt: Option<&[Cell]>) -> RowDifference {
    let shown = |row: &[Cell], at: usize| (table.columns[at].clone(), cell(ValueRef::from(&row[at])));
    let row = |row: Option<&[Cell]>| {
        row.map(|row| (0..table.columns.len()).map(|at| shown(row, at)).collect::<Map<_, _>>())
    };
    let any = live.or(rebuilt).unwrap_or_default();
    let key = table.key.iter().filter(|at| **at < any.len()).map(|at| shown(any, *at)).collect();
    RowDifference { table: table.name.clone(), key, live: row(live), rebuilt: row(rebuilt) }
}
