//! SIGKILL of an application whose projections run, and a read database that fails under them: in the end, and at every
//! moment before, the rows are those that the events make.
//!
//! `faulty` is a read database that fails when it is told to.

mod faulty;

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use trunkline::{App, EventStore, LogStore, LogStoreOptions, Position};

use self::faulty::{Faults, FaultyDatabase};
use crate::projections::{ACCOUNTS, LIMIT, app, append, deposit, memory};
use crate::world::with_file;

/// The variable with the orders of the process that works until it is killed: run and folder.
const ORDERS: &str = "TRUNKLINE_PROJECTED_ORDERS";

/// The name under which the test binary knows it.
const NAME: &str = "projected::works_until_it_is_killed";

/// Sums that stay in range whatever is deposited.
fn text() -> String {
    ACCOUNTS.replace("balance < 1000", "balance >= 0")
}

async fn open(folder: &Path) -> (LogStore, App) {
    // Small segments, so that a kill also hits where one begins or ends.
    let options = LogStoreOptions { segment_bytes: 1 << 20, ..LogStoreOptions::default() };
    let log = LogStore::open(&folder.join("events"), options).unwrap();
    let app = app(folder, Arc::new(log.clone()), &text()).await;
    (log, app)
}

/// Not a test by itself: without orders it is done at once.
#[test]
fn works_until_it_is_killed() {
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let (run, folder) = orders.split_once(' ').unwrap();
    let (run, folder): (u64, _) = (run.parse().unwrap(), PathBuf::from(folder));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (log, app) = open(&folder).await;
        let store: Arc<dyn EventStore> = Arc::new(log);
        for round in 0.. {
            // Every other process builds generations anew, too.
            if run % 2 == 1 && round % 8 == 0 {
                app.projections().rebuild("accounts").await.unwrap();
            }
            app.projections().start().await.unwrap();
            for amount in 0..50 {
                deposit(&store, amount).await;
            }
            app.projections().stop().await;
        }
    });
}

/// Goal: whenever the process is killed, rows and checkpoint agree, and the next one goes on from there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_what_the_events_make_whenever_the_process_is_killed() {
    let kills = if std::env::var("TRUNKLINE_SLOW").is_ok_and(|text| text == "1") { 40 } else { 8 };
    let folder = tempfile::tempdir().unwrap();
    let (log, app) = open(folder.path()).await;
    let store: Arc<dyn EventStore> = Arc::new(log.clone());
    append(&store, "Opened", "{}").await;
    app.close().await;
    log.close().await;
    let watched = LogStore::open_read_only(&folder.path().join("events")).unwrap();
    for run in 1..=kills {
        let head = watched.head().await.unwrap().get();
        let mut child = Worker::start(folder.path(), run);
        let place = Position::new(head + fastrand::u64(1..400));
        timeout(LIMIT, watched.wait_beyond(place)).await.expect("it gets on").unwrap();
        let pause = Duration::from_micros(fastrand::u64(0..20_000));
        drop(timeout(pause, std::future::pending::<()>()).await);
        child.0.kill().unwrap();
        let ended = child.0.wait().unwrap();
        assert_eq!(ended.signal(), Some(9), "it ended by itself: {ended}");
        are_right(&self::app(folder.path(), Arc::new(watched.clone()), &text()).await).await;
    }
    let (log, app) = open(folder.path()).await;
    app.projections().catch_up(LIMIT).await.unwrap();
    are_right(&app).await;
    let head = log.head().await.unwrap();
    let status = app.projections().status().await.unwrap();
    assert!(status.iter().all(|status| status.position == head && status.error.is_none()), "{status:?}");
    let sums: serde_json::Value = serde_json::from_slice(&app.query("Sums", "{}").await.unwrap()).unwrap();
    assert_eq!(sums["balances"], sums["deposits"], "both have seen the same deposits");
    log.close().await;
}

async fn are_right(app: &App) {
    for name in ["accounts", "deposits"] {
        let verified = app.projections().verify(name).await.unwrap();
        assert!(verified.is_right(), "{verified:?}");
    }
}

/// A process that is killed at the latest when this is dropped.
struct Worker(Child);

impl Worker {
    fn start(folder: &Path, run: u64) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([NAME, "--exact", "--nocapture", "--test-threads=1"])
            .env(ORDERS, format!("{run} {}", folder.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Either has no effect on one that has ended.
        drop((self.0.kill(), self.0.wait()));
    }
}

/// Goal: whichever call of a runner fails, before or after it was done, the rows come out right.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_what_the_events_make_whichever_call_fails() {
    let (_, store) = memory();
    append(&store, "Opened", "{}").await;
    for amount in 0..30 {
        deposit(&store, amount).await;
    }
    let last = store.head().await.unwrap();
    let changed = text().replace("balance + :data.amount", "balance + 2 * :data.amount");
    let mut calls = 0;
    for after in [false, true] {
        for number in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let faults = Faults::default();
            let database = FaultyDatabase::open(&folder.path().join("read.db"), &faults);
            let open = async |text: &str| {
                let builder = App::builder().shared_store(Arc::clone(&store)).read_database(database.clone());
                with_file(builder, text).build().await.unwrap()
            };
            // Rows from nothing, and rows of other statements beside them.
            faults.fail(number, after);
            for text in [&text(), &changed] {
                let app = open(text).await;
                app.projections().start().await.unwrap();
                for name in ["accounts", "deposits"] {
                    app.projections().wait_for_named(&[name], last, LIMIT).await.unwrap();
                }
                app.close().await;
            }
            let has_failed = faults.stop();
            let app = open(&changed).await;
            app.projections().catch_up(LIMIT).await.unwrap();
            are_right(&app).await;
            let sums = app.query("Sums", "{}").await.unwrap();
            assert_eq!(sums, r#"{"balances":870,"deposits":435}"#, "call {number} failed, after: {after}");
            if !has_failed {
                calls += number;
                break;
            }
        }
    }
    assert!(calls > 20, "only {calls} places were tried");
}

