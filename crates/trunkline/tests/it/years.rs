//! Old events on their way out of the log: projections, relays and those who get messages see today's shapes.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use trunkline::messages::{MemoryCheckpoints, Relay, RelayError, event_of};
use trunkline::{
    App, Append, EventStore, Expected, MemoryStore, NewEvent, Position, ProjectionError, ProjectionState,
};
use trunkline_queue::{GroupName, GroupOptions, MemoryQueue, Message, MessageQueue, Receive, TopicName};

use crate::world::with_file;

const LIMIT: Duration = Duration::from_secs(20);

/// What was stored by the first version.
const FIRST: &str = r#"
[projections.sums]
schema: "CREATE TABLE sums (position INTEGER, cents INTEGER CHECK (cents < 90000))"
on { Paid: "INSERT INTO sums VALUES (:position, :data.cents)" }

[projections.other]
schema: "CREATE TABLE other (position INTEGER)"
on { Opened: "INSERT INTO other VALUES (:position)" }

[queries.Rows]
sql: "SELECT position, cents FROM sums ORDER BY rowid"
returns: "many"
"#;

/// Whole euros became cents, and a batch became its payments.
const LINKS: &str = r#"
[events.Paid]
version: 2
upcast: [{ from: 1, steps: [{ compute: { cents: "event.data.euros * 100" } }, { remove: ["euros"] }] }]

[events.BatchPaid]
upcast: [{ from: 1, steps: [{ split: [
  { type: "Paid", version: 2, data: "{'cents': event.data.first}" }
  { type: "Noted", version: 1, data: "{}" }
  { type: "Paid", version: 2, data: "{'cents': event.data.second}" }
] }] }]
"#;

async fn append(store: &Arc<dyn EventStore>, event_type: &str, schema_version: u32, data: &str) {
    let event = NewEvent { schema_version, ..NewEvent::json(event_type, data.to_owned()).unwrap() };
    let append = Append::to("till-1".parse().unwrap(), Expected::Any).event(event);
    store.append(append).await.unwrap();
}

