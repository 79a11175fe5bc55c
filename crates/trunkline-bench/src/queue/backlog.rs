//! A topic in which millions of messages wait: what they take, and what becomes of everything else.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use tokio::runtime::Runtime;
use trunkline_queue::{EmbeddedOptions, EmbeddedQueue};

use super::embedded::Embedded;
use super::engine::Engine;
use super::rows::Rows;
use super::workload::{Run, Workload, payload};
use crate::args::{Format, ProbeQueueArgs};
use crate::disk_usage;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::machine::{Machine, anonymous_bytes};
use crate::probe::Opened;
use crate::scratch::Scratch;
use crate::statistics::{float, percentile};

const TOPIC: &str = "backlog";

/// How many messages are published at a time, and by how many publishers.
const BATCH: u64 = 1_000;
const PUBLISHERS: u64 = 8;

/// How many consumers take what waits, and how much each asks for.
const CONSUMERS: usize = 8;
const PREFETCH: usize = 500;

/// How long is measured while everything waits.
const LENGTH: Duration = Duration::from_secs(3);

const MEBIBYTE: f64 = 1_048_576.0;

/// Measures a topic of so many waiting messages, and prints it.
pub(super) fn run(
    count: u64,
    format: Format,
    scratch: &Scratch,
    machine: &Machine,
    runtime: &Runtime,
    interrupt: &Interrupt,
) -> Result<()> {
    let count = count.max(10 * BATCH * PUBLISHERS);
    let (tenth, before) = (count / 10, anonymous_bytes());
    let engine = Embedded::open(scratch)?;
    let folder = Embedded::folder(scratch);
    let mut rows = Rows::default();
    runtime.block_on(engine.topic(TOPIC))?;
    let (rate, mut times) = runtime.block_on(fill(&engine, 0, tenth))?;
    rows.add("publish-first-tenth", "messages/s", rate);
    interrupt.check()?;
    times.extend(runtime.block_on(fill(&engine, tenth, count - tenth))?.1);
    interrupt.check()?;
    let (rate, last) = runtime.block_on(fill(&engine, count - tenth, count))?;
    times.extend(last);
    rows.add("publish-last-tenth", "messages/s", rate);
    rows.add("publish-of-1000-p99", "ms", percentile(&mut times, 99));
    rows.add("publish-of-1000-longest", "ms", percentile(&mut times, 100));
    rows.add("memory", "bytes/message", float(anonymous_bytes().saturating_sub(before)) / float(count));
    rows.add("folder", "bytes/message", float(disk_usage::bytes(&folder)?) / float(count));
    let deep = Run { engine: &engine, topic: TOPIC.to_owned(), length: LENGTH };
    let rates = runtime.block_on(Workload::Through.round(&deep))?;
    rows.add("publish-deliver-ack", "messages/s", rates.first().copied().unwrap_or_default());
    runtime.block_on(Box::new(engine).close());
    interrupt.check()?;
    rows.add("state", "MiB", float(state_bytes(&folder)?) / MEBIBYTE);
    let opened = open_elsewhere(&folder)?;
    rows.add("open-time", "s", opened.ms / 1e3);
    rows.add("open-memory", "bytes/message", float(opened.anonymous_bytes) / float(count));
    interrupt.check()?;
    let engine = Embedded::reopen(scratch)?;
    rows.add("drain", "messages/s", runtime.block_on(drain(&engine))?);
    runtime.block_on(Box::new(engine).close());
    rows.add("folder-drained", "MiB", float(disk_usage::bytes(&folder)?) / MEBIBYTE);
    rows.print(count, format, machine)
}

/// Publishes the messages of these numbers; messages a second, and how many milliseconds each publish took.
async fn fill(engine: &Embedded, from: u64, to: u64) -> Result<(f64, Vec<f64>)> {
    let next = Arc::new(AtomicU64::new(from));
    let mut tasks = Vec::new();
    let begun = Instant::now();
    for _ in 0..PUBLISHERS {
        let mut publisher = engine.publisher(TOPIC).await?;
        let next = Arc::clone(&next);
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            loop {
                let first = next.fetch_add(BATCH, Ordering::Relaxed);
                if first >= to {
                    return Ok(times);
                }
                let messages = (first..to.min(first + BATCH)).map(payload).collect();
                let begun = Instant::now();
                publisher.publish(messages).await?;
                times.push(begun.elapsed().as_secs_f64() * 1e3);
            }
        }));
    }
    let ended = try_join_all(tasks).await.map_err(Failure::engine("a publisher"))?;
    let times = ended.into_iter().collect::<Result<Vec<Vec<f64>>>>()?.concat();
    Ok((float(to - from) / begun.elapsed().as_secs_f64(), times))
}

/// Takes and acknowledges all that waits; messages a second.
async fn drain(engine: &Embedded) -> Result<f64> {
    let mut tasks = Vec::new();
    let begun = Instant::now();
    for number in 0..CONSUMERS {
        let consumer = engine.taker(TOPIC, number)?;
        tasks.push(tokio::spawn(async move {
            let mut taken = 0;
            loop {
                match consumer.take(PREFETCH).await? {
                    0 => return Ok(taken),
                    count => taken += count as u64,
                }
            }
        }));
    }
    let ended = try_join_all(tasks).await.map_err(Failure::engine("a consumer"))?;
    let taken: u64 = ended.into_iter().collect::<Result<Vec<u64>>>()?.into_iter().sum();
    Ok(float(taken) / begun.elapsed().as_secs_f64())
}

fn state_bytes(folder: &Path) -> Result<u64> {
    let files = disk_usage::files(folder)?;
    let states = files.iter().filter(|file| file.extension().is_some_and(|name| name == "state"));
    Ok(states.filter_map(|file| file.metadata().ok()).map(|file| file.len()).max().unwrap_or(0))
}

/// The child: opens, looks, prints, closes.
pub(crate) fn probe(args: &ProbeQueueArgs, runtime: &Runtime) -> Result<()> {
    let begun = Instant::now();
    let opened = EmbeddedQueue::open(&args.dir, EmbeddedOptions::default());
    let queue = opened.map_err(Failure::engine("trunkline"))?;
    let ms = begun.elapsed().as_secs_f64() * 1e3;
    let opened = Opened { ms, anonymous_bytes: anonymous_bytes() };
    runtime.block_on(queue.close());
    let text = serde_json::to_string(&opened).expect("two numbers are JSON");
    writeln!(std::io::stdout().lock(), "{text}").map_err(Failure::io("print what opening took"))
}

/// Opens the queue in a process of its own, so that the memory it takes is the queue's alone.
fn open_elsewhere(folder: &Path) -> Result<Opened> {
    let failed = || "open the queue in a process of its own";
    let program = std::env::current_exe().map_err(Failure::io(failed()))?;
    let output = Command::new(program).args(["probe-queue", "--dir"]).arg(folder).output();
    let output = output.map_err(Failure::io(failed()))?;
    if !output.status.success() {
        let talk = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Failure::engine("trunkline")(talk));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| Failure::io(failed())(error.into()))
}
