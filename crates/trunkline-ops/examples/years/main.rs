//! What old events and long streams cost: upcasting an event in three steps, and dispatching to a stream of
//! 100,000 events beside one of 100.
//!
//! `cargo run --release -p trunkline-ops --example years`, and with `-- census` what a census and a migration of a million
//! events take; the figures are in `docs/design/0006-events-over-years.md`.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

mod census;

use std::hint::black_box;
use std::time::{Duration, Instant};

use trunkline::FromFile as _;
use trunkline::config::{FixedClock, MemoryEnvironment, MemoryFiles, World};
use trunkline::upcast::Upcasters;
use trunkline::{
    App, Append, ApplicationFile, CommandRequest, EventStore, Expected, LogStore, LogStoreOptions, NewEvent,
    Position, RecordedEvent, Registered, Timestamp, Version,
};

const FILE: &str = r#"
[events.OrderCreated]
version: 4
upcast: [
  { from: 1, steps: [{ rename: { sum: "total" } }] }
  { from: 2, steps: [{ add: { currency: "EUR" } }] }
  { from: 3, steps: [{ move: { country: "address.country" } }] }
]

[events.OrderPriced]
version: 4
upcast: [
  { from: 1, steps: [{ rename: { sum: "total" } }] }
  { from: 2, steps: [{ compute: { cents: "event.data.total * 100" } }] }
  { from: 3, steps: [{ remove: "total" }] }
]

[aggregates.counter]
initial: "{'n': 0}"
on { Counted: "put(state, 'n', state.n + 1)" }

[commands.Count]
stream: "'counter-' + command.id"
emit: [{ type: "Counted", data: "{}" }]
"#;

/// The least of many rounds: everything else is somebody else's doing.
fn least(mut round: impl FnMut() -> Duration) -> Duration {
    (0..9).map(|_| round()).min().unwrap_or_default()
}

fn upcasting(upcasters: &Upcasters, event_type: &str, version: u32) -> f64 {
    const EVENTS: u32 = 100_000;
    let data = r#"{"order_id":"536365","customer_id":"17850","country":"United Kingdom","sum":13900,"items":[{"sku":"85123A","quantity":6,"unit_price":255},{"sku":"71053","quantity":6,"unit_price":339}]}"#;
    let event = NewEvent::json(event_type, data).expect("it is an event");
    let event = NewEvent { schema_version: version, ..event };
    let stream = "order-536365".parse().expect("it is a stream");
    let stored =
        RecordedEvent::from_new(&event, &stream, Position::FIRST, Version::FIRST, Timestamp::from_micros(0));
    let took = least(|| {
        let begun = Instant::now();
        for _ in 0..EVENTS {
            let present = upcasters.upcast(black_box(stored.clone())).expect("it reaches today's shape");
            for event in present {
                black_box(event);
            }
        }
        begun.elapsed()
    });
    took.as_secs_f64() * 1e6 / f64::from(EVENTS)
}

/// The microseconds that a dispatch takes, the median of many.
async fn dispatching(app: &App, id: &str) -> f64 {
    let mut took = Vec::new();
    for _ in 0..500 {
        let request = CommandRequest::new("Count", format!(r#"{{"id":"{id}"}}"#));
        let begun = Instant::now();
        app.send(request).await.expect("it has an outcome");
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    took[took.len() / 2].as_secs_f64() * 1e6
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().nth(1).as_deref() == Some("census") {
        return census::measure().await;
    }
    let files = MemoryFiles::new().with("app.tsk", FILE);
    let world = World { loader: &files, environment: &MemoryEnvironment::new(), clock: &FixedClock(0) };
    let read = || ApplicationFile::load("app.tsk", world, &Registered::default());
    let upcasters = read()?.definition.upcasters;
    for (what, event_type, version) in [
        ("no declaration", "Counted", 1),
        ("today's shape", "OrderCreated", 4),
        ("three steps: rename, add, move", "OrderCreated", 1),
        ("three steps: rename, compute, remove", "OrderPriced", 1),
    ] {
        println!("upcast, {what}: {:.3} µs an event", upcasting(&upcasters, event_type, version));
    }

    let folder = tempfile::tempdir()?;
    let log = LogStore::open(&folder.path().join("events"), LogStoreOptions::default())?;
    for (id, events) in [("short", 100), ("long", 100_000)] {
        let stream: trunkline::StreamName = format!("counter-{id}").parse()?;
        for _ in 0..events / 100 {
            let counted = (0..100).map(|_| NewEvent::json("Counted", "{}")).collect::<Result<Vec<_>, _>>()?;
            let append = Append::to(stream.clone(), Expected::Any);
            log.append(counted.into_iter().fold(append, Append::event)).await?;
        }
    }
    let builder = App::builder().store(log).snapshots(folder.path().join("snapshots"));
    let app = builder.file(read()?).build().await?;
    for round in 1..=2 {
        for id in ["long", "short"] {
            let begun = Instant::now();
            app.send(CommandRequest::new("Count", format!(r#"{{"id":"{id}"}}"#))).await?;
            let first = begun.elapsed();
            let median = dispatching(&app, id).await;
            println!("round {round}, {id}: first dispatch {first:?}, median of 500 {median:.0} µs");
        }
    }
    Ok(())
}
