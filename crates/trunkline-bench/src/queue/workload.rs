//! What is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use tokio::sync::Semaphore;

use super::engine::Engine;
use crate::failure::{Failure, Result};
use crate::statistics::{float, percentile};

/// The bytes of a message's payload.
pub(super) const PAYLOAD_BYTES: usize = 256;

/// How many consumers there are, and how many messages each asks for.
const CONSUMERS: usize = 8;
const PREFETCH: usize = 32;

/// How many messages may be on their way, so that a queue is not measured by its backlog.
const ON_THE_WAY: usize = 2_000;

/// How many messages a second come in when latency is measured.
const PACE: u64 = 2_000;

/// One round of one engine.
pub(super) struct Run<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) topic: String,
    pub(super) length: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Workload {
    /// 64 publishers, one message at a time.
    Publish64x1,
    /// 8 publishers, 100 messages at a time.
    Publish8x100,
    /// 64 publishers, one message at a time, and 8 consumers.
    Through,
    /// From before a message is published until its handler has it, at 2,000 messages a second.
    Latency,
}

/// A figure of a workload: its name, its unit, what it must be at least or at most, and whether more is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) goal: Option<f64>,
    pub(super) more_is_better: bool,
}

impl Workload {
    pub(super) const ALL: [Self; 4] = [Self::Publish64x1, Self::Publish8x100, Self::Through, Self::Latency];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Publish64x1 => "publish-64x1",
            Self::Publish8x100 => "publish-8x100",
            Self::Through => "publish-deliver-ack",
            Self::Latency => "latency",
        }
    }

    /// What a round of it gives, in this order.
    pub(super) fn figures(self) -> Vec<Figure> {
        let rate = |name, goal| Figure { name, unit: "messages/s", goal: Some(goal), more_is_better: true };
        let time = |name, goal| Figure { name, unit: "ms", goal, more_is_better: false };
        match self {
            Self::Publish64x1 => vec![rate("publish-64x1", 30_000.0)],
            Self::Publish8x100 => vec![rate("publish-8x100", 150_000.0)],
            Self::Through => vec![rate("publish-deliver-ack", 20_000.0)],
            Self::Latency => vec![time("latency-p50", None), time("latency-p99", Some(10.0))],
        }
    }

    pub(super) async fn measure(self, run: &Run<'_>) -> Result<Vec<f64>> {
        run.engine.topic(&run.topic).await?;
        let measured = self.round(run).await;
        run.engine.clear(&run.topic).await?;
        measured
    }

    /// The same in a topic that is there, and stays.
    pub(super) async fn round(self, run: &Run<'_>) -> Result<Vec<f64>> {
        match self {
            Self::Publish64x1 => publish(run, 64, 1).await,
            Self::Publish8x100 => publish(run, 8, 100).await,
            Self::Through => through(run).await,
            Self::Latency => latency(run).await,
        }
    }
}

/// A payload that begins with a number, and otherwise is nothing that compresses.
pub(super) fn payload(number: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PAYLOAD_BYTES);
    let mut mixed = number;
    while bytes.len() < PAYLOAD_BYTES {
        bytes.extend(mixed.to_le_bytes());
        mixed = mixed.wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    }
    bytes
}

/// Messages a second that so many publishers have acknowledged, each so many at a time.
async fn publish(run: &Run<'_>, publishers: usize, batch: usize) -> Result<Vec<f64>> {
    let mut tasks = Vec::new();
    for _ in 0..publishers {
        tasks.push(run.engine.publisher(&run.topic).await?);
    }
    let begun = Instant::now();
    let tasks = tasks.into_iter().zip(0..).map(|(mut publisher, number): (_, u64)| {
        let length = run.length;
        tokio::spawn(async move {
            let mut count = 0;
            while begun.elapsed() < length {
                let messages = (0..batch as u64).map(|one| payload(number << 40 | count << 8 | one));
                publisher.publish(messages.collect()).await?;
                count += 1;
            }
            Ok::<u64, Failure>(count * batch as u64)
        })
    });
    let counts = try_join_all(tasks).await.map_err(Failure::engine("a publisher"))?;
    let seconds = begun.elapsed().as_secs_f64();
    let counts = counts.into_iter().collect::<Result<Vec<u64>>>()?;
    Ok(vec![float(counts.iter().sum()) / seconds])
}

