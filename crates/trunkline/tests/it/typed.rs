//! Projections as code: the rows and the checkpoint that they share, whatever the code does.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use trunkline::sql::{Rows, SqlValue, TypedProjection};
use trunkline::{
    App, AppBuilder, Append, BuildError, EventStore, Expected, MemoryStore, NewEvent, ProjectionError,
    RecordedEvent,
};

use crate::world::with_file;

const LIMIT: Duration = Duration::from_secs(20);

/// Keeps the largest amount and how often it was raised, by reading before writing.
struct Largest {
    revision: u32,
}

impl TypedProjection for Largest {
    fn schema(&self) -> &'static str {
        "CREATE TABLE largest (one INTEGER PRIMARY KEY, amount INTEGER, raised INTEGER)"
    }

    fn event_types(&self) -> &[&str] {
        &["Deposited"]
    }

    fn revision(&self) -> u32 {
        self.revision
    }

    fn apply(&self, event: &RecordedEvent, rows: &mut dyn Rows) -> Result<(), Box<dyn Error + Send + Sync>> {
        let data: serde_json::Value = serde_json::from_slice(event.data())?;
        let amount = data["amount"].as_i64().ok_or("a deposit has an amount")?;
        let before = rows.first("SELECT amount, raised FROM largest", &[])?;
        if before.as_deref().is_some_and(|row| matches!(row[0], SqlValue::Integer(old) if old >= amount)) {
            return Ok(());
        }
        let raise = "INSERT INTO largest VALUES (1, ?1, 1)
                     ON CONFLICT DO UPDATE SET amount = excluded.amount, raised = raised + 1";
        assert_eq!(rows.execute(raise, &[amount.into()])?, 1);
        match data["does"].as_str() {
            Some("panic") => panic!("as it was told"),
            // Its errors are let go, as a careless program may.
            Some(sql) => drop(rows.execute(sql, &[])),
            None => {}
        }
        Ok(())
    }
}

const TEXT: &str = "[queries.Largest]\nsql: \"SELECT amount, raised FROM largest\"\n";

fn text(folder: &Path, more: &str) -> String {
    format!("[read_db]\ndsn: \"sqlite:{}\"\n{more}", folder.join("read.db").display())
}

async fn build(folder: &Path, builder: AppBuilder, more: &str) -> App {
    let builder = builder.projection_class("bank.Largest", Largest { revision: 1 });
    let section = format!("[projections.largest]\nclass: \"bank.Largest\"\n{more}\n{TEXT}");
    with_file(builder, &text(folder, &section)).build().await.unwrap()
}

async fn deposit(store: &Arc<dyn EventStore>, data: &str) {
    let event = NewEvent::json("Deposited", data.to_owned()).unwrap();
    store.append(Append::to("account-1".parse().unwrap(), Expected::Any).event(event)).await.unwrap();
}

async fn largest(app: &App) -> String {
    String::from_utf8(app.query("Largest", "{}").await.unwrap().to_vec()).unwrap()
}

fn memory() -> Arc<dyn EventStore> {
    Arc::new(MemoryStore::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_where_its_rows_are() {
    let (folder, store) = (tempfile::tempdir().unwrap(), memory());
    for (amount, wanted) in [(5, (5, 1)), (3, (5, 1)), (9, (9, 2))] {
        deposit(&store, &format!(r#"{{"amount":{amount}}}"#)).await;
        let app = build(folder.path(), App::builder().shared_store(Arc::clone(&store)), "").await;
        app.projections().catch_up(LIMIT).await.unwrap();
        let (amount, raised) = wanted;
        assert_eq!(largest(&app).await, format!(r#"[{{"amount":{amount},"raised":{raised}}}]"#));
        app.close().await;
    }
    // Another log than the one whose events it has seen.
    let other = memory();
    deposit(&other, r#"{"amount":1}"#).await;
    let app = build(folder.path(), App::builder().shared_store(other), "").await;
    let error = app.projections().catch_up(LIMIT).await.unwrap_err();
    assert!(matches!(error, ProjectionError::OtherStore { .. }), "{error}");
}

/// Goal: whatever the code does with an event, the event is applied whole or has failed; it never changes what is not
/// the projection's, and an error that the code lets go is no less of one.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_code_may_not_do_fails_the_event() {
    for (data, said) in [
        ("{}", "a deposit has an amount"),
        (r#"{"amount":7,"does":"panic"}"#, "the projection's code panicked"),
        (r#"{"amount":7,"does":"COMMIT"}"#, "not authorized"),
        (r#"{"amount":7,"does":"UPDATE trunkline_checkpoint SET position = 0"}"#, "not authorized"),
        (r#"{"amount":7,"does":"DROP TABLE largest"}"#, "not authorized"),
        (r#"{"amount":7,"does":"INSERT INTO largest VALUES (1, 0, 0)"}"#, "UNIQUE constraint failed"),
    ] {
        let (folder, store) = (tempfile::tempdir().unwrap(), memory());
        deposit(&store, r#"{"amount":5}"#).await;
        deposit(&store, data).await;
        deposit(&store, r#"{"amount":6}"#).await;
        let app = build(folder.path(), App::builder().shared_store(Arc::clone(&store)), "").await;
        let error = app.projections().catch_up(LIMIT).await.unwrap_err();
        assert!(matches!(error, ProjectionError::Stopped { .. }), "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(largest(&app).await, r#"[{"amount":5,"raised":1}]"#, "{data}");
        app.close().await;
        let app = build(folder.path(), App::builder().shared_store(store), "on_error: \"park\"").await;
        app.projections().catch_up(LIMIT).await.unwrap();
        assert_eq!(largest(&app).await, r#"[{"amount":6,"raised":2}]"#, "{data}");
        assert_eq!(app.projections().parked("largest").await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_revision_builds_the_rows_again() {
    let (folder, store) = (tempfile::tempdir().unwrap(), memory());
    deposit(&store, r#"{"amount":5}"#).await;
    for revision in [1, 2] {
        let builder = App::builder().shared_store(Arc::clone(&store));
        let builder = builder.projection("largest", Largest { revision });
        let app = with_file(builder, &text(folder.path(), "")).build().await.unwrap();
        app.projections().catch_up(LIMIT).await.unwrap();
        let status = app.projections().status().await.unwrap();
        assert_eq!(status[0].generation, Some(revision.into()));
        app.close().await;
    }
    let twice = App::builder().shared_store(store).projection("largest", Largest { revision: 1 });
    let error = twice.projection("largest", Largest { revision: 1 }).build().await.unwrap_err();
    assert!(matches!(error, BuildError::Projection { .. }), "{error}");
}
