//! SIGKILL under load: what was acknowledged, and what was seen, outlives the process that appended it.
//!
//! `worker` is the process that appends until it is killed, and `load` what it appends, which follows from a seed.
//! `witness` is outside: it starts the worker, notes what was acknowledged, and kills it. `follower` reads all the
//! while. `check` holds what a store then has against what the witness knows. `import` and
//! `migrate` kill the binary's own.

mod check;
mod follower;
mod import;
mod load;
mod migrate;
mod witness;
mod worker;

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;
use trunkline_core::{Expected, Position};
use trunkline_store::{EventStore, LogStore, LogStoreOptions};

use self::follower::Follower;
use self::load::Load;
use self::witness::{Known, Worker};
use crate::folder::Folder;
use crate::random::{Random, seed, slow};

/// Whatever takes longer than this isn't going to happen.
const PATIENCE: Duration = Duration::from_secs(120);

/// Small segments, so that a kill also hits where one begins.
fn options() -> LogStoreOptions {
    LogStoreOptions { segment_bytes: 256 << 10, ..LogStoreOptions::default() }
}

fn open(folder: &Path) -> LogStore {
    LogStore::open(folder, options()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_or_seen_outlives_the_process() {
    let seed = seed();
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("events");
    open(&folder).close().await;
    let mut follower = Follower::follow(&folder);
    let mut known = Known::default();
    for run in 1..=if slow() { 60 } else { 5 } {
        // Now and then before it has appended anything, while it opens the store.
        let acknowledgements = if random.one_in(4) { 0 } else { random.below(300) };
        println!("run {run} is killed after {acknowledgements} acknowledgements");
        let mut worker = Worker::start(seed, run, &folder).await;
        for _ in 0..acknowledgements {
            known.learn(worker.acknowledgement().await);
        }
        for late in worker.kill().await {
            known.learn(late);
        }

        let shown = follower.seen();
        let read_only = LogStore::open_read_only(&folder).unwrap();
        let found = check::everything(&read_only).await;
        let readable = check::lines(&found);
        check::begins_with(&readable, &shown);
        check::is_as_known(&found, &known, seed);
        check::is_clean(&read_only);
        drop((found, read_only));

        let store = open(&folder);
        let recovered = check::everything(&store).await;
        check::begins_with(&check::lines(&recovered), &readable);
        check::is_as_known(&recovered, &known, seed);
        check::is_found_by_stream_and_tag(&store, &recovered, &mut random).await;
        check::is_clean(&store);
        check::repeats_answer_first_results(&store, &known, run, seed, &mut random).await;
        retry_what_is_unknown(&store, &mut known, &recovered, run, seed).await;
        follower.reaches(store.head().await.unwrap()).await;
        check::is_clean(&store);
        store.close().await;
    }
    let last = check::everything(&LogStore::open_read_only(&folder).unwrap()).await;
    check::is_as_known(&last, &known, seed);
    check::begins_with(&check::lines(&last), &follower.seen());
}

/// Appends again what was not acknowledged, as its writer would: it is there once, whether it was there before or
/// not.
async fn retry_what_is_unknown(
    store: &LogStore,
    known: &mut Known,
    found: &[trunkline_core::RecordedEvent],
    run: u32,
    seed: u64,
) {
    for key in known.next_keys(run, worker::TASKS) {
        let was_there = found.iter().any(|event| load::key_of(event.event_id()) == Some(key));
        let append = Load::of(seed, key).append(|_| Expected::Any);
        let appended = store.append(append).await.unwrap();
        assert_eq!(appended.repeated, was_there, "{key:?}");
        known.learn((key, appended));
    }
}

/// Runs a command that brings a store so many events, again and again, with a kill whenever the store has come a random
/// way further; how many events were seen then.
async fn kill_on_the_way(
    folder: &Folder,
    command: &str,
    store: &str,
    events: u64,
    random: &mut Random,
) -> u64 {
    // Made beforehand, so that it can be watched.
    open(&folder.path(store)).close().await;
    let watched = LogStore::open_read_only(&folder.path(store)).unwrap();
    let mut killed = 0;
    let kills = if slow() { 30 } else { 4 };
    for left in (1..=kills).rev() {
        let head = watched.head().await.unwrap().get();
        if head == events {
            // The last kill came when all was written, and only the end was left.
            break;
        }
        let further = random.below((events - head) / (left + 1) + 1);
        let mut running = folder.start(command);
        let came_there = timeout(PATIENCE, watched.wait_beyond(Position::new(head + further))).await;
        running.child.kill().unwrap();
        let ended = running.child.wait().unwrap();
        came_there.unwrap_or_else(|_| panic!("no further than {head}: {ended}")).unwrap();
        killed += u32::from(ended.signal() == Some(9));
        if ended.success() {
            break;
        }
    }
    assert!(killed > 0, "it was through before it could be killed once");
    watched.head().await.unwrap().get()
}
