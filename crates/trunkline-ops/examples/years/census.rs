//! How fast a million stored events are counted and brought to today's shape, beside how fast they are only read, and
//! how fast a migration copies them.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use serde::Deserialize;
use trunkline::config::{FixedClock, MemoryEnvironment, MemoryFiles, World};
use trunkline::{
    Append, ApplicationFile, EventStore, Expected, LogStore, LogStoreOptions, NewEvent, Registered,
    StreamName,
};
use trunkline_ops::census::census;
use trunkline_ops::migrate::Migration;
use trunkline_store::AllRead;

/// What a reader makes of an event's data that only wants a few of its fields.
#[derive(Deserialize)]
struct Wanted<'a> {
    order_id: &'a str,
    #[serde(default, alias = "sum")]
    total: u64,
    #[serde(default)]
    currency: Option<&'a str>,
    #[serde(default)]
    by: Option<&'a str>,
}

/// How many events there are.
const EVENTS: u64 = 1_000_000;

/// How many of them one append has.
const TOGETHER: u64 = 1000;

const FILE: &str = r#"
[events.OrderCreated]
version: 4
schema: {
  type: "object", required: ["order_id", "total", "currency"]
  properties: {
    order_id: { type: "string" }, total: { type: "integer", minimum: 0 }, currency: { type: "string" }
    items: { type: "array", items: { type: "object", required: ["sku"], properties: { sku: { type: "string" } } } }
  }
}
upcast: [
  { from: 1, steps: [{ rename: { sum: "total" } }] }
  { from: 2, steps: [{ add: { currency: "EUR" } }] }
  { from: 3, steps: [{ move: { country: "address.country" } }] }
]
"#;

/// Of four events, one is of the first version, two are of today's, and one is of a type that nobody declares.
fn event(number: u64) -> NewEvent {
    let items = r#""items":[{"sku":"85123A","quantity":6,"unit_price":255},{"sku":"71053","quantity":6,"unit_price":339}]"#;
    let (event_type, schema_version, data) = match number % 4 {
        0 => (
            "OrderCreated",
            1,
            format!(r#"{{"order_id":"{number}","country":"United Kingdom","sum":13900,{items}}}"#),
        ),
        1 => ("OrderPaid", 1, format!(r#"{{"order_id":"{number}","sum":13900,"by":"invoice",{items}}}"#)),
        _ => (
            "OrderCreated",
            4,
            format!(
                r#"{{"order_id":"{number}","address":{{"country":"Norway"}},"total":13900,"currency":"NOK",{items}}}"#
            ),
        ),
    };
    NewEvent { schema_version, ..NewEvent::json(event_type, data).expect("it is an event") }
}

fn open(path: &Path) -> LogStore {
    LogStore::open(path, LogStoreOptions::default()).expect("the folder is new")
}

fn said(what: &str, took: Duration) {
    #[expect(clippy::cast_precision_loss, reason = "a rate is said in whole thousands")]
    let rate = EVENTS as f64 / took.as_secs_f64() / 1000.0;
    println!("{what}: {took:.2?}, {rate:.0} thousand events/s");
}

pub(crate) async fn measure() -> Result<(), Box<dyn std::error::Error>> {
    let files = MemoryFiles::new().with("app.tsk", FILE);
    let world = World { loader: &files, environment: &MemoryEnvironment::new(), clock: &FixedClock(0) };
    let definition = ApplicationFile::load("app.tsk", world, &Registered::default())?.definition;

    let folder = tempfile::tempdir()?;
    let old = open(&folder.path().join("old"));
    let begun = Instant::now();
    for first in (0..EVENTS).step_by(TOGETHER as usize) {
        let stream: StreamName = format!("order-{first}").parse()?;
        let append = Append::to(stream, Expected::Any);
        old.append((first..first + TOGETHER).map(event).fold(append, Append::event)).await?;
    }
    said("append, 1000 at a time", begun.elapsed());

    for _ in 0..3 {
        let begun = Instant::now();
        let mut events = old.read_all(AllRead::default());
        while let Some(event) = events.next().await {
            black_box(event?);
        }
        said("replay", begun.elapsed());
        let begun = Instant::now();
        let mut events = old.read_all(AllRead::default());
        while let Some(event) = events.next().await {
            let event = event?;
            let Wanted { order_id, total, currency, by } = serde_json::from_slice(event.data())?;
            black_box((order_id, total, currency, by));
        }
        said("replay, parsed into four fields", begun.elapsed());
        let begun = Instant::now();
        let counted = census(&definition, &old, |_| ()).await?;
        said("census", begun.elapsed());
        assert_eq!((counted.events, counted.undecodable, counted.shapes.len()), (EVENTS, 0, 3));
    }

    let new = open(&folder.path().join("new"));
    for what in ["migrate", "migrate, all of it there"] {
        let begun = Instant::now();
        let report = Migration::new(&definition).run(&old, &new, |_| ()).await?;
        said(what, begun.elapsed());
        assert_eq!(report.to.events, EVENTS);
    }
    Ok(())
}
