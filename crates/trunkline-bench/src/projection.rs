//! The subcommand `projection`: one upsert per event, from memory and from the log, beside the same statements bare in
//! `SQLite`; and how soon an appended event is visible.
//!
//! All three write the same rows into the same table, in transactions of the same size, with the same settings of the
//! file. The bare side has its values at hand; a generation finds them in the events' JSON and keeps a checkpoint; a
//! rebuild reads the events from the log, too. They take turns, and the middle of all turns counts.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior, params};
use serde_json::json;
use tokio::runtime::Runtime;
use trunkline::App;
use trunkline::FromFile as _;
use trunkline::config::{FixedClock, MemoryEnvironment, MemoryFiles, World};
use trunkline_core::{
    Append, Expected, NewEvent, Position, RecordedEvent, StoreId, StreamName, Timestamp, Version,
};
use trunkline_sql::{Action, BatchEnd, Model, ReadDatabase, SqliteReadDatabase, schema};
use trunkline_store::{EventStore, LogStore, LogStoreOptions};

use crate::args::{Format, ProjectionArgs};
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::report::number;
use crate::say::say;
use crate::scratch::Scratch;
use crate::statistics::{Summary, float, percentile};

/// Events of a transaction, as the runner of a projection has them at most.
const BATCH: usize = 1_000;

/// Rows are changed about six times each.
const EVENTS_A_ROW: u64 = 6;

/// The live part appends this often.
const APPENDS_A_SECOND: u64 = 1_000;

const TABLE: &str =
    "CREATE TABLE account (id TEXT PRIMARY KEY, owner TEXT, balance INTEGER NOT NULL, changed TEXT NOT NULL)";
const INTO: &str = "INSERT INTO account VALUES (";
const UPSERT: &str =
    ") ON CONFLICT (id) DO UPDATE SET balance = excluded.balance, changed = excluded.changed";
const VALUES: &str = ":data.account_id, :data.owner.name, :data.balance, :occurred_at";

/// How long an append may take to become visible before the run is given up.
const PATIENCE: Duration = Duration::from_secs(30);

struct Found {
    bare: Summary,
    generation: Summary,
    rebuild: Summary,
    /// Milliseconds until an event is visible after its append was acknowledged, sorted.
    visible: Vec<f64>,
}

pub(crate) fn run(args: &ProjectionArgs, runtime: &Runtime) -> Result<()> {
    let interrupt = Interrupt::listen(runtime);
    let scratch = Scratch::new_in(&args.dir)?;
    let (count, turns, live) = if args.quick { (200_000, 3, 3) } else { (1_000_000, 5, 20) };
    say(&format!("{count} events, {turns} turns, in {}", scratch.path().display()));
    let events = events(count)?;
    let log = scratch.path().join("events");
    let store = LogStore::open(&log, LogStoreOptions::default()).map_err(Failure::engine("trunkline"))?;
    runtime.block_on(fill(&store, &events))?;
    let (mut bare, mut generation, mut rebuild) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..turns {
        interrupt.check()?;
        let folder = scratch.subfolder(&format!("turn-{turn}"))?;
        bare.push(run_bare(&folder.join("bare.db"), &events).map_err(Failure::engine("sqlite"))?);
        let path = folder.join("generation.db");
        generation.push(runtime.block_on(run_generation(&path, &events))?);
        rebuild.push(runtime.block_on(run_rebuild(&folder, &store, count))?);
        Scratch::remove(&folder)?;
    }
    drop(events);
    let visible = runtime.block_on(run_live(&scratch.subfolder("live")?, &store, live, &interrupt))?;
    runtime.block_on(store.close());
    let found = Found {
        bare: Summary::of(&bare),
        generation: Summary::of(&generation),
        rebuild: Summary::of(&rebuild),
        visible,
    };
    print(found, count, args.format)
}

