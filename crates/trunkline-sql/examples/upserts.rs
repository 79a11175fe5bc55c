//! One upsert per event: how many events a second a generation takes, beside bare prepared statements in `SQLite`.
//!
//! ```text
//! cargo run --release -p trunkline-sql --example upserts
//! ```
//!
//! Both write the same rows into the same table, in transactions of the same size, with the same settings of the
//! file; the bare side has its values at hand, and the other finds them in the events' JSON and keeps a checkpoint.
//! They take turns, and the middle of five turns counts.

#![expect(clippy::print_stdout, reason = "this is a program that prints what it measured")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior, params};
use trunkline_core::{NewEvent, Position, RecordedEvent, StoreId, Timestamp, Version};
use trunkline_sql::{Action, Model, Reached, ReadDatabase, SqliteReadDatabase, schema};

const EVENTS: u64 = 300_000;
const ACCOUNTS: u64 = 50_000;
const BATCH: usize = 1_000;
const TURNS: usize = 5;

const TABLE: &str =
    "CREATE TABLE account (id TEXT PRIMARY KEY, owner TEXT, balance INTEGER NOT NULL, changed TEXT NOT NULL)";
const UPSERT: [&str; 2] = [
    "INSERT INTO account VALUES (",
    ") ON CONFLICT (id) DO UPDATE SET balance = excluded.balance, changed = excluded.changed",
];

fn main() -> Result<(), Box<dyn Error>> {
    let events = events()?;
    let (mut bare, mut applied) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let folder = tempfile::tempdir()?;
        bare.push(run_bare(&folder.path().join("bare.db"), &events)?);
        applied.push(run_applied(&folder.path().join("read.db"), &events)?);
    }
    let (bare, applied) = (middle(bare), middle(applied));
    println!(
        "{EVENTS} events of about {} bytes, {ACCOUNTS} rows, {BATCH} events a transaction",
        events[0].data().len()
    );
    println!("bare statements  {bare:>10.0} events/s");
    println!("a generation     {applied:>10.0} events/s");
    println!("ratio            {:>10.2}", applied / bare);
    Ok(())
}

fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn events() -> Result<Vec<RecordedEvent>, Box<dyn Error>> {
    let event = |number: u64| {
        let id = number * 7_919 % ACCOUNTS;
        let data = format!(
            r#"{{"account_id":"account-{id:06}","owner":{{"name":"Ada Lovelace","city":"London"}},"note":"{:120}","amount":{number},"balance":{}}}"#,
            "",
            number * 3
        );
        let stream = format!("account-{id:06}").parse()?;
        let event = NewEvent::json("Deposited", data)?;
        let time = Timestamp::from_micros(1_700_000_000_000_000 + i64::try_from(number)?);
        Ok(RecordedEvent::from_new(&event, &stream, Position::new(number), Version::new(1), time))
    };
    (1..=EVENTS).map(event).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a rate is no exact number")]
fn rate(since: Instant) -> f64 {
    EVENTS as f64 / since.elapsed().as_secs_f64()
}

fn run_bare(path: &Path, events: &[RecordedEvent]) -> Result<f64, Box<dyn Error>> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "cache_size", -32 << 10)?;
    connection.execute_batch(TABLE)?;
    let rows: Vec<(String, i64)> = events
        .iter()
        .map(|event| Ok((event.stream().to_owned(), i64::try_from(event.position().get() * 3)?)))
        .collect::<Result<_, Box<dyn Error>>>()?;
    let text = format!("{}?1, ?2, ?3, ?4{}", UPSERT[0], UPSERT[1]);
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
    Ok(rate(start))
}

fn run_applied(path: &Path, events: &[RecordedEvent]) -> Result<f64, Box<dyn Error>> {
    let database = SqliteReadDatabase::open(path)?;
    let text =
        format!("{}:data.account_id, :data.owner.name, :data.balance, :occurred_at{}", UPSERT[0], UPSERT[1]);
    let actions =
        vec![("Deposited".to_owned(), vec![Action::once(&text).map_err(|problems| problems[0].clone())?])];
    let tables = schema(TABLE).map_err(|problems| problems[0].clone())?;
    let model = Arc::new(Model::new("accounts", vec![tables], actions)?);
    let generation = database.create(&model, StoreId::from_bytes([1; 16]))?;
    let mut writer = database.open(&model, generation)?;
    let start = Instant::now();
    for batch in events.chunks(BATCH) {
        let reached = Reached::event(&batch[batch.len() - 1]);
        writer.apply(batch, reached)?;
    }
    Ok(rate(start))
}
