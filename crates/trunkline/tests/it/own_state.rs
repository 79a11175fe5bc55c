//! Projections over state of the program's own: how often an event is applied whenever the process is killed, and what
//! they share with all projections.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};
use trunkline::messages::{Checkpoint, FileCheckpoints};
use trunkline::sql::SqliteReadDatabase;
use trunkline::{
    App, BuildError, EventStore, Kept, LogStore, LogStoreOptions, Position, ProjectionError, ProjectionState,
    RecordedEvent, StateError, StateProjection,
};

use crate::projections::{LIMIT, append, deposit, memory};

/// The variable with the orders of the process that is killed: what is kept where, at which step it dies, and folder.
const ORDERS: &str = "TRUNKLINE_OWN_STATE_ORDERS";

/// The name under which the test binary knows it.
const NAME: &str = "own_state::dies_between_state_and_checkpoint";

const DEPOSITS: u64 = 2_500;

/// What the state is: a file that is replaced whole.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sums {
    deposits: u64,
    amount: u64,
    /// Only when it is kept within.
    checkpoint: Option<Checkpoint>,
}

struct Sum {
    file: PathBuf,
    within: bool,
    /// How many steps are taken before the process dies, when the state is written and nothing else; never when negative.
    steps: AtomicI64,
}

impl Sum {
    fn new(folder: &Path, within: bool, steps: i64) -> Self {
        Self { file: folder.join("sum.json"), within, steps: steps.into() }
    }

    fn read(&self) -> Result<Sums, StateError> {
        match fs::read(&self.file) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Sums::default()),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&self, sums: &Sums) -> Result<(), StateError> {
        let beside = self.file.with_extension("new");
        let mut file = fs::File::create(&beside)?;
        file.write_all(&serde_json::to_vec(sums)?)?;
        file.sync_all()?;
        fs::rename(beside, &self.file)?;
        Ok(())
    }
}

impl StateProjection for Sum {
    fn event_types(&self) -> &[&str] {
        &["Deposited"]
    }

    fn apply(&self, events: &[RecordedEvent], reached: &Checkpoint) -> Result<(), StateError> {
        let mut sums = self.read()?;
        for event in events {
            let data: serde_json::Value = serde_json::from_slice(event.data())?;
            sums.deposits += 1;
            sums.amount += data["amount"].as_u64().ok_or("a deposit has an amount")?;
        }
        sums.checkpoint = self.within.then_some(*reached);
        self.write(&sums)?;
        if self.steps.fetch_sub(1, Ordering::SeqCst) == 0 {
            std::process::abort();
        }
        Ok(())
    }

    fn kept(&self) -> Result<Kept, StateError> {
        Ok(if self.within { Kept::Within(self.read()?.checkpoint) } else { Kept::Beside })
    }

    fn empty(&self) -> Result<(), StateError> {
        self.write(&Sums::default())
    }
}

/// An application with the sum over a store, and where its read database and its checkpoints are.
async fn app(folder: &Path, store: Arc<dyn EventStore>, sum: Sum) -> App {
    let database = SqliteReadDatabase::open(&folder.join("read.db")).unwrap();
    let builder = App::builder().shared_store(store).read_database(Arc::new(database));
    let builder = builder.checkpoints(FileCheckpoints::new(folder.join("checkpoints")));
    builder.state_projection("sum", sum).build().await.unwrap()
}

fn open(folder: &Path) -> LogStore {
    LogStore::open(&folder.join("events"), LogStoreOptions::default()).unwrap()
}

/// Not a test by itself: without orders it is done at once.
#[test]
fn dies_between_state_and_checkpoint() {
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let mut orders = orders.splitn(3, ' ');
    let mut next = || orders.next().unwrap();
    let (within, steps, folder) = (next() == "within", next().parse().unwrap(), PathBuf::from(next()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let app = app(&folder, Arc::new(open(&folder)), Sum::new(&folder, within, steps)).await;
        app.projections().catch_up(LIMIT).await.unwrap();
    });
}

