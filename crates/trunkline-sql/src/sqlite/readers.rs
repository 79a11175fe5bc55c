//! Connections that only read: each has the live generations that a query needs attached under the projections' names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags};
use serde_json::Value;

use super::VALUE_BYTES_MAX;
use super::check::with_nearest;
use super::dialect::SqliteDialect;
use super::fault::{failed, failed_in, problem};
use super::files::Files;
use super::registry::Live;
use super::run::bind;
use crate::query::{AnswerLimits, AskError, QueryAnswer, Returns, SqlQuery};
use crate::text::SqlProblem;
use crate::{DatabaseError, SqlValue};

/// The names by projection.
pub(super) type Catalog = BTreeMap<String, Arc<Names>>;

/// The names that a projection's schema makes, in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Of tables and views.
    pub(super) tables: BTreeSet<String>,
    /// Of their columns.
    pub(super) columns: BTreeSet<String>,
}

/// `SQLite` attaches no more by default.
const ATTACHED_MAX: usize = 10;

/// How often a query begins anew because a generation was swapped away under it; each swap is somebody's rebuild.
const TRIES_MAX: usize = 5;

/// How many steps of its program a statement makes between two looks at the time: some tens of microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 4000;

/// The connections that are not in use, and what is known about the generations.
#[derive(Debug)]
pub(super) struct Readers {
    files: Files,
    idle_max: usize,
    // Held to take or give back, never while a query runs.
    idle: Mutex<Idle>,
    // A generation's names never change: they are made with it.
    names: Mutex<BTreeMap<(String, u64), Arc<Names>>>,
}

#[derive(Debug, Default)]
struct Idle {
    readers: Vec<Reader>,
    /// What was dropped here: a connection that was in use at that time isn't kept when it comes back.
    dropped: BTreeSet<(String, u64)>,
}

#[derive(Debug)]
struct Reader {
    connection: Connection,
    attached: Live,
}

impl Readers {
    pub(super) fn new(files: Files, idle_max: usize) -> Self {
        Self { files, idle_max, idle: Mutex::default(), names: Mutex::default() }
    }

