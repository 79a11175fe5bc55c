//! Preparing texts in memory, so that a wrong column is known before there is an event.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use trunkline_nearest::nearest;

use super::clock::{self, BIND, VARIES};
use super::dialect::SqliteDialect;
use super::fault::{Missing, missing_name, problem};
use super::readers::{self, Catalog, Names};
use super::tables;
use crate::text::{Rendered, SqlProblem, Statement};
use crate::{Model, ModelPart, ModelProblem, SqlQuery};

/// What is wrong with a projection's texts.
pub(super) fn model(model: &Model) -> Vec<ModelProblem> {
    // Ours are there too, so that a text that names them hears whose they are.
    let with_ours =
        memory().and_then(|connection| connection.execute_batch(tables::TABLES).map(|()| connection));
    match with_ours {
        Ok(mut connection) => {
            let problems = schema(&mut connection, model);
            // Without the tables, every statement would be wrong.
            if problems.is_empty() { actions(&mut connection, model) } else { problems }
        }
        Err(error) => {
            let problem = SqlProblem { range: 0..0, what: error.to_string(), fix: None };
            vec![ModelProblem { part: ModelPart::Schema { text: 0 }, problem }]
        }
    }
}

fn memory() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    // Where no value is bound, a name in double quotes is a misspelt column and no text.
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    Ok(connection)
}

fn schema(connection: &mut Connection, model: &Model) -> Vec<ModelProblem> {
    let denied = guard(connection, may_make);
    let mut problems = Vec::new();
    let connection = &*connection;
    for (text, statements) in model.schema().iter().enumerate() {
        for statement in statements {
            if let Err(problem) = make(connection, statement, &denied) {
                problems.push(ModelProblem { part: ModelPart::Schema { text }, problem });
            }
        }
    }
    problems
}

fn make(connection: &Connection, statement: &Statement, denied: &Denied) -> Result<(), SqlProblem> {
    let rendered = statement.render(&SqliteDialect);
    let run = || {
        let mut prepared = connection.prepare(rendered.text())?;
        let mut rows = prepared.raw_query();
        while rows.next()?.is_some() {}
        Ok(())
    };
    run().map_err(|error| explained(&error, &rendered, denied, &Names::default()))?;
    clock::asked_for(statement).map_or(Ok(()), Err)
}

fn actions(connection: &mut Connection, model: &Model) -> Vec<ModelProblem> {
    // The guard of the schema doesn't let the names be read.
    let _ = connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>);
    let names = readers::names(connection).unwrap_or_default();
    let denied = guard(connection, may_change);
    let mut problems = Vec::new();
    for placed in model.statements() {
        let statement = &placed.statement;
        let rendered = statement.render(&SqliteDialect);
        let found = match connection.prepare(rendered.text()) {
            Err(error) => Err(explained(&error, &rendered, &denied, &names)),
            Ok(prepared) if prepared.readonly() => {
                Err(whole(statement, "this statement changes nothing", "insert, update or delete rows"))
            }
            Ok(prepared) if prepared.column_count() > 0 => {
                Err(whole(statement, "nobody reads the rows that this gives back", "leave `RETURNING` out"))
            }
            Ok(_) => clock::asked_for(statement).map_or(Ok(()), Err),
        };
        if let Err(problem) = found {
            let part = ModelPart::Action { event: placed.event.clone(), action: placed.action };
            problems.push(ModelProblem { part, problem });
        }
    }
    problems
}

fn whole(statement: &Statement, what: &str, fix: &str) -> SqlProblem {
    SqlProblem { range: statement.range(), what: what.to_owned(), fix: Some(fix.to_owned()) }
}

/// Why the last statement was not allowed.
type Denied = Arc<Mutex<Option<&'static str>>>;

/// Has what a statement does judged while it is prepared.
fn guard(connection: &mut Connection, judge: fn(&AuthAction<'_>) -> Result<(), &'static str>) -> Denied {
    let denied = Denied::default();
    let seen = Arc::clone(&denied);
    let judged = move |context: AuthContext<'_>| match judge(&context.action) {
        Ok(()) => Authorization::Allow,
        Err(why) => {
            if let Ok(mut seen) = seen.lock() {
                *seen = Some(why);
            }
            Authorization::Deny
        }
    };
    // Fails only for a connection that somebody else owns.
    let _ = connection.authorizer(Some(judged));
    denied
}