/// Goal: whoever waits for rows hears what keeps them, also when it lasts for ever, and the same works once it has passed.
#[tokio::test(start_paused = true)]
async fn what_somebody_waits_for_ends_when_the_database_fails_for_good() {
    let (_, store) = memory();
    append(&store, "Opened", "{}").await;
    for amount in 0..30 {
        deposit(&store, amount).await;
    }
    for number in [0, 3] {
        let folder = tempfile::tempdir().unwrap();
        let faults = Faults::default();
        let database = FaultyDatabase::open(&folder.path().join("read.db"), &faults);
        let builder = App::builder().shared_store(Arc::clone(&store)).read_database(database);
        let app = with_file(builder, &text()).build().await.unwrap();
        app.projections().catch_up(LIMIT).await.unwrap();
        faults.fail_from(number);
        let rebuilt = app.projections().rebuild("accounts").await;
        let error = rebuilt.map(|_| ()).unwrap_err();
        assert!(error.is_passing() && error.to_string().contains("told to fail"), "{error}");
        faults.stop();
        app.projections().rebuild("accounts").await.unwrap();
        deposit(&store, 0).await;
        faults.fail_from(number);
        let error = app.projections().catch_up(LIMIT).await.unwrap_err();
        assert!(error.is_passing(), "{error}");
        faults.stop();
        app.projections().catch_up(LIMIT).await.unwrap();
        are_right(&app).await;
    }
}

/// A statement of a runner that fails: of which projection, and when its trigger raises.
struct Fuse {
    projection: &'static str,
    on: &'static str,
    when: String,
    /// The last event whose rows are there then.
    before: u64,
}

/// The statements for the event at a position, which has the amount of its position: those of both projections, and
/// those that move their checkpoints.
fn fuses(position: u64) -> Vec<Fuse> {
    let sum: u64 = (2..=position).sum();
    let before = position - 1;
    let checkpoint = |projection| {
        let (on, when) =
            ("UPDATE OF position ON trunkline_checkpoint", format!("NEW.position >= {position}"));
        Fuse { projection, on, when, before: 1 }
    };
    let (account, deposit) = (format!("NEW.balance = {sum}"), format!("NEW.position = {position}"));
    vec![
        Fuse { projection: "accounts", on: "UPDATE ON account", when: account, before },
        Fuse { projection: "deposits", on: "INSERT ON deposit", when: deposit, before },
        checkpoint("accounts"),
        checkpoint("deposits"),
    ]
}

/// Goal: whichever statement of a runner's transaction fails, and however, it stops in sight of all, the rows are those
/// that the events up to its checkpoint make, and it goes on from there once the statement works.
/// Method: a trigger in the generation's file that raises at one statement of one event, for each of both and every way
/// to raise.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_what_the_events_make_whichever_statement_fails() {
    let last = 8;
    for raise in ["ABORT", "FAIL", "ROLLBACK"] {
        for fuse in (2..=last).flat_map(fuses) {
            let Fuse { projection, on, when, before } = fuse;
            let case = format!("{raise} in {projection} at {on} when {when}");
            let (folder, store) = memory();
            append(&store, "Opened", "{}").await;
            let app = app(folder.path(), Arc::clone(&store), &text()).await;
            app.projections().catch_up(LIMIT).await.unwrap();
            let file =
                rusqlite::Connection::open(folder.path().join(format!("read.{projection}.1.db"))).unwrap();
            let raises = format!(
                "CREATE TRIGGER fuse BEFORE {on} WHEN {when} BEGIN SELECT RAISE({raise}, 'burnt'); END"
            );
            file.execute_batch(&raises).unwrap();
            for amount in 2..=last {
                deposit(&store, amount).await;
            }
            app.projections().start().await.unwrap();
            let head = Position::new(last);
            let error = app.projections().wait_for_named(&[projection], head, LIMIT).await.unwrap_err();
            assert!(error.to_string().contains("burnt"), "{case}: {error}");
            let other = if projection == "accounts" { "deposits" } else { "accounts" };
            app.projections().wait_for_named(&[other], head, LIMIT).await.unwrap();
            let status = app.projections().status().await.unwrap();
            let stopped = status.iter().find(|status| status.name == projection).unwrap();
            assert_eq!(stopped.position, Position::new(before), "{case}");
            are_right(&app).await;
            app.projections().stop().await;
            file.execute_batch("DROP TRIGGER fuse").unwrap();
            app.projections().start().await.unwrap();
            app.projections().wait_for(head, LIMIT).await.unwrap();
            are_right(&app).await;
            assert_eq!(app.query("Sums", "{}").await.unwrap(), r#"{"balances":35,"deposits":35}"#, "{case}");
            app.close().await;
        }
    }
}
