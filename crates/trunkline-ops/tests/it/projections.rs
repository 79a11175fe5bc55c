//! Projections: declared, looked at, built again, compared.

use std::sync::Arc;

use tempfile::TempDir;
use trunkline::sql::SqliteReadDatabase;
use trunkline::{App, MemoryStore, Registered};
use trunkline_ops::projections::{
    ParkedSelection, declared, differing, discard_parked, parked, rebuild, replay, retry_parked, status,
    verify,
};
use trunkline_ops::{Exit, OpsError};

use crate::world::{read, request, with_file};

const FILE: &str = r#"
[commands.Note]
stream: "'notes-' + command.book"
emit: [{ type: "Noted", data: "command" }]

[projections.notes]
schema: "CREATE TABLE notes (position INTEGER, cents INTEGER CHECK (cents < 100))"
on { Noted: "INSERT INTO notes VALUES (:position, :data.cents)" }
on_error: "park"
"#;

async fn noted(cents: &[u32]) -> (App, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let database = SqliteReadDatabase::open(&folder.path().join("read.db")).unwrap();
    let builder = App::builder().store(MemoryStore::new()).read_database(Arc::new(database));
    let app = with_file(builder, FILE).build().await.unwrap();
    for (number, cents) in cents.iter().enumerate() {
        let data = format!(r#"{{"book":"a","cents":{cents}}}"#);
        app.send(request(&number.to_string(), "Note", &data)).await.unwrap();
    }
    (app, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_built_again_and_compared() {
    let (app, _folder) = noted(&[1, 2, 3]).await;
    let done = rebuild(&app, "notes", |_, _| ()).await.unwrap();
    assert_eq!((done.done, done.position), ("rebuilt", Some(3)));
    let verified = verify(&app, "notes", |_, _| ()).await.unwrap();
    assert_eq!((verified.rows, differing(&[verified])), (3, Ok(())));
    assert_eq!(replay(&app, "notes", None, |_, _| ()).await.unwrap().done, "replayed");
    assert_eq!(status(&app, Some("notes")).await.unwrap()[0].lag_events, 0);
    let error = status(&app, Some("nodes")).await.unwrap_err();
    assert_eq!(Exit::of(&error), Exit::NotFound);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_put_aside_is_listed_and_decided() {
    let (app, _folder) = noted(&[1, 500, 600]).await;
    rebuild(&app, "notes", |_, _| ()).await.unwrap();
    let aside = parked(&app, "notes").await.unwrap();
    assert_eq!(aside.iter().map(|line| line.position.get()).collect::<Vec<_>>(), [2, 3]);
    let (decided, done) = retry_parked(&app, "notes", ParkedSelection::All).await.unwrap();
    assert_eq!(decided.len(), 2, "one that fails says nothing of the next");
    assert!(decided.iter().all(|one| one.done.is_none() && one.error.is_some()), "{decided:?}");
    assert!(matches!(done, Err(OpsError::Projection(_))));
    let at = ParkedSelection::At(vec![aside[0].position]);
    let (decided, done) = discard_parked(&app, "notes", at).await.unwrap();
    assert_eq!(
        (decided[0].done, done.is_ok(), parked(&app, "notes").await.unwrap().len()),
        (Some("discarded"), true, 1)
    );
    app.close().await;
}

#[test]
fn what_a_file_declares_is_listed_without_opening_anything() {
    let file = read(FILE, &Registered::default());
    let json = serde_json::to_value(declared(&file.definition)).unwrap();
    assert_eq!(json, serde_json::json!([{ "name": "notes", "events": ["Noted"], "left_over": false }]));
}
