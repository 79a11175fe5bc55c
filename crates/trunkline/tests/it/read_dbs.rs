//! Projections in several read databases, and events that are applied again onto rows that are there.

use std::sync::Arc;
use std::time::Duration;

use trunkline::sql::{AnswerLimits, Parameters, ReadDatabase as _, SqlQuery, SqliteReadDatabase};
use trunkline::{Position, ProjectionError, ProjectionState, Registered};

use crate::projections::{LIMIT, app, append, deposit, memory};
use crate::world::mistakes;

/// Accounts in the application's own read database, deposits in another one.
fn text(folder: &std::path::Path) -> String {
    let other = folder.join("other.db");
    format!(
        r#"
[projections.accounts]
schema: "CREATE TABLE account (id TEXT PRIMARY KEY, balance INTEGER NOT NULL)"
on {{
  Opened:    "INSERT OR IGNORE INTO account VALUES (:stream_id, 0)"
  Deposited: "UPDATE account SET balance = balance + :data.amount WHERE id = :stream_id"
}}

[projections.deposits]
read_db: "sqlite:{other}"
schema: "CREATE TABLE deposit (position INTEGER PRIMARY KEY, amount INTEGER CHECK (amount < 100))"
on {{ Deposited: "INSERT OR REPLACE INTO deposit VALUES (:position, :data.amount)" }}
idempotent: true
on_error: "park"

[queries.Balance]
sql: "SELECT SUM(balance) FROM account"
returns: "value"

[queries.Sum]
sql: "SELECT SUM(amount) FROM deposit"
returns: "value"
read_db: "sqlite:{other}"

[laws.amounts]
says: "amounts are positive"
breaches: "SELECT * FROM deposit WHERE amount < 1"
read_db: "sqlite:{other}"
"#,
        other = other.display()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn each_projection_is_in_the_read_database_that_it_names() {
    let (folder, store) = memory();
    append(&store, "Opened", "{}").await;
    deposit(&store, 5).await;
    let app = app(folder.path(), Arc::clone(&store), &text(folder.path())).await;
    app.projections().start().await.unwrap();
    let last = deposit(&store, 2).await;
    app.projections().wait_for(last, LIMIT).await.unwrap();
    assert_eq!(app.query("Balance", "{}").await.unwrap(), "7");
    assert_eq!(app.query("Sum", "{}").await.unwrap(), "7");
    assert!(trunkline::law::laws(&app).await.unwrap()[0].holds);
    for file in ["read.accounts.1.db", "other.deposits.1.db"] {
        assert!(folder.path().join(file).exists(), "{file}");
    }
    // Who asks without having declared it finds the one that has the tables.
    for sql in ["SELECT id FROM account", "SELECT position FROM deposit"] {
        let query = SqlQuery::ad_hoc(sql).unwrap();
        let database = app.projections().database_for(&query).await.unwrap();
        assert!(
            database.ask(&query, &Parameters::default(), &AnswerLimits::default()).await.is_ok(),
            "{sql}"
        );
    }
    // Both are claimed, and what is said of one is kept beside its rows.
    let other = SqliteReadDatabase::open(&folder.path().join("other.db")).unwrap();
    assert!(other.claim().await.unwrap().is_err());
    app.projections().stop().await;
    assert!(app.projections().verify("deposits").await.unwrap().is_right());
    app.projections().pause("deposits", true).await.unwrap();
    assert_eq!(other.paused().await.unwrap(), ["deposits"]);
    let states: Vec<_> =
        app.projections().status().await.unwrap().into_iter().map(|status| status.state).collect();
    assert_eq!(states, [ProjectionState::Idle, ProjectionState::Paused]);
    app.projections().pause("deposits", false).await.unwrap();

    // While somebody has the other one, what is in the own one is built again all the same.
    let claim = other.claim().await.unwrap().unwrap();
    app.projections().rebuild("accounts").await.unwrap();
    let error = app.projections().catch_up(Duration::ZERO).await;
    assert!(error.is_ok(), "nothing is to be done");
    deposit(&store, 1).await;
    let error = app.projections().catch_up(Duration::ZERO).await.unwrap_err();
    assert!(error.to_string().contains("other.db"), "{error}");
    drop(claim);
    app.projections().catch_up(LIMIT).await.unwrap();
    assert_eq!(app.query("Sum", "{}").await.unwrap(), "8");
}

#[test]
fn a_query_reads_one_read_database() {
    let folder = std::path::Path::new("d");
    let said = |query: &str| {
        let text = format!("{}\n[queries.Joined]\n{query}\n", text(folder));
        mistakes(&text, &Registered::default())
    };
    assert_eq!(said("sql: \"SELECT id FROM account\""), [""; 0]);
    assert_eq!(
        said("sql: \"SELECT amount FROM deposit\""),
        ["line 31 col 7: the tables of this query are kept in another read database"]
    );
    assert_eq!(
        said("sql: \"SELECT id FROM account\"\nread_db: \"sqlite:./d/other.db\""),
        ["line 31 col 7: the tables of this query are kept in the read database of the application"]
    );
    assert_eq!(
        said("sql: \"SELECT id, amount FROM account, deposit\""),
        ["line 31 col 7: the tables of this query are kept in several read databases, and a query reads one"]
    );
    let nowhere = said("sql: \"SELECT id FROM acount\"");
    assert!(nowhere[0].contains("no such table: acount; did you mean `account`?"), "{nowhere:?}");
    let bad = said("sql: \"SELECT id FROM account\"\nread_db: \"postgres://ada:secret@host/db\"");
    assert!(bad[0].contains("`postgres:` read databases are not in this version"), "{bad:?}");
}

/// Goal: events are applied again onto rows that are there only where the file says that this does no harm, and none is
/// left out or put aside twice.
#[tokio::test(flavor = "multi_thread")]
async fn events_are_applied_again_onto_rows_where_that_does_no_harm() {
    let (folder, store) = memory();
    append(&store, "Opened", "{}").await;
    for amount in [5, 200, 7] {
        deposit(&store, amount).await;
    }
    let app = app(folder.path(), Arc::clone(&store), &text(folder.path())).await;
    app.projections().catch_up(LIMIT).await.unwrap();
    let file = folder.path().join("other.deposits.1.db");
    let change = |sql: &str| rusqlite::Connection::open(&file).unwrap().execute(sql, []).unwrap();
    change("UPDATE deposit SET amount = 50");
    change("INSERT INTO deposit VALUES (100, 3)");
    // From an event that was put aside, and fails again.
    let again = app.projections().replay_from("deposits", Position::new(3)).await.unwrap();
    assert_eq!(again.position, Position::new(4));
    assert_eq!(app.query("Sum", "{}").await.unwrap(), "60", "50 stays, 7 comes again, 3 is left alone");
    assert_eq!(app.projections().parked("deposits").await.unwrap().len(), 1);
    app.projections().replay_from("deposits", Position::FIRST).await.unwrap();
    assert_eq!(app.query("Sum", "{}").await.unwrap(), "15");
    let error = app.projections().replay_from("deposits", Position::new(5)).await.unwrap_err();
    assert!(matches!(error, ProjectionError::NotSoFar { .. }), "{error}");
    let error = app.projections().replay_from("accounts", Position::new(2)).await.unwrap_err();
    assert!(matches!(error, ProjectionError::NotIdempotent { .. }), "{error}");
    assert_eq!(app.query("Balance", "{}").await.unwrap(), "212");
    let head = store.head().await.unwrap();
    let status = app.projections().status().await.unwrap();
    assert!(status.iter().all(|status| status.position == head), "{status:?}");
}
