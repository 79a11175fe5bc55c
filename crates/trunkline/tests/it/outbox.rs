//! SIGKILL between an event and its effect: in the end every event has had its effect, once.
//!
//! `worker` is the process that notes things, relays the events into a queue and does what the messages ask for,
//! until it is killed; `parts` are the log, the queue and the application that it and the test have in turn.

mod parts;
mod worker;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::timeout;
use trunkline::messages::{CommandDispatcher, MessageHandler as _, OnReject, Relay};
use trunkline::{EventId, EventStore as _, LogStore, Position};
use trunkline_queue::{GroupName, GroupOptions, MessageQueue as _, OperateQueue as _, Receive, TopicName};
use trunkline_store::AllRead;

pub(crate) use self::parts::Later;
use self::parts::Parts;
use crate::killed::Worker;

/// Whatever takes longer than this isn't going to happen.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many events there are, and how often the process is killed on its way to their effects.
fn size() -> (u64, u32) {
    let slow = std::env::var("TRUNKLINE_SLOW").is_ok_and(|text| text == "1");
    if slow { (100_000, 20) } else { (10_000, 5) }
}

/// The seed in `TRUNKLINE_SEED`, else a new one; printed, so that a failure shows it.
#[expect(clippy::print_stdout, reason = "the output of a test is shown when it fails")]
pub(crate) fn seed() -> u64 {
    let given = std::env::var("TRUNKLINE_SEED").ok().map(|text| text.parse().unwrap());
    let seed = given.unwrap_or_else(|| {
        u32::from_le_bytes(*EventId::generate().into_bytes().last_chunk().unwrap()).into()
    });
    println!("TRUNKLINE_SEED={seed}");
    seed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_has_its_effect_once_whenever_the_process_is_killed() {
    let (events, kills) = size();
    let mut random = Rng::with_seed(seed());
    let folder = tempfile::tempdir().unwrap();
    // Made beforehand, so that the log can be watched.
    Parts::open(folder.path(), 0).await.close().await;
    let watched = LogStore::open_read_only(&folder.path().join("events")).unwrap();
    for run in 1..=kills {
        // Each time some way further, and mostly while there is still something to note, and so to relay.
        let head = watched.head().await.unwrap().get();
        let left = (events * 5 / 4).saturating_sub(head);
        let place = Position::new(head + random.u64(0..=2 * left / u64::from(kills - run + 2)));
        let worker = Worker::start(worker::NAME, folder.path(), run, events);
        let came_there = timeout(PATIENCE, watched.wait_beyond(place)).await;
        came_there.expect("the worker gets on").unwrap();
        if random.bool() {
            // What the relay does next rests on what it has just said it is done with.
            drop(timeout(Duration::from_secs(1), a_checkpoint_is_kept(folder.path())).await);
        } else {
            // Not always right after a sync of the log.
            let pause = Duration::from_micros(random.u64(0..50_000));
            drop(timeout(pause, std::future::pending::<()>()).await);
        }
        worker.kill();
        let (noted, done) = counted(&watched).await;
        println!("run {run} was killed with {} events and {} effects", noted.len(), done.len());
    }
    finish(folder.path(), kills + 1, events).await;
    let (noted, done) = counted(&watched).await;
    are_once("event", &noted, events);
    are_once("effect", &done, events);
    assert_eq!(watched.head().await.unwrap(), Position::new(events * 2), "and there is nothing else");
}

/// Waits until the relay's checkpoint is another one than it was; it is looked at without a pause, to be there before
/// the relay goes on.
async fn a_checkpoint_is_kept(folder: &Path) {
    let kept = || std::fs::read(folder.join("relay/out.checkpoint.json")).ok();
    let before = kept();
    while kept() == before {
        tokio::task::yield_now().await;
    }
}

/// Does what is left, to the end.
async fn finish(folder: &Path, run: u32, events: u64) {
    let parts = Parts::open(folder, run).await;
    let (topic, group) = (TopicName::new("noted").unwrap(), GroupName::new("work").unwrap());
    parts.note(events).await;
    let relay = Relay { events: vec!["Noted".parse().unwrap()], ..Relay::new("out", topic.clone()) };
    relay.catch_up(parts.app.store(), &parts.queue, &**parts.app.checkpoints()).await.unwrap();
    parts.queue.subscribe(topic.clone(), group.clone(), GroupOptions::default()).await.unwrap();
    let dispatcher =
        &CommandDispatcher { app: parts.app.clone(), consumer: "work".into(), on_reject: OnReject::Dead };
    loop {
        let receive = Receive::new(topic.clone(), group.clone()).max(256).max_attempts(parts::ATTEMPTS).now();
        let deliveries = parts.queue.receive(receive).await.unwrap();
        if deliveries.is_empty() {
            break;
        }
        let handle = |delivery| async move { dispatcher.handle(&delivery).await.map(|()| delivery) };
        let handled = stream::iter(deliveries).map(handle).buffer_unordered(parts::AT_ONCE);
        let acked = handled.map(Result::unwrap).then(|delivery| {
            let queue = &parts.queue;
            async move { queue.ack(&delivery.lease).await.unwrap() }
        });
        acked.collect::<()>().await;
    }
    let stats = parts.queue.stats().await.unwrap().topics.remove(0).groups.remove(0);
    let left = (stats.waiting, stats.leased, stats.delayed, stats.dead);
    assert_eq!(left, (0, 0, 0, 0), "every message is done with: {stats:?}");
    parts.close().await;
}

/// How often each number was noted, and how often what it asks for was done.
async fn counted(store: &LogStore) -> (BTreeMap<u64, u32>, BTreeMap<u64, u32>) {
    let (mut noted, mut done) = (BTreeMap::new(), BTreeMap::new());
    let mut events = store.read_all(AllRead::default());
    while let Some(event) = events.try_next().await.unwrap() {
        let data: parts::Numbered = serde_json::from_slice(event.data()).unwrap();
        let counts = match event.event_type() {
            "Noted" => &mut noted,
            "Done" => &mut done,
            other => panic!("an event of type {other}"),
        };
        *counts.entry(data.n).or_default() += 1;
    }
    (noted, done)
}

/// Each number has been counted once.
#[track_caller]
fn are_once(what: &str, counts: &BTreeMap<u64, u32>, numbers: u64) {
    let missing: Vec<u64> = (0..numbers).filter(|number| !counts.contains_key(number)).collect();
    let doubled: Vec<u64> =
        counts.iter().filter(|(_, count)| **count > 1).map(|(number, _)| *number).collect();
    assert!(
        missing.is_empty() && doubled.is_empty(),
        "of each {what} there is one: {} are missing, such as {:?}, and {} are doubled, such as {:?}",
        missing.len(),
        missing.first(),
        doubled.len(),
        doubled.first(),
    );
}