fn print(mut found: Found, count: u64, format: Format) -> Result<()> {
    let [p50, p99] = [50, 99].map(|percent| percentile(&mut found.visible, percent));
    let rates =
        [("bare statements", found.bare), ("a generation", found.generation), ("rebuild", found.rebuild)];
    let ratio = |summary: Summary| summary.median / found.bare.median;
    let text = match format {
        Format::Json => {
            let mut list: Vec<_> = rates
                .iter()
                .map(|(what, summary)| {
                    json!({ "workload": what, "value": summary.median, "low": summary.low,
                            "high": summary.high, "unit": "events/s", "ratio": ratio(*summary) })
                })
                .collect();
            list.push(json!({ "workload": "visible-p50", "value": p50, "unit": "ms" }));
            list.push(json!({ "workload": "visible-p99", "value": p99, "unit": "ms" }));
            serde_json::Value::Array(list).to_string()
        }
        Format::Human => {
            let mut text = format!("One upsert per event, {count} events, {BATCH} events a transaction\n\n");
            for (what, summary) in rates {
                let Summary { median, low, high } = summary;
                let rate = format!(
                    "{what:<16} {:>10} events/s   {:>5.2} of bare   ({} to {})\n",
                    number(median),
                    ratio(summary),
                    number(low),
                    number(high)
                );
                text.push_str(&rate);
            }
            let live = format!(
                "\nVisible after an append was acknowledged, at {APPENDS_A_SECOND} appends/s: p50 {} ms, p99 {} ms",
                number(p50),
                number(p99)
            );
            text + &live
        }
    };
    writeln!(std::io::stdout().lock(), "{text}").map_err(Failure::io("print the report"))
}

fn data(number: u64, rows: u64) -> (StreamName, String) {
    // 7,919 is prime, so that neighbours in time aren't neighbours in the table.
    let id = number * 7_919 % rows;
    let data = format!(
        r#"{{"account_id":"account-{id:06}","owner":{{"name":"Ada Lovelace","city":"London"}},"note":"{:120}","amount":{number},"balance":{}}}"#,
        "",
        number * 3
    );
    (format!("account-{id:06}").parse().expect("that is a stream's name"), data)
}

fn events(count: u64) -> Result<Vec<RecordedEvent>> {
    let event = |number: u64| {
        let (stream, data) = data(number, count / EVENTS_A_ROW);
        let event = NewEvent::json("Deposited", data).map_err(Failure::engine("trunkline"))?;
        let time = Timestamp::from_micros(1_700_000_000_000_000 + number.cast_signed());
        Ok(RecordedEvent::from_new(&event, &stream, Position::new(number), Version::new(1), time))
    };
    (1..=count).map(event).collect()
}

async fn fill(store: &LogStore, events: &[RecordedEvent]) -> Result<()> {
    for batch in events.chunks(BATCH) {
        let stream: StreamName = "deposits-1".parse().expect("that is a stream's name");
        let mut append = Append::to(stream, Expected::Any);
        for event in batch {
            let new =
                NewEvent::json("Deposited", event.data_bytes()).map_err(Failure::engine("trunkline"))?;
            append = append.event(new.id(event.event_id()));
        }
        store.append(append).await.map_err(Failure::engine("trunkline"))?;
    }
    Ok(())
}

fn rate(events: usize, since: Instant) -> f64 {
    float(events as u64) / since.elapsed().as_secs_f64()
}

fn run_bare(path: &Path, events: &[RecordedEvent]) -> rusqlite::Result<f64> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "cache_size", -32 << 10)?;
    connection.execute_batch(TABLE)?;
    let rows: Vec<(String, i64)> = events
        .iter()
        .map(|event| (event.stream().to_owned(), (event.position().get() * 3).cast_signed()))
        .collect();
    let text = format!("{INTO}?1, ?2, ?3, ?4{UPSERT}");
    let start = Instant::now();
    for batch in rows.chunks(BATCH) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut statement = transaction.prepare_cached(&text)?;
        for (id, balance) in batch {
            statement.execute(params![id, "Ada Lovelace", balance, "2023-11-14T22:13:20.000001Z"])?;
        }
        drop(statement);
        transaction.commit()?;
    }
    Ok(rate(events.len(), start))
}

