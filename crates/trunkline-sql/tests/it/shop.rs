//! A small shop: a projection with two tables, and events for it.

use std::sync::Arc;

use tempfile::TempDir;
use trunkline_core::{Metadata, NewEvent, Position, RecordedEvent, StoreId, Timestamp, Version};
use trunkline_sql::{Action, AnswerLimits, BatchEnd, Model, Parameters, Parked, SqlQuery, schema};

use crate::waited::{Database, Owner};

pub(crate) const STORE: StoreId = StoreId::from_bytes([7; 16]);

const TABLES: &str = "
    CREATE TABLE orders (id TEXT PRIMARY KEY, total INTEGER, note, changed_at INTEGER NOT NULL);
    CREATE TABLE line (order_id TEXT, sku TEXT, quantity INTEGER);
    CREATE INDEX line_sku ON line (sku);
";

pub(crate) fn model(name: &str, tables: &str, actions: Vec<(&str, Vec<Action>)>) -> Arc<Model> {
    let actions = actions.into_iter().map(|(event, actions)| (event.to_owned(), actions)).collect();
    Arc::new(Model::new(name, vec![schema(tables).unwrap()], actions).unwrap())
}

pub(crate) fn orders(name: &str) -> Arc<Model> {
    let created = vec![
        Action::once("INSERT INTO orders VALUES (:data.id, :data.total, :data.note, :position)").unwrap(),
        Action::for_each(
            Action::list("data.items").unwrap(),
            "INSERT INTO line VALUES (:data.id, :item.sku, :item.quantity)",
        )
        .unwrap(),
    ];
    let cancelled = Action::once(
        "DELETE FROM line WHERE order_id = :stream_id; UPDATE orders SET total = 0, changed_at = :position WHERE id = :stream_id",
    );
    model(name, TABLES, vec![("OrderCreated", created), ("OrderCancelled", vec![cancelled.unwrap()])])
}

/// An event with an id that its position gives.
pub(crate) fn event(position: u64, stream: &str, event_type: &str, data: &str) -> RecordedEvent {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&position.to_be_bytes());
    let event = NewEvent::new(event_type.parse().unwrap(), data.to_owned())
        .id(trunkline_core::EventId::from_bytes(id))
        .metadata(Metadata::parse(r#"{"actor":"ada"}"#).unwrap());
    let time = Timestamp::from_micros(1_600_000_000_000_000);
    RecordedEvent::from_new(&event, &stream.parse().unwrap(), Position::new(position), Version::new(1), time)
}

/// Orders that are created, and every third of them cancelled later.
pub(crate) fn events(from: u64, to: u64) -> Vec<RecordedEvent> {
    (from..=to)
        .map(|position| match position % 4 {
            0 => event(position, &format!("order-{}", position - 3), "OrderCancelled", "{}"),
            _ => event(
                position,
                &format!("order-{position}"),
                "OrderCreated",
                &format!(
                    r#"{{"id":"{position}","total":{},"items":[{{"sku":"a","quantity":1}},{{"sku":"b","quantity":{position}}}]}}"#,
                    position * 10
                ),
            ),
        })
        .collect()
}

pub(crate) fn reached(events: &[RecordedEvent]) -> BatchEnd {
    BatchEnd::event(events.last().unwrap())
}

/// A database in a folder of its own, with one generation of `orders`.
pub(crate) struct Shop {
    pub(crate) folder: TempDir,
    pub(crate) database: Database,
    pub(crate) model: Arc<Model>,
    pub(crate) writer: Owner,
}

impl Shop {
    pub(crate) fn new() -> Self {
        Self::with(orders("orders"))
    }

    pub(crate) fn with(model: Arc<Model>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("read.db")).unwrap();
        let generation = database.create(&model, STORE).unwrap();
        let writer = database.open_writer(&model, generation).unwrap();
        Self { folder, database, model, writer }
    }

    /// Applies all events in one batch.
    pub(crate) fn apply(&mut self, events: &[RecordedEvent]) {
        self.writer.apply(events, reached(events)).unwrap();
    }

    pub(crate) fn rows(&self, sql: &str) -> String {
        rows(&self.database, sql)
    }

    /// The events that were put aside in generation 1.
    pub(crate) fn parked(&self) -> Vec<Parked> {
        self.database.parked(self.model.name(), 1).unwrap()
    }

    /// Everything that the projection's tables have.
    pub(crate) fn contents(&self) -> [String; 2] {
        ["SELECT * FROM orders ORDER BY id", "SELECT * FROM line ORDER BY order_id, sku"]
            .map(|sql| self.rows(sql))
    }

    /// A connection to the file of generation 1, past everything that guards it.
    pub(crate) fn behind(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.database.generation_path(self.model.name(), 1)).unwrap()
    }
}

pub(crate) fn rows(database: &Database, sql: &str) -> String {
    let query = SqlQuery::ad_hoc(sql).unwrap();
    database.ask(&query, &Parameters::default(), &AnswerLimits::default()).unwrap().to_json().to_string()
}
