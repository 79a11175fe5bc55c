//! Snapshots save time and change nothing: whatever becomes of them, the outcome is that of reading everything.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use trunkline::{
    App, Append, AppendError, CommandRequest, EventStore, Expected, MemoryStore, NewEvent, Snapshot,
    StreamName,
};
use trunkline_core::{Appended, StoreId};
use trunkline_store::{EventStream, StreamRead};

use crate::counter::{Counter, increment};
use crate::world::{forward_reads, said, with_file};

/// Counts the events of streams that are read.
#[derive(Debug)]
struct Counting {
    inner: MemoryStore,
    read: Arc<AtomicU64>,
}

impl EventStore for Counting {
    fn id(&self) -> StoreId {
        self.inner.id()
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        self.inner.append(append)
    }

    fn read_stream(&self, stream: &StreamName, read: StreamRead) -> EventStream {
        let count = Arc::clone(&self.read);
        let counted = move |_: &_| {
            count.fetch_add(1, Ordering::SeqCst);
        };
        self.inner.read_stream(stream, read).inspect(counted).boxed()
    }

    forward_reads!();
}

const JAR: &str = r#"
[aggregates.jar]
initial: "{'sum': 0, 'last': null}"
on { Put: "{'sum': state.sum + event.data.n, 'last': event.data.n}" }
snapshot_every: 10

[commands.Look]
stream: "'jar-' + command.jar"
require: [{ that: "false", else: "{state.sum}, last {state.last}, version {version}" }]
"#;

/// A jar into which these were put.
async fn jar(numbers: impl IntoIterator<Item = u64>) -> MemoryStore {
    let memory = MemoryStore::new();
    put(&memory, numbers).await;
    memory
}