const OURS: &str = "names that begin with `trunkline_` are Trunkline's";
const CHANGES: &str = "a projection's statements insert, update and delete rows, and do nothing else";
const MAKES: &str = "a schema makes tables, indexes, views and triggers, and does nothing else";

fn may_make(action: &AuthAction<'_>) -> Result<(), &'static str> {
    match *action {
        AuthAction::CreateTable { table_name: name }
        | AuthAction::CreateView { view_name: name }
        | AuthAction::CreateVtable { table_name: name, .. }
        | AuthAction::Insert { table_name: name }
        | AuthAction::Delete { table_name: name }
        | AuthAction::Update { table_name: name, .. }
            if is_ours(name) =>
        {
            Err(OURS)
        }
        AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::Transaction { .. }
        | AuthAction::Savepoint { .. }
        | AuthAction::Pragma { .. }
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. } => Err(MAKES),
        _ => Ok(()),
    }
}

pub(super) fn may_change(action: &AuthAction<'_>) -> Result<(), &'static str> {
    match *action {
        AuthAction::Insert { table_name }
        | AuthAction::Delete { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Read { table_name, .. } => {
            if is_ours(table_name) {
                Err(OURS)
            } else {
                Ok(())
            }
        }
        AuthAction::Function { function_name } if clock::is_chance(function_name) => Err(VARIES),
        AuthAction::Select | AuthAction::Function { .. } | AuthAction::Recursive => Ok(()),
        _ => Err(CHANGES),
    }
}

fn is_ours(name: &str) -> bool {
    name.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("trunkline_"))
}

/// A problem with what is known about its cause.
fn explained(error: &rusqlite::Error, rendered: &Rendered<'_>, denied: &Denied, names: &Names) -> SqlProblem {
    let mut problem = problem(error, rendered);
    if let Some(why) = denied.lock().ok().and_then(|mut denied| denied.take()) {
        why.clone_into(&mut problem.what);
        if why == VARIES {
            problem.fix = Some(BIND.to_owned());
        }
    }
    with_nearest(problem, std::iter::once(names))
}

/// The same problem, with the table or column that was probably meant.
pub(super) fn with_nearest<'n>(
    mut problem: SqlProblem,
    names: impl Iterator<Item = &'n Names>,
) -> SqlProblem {
    if let Some((missing, name)) = missing_name(&problem.what) {
        let known: BTreeSet<&str> = names
            .flat_map(|names| match missing {
                Missing::Table => &names.tables,
                Missing::Column => &names.columns,
            })
            .map(String::as_str)
            .collect();
        let listed = || known.iter().copied().collect::<Vec<_>>().join("`, `");
        problem.fix = match nearest(name, known.iter().copied()) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if missing == Missing::Table && known.is_empty() => Some("there is none".to_owned()),
            None if missing == Missing::Table => Some(format!("there is `{}`", listed())),
            None => None,
        };
    }
    problem
}

/// What is wrong with a query over the tables of these projections.
pub(super) fn query(models: &[&Model], query: &SqlQuery) -> Vec<SqlProblem> {
    let mut catalog = Catalog::new();
    let mut images = Vec::new();
    for model in models {
        // A schema that is wrong is reported where it stands, and not again for each query.
        let Ok((names, image)) = image(model) else { return Vec::new() };
        catalog.insert(model.name().to_owned(), Arc::new(names));
        images.push((model.name(), image));
    }
    let needed = match readers::needed(query, &catalog) {
        Ok(needed) => needed,
        Err(problems) => return problems,
    };
    let prepared = || {
        let mut connection = readers::empty()?;
        for (name, image) in images.iter().filter(|(name, _)| needed.contains(*name)) {
            connection.execute(&format!("ATTACH ':memory:' AS \"{name}\""), [])?;
            connection.deserialize_read_exact(*name, image.as_slice(), image.len(), true)?;
        }
        readers::allow_reading(&mut connection)?;
        Ok(connection)
    };
    match prepared() {
        Ok(connection) => readers::prepare(&connection, query, &catalog).err().unwrap_or_default(),
        Err(error) => vec![problem(&error, &query.statement().render(&SqliteDialect))],
    }
}

/// The names of a model's tables, and the file that they would be.
fn image(model: &Model) -> rusqlite::Result<(Names, Vec<u8>)> {
    let mut connection = memory()?;
    tables::make_tables(&connection, model)?;
    let names = readers::names(&connection)?;
    let image = connection.serialize("main")?.to_vec();
    Ok((names, image))
}