async fn run_generation(path: &Path, events: &[RecordedEvent]) -> Result<f64> {
    let database = SqliteReadDatabase::open(path).map_err(Failure::engine("a generation"))?;
    let wrong = |problems: Vec<trunkline_sql::SqlProblem>| Failure::Usage(problems[0].to_string());
    let upsert = Action::once(&format!("{INTO}{VALUES}{UPSERT}")).map_err(wrong)?;
    let tables = schema(TABLE).map_err(wrong)?;
    let model = Model::new("accounts", vec![tables], vec![("Deposited".to_owned(), vec![upsert])]);
    let model = Arc::new(model.map_err(Failure::engine("a generation"))?);
    let created = database.create(&model, StoreId::from_bytes([1; 16])).await;
    let generation = created.map_err(Failure::engine("a generation"))?;
    let opened = database.open(&model, generation).await;
    let mut writer = opened.map_err(Failure::engine("a generation"))?;
    let start = Instant::now();
    for batch in events.chunks(BATCH) {
        let end = BatchEnd::event(&batch[batch.len() - 1]);
        let batch = Arc::new(model.batch(Arc::new(batch.to_vec())));
        writer.apply(batch, end).await.map_err(Failure::engine("a generation"))?;
    }
    let rate = rate(events.len(), start);
    writer.close().await;
    Ok(rate)
}

/// An application with the one projection, over the log.
async fn app(folder: &Path, store: &LogStore) -> Result<App> {
    let text = format!(
        "[read_db]\ndsn: \"sqlite:{}\"\n[projections.accounts]\nschema: \"{TABLE}\"\non {{ Deposited: \"{INTO}{VALUES}{UPSERT}\" }}\n",
        folder.join("read.db").display()
    );
    let files = MemoryFiles::new().with("bench.tsk", text.as_str());
    let world = World { loader: &files, environment: &MemoryEnvironment::new(), clock: &FixedClock(0) };
    let builder = App::builder().shared_store(Arc::new(store.clone()));
    let builder = builder.load("bench.tsk", world).map_err(|error| Failure::Usage(error.to_string()))?;
    builder.build().await.map_err(Failure::engine("trunkline"))
}

async fn run_rebuild(folder: &Path, store: &LogStore, count: u64) -> Result<f64> {
    let app = app(folder, store).await?;
    let start = Instant::now();
    app.projections().catch_up(PATIENCE).await.map_err(Failure::engine("trunkline"))?;
    let rate = float(count) / start.elapsed().as_secs_f64();
    app.close().await;
    Ok(rate)
}

/// Appends one event after the other, each at its time, and waits for each beside the next.
async fn run_live(folder: &Path, store: &LogStore, seconds: u64, interrupt: &Interrupt) -> Result<Vec<f64>> {
    let app = app(folder, store).await?;
    app.projections().catch_up(PATIENCE).await.map_err(Failure::engine("trunkline"))?;
    app.projections().start().await.map_err(Failure::engine("trunkline"))?;
    let mut ticks =
        tokio::time::interval(Duration::from_secs(1) / u32::try_from(APPENDS_A_SECOND).unwrap_or(1));
    let mut waiting = tokio::task::JoinSet::new();
    for number in 1..=seconds * APPENDS_A_SECOND {
        interrupt.check()?;
        ticks.tick().await;
        let (app, store) = (app.clone(), store.clone());
        waiting.spawn(async move {
            let (stream, data) = data(number, 10_000);
            let event = NewEvent::json("Deposited", data).map_err(Failure::engine("trunkline"))?;
            let append = Append::to(stream, Expected::Any).event(event);
            let appended = store.append(append).await.map_err(Failure::engine("trunkline"))?;
            let start = Instant::now();
            let visible = app.projections().wait_for(appended.position, PATIENCE).await;
            visible.map_err(Failure::engine("trunkline"))?;
            Ok(start.elapsed().as_secs_f64() * 1e3)
        });
    }
    let mut all = Vec::new();
    while let Some(ended) = waiting.join_next().await {
        all.push(ended.map_err(Failure::engine("trunkline"))??);
    }
    app.close().await;
    Ok(all)
}