async fn put(memory: &MemoryStore, numbers: impl IntoIterator<Item = u64>) {
    for n in numbers {
        let event = NewEvent::json("Put", format!(r#"{{"n":{n}}}"#)).unwrap();
        memory.append(Append::to("jar-a".parse().unwrap(), Expected::Any).event(event)).await.unwrap();
    }
}

/// What a look into the jar says, and how many events were read for it. What is offered is written when the
/// application ends.
async fn look(text: &str, memory: &MemoryStore, file: &Path) -> (String, u64) {
    let read = Arc::new(AtomicU64::new(0));
    let store = Counting { inner: memory.clone(), read: Arc::clone(&read) };
    let app = with_file(App::builder().store(store).snapshots(file), text).build().await.unwrap();
    let outcome = said(&app.send(CommandRequest::new("Look", r#"{"jar":"a"}"#)).await);
    app.close().await;
    (outcome, read.load(Ordering::SeqCst))
}

#[tokio::test]
async fn only_what_is_behind_a_snapshot_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("snapshots");
    let memory = jar(1..=25).await;
    assert_eq!(look(JAR, &memory, &file).await, ("rejected: 325, last 25, version 25".into(), 25));
    put(&memory, 26..=30).await;
    // The event of the snapshot is read too: it must be the one that was there.
    assert_eq!(look(JAR, &memory, &file).await, ("rejected: 465, last 30, version 30".into(), 6));
    put(&memory, 31..=40).await;
    assert_eq!(look(JAR, &memory, &file).await.1, 16, "and the next is made");
    assert_eq!(look(JAR, &memory, &file).await, ("rejected: 820, last 40, version 40".into(), 1));
    assert_eq!(look(&JAR.replace("every: 10", "every: 0"), &memory, &file).await.1, 40, "0 is never");
    let off = format!("{JAR}\n[snapshots]\nenabled: false\n");
    assert_eq!(look(&off, &memory, &file).await.1, 40);
}

#[tokio::test]
async fn a_snapshot_that_can_not_be_used_costs_time_and_changes_nothing() {
    type Harm = (&'static str, fn(&Path));
    fn run(file: &Path, text: &str) {
        let changed = rusqlite::Connection::open(file).unwrap().execute(text, []).unwrap();
        assert_eq!(changed, 1, "{text}");
    }
    let harms: [Harm; 7] = [
        ("is missing", |file| std::fs::remove_file(file).unwrap()),
        ("is no database", |file| std::fs::write(file, "x".repeat(5000)).unwrap()),
        ("is empty", |file| std::fs::write(file, "").unwrap()),
        ("has another state", |file| {
            run(file, r#"UPDATE snapshots_1 SET state = CAST('{"sum":1,"last":1}' AS BLOB)"#);
        }),
        ("is said to be of an earlier version", |file| {
            run(file, "UPDATE snapshots_1 SET version = version - 1");
        }),
        ("is said to be of another stream", |file| run(file, "UPDATE snapshots_1 SET stream = 'jar-b'")),
        ("has lost its row", |file| run(file, "DELETE FROM snapshots_1")),
    ];
    let memory = jar(1..=25).await;
    for (what, harm) in harms {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("snapshots");
        look(JAR, &memory, &file).await;
        harm(&file);
        let found = look(JAR, &memory, &file).await;
        assert_eq!(found, ("rejected: 325, last 25, version 25".into(), 25), "a snapshot that {what}");
        assert_eq!(look(JAR, &memory, &file).await.1, 1, "and after one that {what}, there is one again");
    }
}

#[tokio::test]
async fn a_snapshot_of_another_log_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("snapshots");
    for (what, numbers) in [
        ("the first", (1..=25).collect::<Vec<u64>>()),
        ("restored older", (1..=12).collect()),
        ("another of the same length", (101..=125).collect()),
        ("a longer one", (201..=240).collect()),
    ] {
        let memory = jar(numbers.iter().copied()).await;
        let wanted = format!(
            "rejected: {}, last {}, version {}",
            numbers.iter().sum::<u64>(),
            numbers.last().unwrap(),
            numbers.len()
        );
        assert_eq!(look(JAR, &memory, &file).await.0, wanted, "{what}");
    }
}

#[tokio::test]
async fn a_snapshot_made_by_other_rules_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("snapshots");
    let memory = jar(1..=25).await;
    look(JAR, &memory, &file).await;
    let upcast = "\n[events.Put]\nversion: 2\nupcast: [{ from: 1, steps: [{ compute: { n: \"event.data.n * 2\" } }] }]\n";
    for (what, text, sum) in [
        ("a rule", JAR.replace("+ event.data.n", "+ 3 * event.data.n"), 975),
        ("the beginning", JAR.replace("'sum': 0", "'sum': 7"), 332),
        ("an upcast", format!("{JAR}{upcast}"), 650),
        ("nothing", JAR.to_owned(), 325),
    ] {
        let found = look(&text, &memory, &file).await.0;
        assert!(found.starts_with(&format!("rejected: {sum}, ")), "{what} changed: {found}");
    }
}

#[tokio::test]
async fn old_events_behind_a_snapshot_are_todays_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("snapshots");
    let memory = jar(1..=25).await;
    let doubled = format!(
        "{JAR}\n[events.Put]\nversion: 2\nupcast: [{{ from: 1, steps: [{{ compute: {{ n: \"event.data.n * 2\" }} }}] }}]\n"
    );
    assert_eq!(look(&doubled, &memory, &file).await, ("rejected: 650, last 50, version 25".into(), 25));
    // A program that wasn't replaced yet goes on storing the older shape.
    put(&memory, 26..=30).await;
    assert_eq!(look(&doubled, &memory, &file).await, ("rejected: 930, last 60, version 30".into(), 6));
}

#[tokio::test]
async fn a_state_that_json_changes_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("snapshots");
    let memory = jar(1..=25).await;
    // As text, it could not be compared with a timestamp.
    let text = JAR
        .replace("'last': null", "'last': timestamp('2020-01-01T00:00:00Z')")
        .replace("'last': event.data.n", "'last': state.last < timestamp('2021-01-01T00:00:00Z') ? state.last : timestamp('2022-01-01T00:00:00Z')");
    let first = look(&text, &memory, &file).await;
    assert_eq!(first, ("rejected: 325, last 2020-01-01T00:00:00Z, version 25".into(), 25));
    assert_eq!(look(&text, &memory, &file).await, first);
}

impl Snapshot for Counter {
    const REVISION: u32 = 1;
    const EVERY: u64 = 10;
}

#[tokio::test]
async fn typed_states_are_kept_where_the_program_says_so() {
    let read = Arc::new(AtomicU64::new(0));
    let store = || Counting { inner: MemoryStore::new(), read: Arc::clone(&read) };
    for (app, keeps) in [
        (App::builder().store(store()).decider_with_snapshots::<Counter>().build().await.unwrap(), true),
        (App::builder().store(store()).decider::<Counter>().build().await.unwrap(), false),
    ] {
        read.store(0, Ordering::SeqCst);
        for _ in 0..100 {
            assert!(app.dispatch(increment("a", 100)).await.unwrap().accepted().is_some());
        }
        let outcome = said(&app.dispatch(increment("a", 100)).await);
        assert_eq!(outcome, "rejected: the limit is 100");
        let (read, everything) = (read.load(Ordering::SeqCst), 100 * 101 / 2);
        // When a snapshot is there is up to its writer's thread.
        assert!(if keeps { read < everything } else { read == everything }, "{read}, keeps: {keeps}");
    }
}