    /// Closes the connections that have a generation attached, now or when they come back.
    pub(super) fn close(&self, projection: &str, generation: u64) {
        let mut idle = self.idle();
        idle.readers.retain(|reader| reader.attached.get(projection) != Some(&generation));
        idle.dropped.insert((projection.to_owned(), generation));
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ask(
        &self,
        query: &SqlQuery,
        values: &[SqlValue<'_>],
        limits: &AnswerLimits,
        live: impl Fn() -> Result<Live, DatabaseError>,
    ) -> Result<QueryAnswer, AskError> {
        let deadline = Instant::now() + limits.time_limit;
        let mut tries = 0;
        loop {
            tries += 1;
            let now = chosen(live()?, limits);
            match self.reader(query, &now) {
                Ok((mut reader, catalog)) => {
                    let answer = run(&mut reader.connection, query, &catalog, values, limits, deadline);
                    self.give_back(reader);
                    return answer;
                }
                // The generation was dropped after the registry named it.
                Err(AskError::Database(_)) if tries < TRIES_MAX && chosen(live()?, limits) != now => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// A connection with what the query needs.
    fn reader(&self, query: &SqlQuery, live: &Live) -> Result<(Reader, Catalog), AskError> {
        let mut catalog = Catalog::new();
        for (projection, &generation) in live {
            catalog.insert(projection.clone(), self.names_of(projection, generation)?);
        }
        let names = needed(query, &catalog).map_err(AskError::Text)?;
        let attached: Live = live
            .iter()
            .filter(|(name, _)| names.contains(*name))
            .map(|(name, number)| (name.clone(), *number))
            .collect();
        if let Some(reader) = self.take(&attached, live) {
            return Ok((reader, catalog));
        }
        let doing = || "open the read models of a query".to_owned();
        let mut connection = empty().map_err(failed(doing())).map_err(AskError::Database)?;
        for (projection, &generation) in &attached {
            let attached = self.files.attach(&mut connection, projection, generation);
            attached.map_err(failed(doing())).map_err(AskError::Database)?;
        }
        allow_reading(&mut connection).map_err(failed(doing())).map_err(AskError::Database)?;
        Ok((Reader { connection, attached }, catalog))
    }

    fn take(&self, attached: &Live, live: &Live) -> Option<Reader> {
        let readers = &mut self.idle().readers;
        // Those that nobody will ask for again would keep dropped generations from being removed.
        readers.retain(|reader| reader.attached.iter().all(|(name, number)| live.get(name) == Some(number)));
        let at = readers.iter().position(|reader| reader.attached == *attached)?;
        Some(readers.swap_remove(at))
    }

    fn give_back(&self, reader: Reader) {
        let mut idle = self.idle();
        if reader.attached.iter().any(|(name, &number)| idle.dropped.contains(&(name.clone(), number))) {
            return;
        }
        if idle.readers.len() >= self.idle_max && !idle.readers.is_empty() {
            idle.readers.remove(0);
        }
        idle.readers.push(reader);
    }

    fn names_of(&self, projection: &str, generation: u64) -> Result<Arc<Names>, DatabaseError> {
        let key = (projection.to_owned(), generation);
        let mut known = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = known.get(&key) {
            return Ok(Arc::clone(names));
        }
        let read = || {
            let connection = self.files.open_to_read(projection, generation)?;
            // A file that is empty is read like any other.
            connection.query_row("SELECT COUNT(*) FROM trunkline_checkpoint", [], |_| Ok(()))?;
            names(&connection)
        };
        let doing = format!("list the tables of generation {generation} of `{projection}`");
        let names = read().map_err(failed_in(doing, &self.files.generation(projection, generation)));
        let names = Arc::new(names.map_err(|error| error.of_projection(projection))?);
        known.insert(key, Arc::clone(&names));
        Ok(names)
    }
}

/// The live generations of the projections whose tables there are for a query.
fn chosen(mut live: Live, limits: &AnswerLimits) -> Live {
    if let Some(projections) = &limits.projections {
        live.retain(|name, _| projections.contains(name));
    }
    live
}

/// A connection to nothing yet.
pub(super) fn empty() -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_MEMORY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(":memory:", flags)?;
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    Ok(connection)
}

/// From now on, the connection prepares nothing but reading statements.
pub(super) fn allow_reading(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "query_only", true)?;
    connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Select
        | AuthAction::Read { .. }
        | AuthAction::Function { .. }
        | AuthAction::Recursive
        // A full-text index asks by it whether others have changed what it has read.
        | AuthAction::Pragma { pragma_name: "data_version", pragma_value: None } => Authorization::Allow,
        _ => Authorization::Deny,
    }))
}

/// The names in a generation's file, without ours.
pub(super) fn names(connection: &Connection) -> rusqlite::Result<Names> {
    let mut statement = connection.prepare(
        "SELECT lower(made.name), lower(part.name) FROM sqlite_schema AS made, pragma_table_info(made.name) AS part
         WHERE made.type IN ('table', 'view') AND made.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         AND made.name NOT LIKE 'trunkline\\_%' ESCAPE '\\'
         AND made.name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow')",
    )?;
    let mut names = Names::default();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        names.tables.insert(row.get(0)?);
        names.columns.insert(row.get(1)?);
    }
    Ok(names)
}

/// The projections whose tables a query may name.
pub(super) fn needed(query: &SqlQuery, catalog: &Catalog) -> Result<BTreeSet<String>, Vec<SqlProblem>> {
    let mut needed = BTreeSet::new();
    for name in query.names() {
        let holders: Vec<&String> = catalog
            .iter()
            .filter(|(_, names)| names.tables.contains(&name.lower))
            .map(|(holder, _)| holder)
            .collect();
        if name.alone && holders.len() > 1 {
            let table = &name.lower;
            let whole: Vec<String> = holders.iter().map(|holder| format!("`{holder}.{table}`")).collect();
            return Err(vec![SqlProblem {
                range: name.range.clone(),
                what: format!("several projections have a table `{table}`"),
                fix: Some(format!("write {}", whole.join(" or "))),
            }]);
        }
        needed.extend(holders.into_iter().cloned());
        needed.extend(catalog.keys().filter(|holder| holder.eq_ignore_ascii_case(&name.lower)).cloned());
    }
    if needed.len() > ATTACHED_MAX {
        return Err(vec![SqlProblem {
            range: query.statement().range(),
            what: format!("a query over the tables of {} projections, limit {ATTACHED_MAX}", needed.len()),
            fix: Some("let one projection keep what is read together".to_owned()),
        }]);
    }
    Ok(needed)
}

