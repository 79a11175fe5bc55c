//! Projections at work: rows follow the log, whatever fails, changes or was restored.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use tempfile::TempDir;
use trunkline::sql::{ReadDatabase as _, SqliteReadDatabase};
use trunkline::{
    App, Append, AppendError, EventStore, Expected, LogStore, LogStoreOptions, MemoryStore, NewEvent,
    Position, ProjectionError, ProjectionState, ProjectionStatus, ReadError, StreamName,
};
use trunkline_core::{Appended, StoreId};
use trunkline_store::{AllRead, EventStream, StreamList, StreamRead, StreamsRead};

use crate::told::Told;
use crate::world::with_file;

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) const ACCOUNTS: &str = r#"
[projections.accounts]
schema: "CREATE TABLE account (id TEXT PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance < 1000))"
on {
  Opened:    "INSERT INTO account VALUES (:stream_id, 0)"
  Deposited: "UPDATE account SET balance = balance + :data.amount WHERE id = :stream_id"
}

[projections.deposits]
schema: "CREATE TABLE deposit (position INTEGER PRIMARY KEY, amount INTEGER)"
on { Deposited: "INSERT INTO deposit VALUES (:position, :data.amount)" }

[queries.Balance]
sql: "SELECT balance FROM account WHERE id = :id"
returns: "value"

[queries.Sums]
sql: "SELECT (SELECT SUM(balance) FROM account) AS balances, (SELECT SUM(amount) FROM deposit) AS deposits"
returns: "one"
"#;

/// An application of this text with its read database in a folder.
pub(crate) async fn app(folder: &Path, store: Arc<dyn EventStore>, text: &str) -> App {
    let place = folder.join("read.db");
    let text = format!("[read_db]\ndsn: \"sqlite:{}\"\n{text}", place.display());
    with_file(App::builder().shared_store(store), &text).build().await.unwrap()
}

pub(crate) fn memory() -> (TempDir, Arc<dyn EventStore>) {
    (tempfile::tempdir().unwrap(), Arc::new(MemoryStore::new()))
}

pub(crate) async fn append(store: &Arc<dyn EventStore>, event_type: &str, data: &str) -> Position {
    let event = NewEvent::json(event_type, data.to_owned()).unwrap();
    let append = Append::to("account-1".parse().unwrap(), Expected::Any).event(event);
    store.append(append).await.unwrap().position
}