/// Messages a second that were published, handed out and acknowledged.
async fn through(run: &Run<'_>) -> Result<Vec<f64>> {
    let room = Arc::new(Semaphore::new(ON_THE_WAY));
    let stop = Arc::new(AtomicBool::new(false));
    let acked = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for number in 0..CONSUMERS {
        let mut consumer = run.engine.consumer(&run.topic, number).await?;
        let (room, stop, acked) = (Arc::clone(&room), Arc::clone(&stop), Arc::clone(&acked));
        tasks.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let count = consumer.work(PREFETCH, &mut |_| ()).await?;
                acked.fetch_add(count as u64, Ordering::Relaxed);
                room.add_permits(count);
            }
            Ok(())
        }));
    }
    for number in 0..64 {
        let mut publisher = run.engine.publisher(&run.topic).await?;
        let (room, stop) = (Arc::clone(&room), Arc::clone(&stop));
        tasks.push(tokio::spawn(async move {
            let mut count = number << 40;
            while !stop.load(Ordering::Relaxed) {
                // Closed at the end, when nobody makes room any more.
                let Ok(permit) = room.acquire().await else { break };
                permit.forget();
                publisher.publish(vec![payload(count)]).await?;
                count += 1;
            }
            Ok(())
        }));
    }
    let (begun, before) = (Instant::now(), acked.load(Ordering::Relaxed));
    tokio::time::sleep(run.length).await;
    let (seconds, count) = (begun.elapsed().as_secs_f64(), acked.load(Ordering::Relaxed) - before);
    stop.store(true, Ordering::Relaxed);
    room.close();
    let ended = try_join_all(tasks).await.map_err(Failure::engine("a task"))?;
    ended.into_iter().collect::<Result<()>>()?;
    Ok(vec![float(count) / seconds])
}

/// Milliseconds from before a message is published until a handler has it: the median, and the 99th percentile.
async fn latency(run: &Run<'_>) -> Result<Vec<f64>> {
    const PUBLISHERS: u64 = 20;
    let stop = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let micros = move || begun.elapsed().as_micros() as u64;
    let mut consumers = Vec::new();
    for number in 0..CONSUMERS {
        let mut consumer = run.engine.consumer(&run.topic, number).await?;
        let stop = Arc::clone(&stop);
        consumers.push(tokio::spawn(async move {
            let mut waits: Vec<f64> = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let mut handle = |payload: &[u8]| {
                    if let Some(sent) = payload.first_chunk() {
                        waits.push(float(micros().saturating_sub(u64::from_le_bytes(*sent))) / 1e3);
                    }
                };
                consumer.work(PREFETCH, &mut handle).await?;
            }
            Ok::<_, Failure>(waits)
        }));
    }
    let mut publishers = Vec::new();
    for number in 0..PUBLISHERS {
        let mut publisher = run.engine.publisher(&run.topic).await?;
        let length = run.length;
        publishers.push(tokio::spawn(async move {
            let interval = Duration::from_micros(1_000_000 * PUBLISHERS / PACE);
            let first = tokio::time::Instant::now() + interval.mul_f64(float(number) / float(PUBLISHERS));
            let mut ticks = tokio::time::interval_at(first, interval);
            while begun.elapsed() < length {
                ticks.tick().await;
                publisher.publish(vec![payload(micros())]).await?;
            }
            Ok::<_, Failure>(())
        }));
    }
    let ended = try_join_all(publishers).await.map_err(Failure::engine("a publisher"))?;
    ended.into_iter().collect::<Result<()>>()?;
    stop.store(true, Ordering::Relaxed);
    let waits = try_join_all(consumers).await.map_err(Failure::engine("a consumer"))?;
    let waits = waits.into_iter().collect::<Result<Vec<_>>>()?;
    let mut waits: Vec<f64> = waits.into_iter().flatten().collect();
    if waits.is_empty() {
        return Err(Failure::engine(run.engine.name())("no message was handed out"));
    }
    Ok(vec![percentile(&mut waits, 50), percentile(&mut waits, 99)])
}