/// Goal: state that keeps its checkpoint gets each event exactly once, and other state at least once, whenever the
/// process is killed between the one and the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_state_and_checkpoint() {
    for within in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let shared: Arc<dyn EventStore> = Arc::new(store.clone());
        for _ in 0..DEPOSITS {
            deposit(&shared, 2).await;
        }
        drop(shared);
        store.close().await;
        let kind = if within { "within" } else { "beside" };
        let mut died = 0;
        for steps in [0, 1, 0] {
            let ended = Command::new(std::env::current_exe().unwrap())
                .args([NAME, "--exact", "--nocapture", "--test-threads=1"])
                .env(ORDERS, format!("{kind} {steps} {}", folder.path().display()))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            died += u32::from(ended.signal() == Some(6));
        }
        assert!(died >= 2, "it died {died} times");
        let store = open(folder.path());
        let app = app(folder.path(), Arc::new(store.clone()), Sum::new(folder.path(), within, -1)).await;
        app.projections().catch_up(LIMIT).await.unwrap();
        let found = Sum::new(folder.path(), within, -1).read().unwrap();
        if within {
            assert_eq!((found.deposits, found.amount), (DEPOSITS, 2 * DEPOSITS), "each exactly once");
        } else {
            assert!(found.deposits > DEPOSITS, "{} of {DEPOSITS}: none was applied again", found.deposits);
        }
        // What was applied twice is right again after a replay.
        app.projections().replay("sum").await.unwrap();
        let found = Sum::new(folder.path(), within, -1).read().unwrap();
        assert_eq!((found.deposits, found.amount), (DEPOSITS, 2 * DEPOSITS), "{kind}");
        app.close().await;
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_run_as_all_projections_are() {
    for within in [true, false] {
        let (folder, store) = memory();
        append(&store, "Opened", "{}").await;
        let sum = || Sum::new(folder.path(), within, -1);
        let app = app(folder.path(), Arc::clone(&store), sum()).await;
        app.projections().start().await.unwrap();
        for amount in 1..=20 {
            let last = deposit(&store, amount).await;
            app.projections().wait_for(last, LIMIT).await.unwrap();
            assert_eq!(sum().read().unwrap().deposits, amount);
        }
        // The place is kept also where no event is for it.
        let last = append(&store, "Other", "{}").await;
        app.projections().wait_for(last, LIMIT).await.unwrap();
        let status = app.projections().status().await.unwrap().remove(0);
        assert_eq!((status.state, status.position), (ProjectionState::Live, last));
        app.projections().stop().await;
        app.projections().pause("sum", true).await.unwrap();
        deposit(&store, 1).await;
        app.projections().catch_up(LIMIT).await.unwrap();
        assert_eq!(sum().read().unwrap().deposits, 20);
        app.projections().pause("sum", false).await.unwrap();
        app.projections().catch_up(LIMIT).await.unwrap();
        assert_eq!(sum().read().unwrap().deposits, 21);

        for refused in [
            app.projections().rebuild("sum").await.map(drop),
            app.projections().verify("sum").await.map(drop),
        ] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains("its state is the program's own"), "{error}");
        }
        let error = app.projections().replay_from("sum", Position::FIRST).await.unwrap_err();
        assert!(matches!(error, ProjectionError::NotIdempotent { .. }), "{error}");

        // Another log than the one whose events it has seen.
        let (_, other) = memory();
        deposit(&other, 1).await;
        let strange = self::app(folder.path(), other, sum()).await;
        let error = strange.projections().catch_up(LIMIT).await.unwrap_err();
        assert!(matches!(error, ProjectionError::OtherStore { .. }), "{error}");
        strange.projections().replay("sum").await.unwrap();
        strange.projections().catch_up(LIMIT).await.unwrap();
        assert_eq!(sum().read().unwrap().deposits, 1);
    }
    let (folder, store) = memory();
    let twice = App::builder().shared_store(store);
    let twice = twice.state_projection("sum", Sum::new(folder.path(), true, -1));
    let error = twice.state_projection("sum", Sum::new(folder.path(), true, -1)).build().await.unwrap_err();
    assert!(matches!(error, BuildError::Projection { .. }), "{error}");
}

/// Goal: at an event that can't be applied, everything before it is applied, once, and the projection says which it is.
#[tokio::test(flavor = "multi_thread")]
async fn it_stops_at_an_event_that_fails() {
    for within in [true, false] {
        let (folder, store) = memory();
        for amount in 1..=10 {
            deposit(&store, amount).await;
        }
        let failing = append(&store, "Deposited", "{}").await;
        deposit(&store, 1).await;
        let app = app(folder.path(), Arc::clone(&store), Sum::new(folder.path(), within, -1)).await;
        for _ in 0..2 {
            let error = app.projections().catch_up(LIMIT).await.unwrap_err();
            let said =
                format!("`sum` stopped: the Deposited at position {failing} failed: a deposit has an amount");
            assert_eq!(error.to_string(), said);
            let found = Sum::new(folder.path(), within, -1).read().unwrap();
            assert_eq!((found.deposits, found.amount), (10, 55));
        }
        assert_eq!(app.projections().status().await.unwrap()[0].position, Position::new(failing.get() - 1));
    }
}