pub(crate) async fn deposit(store: &Arc<dyn EventStore>, amount: u64) -> Position {
    append(store, "Deposited", &format!(r#"{{"amount":{amount}}}"#)).await
}

async fn sums(app: &App) -> String {
    String::from_utf8(app.query("Sums", "{}").await.unwrap().to_vec()).unwrap()
}

async fn status(app: &App, name: &str) -> ProjectionStatus {
    let all = app.projections().status().await.unwrap();
    all.into_iter().find(|status| status.name == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_follow_the_log_and_can_be_waited_for() {
    let (folder, store) = memory();
    append(&store, "Opened", "{}").await;
    let app = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    app.projections().start().await.unwrap();
    for amount in 1..=20 {
        let position = deposit(&store, amount).await;
        app.projections().wait_for(position, LIMIT).await.unwrap();
        let sum = amount * (amount + 1) / 2;
        assert_eq!(sums(&app).await, format!(r#"{{"balances":{sum},"deposits":{sum}}}"#));
    }
    let found = status(&app, "accounts").await;
    assert_eq!(
        (found.state, found.position, found.lag_events),
        (ProjectionState::Live, Position::new(21), 0)
    );
    app.projections().stop().await;
    let last = deposit(&store, 1).await;
    assert_eq!(status(&app, "accounts").await.lag_events, 1, "what is stopped applies nothing");
    app.projections().start().await.unwrap();
    app.projections().wait_for(last, LIMIT).await.unwrap();
    assert_eq!(sums(&app).await, r#"{"balances":211,"deposits":211}"#);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn catching_up_ends_at_the_head() {
    let (folder, store) = memory();
    let app = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    app.projections().catch_up(LIMIT).await.unwrap();
    append(&store, "Opened", "{}").await;
    for _ in 0..2_500 {
        deposit(&store, 0).await;
    }
    // The last event is none of the projections'.
    append(&store, "Other", "{}").await;
    app.projections().catch_up(LIMIT).await.unwrap();
    let found = status(&app, "deposits").await;
    assert_eq!((found.position, found.head), (Position::new(2_502), Position::new(2_502)));
    assert_eq!(app.query("Balance", r#"{"id":"1"}"#).await.unwrap(), "0");
    assert_eq!(app.query("Balance", r#"{"id":"2"}"#).await.unwrap(), "null");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_event_stops_its_projection_and_no_other() {
    let (folder, store) = memory();
    append(&store, "Opened", "{}").await;
    let app = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    deposit(&store, 500).await;
    let failing = deposit(&store, 600).await;
    let last = deposit(&store, 1).await;
    app.projections().start().await.unwrap();
    let error = app.projections().wait_for(last, LIMIT).await.unwrap_err();
    assert!(matches!(&error, ProjectionError::Stopped { name, .. } if name == "accounts"), "{error}");
    app.projections().wait_for_named(&["deposits"], last, LIMIT).await.unwrap();
    // What came before it in the same batch is there.
    let found = status(&app, "accounts").await;
    assert_eq!((found.state, found.position), (ProjectionState::Stopped, Position::new(failing.get() - 1)));
    let said = found.error.unwrap();
    assert!(said.contains("the Deposited at position 3 failed: CHECK constraint failed"), "{said}");
    assert_eq!(status(&app, "deposits").await.position, last);
    app.close().await;

    // Others see it, too, and so does the next process.
    let app = self::app(folder.path(), store, ACCOUNTS).await;
    let found = status(&app, "accounts").await;
    assert_eq!(found.state, ProjectionState::Stopped);
    assert!(found.error.unwrap().contains("CHECK constraint failed"));
    let error = app.projections().catch_up(LIMIT).await.unwrap_err();
    assert!(matches!(error, ProjectionError::Stopped { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_event_is_put_aside_where_the_file_says_so() {
    let (folder, store) = memory();
    append(&store, "Opened", "{}").await;
    for amount in [500, 600, 1, 700] {
        deposit(&store, amount).await;
    }
    let text = ACCOUNTS.replacen("[projections.accounts]", "[projections.accounts]\non_error: \"park\"", 1);
    let app = app(folder.path(), store, &text).await;
    app.projections().catch_up(LIMIT).await.unwrap();
    assert_eq!(app.query("Balance", r#"{"id":"1"}"#).await.unwrap(), "501");
    let found = status(&app, "accounts").await;
    assert_eq!((found.parked, found.lag_events, found.state), (2, 0, ProjectionState::Idle));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_passes_is_waited_out() {
    let (folder, store) = memory();
    append(&store, "Opened", "{}").await;
    let app = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    app.projections().catch_up(LIMIT).await.unwrap();
    let file = folder.path().join("read.accounts.1.db");
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    app.projections().start().await.unwrap();
    let last = deposit(&store, 5).await;
    while status(&app, "accounts").await.state != ProjectionState::Retrying {
        tokio::task::yield_now().await;
    }
    assert!(status(&app, "accounts").await.error.unwrap().contains("database is locked"));
    other.execute_batch("ROLLBACK").unwrap();
    app.projections().wait_for(last, LIMIT).await.unwrap();
    let found = status(&app, "accounts").await;
    assert_eq!((found.state, found.error), (ProjectionState::Live, None));
    assert_eq!(sums(&app).await, r#"{"balances":5,"deposits":5}"#);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_statements_build_the_rows_again_beside_the_old_ones() {
    let (folder, store) = memory();
    append(&store, "Opened", "{}").await;
    deposit(&store, 5).await;
    let first = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    first.projections().catch_up(LIMIT).await.unwrap();
    first.close().await;
    let text = ACCOUNTS.replace("balance + :data.amount", "balance + 2 * :data.amount");

    let stops = text.replacen("[projections.accounts]", "[projections.accounts]\non_change: \"stop\"", 1);
    let stopped = app(folder.path(), Arc::clone(&store), &stops).await;
    let error = stopped.projections().catch_up(LIMIT).await.unwrap_err();
    assert!(matches!(error, ProjectionError::Changed { .. }), "{error}");
    assert!(status(&stopped, "accounts").await.changed);
    assert_eq!(sums(&stopped).await, r#"{"balances":5,"deposits":5}"#, "the old rows are still there");
    drop(stopped);

    let second = app(folder.path(), Arc::clone(&store), &text).await;
    second.projections().catch_up(LIMIT).await.unwrap();
    assert_eq!(sums(&second).await, r#"{"balances":10,"deposits":5}"#);
    let found = status(&second, "accounts").await;
    assert_eq!((found.generation, found.changed), (Some(2), false));
    assert_eq!(status(&second, "deposits").await.generation, Some(1), "what didn't change isn't built again");
    assert!(!folder.path().join("read.accounts.1.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_and_rebuild_give_the_same_rows() {
    let (folder, store) = memory();
    append(&store, "Opened", "{}").await;
    deposit(&store, 5).await;
    let app = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    app.projections().catch_up(LIMIT).await.unwrap();
    let file = folder.path().join("read.accounts.1.db");
    rusqlite::Connection::open(&file).unwrap().execute("UPDATE account SET balance = 900", []).unwrap();
    app.projections().replay("accounts").await.unwrap();
    assert_eq!(sums(&app).await, r#"{"balances":5,"deposits":5}"#);
    rusqlite::Connection::open(&file).unwrap().execute("UPDATE account SET balance = 900", []).unwrap();
    let rebuilt = app.projections().rebuild("accounts").await.unwrap();
    assert_eq!(rebuilt.position, Position::new(2));
    assert_eq!(sums(&app).await, r#"{"balances":5,"deposits":5}"#);
    assert_eq!(status(&app, "accounts").await.generation, Some(2));
    let error = app.projections().rebuild("acounts").await.unwrap_err();
    assert_eq!(error.to_string(), "there is no projection \"acounts\"; did you mean \"accounts\"?");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_projection_stays_where_it_is() {
    let (folder, store) = memory();
    append(&store, "Opened", "{}").await;
    let app = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    app.projections().catch_up(LIMIT).await.unwrap();
    app.projections().pause("accounts", true).await.unwrap();
    let last = deposit(&store, 5).await;
    app.projections().catch_up(LIMIT).await.unwrap();
    assert_eq!(sums(&app).await, r#"{"balances":0,"deposits":5}"#);
    assert_eq!(status(&app, "accounts").await.state, ProjectionState::Paused);
    assert!(matches!(app.projections().replay("accounts").await, Err(ProjectionError::Paused { .. })));
    app.projections().pause("accounts", false).await.unwrap();
    app.projections().catch_up(LIMIT).await.unwrap();
    assert_eq!(status(&app, "accounts").await.position, last);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_runs_the_projections_and_others_wait_for_it() {
    let (folder, store) = memory();
    append(&store, "Opened", "{}").await;
    let runs = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    let asks = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    runs.projections().start().await.unwrap();
    assert!(matches!(asks.projections().start().await, Err(ProjectionError::RunElsewhere { .. })));
    assert!(matches!(
        asks.projections().rebuild("accounts").await,
        Err(ProjectionError::RunElsewhere { .. })
    ));
    deposit(&store, 5).await;
    asks.projections().catch_up(LIMIT).await.unwrap();
    assert_eq!(sums(&asks).await, r#"{"balances":5,"deposits":5}"#);
    runs.close().await;
    asks.projections().start().await.unwrap();
    asks.close().await;
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Goal: a read model that has seen events which a restored store doesn't have is never gone on with.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_restored_older_than_its_read_model_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (original, backup) = (folder.path().join("events"), folder.path().join("backup"));
    let open = |path: &Path| LogStore::open(path, LogStoreOptions::default()).unwrap();
    let log = open(&original);
    let store: Arc<dyn EventStore> = Arc::new(log.clone());
    append(&store, "Opened", "{}").await;
    deposit(&store, 5).await;
    drop(store);
    log.close().await;
    copy(&original, &backup);

    let store: Arc<dyn EventStore> = Arc::new(open(&original));
    deposit(&store, 7).await;
    let before = app(folder.path(), store, ACCOUNTS).await;
    before.projections().catch_up(LIMIT).await.unwrap();
    assert_eq!(sums(&before).await, r#"{"balances":12,"deposits":12}"#);
    drop(before);

    let store: Arc<dyn EventStore> = Arc::new(open(&backup));
    let after = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    for why in ["which is not there; rebuild it", "which is another event; rebuild it"] {
        let error = after.projections().catch_up(LIMIT).await.unwrap_err();
        assert!(matches!(error, ProjectionError::AheadOfLog { .. }), "{error}");
        assert!(error.to_string().ends_with(why), "{error}");
        deposit(&store, 8).await;
    }
    for name in ["accounts", "deposits"] {
        after.projections().rebuild(name).await.unwrap();
    }
    assert_eq!(sums(&after).await, r#"{"balances":21,"deposits":21}"#);

    // Another store altogether.
    let other = app(folder.path(), Arc::new(MemoryStore::new()), ACCOUNTS).await;
    append(other.store(), "Opened", "{}").await;
    let error = other.projections().catch_up(LIMIT).await.unwrap_err();
    assert!(matches!(error, ProjectionError::OtherStore { .. }), "{error}");
}

/// A store that counts the reads of the whole store, and misbehaves as it is told.
#[derive(Debug, Default)]
struct Watched {
    inner: MemoryStore,
    reads: AtomicU64,
    /// The position of the event that is damaged; none when 0.
    damaged: AtomicU64,
    /// Whether the disk gives nothing for now.
    fails: AtomicBool,
    /// Whether reading the whole store panics.
    panics: AtomicBool,
    /// How many events came just after the head was asked for.
    behind: u64,
}

impl EventStore for Watched {
    fn id(&self) -> StoreId {
        self.inner.id()
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        self.inner.append(append)
    }

    fn read_stream(&self, stream: &StreamName, read: StreamRead) -> EventStream {
        self.inner.read_stream(stream, read)
    }

    fn read_all(&self, read: AllRead) -> EventStream {
        // Reads of one event, which look for what a checkpoint names, don't count.
        if read.limit != Some(1) {
            self.reads.fetch_add(1, Ordering::SeqCst);
            assert!(!self.panics.load(Ordering::SeqCst), "no read was expected");
        }
        if self.fails.load(Ordering::SeqCst) {
            let error = ReadError::Storage { reason: "no answer".to_owned() };
            return Box::pin(futures::stream::once(async { Err(error) }));
        }
        let damaged = self.damaged.load(Ordering::SeqCst);
        let read = self.inner.read_all(read).map(move |event| match event {
            Ok(event) if event.position().get() == damaged => {
                Err(ReadError::Damaged { what: format!("the event at {damaged}") })
            }
            event => event,
        });
        Box::pin(read)
    }

    fn streams(&self, read: StreamsRead) -> StreamList {
        self.inner.streams(read)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(async { Ok(Position::new(self.inner.head().await?.get() - self.behind)) })
    }

    fn wait_beyond(&self, position: Position) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.wait_beyond(position)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn projections_that_have_come_as_far_share_one_read_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Arc::new(Watched::default());
    let store: Arc<dyn EventStore> = Arc::clone(&watched) as Arc<dyn EventStore>;
    let projection = |number: i32| {
        format!(
            "[projections.p{number}]\nschema: \"CREATE TABLE t{number} (n)\"\non {{ Deposited: \"INSERT INTO t{number} VALUES (:position)\" }}\n"
        )
    };
    let text: String = (1..=5).map(projection).collect();
    let app = app(folder.path(), Arc::clone(&store), &text).await;
    app.projections().catch_up(LIMIT).await.unwrap();
    app.projections().start().await.unwrap();
    let last = deposit(&store, 1).await;
    app.projections().wait_for(last, LIMIT).await.unwrap();
    let before = watched.reads.load(Ordering::SeqCst);
    for amount in 0..100 {
        let last = deposit(&store, amount).await;
        app.projections().wait_for(last, LIMIT).await.unwrap();
    }
    let reads = watched.reads.load(Ordering::SeqCst) - before;
    assert!((100..=110).contains(&reads), "{reads} reads for 100 events and five projections");
    app.close().await;
}

/// What passes by itself is said, and stops nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_projection_whose_last_event_cannot_be_read_for_now_has_not_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Arc::new(Watched::default());
    let store: Arc<dyn EventStore> = Arc::clone(&watched) as Arc<dyn EventStore>;
    append(&store, "Opened", "{}").await;
    let app = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    app.projections().catch_up(LIMIT).await.unwrap();
    watched.fails.store(true, Ordering::SeqCst);
    let found = status(&app, "accounts").await;
    assert_eq!((found.state, found.needs_rebuild), (ProjectionState::Idle, false), "{found:?}");
    assert_eq!(found.error.as_deref(), Some("the store could not be read: no answer"));
    watched.fails.store(false, Ordering::SeqCst);
    assert_eq!(status(&app, "accounts").await.error, None);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_event_stops_what_shares_a_read_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Arc::new(Watched::default());
    let store: Arc<dyn EventStore> = Arc::clone(&watched) as Arc<dyn EventStore>;
    append(&store, "Opened", "{}").await;
    let before = deposit(&store, 1).await;
    let damaged = deposit(&store, 2).await;
    watched.damaged.store(damaged.get(), Ordering::SeqCst);
    let app = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    app.projections().start().await.unwrap();
    for name in ["accounts", "deposits"] {
        let error = app.projections().wait_for_named(&[name], damaged, LIMIT).await.unwrap_err();
        assert!(matches!(error, ProjectionError::Read(_)), "{error}");
    }
    let found = status(&app, "accounts").await;
    assert_eq!((found.position, found.lag_seconds), (before, None), "the rest is told all the same");
    watched.damaged.store(0, Ordering::SeqCst);
    for name in ["accounts", "deposits"] {
        let status = status(&app, name).await;
        assert_eq!((status.state, status.position), (ProjectionState::Stopped, before), "{name}");
        assert!(status.error.unwrap().contains("damaged"), "{name}");
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_need_not_wait_for_what_came_after_the_question() {
    let folder = tempfile::tempdir().unwrap();
    let inner = MemoryStore::new();
    let store: Arc<dyn EventStore> = Arc::new(inner.clone());
    append(&store, "Opened", "{}").await;
    let last = deposit(&store, 5).await;
    let runs = app(folder.path(), store, ACCOUNTS).await;
    runs.projections().start().await.unwrap();
    runs.projections().wait_for(last, LIMIT).await.unwrap();
    let late = Watched { inner, behind: 1, ..Watched::default() };
    let asks = app(folder.path(), Arc::new(late), ACCOUNTS).await;
    asks.projections().catch_up(Duration::ZERO).await.unwrap();
    runs.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_still_is_not_waited_for() {
    let (folder, store) = memory();
    append(&store, "Opened", "{}").await;
    let app = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    app.projections().pause("accounts", true).await.unwrap();
    app.projections().start().await.unwrap();
    let last = deposit(&store, 5).await;
    app.projections().wait_for(last, LIMIT).await.unwrap();
    let error = app.projections().wait_for_named(&["accounts"], last, LIMIT).await.unwrap_err();
    assert!(matches!(&error, ProjectionError::Paused { name } if name == "accounts"), "{error}");
    app.projections().stop().await;
    // Once it runs again, what was said before isn't the answer.
    app.projections().pause("accounts", false).await.unwrap();
    app.projections().start().await.unwrap();
    app.projections().wait_for_named(&["accounts"], last, LIMIT).await.unwrap();
    app.close().await;
}

/// Goal: what runs a projection never ends without a word, and doesn't look alive when it has.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_stops_its_projection_in_sight_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Arc::new(Watched::default());
    let store: Arc<dyn EventStore> = Arc::clone(&watched) as Arc<dyn EventStore>;
    let before = append(&store, "Opened", "{}").await;
    let app = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    app.projections().start().await.unwrap();
    app.projections().wait_for(before, LIMIT).await.unwrap();
    watched.panics.store(true, Ordering::SeqCst);
    let last = deposit(&store, 1).await;
    let error = app.projections().wait_for(last, LIMIT).await.unwrap_err();
    assert!(matches!(error, ProjectionError::Panicked { .. }), "{error}");
    for name in ["accounts", "deposits"] {
        app.projections().wait_for_named(&[name], last, LIMIT).await.unwrap_err();
    }
    watched.panics.store(false, Ordering::SeqCst);
    for name in ["accounts", "deposits"] {
        let status = status(&app, name).await;
        assert_eq!((status.state, status.position), (ProjectionState::Stopped, before), "{name}");
        assert_eq!(status.error.unwrap(), format!("`{name}` stopped: it panicked: no read was expected"));
    }
    app.projections().stop().await;
    app.projections().start().await.unwrap();
    app.projections().wait_for(last, LIMIT).await.unwrap();
    app.close().await;
}

#[test]
fn how_projections_stand_is_told_as_metrics() {
    let told = Told::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&told, || {
        runtime.block_on(async {
            let (folder, store) = memory();
            append(&store, "Opened", "{}").await;
            let app = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
            app.projections().pause("deposits", true).await.unwrap();
            app.projections().start().await.unwrap();
            let last = deposit(&store, 5).await;
            app.projections().wait_for(last, LIMIT).await.unwrap();
            app.close().await;
        });
    });
    let lines = told.lines();
    let last = |gauge: &str| {
        let line = lines.iter().rev().find_map(|line| line.strip_prefix(gauge));
        line.unwrap_or_else(|| panic!("{gauge} in {lines:#?}")).trim().to_owned()
    };
    assert_eq!(last("trunkline_projection_position{projection=accounts}"), "2");
    assert_eq!(last("trunkline_projection_lag_events{projection=accounts}"), "0");
    assert_eq!(last("trunkline_projection_lag_seconds{projection=accounts}"), "0");
    assert_eq!(last("trunkline_projection_state{projection=accounts,state=idle}"), "1");
    assert_eq!(last("trunkline_projection_state{projection=accounts,state=live}"), "0");
    assert_eq!(last("trunkline_projection_lag_events{projection=deposits}"), "2");
    assert_eq!(last("trunkline_projection_state{projection=deposits,state=paused}"), "1");
    assert_eq!(last("trunkline_projection_rate{projection=deposits}"), "0");
}

/// Goal: a question that comes while another is answered waits a moment instead of failing.
#[tokio::test(flavor = "multi_thread")]
async fn who_claims_the_read_database_for_a_moment_is_waited_for() {
    let (folder, store) = memory();
    let last = append(&store, "Opened", "{}").await;
    let app = app(folder.path(), Arc::clone(&store), ACCOUNTS).await;
    let other = SqliteReadDatabase::open(&folder.path().join("read.db")).unwrap();
    let claim = other.claim().await.unwrap().unwrap();
    let error = app.projections().catch_up(Duration::ZERO).await.unwrap_err();
    let said = format!("process {} runs the projections of sqlite:", std::process::id());
    assert!(error.to_string().starts_with(&said), "{error}");
    let asked = app.projections().catch_up(LIMIT);
    let rebuilt = app.projections().rebuild("accounts");
    let ends = async {
        tokio::task::yield_now().await;
        drop(claim);
    };
    let (asked, rebuilt, ()) = tokio::join!(asked, rebuilt, ends);
    asked.unwrap();
    assert_eq!(rebuilt.unwrap().position, last);
}
