//! SIGKILL anywhere in the order system: its laws hold once it has come to rest, whatever was cut short.
//!
//! `worker` is the process that takes orders, runs the sagas and handles their messages until it is killed; `parts`
//! are the log, the queue and the application that it and the test have in turn.

mod parts;
mod worker;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use futures::TryStreamExt as _;
use serde_json::Value;
use tokio::time::timeout;
use trunkline::{EventStore as _, LogStore, Position};
use trunkline_store::AllRead;

use self::parts::Parts;
use crate::killed::Worker;
use crate::outbox::seed;

/// Whatever takes longer than this isn't going to happen.
const PATIENCE: Duration = Duration::from_secs(120);

/// After which events the process is killed at once: each is one side of something that must not be done by half.
const PLACES: [&str; 8] = [
    "$SagaStarted",
    "$SagaSent",
    "$SagaStepDone",
    "$SagaFailing",
    "InventoryReserved",
    "PaymentProcessed",
    "PaymentRefunded",
    "OrderCancelled",
];

/// How many orders there are, and how often the process is killed on its way.
fn size() -> (u64, u32) {
    let slow = std::env::var("TRUNKLINE_SLOW").is_ok_and(|text| text == "1");
    if slow { (3_000, 40) } else { (300, 5) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_laws_of_orders_hold_whenever_the_process_is_killed() {
    let (orders, kills) = size();
    let mut random = Rng::with_seed(seed());
    let folder = tempfile::tempdir().unwrap();
    // Made beforehand, so that the log can be watched.
    Parts::open(folder.path(), 0).await.close().await;
    let watched = LogStore::open_read_only(&folder.path().join("events")).unwrap();
    for run in 1..=kills {
        let head = watched.head().await.unwrap().get();
        // An order and its sagas leave at least eight events, most of them more; a part of what is left is done in
        // each run. A worker that may have nothing left to do isn't waited for.
        let left = (orders * 8).saturating_sub(head);
        let place = Position::new(head + random.u64(0..=2 * left / u64::from(kills - run + 2)));
        let worker = Worker::start(worker::NAME, folder.path(), run, orders);
        if left > 0 {
            let came_there = timeout(PATIENCE, watched.wait_beyond(place)).await;
            came_there.expect("the worker gets on").unwrap();
        }
        let place = match random.u32(0..3) {
            0 => {
                let pause = Duration::from_micros(random.u64(0..50_000));
                drop(timeout(pause, std::future::pending::<()>()).await);
                "at a random moment"
            }
            1 => {
                drop(timeout(Duration::from_secs(1), a_checkpoint_is_kept(folder.path())).await);
                "after a checkpoint"
            }
            _ => {
                let place = PLACES[random.usize(0..PLACES.len())];
                drop(timeout(Duration::from_secs(1), happens(&watched, place)).await);
                place
            }
        };
        worker.kill();
        println(&format!("run {run}: killed {place}, with {} events", watched.head().await.unwrap()));
    }
    finish(folder.path(), kills + 1, orders, &mut random).await;
    Books::read(&watched).await.check(orders);
}

#[expect(clippy::print_stdout, reason = "the output of a test is shown when it fails")]
fn println(line: &str) {
    println!("{line}");
}

/// Waits until an event of this type is appended.
async fn happens(watched: &LogStore, event_type: &str) {
    let mut after = watched.head().await.unwrap();
    loop {
        let head = watched.wait_beyond(after).await.unwrap();
        let read = AllRead { to: head, ..AllRead::after(after) };
        let events: Vec<_> = watched.read_all(read).try_collect().await.unwrap();
        if events.iter().any(|event| event.event_type() == event_type) {
            return;
        }
        after = head;
    }
}

/// Waits until the sagas' checkpoint is another one than it was.
async fn a_checkpoint_is_kept(folder: &Path) {
    let kept = || std::fs::read(folder.join("checkpoints/$sagas.checkpoint.json")).ok();
    let before = kept();
    while kept() == before {
        tokio::task::yield_now().await;
    }
}

/// Does what is left, to the end; every message comes twice, the second time now or long after.
async fn finish(folder: &Path, run: u32, orders: u64, random: &mut Rng) {
    let parts = Parts::open(folder, run).await;
    parts.ask(orders).await;
    settle(&parts, random).await;
    parts.think_better(orders).await;
    settle(&parts, random).await;
    while parts.handle("again", 100).await > 0 {}
    parts.app.sagas().catch_up(&parts.queue).await.unwrap();
    assert_eq!(parts.handle("work", 100).await, 0, "what comes again has no effect");
    let counts = parts.app.sagas().counts().await.unwrap();
    println(&format!("{counts:?}"));
    let started = counts.iter().filter(|(name, ..)| name == "order").map(|(.., count)| count).sum::<u64>();
    assert_eq!(started, orders, "each order has its saga: {counts:?}");
    let left_over = counts.iter().find(|(_, status, _)| !status.is_ended());
    assert_eq!(left_over, None, "{counts:?}");
    assert!(counts.iter().any(|(name, ..)| name == "cancellation"), "{counts:?}");
    parts.close().await;
}

/// Until nothing happens any more.
async fn settle(parts: &Parts, random: &mut Rng) {
    loop {
        parts.app.sagas().catch_up(&parts.queue).await.unwrap();
        // Sometimes a message comes again before it comes at all.
        let again = if random.u32(0..4) == 0 { parts.handle("again", random.usize(1..9)).await } else { 0 };
        let handled = parts.handle("work", random.usize(1..100)).await;
        if handled + again == 0 && parts.app.sagas().is_current().await.unwrap() {
            return;
        }
    }
}

/// What the log says of one order.
#[derive(Debug, Default)]
struct Book {
    created: u32,
    confirmed: u32,
    cancelled: u32,
    total: i64,
    charges: Vec<i64>,
    refunds: Vec<i64>,
    reserved: i64,
    released: i64,
    ordered: i64,
}

/// What the log says of all.
#[derive(Debug, Default)]
struct Books(BTreeMap<String, Book>);

impl Books {
    async fn read(store: &LogStore) -> Self {
        let mut books = Self::default();
        let mut events = store.read_all(AllRead::default());
        while let Some(event) = events.try_next().await.unwrap() {
            if event.event_type().starts_with('$') {
                continue;
            }
            let data: Value = serde_json::from_slice(event.data()).unwrap();
            let book = books.0.entry(data["order_id"].as_str().unwrap().to_owned()).or_default();
            let amount = data["amount"].as_i64().unwrap_or_default();
            let quantity = || {
                let items = data["items"].as_array().into_iter().flatten();
                items.map(|item| item["quantity"].as_i64().unwrap()).sum::<i64>()
            };
            match event.event_type() {
                "OrderCreated" => {
                    book.created += 1;
                    book.total = data["total"].as_i64().unwrap();
                    book.ordered = quantity();
                }
                "OrderConfirmed" => book.confirmed += 1,
                "OrderCancelled" => book.cancelled += 1,
                "PaymentProcessed" => book.charges.push(amount),
                // One of nothing bars a charge that comes later.
                "PaymentRefunded" if amount > 0 => book.refunds.push(amount),
                "InventoryReserved" => book.reserved += quantity(),
                "InventoryReleased" => book.released += quantity(),
                _ => {}
            }
        }
        books
    }

    fn check(&self, orders: u64) {
        assert_eq!(self.0.len() as u64, orders);
        let breaches: Vec<_> = self.0.iter().filter(|(_, book)| !book.is_lawful()).collect();
        assert!(breaches.is_empty(), "{breaches:#?}");
        let confirmed = self.0.values().filter(|book| book.cancelled == 0).count();
        println(&format!("{orders} orders, {confirmed} of them confirmed"));
        assert!(confirmed > 0 && (confirmed as u64) < orders, "of both there are some: {confirmed}");
    }
}

impl Book {
    /// Every order is confirmed or cancelled; who is confirmed has paid and holds what was ordered, and of what is
    /// cancelled every charge is refunded once, and nothing is held.
    fn is_lawful(&self) -> bool {
        let once = self.created == 1 && self.confirmed <= 1 && self.cancelled <= 1 && self.charges.len() <= 1;
        let held = self.reserved - self.released;
        once && if self.cancelled == 1 {
            self.refunds == self.charges && held == 0
        } else {
            self.confirmed == 1
                && self.charges == [self.total]
                && self.refunds.is_empty()
                && held == self.ordered
        }
    }
}
