//! Verifying projections: rows that aren't what the events make are found, with the event from which on they differ.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;
use trunkline::{App, Divergence, EventStore, Position, ProjectionError, Verified};

use crate::projections::{ACCOUNTS, LIMIT, app, append, deposit, memory};

/// An application that has applied one account and four deposits.
async fn five_events() -> (TempDir, Arc<dyn EventStore>, App) {
    let (folder, store) = memory();
    append(&store, "Opened", "{}").await;
    let app = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    for amount in [1, 2, 3, 4] {
        deposit(&store, amount).await;
    }
    app.projections().catch_up(LIMIT).await.unwrap();
    (folder, store, app)
}

fn change(folder: &Path, projection: &str, sql: &str) {
    let file = Connection::open(folder.join(format!("read.{projection}.1.db"))).unwrap();
    assert!(file.execute(sql, []).unwrap() > 0, "{sql} changes something");
}

async fn divergence(app: &App, name: &str) -> Divergence {
    app.projections().verify(name).await.unwrap().divergence.expect("rows differ")
}

fn first(divergence: &Divergence) -> Option<u64> {
    divergence.event.as_ref().map(|event| event.position.get())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_what_the_events_make() {
    let (folder, store, app) = five_events().await;
    // What came since isn't missing.
    deposit(&store, 5).await;
    let verified = app.projections().verify("deposits").await.unwrap();
    let expected = Verified {
        projection: "deposits".to_owned(),
        generation: Some(1),
        position: Position::new(5),
        rows: 4,
        divergence: None,
    };
    assert_eq!(verified, expected);
    // Beside the process that runs it, too.
    let other = self::app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    other.projections().start().await.unwrap();
    let last = deposit(&store, 6).await;
    other.projections().wait_for(last, LIMIT).await.unwrap();
    let verified = app.projections().verify("accounts").await.unwrap();
    assert!(verified.is_right(), "{verified:?}");
    assert_eq!((verified.position, verified.rows), (last, 1));
    other.close().await;
    assert_eq!(app.projections().reached("accounts").unwrap(), last);
}

/// Goal: whatever was done to rows, the first event whose effect is missing is named.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_differ_are_shown_with_the_first_event_that_readers_miss() {
    let (folder, _store, app) = five_events().await;
    change(folder.path(), "deposits", "DELETE FROM deposit WHERE position IN (3, 5)");
    let found = divergence(&app, "deposits").await;
    assert_eq!((found.rows, first(&found)), (2, Some(3)));
    let event = found.event.unwrap();
    assert_eq!((event.event_type.as_str(), event.stream.as_str()), ("Deposited", "account-1"));
    let shown = json!([
        {"table": "deposit", "key": {"position": 3}, "live": null, "rebuilt": {"position": 3, "amount": 2}},
        {"table": "deposit", "key": {"position": 5}, "live": null, "rebuilt": {"position": 5, "amount": 4}},
    ]);
    assert_eq!(serde_json::to_value(&found.shown).unwrap(), shown);

    // As if the third event and what follows had never come to this row.
    change(folder.path(), "accounts", "UPDATE account SET balance = 1");
    let found = divergence(&app, "accounts").await;
    assert_eq!((found.rows, first(&found)), (1, Some(3)));
    // As no event makes it: from the first that made the row.
    change(folder.path(), "accounts", "UPDATE account SET balance = 77");
    assert_eq!(first(&divergence(&app, "accounts").await), Some(1));
    // A row that no event has to do with.
    change(folder.path(), "accounts", "UPDATE account SET balance = 10");
    change(folder.path(), "accounts", "INSERT INTO account VALUES ('9', 0)");
    let found = divergence(&app, "accounts").await;
    assert_eq!((found.rows, first(&found)), (1, None));
    assert_eq!(found.shown[0].rebuilt, None);

    app.projections().rebuild("accounts").await.unwrap();
    assert!(app.projections().verify("accounts").await.unwrap().is_right());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_differing_rows_are_counted_and_the_first_are_shown() {
    let (folder, store) = memory();
    append(&store, "Opened", "{}").await;
    for amount in 0..100 {
        deposit(&store, amount).await;
    }
    let text =
        ACCOUNTS.replace("position INTEGER PRIMARY KEY", "position INTEGER").replace("< 1000", "< 9000");
    let app = app(folder.path(), store, &text).await;
    app.projections().catch_up(LIMIT).await.unwrap();
    // Without a primary key, a row that is there twice is one too many.
    change(folder.path(), "deposits", "INSERT INTO deposit SELECT * FROM deposit WHERE amount >= 50");
    let found = divergence(&app, "deposits").await;
    assert_eq!((found.rows, found.shown.len()), (50, 20));
    assert_eq!(first(&found), Some(52));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_rows_or_those_of_other_statements_is_said() {
    let (folder, store) = memory();
    let app = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    let verified = app.projections().verify("accounts").await.unwrap();
    assert_eq!((verified.generation, verified.is_right()), (None, true));
    app.projections().catch_up(LIMIT).await.unwrap();
    let text = ACCOUNTS.replace("balance + :data.amount", "balance + 2 * :data.amount");
    let other = self::app(folder.path(), store, &text).await;
    let error = other.projections().verify("accounts").await.unwrap_err();
    assert!(matches!(error, ProjectionError::Changed { .. }), "{error}");
    assert!(matches!(app.projections().verify("acounts").await, Err(ProjectionError::Unknown { .. })));
}