/// Prepares a query, and finds what is wrong with it.
pub(super) fn prepare<'c>(
    connection: &'c Connection,
    query: &SqlQuery,
    catalog: &Catalog,
) -> Result<(CachedStatement<'c>, Vec<String>), Vec<SqlProblem>> {
    let statement = query.statement();
    let whole = |what: String, fix: &str| {
        vec![SqlProblem { range: statement.range(), what, fix: Some(fix.to_owned()) }]
    };
    let rendered = statement.render(&SqliteDialect);
    let prepared = connection.prepare_cached(rendered.text()).map_err(|error| {
        if error.sqlite_error_code() == Some(ErrorCode::AuthorizationForStatementDenied) {
            return whole("a query only reads; this does something else".to_owned(), "write a `SELECT`");
        }
        vec![with_nearest(problem(&error, &rendered), catalog.values().map(|names| &**names))]
    })?;
    if !prepared.readonly() || prepared.column_count() == 0 {
        return Err(whole("a query only reads; this does something else".to_owned(), "write a `SELECT`"));
    }
    let columns: Vec<String> = prepared.column_names().map(str::to_owned).collect();
    let mut seen = BTreeSet::new();
    if let Some(twice) = columns.iter().find(|name| !seen.insert(name.as_str())) {
        let what = format!("two columns of the answer are called `{twice}`");
        return Err(whole(what, "give one another name with `AS`"));
    }
    if query.returns() == Returns::Value && columns.len() != 1 {
        let what = format!("a value is one column, and this gives {}", columns.len());
        return Err(whole(what, "select one column, or return `one`"));
    }
    Ok((prepared, columns))
}

fn run(
    connection: &mut Connection,
    query: &SqlQuery,
    catalog: &Catalog,
    values: &[SqlValue<'_>],
    limits: &AnswerLimits,
    deadline: Instant,
) -> Result<QueryAnswer, AskError> {
    let failing = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => AskError::TookTooLong { limit: limits.time_limit },
        Some(ErrorCode::TooBig) => AskError::TooLarge { bytes_max: limits.bytes_max },
        _ => AskError::Database(failed("run the query")(error)),
    };
    // However small the answer may be, what is stored can be looked at.
    let value_max = i32::try_from(limits.bytes_max).unwrap_or(i32::MAX).max(VALUE_BYTES_MAX);
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, value_max).map_err(failing)?;
    connection
        .progress_handler(STEPS_BETWEEN_LOOKS, Some(move || Instant::now() >= deadline))
        .map_err(failing)?;
    let (mut statement, columns) = prepare(connection, query, catalog).map_err(AskError::Text)?;
    for (index, value) in values.iter().enumerate() {
        bind(&mut statement, index + 1, value.clone()).map_err(failing)?;
    }
    let single = query.returns() != Returns::Many;
    let (skip, rows_max) = if single { (0, 1) } else { (limits.skip, limits.rows_max) };
    let mut answer = QueryAnswer { returns: query.returns(), columns, rows: Vec::new(), more: false };
    let (mut passed, mut bytes) = (0, 0);
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(failing)? {
        if passed < skip {
            passed += 1;
            continue;
        }
        if answer.rows.len() == rows_max {
            answer.more = true;
            break;
        }
        let cells = (0..answer.columns.len()).map(|index| row.get_ref(index).map(cell));
        let cells: Vec<Value> = cells.collect::<rusqlite::Result<_>>().map_err(failing)?;
        bytes += cells.iter().map(|cell| cell.as_str().map_or(0, str::len)).sum::<usize>();
        if bytes > limits.bytes_max {
            return Err(AskError::TooLarge { bytes_max: limits.bytes_max });
        }
        answer.rows.push(cells);
    }
    if single && answer.more {
        return Err(AskError::MoreThanOne);
    }
    Ok(answer)
}

pub(super) fn cell(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        // JSON has no infinity.
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(bytes) => BASE64_STANDARD.encode(bytes).into(),
    }
}
