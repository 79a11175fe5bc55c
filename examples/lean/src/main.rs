//! A store of goods as a program with `default-features = false`: a decider and a query, all in memory.
//!
//! `cargo run --package trunkline-lean` compiles the few crates that this needs, without `SQLite`, the log on disk, the
//! application file and HTTP. The derives for commands and events are a feature too (`macros`); what they would write
//! stands here.

use std::borrow::Cow;
use std::error::Error;

use serde::{Deserialize, Serialize};
use trunkline::{
    App, Command, Decider, Event, EventShape, EventStoreExt, MemoryStore, Outcome, QueryError, QueryHandler,
    StreamName,
};

#[derive(Debug, Serialize, Deserialize)]
enum StockCommand {
    Receive { sku: String, count: u32 },
    Ship { sku: String, count: u32 },
}

impl Command for StockCommand {
    const NAMES: &'static [&'static str] = &["Receive", "Ship"];

    fn name(&self) -> &'static str {
        match self {
            Self::Receive { .. } => "Receive",
            Self::Ship { .. } => "Ship",
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
enum StockEvent {
    Received { sku: String, count: u32 },
    Shipped { sku: String, count: u32 },
}

impl Event for StockEvent {
    const SHAPES: &'static [EventShape] = &[
        EventShape { event_type: "Received", version: 1, unit: false },
        EventShape { event_type: "Shipped", version: 1, unit: false },
    ];

    fn shape(&self) -> &'static EventShape {
        match self {
            Self::Received { .. } => &Self::SHAPES[0],
            Self::Shipped { .. } => &Self::SHAPES[1],
        }
    }
}

/// One article; nothing is shipped that is not there.
struct Stock;

impl Decider for Stock {
    const AGGREGATE: &'static str = "stock";
    type State = u32;
    type Command = StockCommand;
    type Event = StockEvent;
    type Rejection = String;

    fn id(command: &StockCommand) -> Cow<'_, str> {
        match command {
            StockCommand::Receive { sku, .. } | StockCommand::Ship { sku, .. } => sku.into(),
        }
    }

    fn initial() -> u32 {
        0
    }

    fn decide(present: &u32, command: StockCommand) -> Result<Vec<StockEvent>, String> {
        match command {
            StockCommand::Receive { sku, count } => Ok(vec![StockEvent::Received { sku, count }]),
            StockCommand::Ship { count, .. } if count > *present => Err(format!("only {present} are there")),
            StockCommand::Ship { sku, count } => Ok(vec![StockEvent::Shipped { sku, count }]),
        }
    }

    fn evolve(present: u32, event: &StockEvent) -> u32 {
        match event {
            StockEvent::Received { count, .. } => present.saturating_add(*count),
            StockEvent::Shipped { count, .. } => present.saturating_sub(*count),
        }
    }
}

#[derive(Deserialize)]
struct GetStock {
    sku: String,
}

#[derive(Serialize)]
struct Present {
    sku: String,
    count: u32,
}

/// Answers from the events themselves; nothing is kept beside them.
struct Inventory(MemoryStore);

impl Inventory {
    async fn present(&self, sku: &str) -> Result<Option<u32>, Box<dyn Error + Send + Sync>> {
        let stream: StreamName = format!("{}-{sku}", Stock::AGGREGATE).parse()?;
        let mut present = None;
        for event in self.0.stream_events(&stream).await? {
            if let Some(event) = StockEvent::from_data(event.event_type(), event.data()) {
                present = Some(Stock::evolve(present.unwrap_or_else(Stock::initial), &event?));
            }
        }
        Ok(present)
    }
}

impl QueryHandler for Inventory {
    type Input = GetStock;
    type Output = Present;

    async fn answer(&self, GetStock { sku }: GetStock) -> Result<Present, QueryError> {
        match self.present(&sku).await {
            Ok(Some(count)) => Ok(Present { sku, count }),
            Ok(None) => Err(QueryError::NotFound { what: sku }),
            Err(error) => Err(QueryError::Failed { reason: error.to_string() }),
        }
    }
}

/// Receives ten, ships three, fails to ship eight; the last outcome, and what a query then says.
async fn play() -> Result<(Outcome, String), Box<dyn Error>> {
    let store = MemoryStore::new();
    let app = App::builder()
        .store(store.clone())
        .decider::<Stock>()
        .query("GetStock", Inventory(store))
        .build()
        .await?;
    let sku = || "chair".to_owned();
    app.dispatch(StockCommand::Receive { sku: sku(), count: 10 }).await?;
    app.dispatch(StockCommand::Ship { sku: sku(), count: 3 }).await?;
    let outcome = app.dispatch(StockCommand::Ship { sku: sku(), count: 8 }).await?;
    let answer = app.query("GetStock", r#"{"sku":"chair"}"#).await?;
    let answer = String::from_utf8(answer.to_vec())?;
    app.close().await;
    Ok((outcome, answer))
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "it is an example")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (outcome, answer) = play().await?;
    if let Some(rejection) = outcome.rejection() {
        println!("rejected: {}", rejection.reason);
    }
    println!("{answer}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ships_what_is_there() {
        let (outcome, answer) = play().await.unwrap();
        assert_eq!(outcome.rejection().map(|rejection| &*rejection.reason), Some("only 7 are there"));
        assert_eq!(answer, r#"{"sku":"chair","count":7}"#);
    }
}
