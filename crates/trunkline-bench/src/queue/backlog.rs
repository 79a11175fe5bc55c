//! A topic in which millions of messages wait: what they take, and what becomes of everything else.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use futures::future::try_join_all;
use tokio::runtime::Runtime;
use trunkline_queue::{EmbeddedOptions, EmbeddedQueue};

use super::embedded::Embedded;
use super::engine::Engine;
use super::workload::{Run, Workload, payload};
use crate::args::{Format, ProbeQueueArgs};
use crate::disk_usage;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::machine::{Machine, anonymous_bytes};
use crate::probe::Opened;
use crate::report::number;
use crate::say::say;
use crate::scratch::Scratch;
use crate::statistics::float;

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

/// A figure: what it is of, its unit, its value.
type Row = (&'static str, &'static str, f64);

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
    let mut rows: Vec<Row> = Vec::new();
    let mut add = |row: Row| {
        say(&format!("{}: {} {}", row.0, number(row.2), row.1));
        rows.push(row);
    };
    runtime.block_on(engine.topic(TOPIC))?;
    add(("publish-first-tenth", "messages/s", runtime.block_on(fill(&engine, 0, tenth))?));
    interrupt.check()?;
    runtime.block_on(fill(&engine, tenth, count - tenth))?;
    interrupt.check()?;
    add(("publish-last-tenth", "messages/s", runtime.block_on(fill(&engine, count - tenth, count))?));
    add(("memory", "bytes/message", float(anonymous_bytes().saturating_sub(before)) / float(count)));
    add(("folder", "bytes/message", float(disk_usage::bytes(&folder)?) / float(count)));
    let deep = Run { engine: &engine, topic: TOPIC.to_owned(), length: LENGTH };
    let rates = runtime.block_on(Workload::Through.round(&deep))?;
    add(("publish-deliver-ack", "messages/s", rates.first().copied().unwrap_or_default()));
    runtime.block_on(Box::new(engine).close());
    interrupt.check()?;
    add(("state", "MiB", float(state_bytes(&folder)?) / MEBIBYTE));
    let opened = open_elsewhere(&folder)?;
    add(("open-time", "s", opened.ms / 1e3));
    add(("open-memory", "bytes/message", float(opened.anonymous_bytes) / float(count)));
    interrupt.check()?;
    let engine = Embedded::reopen(scratch)?;
    add(("drain", "messages/s", runtime.block_on(drain(&engine))?));
    runtime.block_on(Box::new(engine).close());
    add(("folder-drained", "MiB", float(disk_usage::bytes(&folder)?) / MEBIBYTE));
    let text = match format {
        Format::Human => table(count, machine, &rows),
        Format::Json => json(&rows),
    };
    writeln!(std::io::stdout().lock(), "{text}").map_err(Failure::io("print the report"))
}

/// Publishes the messages of these numbers; messages a second.
async fn fill(engine: &Embedded, from: u64, to: u64) -> Result<f64> {
    let next = Arc::new(AtomicU64::new(from));
    let mut tasks = Vec::new();
    let begun = Instant::now();
    for _ in 0..PUBLISHERS {
        let mut publisher = engine.publisher(TOPIC).await?;
        let next = Arc::clone(&next);
        tasks.push(tokio::spawn(async move {
            loop {
                let first = next.fetch_add(BATCH, Ordering::Relaxed);
                if first >= to {
                    return Ok(());
                }
                publisher.publish((first..to.min(first + BATCH)).map(payload).collect()).await?;
            }
        }));
    }
    let ended = try_join_all(tasks).await.map_err(Failure::engine("a publisher"))?;
    ended.into_iter().collect::<Result<()>>()?;
    Ok(float(to - from) / begun.elapsed().as_secs_f64())
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

fn json(rows: &[Row]) -> String {
    let values = rows.iter().map(|(workload, unit, value)| {
        serde_json::json!({ "workload": workload, "engine": "trunkline", "value": value, "unit": unit })
    });
    serde_json::Value::Array(values.collect()).to_string()
}

fn table(count: u64, machine: &Machine, rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN);
    table.set_header(["figure", "unit", "value"]);
    for (figure, unit, value) in rows {
        table.add_row([(*figure).to_owned(), (*unit).to_owned(), number(*value)]);
    }
    let mut lines = machine.lines();
    lines.push(format!("messages that wait: {}", number(float(count))));
    lines.push(String::new());
    lines.push(table.to_string());
    lines.join("\n")
}
