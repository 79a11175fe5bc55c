//! Delayed messages by the million: due all over a while, and due all at one moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use tokio::runtime::Runtime;
use trunkline_core::Timestamp;
use trunkline_queue::{Clock, MessageQueue, NewMessage, Receive, SystemClock};

use super::embedded::{Embedded, group, topic_name};
use super::engine::Engine;
use super::rows::Rows;
use super::workload::payload;
use crate::args::Format;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::machine::{Machine, anonymous_bytes};
use crate::scratch::Scratch;
use crate::statistics::{float, percentile};

/// How many messages are published at a time, and by how many publishers.
const BATCH: u64 = 1_000;
const PUBLISHERS: u64 = 8;

/// How many consumers there are, and how many messages each asks for.
const CONSUMERS: usize = 8;
const PREFETCH: usize = 100;

/// How many messages come due in a second, where they are due all over a while.
const RATE: u64 = 10_000;

/// How many are published in a second, at least: they are due once all of them are published.
const PUBLISHED: u64 = 40_000;

/// How often somebody publishes beside, and so notices a pause.
const BESIDE: Duration = Duration::from_millis(2);

/// Measures so many delayed messages, and prints it.
pub(super) fn run(
    count: u64,
    format: Format,
    scratch: &Scratch,
    machine: &Machine,
    runtime: &Runtime,
    interrupt: &Interrupt,
) -> Result<()> {
    let count = count.max(BATCH * PUBLISHERS);
    let engine = Embedded::open(scratch)?;
    let mut rows = Rows::default();
    let spread = Names {
        publish: "spread-publish",
        memory: "spread-memory",
        lateness: ["spread-late-p50", "spread-late-p99", "spread-late-most"],
        through: "spread-handled",
        beside: ["spread-beside-p99", "spread-beside-most"],
    };
    let while_ = Duration::from_millis(count * 1_000 / RATE);
    runtime.block_on(measure(&engine, "spread", count, while_, &spread, &mut rows))?;
    interrupt.check()?;
    let at_once = Names {
        publish: "at-once-publish",
        memory: "at-once-memory",
        lateness: ["at-once-late-p50", "at-once-late-p99", "at-once-late-most"],
        through: "at-once-handled",
        beside: ["at-once-beside-p99", "at-once-beside-most"],
    };
    runtime.block_on(measure(&engine, "at-once", count, Duration::ZERO, &at_once, &mut rows))?;
    runtime.block_on(Box::new(engine).close());
    rows.print(count, format, machine)
}

/// What the figures of one measurement are called.
struct Names {
    publish: &'static str,
    memory: &'static str,
    lateness: [&'static str; 3],
    through: &'static str,
    beside: [&'static str; 2],
}

async fn measure(
    engine: &Embedded,
    topic: &'static str,
    count: u64,
    spread: Duration,
    names: &Names,
    rows: &mut Rows,
) -> Result<()> {
    engine.topic(topic).await?;
    let before = anonymous_bytes();
    let lead = Duration::from_millis(count * 1_000 / PUBLISHED);
    let first_due = SystemClock.now().as_micros() + micros(lead);
    let begun = Instant::now();
    fill(engine, topic, count, first_due, micros(spread)).await?;
    rows.add(names.publish, "messages/s", float(count) / begun.elapsed().as_secs_f64());
    let taken = anonymous_bytes().saturating_sub(before);
    rows.add(names.memory, "bytes/message", float(taken) / float(count));

    let left = Arc::new(AtomicU64::new(count));
    let mut consumers = Vec::new();
    for _ in 0..CONSUMERS {
        consumers.push(tokio::spawn(consume(engine.clone(), topic, Arc::clone(&left))));
    }
    let mut beside = Vec::new();
    let mut publisher = engine.publisher("beside").await?;
    while left.load(Ordering::Relaxed) > 0 {
        let begun = Instant::now();
        publisher.publish(vec![payload(0)]).await?;
        beside.push(begun.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(BESIDE).await;
    }
    let over = first_due.max(SystemClock.now().as_micros() - 1) - first_due;
    let handled = try_join_all(consumers).await.map_err(Failure::engine("a consumer"))?;
    let handled = handled.into_iter().collect::<Result<Vec<_>>>()?;
    let mut late: Vec<f64> = handled.into_iter().flatten().collect();
    for (name, percent) in names.lateness.into_iter().zip([50, 99, 100]) {
        rows.add(name, "ms", percentile(&mut late, percent));
    }
    let seconds = Duration::from_micros(u64::try_from(over).unwrap_or(0)).as_secs_f64();
    rows.add(names.through, "messages/s", float(count) / seconds.max(1e-6));
    for (name, percent) in names.beside.into_iter().zip([99, 100]) {
        rows.add(name, "ms", percentile(&mut beside, percent));
    }
    Ok(())
}

/// Publishes them all, due from a moment on, in no order.
async fn fill(engine: &Embedded, topic: &'static str, count: u64, first_due: i64, spread: i64) -> Result<()> {
    let next = Arc::new(AtomicU64::new(0));
    let publish = |engine: Embedded, next: Arc<AtomicU64>| async move {
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            if first >= count {
                return Ok(());
            }
            let messages = (first..count.min(first + BATCH)).map(|number| {
                let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1;
                let after = if spread == 0 { 0 } else { mixed.cast_signed() % spread };
                NewMessage::new("Bench", payload(number)).at(Timestamp::from_micros(first_due + after))
            });
            let published = engine.queue().publish(topic_name(topic)?, messages.collect()).await;
            published.map_err(Failure::engine("trunkline"))?;
        }
    };
    let publishers = (0..PUBLISHERS).map(|_| tokio::spawn(publish(engine.clone(), Arc::clone(&next))));
    let ended = try_join_all(publishers).await.map_err(Failure::engine("a publisher"))?;
    ended.into_iter().collect()
}

/// Takes what is due and acknowledges it, until nothing is left; how many milliseconds late each message was.
async fn consume(engine: Embedded, topic: &'static str, left: Arc<AtomicU64>) -> Result<Vec<f64>> {
    let receive = Receive::new(topic_name(topic)?, group()?).max(PREFETCH);
    let mut late = Vec::new();
    let mut receiving = engine.queue().receive(receive.clone());
    while left.load(Ordering::Relaxed) > 0 {
        // Not dropped while there is more, since what it has leased by then would come late.
        let received = tokio::time::timeout(Duration::from_millis(200), &mut receiving).await;
        let Ok(received) = received else { continue };
        receiving = engine.queue().receive(receive.clone());
        let deliveries = received.map_err(Failure::engine("trunkline"))?;
        let now = SystemClock.now().as_micros();
        for due in deliveries.iter().filter_map(|delivery| delivery.message.not_before) {
            let micros = u64::try_from(now - due.as_micros()).unwrap_or(0);
            late.push(Duration::from_micros(micros).as_secs_f64() * 1e3);
        }
        let acks = deliveries.iter().map(|delivery| engine.queue().ack(&delivery.lease));
        try_join_all(acks).await.map_err(Failure::engine("trunkline"))?;
        left.fetch_sub(deliveries.len() as u64, Ordering::Relaxed);
    }
    Ok(late)
}

fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}