async fn old_store() -> Arc<dyn EventStore> {
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    append(&store, "Opened", 1, "{}").await;
    append(&store, "Paid", 1, r#"{"euros":7}"#).await;
    append_newer(&store).await;
    store
}

async fn append_newer(store: &Arc<dyn EventStore>) {
    append(store, "BatchPaid", 1, r#"{"first":1,"second":2}"#).await;
    append(store, "Paid", 2, r#"{"cents":50}"#).await;
}

async fn app(folder: &TempDir, store: &Arc<dyn EventStore>, text: &str) -> App {
    let place = folder.path().join("read.db");
    let text = format!("[read_db]\ndsn: \"sqlite:{}\"\n{text}", place.display());
    with_file(App::builder().shared_store(Arc::clone(store)), &text).build().await.unwrap()
}

async fn rows(app: &App) -> String {
    String::from_utf8(app.query("Rows", "{}").await.unwrap().to_vec()).unwrap()
}

const TODAY: &str = r#"[{"position":2,"cents":700},{"position":3,"cents":1},{"position":3,"cents":2},{"position":4,"cents":50}]"#;

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_of_todays_events() {
    let (folder, store) = (TempDir::new().unwrap(), old_store().await);
    let app = app(&folder, &store, &format!("{FIRST}{LINKS}")).await;
    app.projections().catch_up(LIMIT).await.unwrap();
    assert_eq!(rows(&app).await, TODAY);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_made_of_events_as_they_were_are_made_again() {
    let folder = TempDir::new().unwrap();
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    append(&store, "Opened", 1, "{}").await;
    append(&store, "Paid", 1, r#"{"euros":7}"#).await;
    let before = app(&folder, &store, FIRST).await;
    before.projections().catch_up(LIMIT).await.unwrap();
    assert_eq!(rows(&before).await, r#"[{"position":2,"cents":null}]"#);
    before.close().await;
    append_newer(&store).await;
    let after = app(&folder, &store, &format!("{FIRST}{LINKS}")).await;
    let all = after.projections().status().await.unwrap();
    let changed: Vec<_> = all.iter().map(|status| (status.name.as_str(), status.changed)).collect();
    assert_eq!(changed, [("sums", true), ("other", false)], "only what the links lead to");
    after.projections().catch_up(LIMIT).await.unwrap();
    assert_eq!(rows(&after).await, TODAY);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nothing_leads_on_from_stops_those_who_want_it() {
    let (folder, store) = (TempDir::new().unwrap(), old_store().await);
    append(&store, "Paid", 3, "{}").await;
    append(&store, "Opened", 1, "{}").await;
    let app = app(&folder, &store, &format!("{FIRST}{LINKS}")).await;
    let error = app.projections().catch_up(LIMIT).await.unwrap_err();
    assert!(error.to_string().contains("newer than the present 2"), "{error}");
    let all = app.projections().status().await.unwrap();
    let stands: Vec<_> = all.iter().map(|status| (status.state, status.position.get())).collect();
    assert_eq!(stands, [(ProjectionState::Stopped, 4), (ProjectionState::Idle, 6)]);
    assert_eq!(rows(&app).await, TODAY, "what comes before it was applied");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_event_became_is_put_aside_and_applied_as_a_whole() {
    let (folder, store) = (TempDir::new().unwrap(), old_store().await);
    append(&store, "BatchPaid", 1, r#"{"first":5,"second":90000}"#).await;
    append(&store, "Paid", 2, r#"{"cents":3}"#).await;
    let parking = FIRST.replacen("[projections.sums]", "[projections.sums]\non_error: \"park\"", 1);
    let app = app(&folder, &store, &format!("{parking}{LINKS}")).await;
    app.projections().catch_up(LIMIT).await.unwrap();
    let last = r#",{"position":6,"cents":3}]"#;
    assert_eq!(rows(&app).await, TODAY.replacen(']', last, 1), "neither part of it");
    let parked = app.projections().parked("sums").await.unwrap();
    assert_eq!((parked.len(), parked[0].event_type.as_str(), parked[0].position.get()), (1, "BatchPaid", 5));
    let again = app.projections().retry_parked("sums", Position::new(5)).await;
    assert!(matches!(again, Err(ProjectionError::StillFails { .. })), "{again:?}");
    assert_eq!(app.projections().parked("sums").await.unwrap().len(), 1);
}

fn relay(app: &App, events: &[&str]) -> Relay {
    Relay {
        events: events.iter().map(|name| name.parse().unwrap()).collect(),
        upcasters: app.upcasters().clone(),
        ..Relay::new("out", TopicName::new("out").unwrap())
    }
}

async fn messages(queue: &MemoryQueue) -> Vec<Message> {
    let (topic, group) = (TopicName::new("out").unwrap(), GroupName::new("g").unwrap());
    queue.subscribe(topic.clone(), group.clone(), GroupOptions::default()).await.unwrap();
    let all = queue.receive(Receive::new(topic, group).max(100).now()).await.unwrap();
    all.into_iter().map(|delivery| delivery.message).collect()
}

#[tokio::test]
async fn messages_are_of_todays_events() {
    let (folder, store) = (TempDir::new().unwrap(), old_store().await);
    let app = app(&folder, &store, LINKS).await;
    let (queue, checkpoints) = (MemoryQueue::new(), MemoryCheckpoints::default());
    let relay = relay(&app, &["Paid"]);
    relay.catch_up(&store, &queue, &checkpoints).await.unwrap();
    // As after a crash before the checkpoint: the ids are the same, and nothing is added.
    relay.catch_up(&store, &queue, &MemoryCheckpoints::default()).await.unwrap();
    let messages = messages(&queue).await;
    let brought: Vec<_> = messages
        .iter()
        .map(|message| {
            let event = event_of(message).unwrap();
            let data = String::from_utf8(event.data().to_vec()).unwrap();
            (event.event_type().to_owned(), event.schema_version(), event.position().get(), data)
        })
        .collect();
    let paid = |position, cents| ("Paid".to_owned(), 2, position, format!(r#"{{"cents":{cents}}}"#));
    assert_eq!(brought, [paid(2, 700), paid(3, 1), paid(3, 2), paid(4, 50)]);
    let ids: std::collections::BTreeSet<String> = messages
        .iter()
        .map(|message| {
            let envelope: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
            envelope["id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 4, "others know events by their ids");
}

#[tokio::test]
async fn a_relay_stops_at_an_event_that_nothing_leads_on_from() {
    let (folder, store) = (TempDir::new().unwrap(), old_store().await);
    append(&store, "Paid", 3, "{}").await;
    let app = app(&folder, &store, LINKS).await;
    let (queue, checkpoints) = (MemoryQueue::new(), MemoryCheckpoints::default());
    let relayed = relay(&app, &[]).catch_up(&store, &queue, &checkpoints).await;
    assert!(matches!(relayed, Err(RelayError::Upcast(_))), "{relayed:?}");
}

#[tokio::test]
async fn a_message_that_waited_is_of_the_shape_in_which_it_was_published() {
    let (folder, store) = (TempDir::new().unwrap(), old_store().await);
    let (queue, checkpoints) = (MemoryQueue::new(), MemoryCheckpoints::default());
    let before = app(&folder, &store, "").await;
    relay(&before, &["Paid"]).catch_up(&store, &queue, &checkpoints).await.unwrap();
    before.close().await;
    let after = app(&folder, &store, LINKS).await;
    let event = event_of(&messages(&queue).await[0]).unwrap();
    assert_eq!((event.schema_version(), event.data()), (1, br#"{"euros":7}"#.as_slice()));
    let today: Vec<_> = after.upcasters().upcast(event).unwrap().into_iter().collect();
    assert_eq!(today[0].data(), br#"{"cents":700}"#);
}
