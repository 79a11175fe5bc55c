//! The orders of `orders.tsk` as a typed decider: the same commands, events and rules, in Rust.
//!
//! `cargo run --example orders` dispatches a few commands over a store in memory; `cargo test --example orders`
//! runs the tests below.
#![expect(
    clippy::enum_variant_names,
    reason = "commands and events have the names that `orders.tsk` gives them"
)]

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use trunkline::{App, Command, CommandRequest, Decider, Decision, Event, MemoryStore, Outcome};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    sku: String,
    quantity: i64,
    /// In pence.
    unit_price: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Command)]
enum OrderCommand {
    CreateOrder { order_id: String, items: Vec<Item>, total: i64 },
    ConfirmOrder { order_id: String },
    CancelOrder { order_id: String, reason: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
enum OrderEvent {
    OrderCreated { order_id: String, items: Vec<Item>, total: i64 },
    OrderConfirmed { order_id: String },
    OrderCancelled { order_id: String, reason: String, was: Status },
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    New,
    Pending,
    Confirmed,
    Cancelled,
}

use OrderCommand::{CancelOrder, ConfirmOrder, CreateOrder};
use OrderEvent::{OrderCancelled, OrderConfirmed, OrderCreated};

struct Order;

impl Decider for Order {
    const AGGREGATE: &'static str = "order";
    type State = Status;
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Rejection = String;

    fn id(command: &OrderCommand) -> Cow<'_, str> {
        let (CreateOrder { order_id, .. } | ConfirmOrder { order_id } | CancelOrder { order_id, .. }) =
            command;
        order_id.into()
    }

    fn initial() -> Status {
        Status::New
    }

    fn decide(status: &Status, command: OrderCommand) -> Result<Vec<OrderEvent>, String> {
        match (command, status) {
            (CreateOrder { order_id, items, total }, Status::New) => {
                check(&items, total)?;
                Ok(vec![OrderCreated { order_id, items, total }])
            }
            (ConfirmOrder { order_id }, Status::Pending) => Ok(vec![OrderConfirmed { order_id }]),
            (CancelOrder { order_id, reason }, &was @ (Status::Pending | Status::Confirmed)) => {
                Ok(vec![OrderCancelled { order_id, reason, was }])
            }
            (_, status) => Err(format!("the order is {status:?}").to_lowercase()),
        }
    }

    fn evolve(_: Status, event: &OrderEvent) -> Status {
        match event {
            OrderCreated { .. } => Status::Pending,
            OrderConfirmed { .. } => Status::Confirmed,
            OrderCancelled { .. } => Status::Cancelled,
        }
    }
}

fn check(items: &[Item], total: i64) -> Result<(), String> {
    if items.is_empty() {
        return Err("an order needs at least one item".to_owned());
    }
    if items.iter().any(|item| item.quantity < 1 || item.unit_price < 0) {
        return Err("quantities are at least 1, and prices are not negative".to_owned());
    }
    if total != items.iter().map(|item| item.quantity * item.unit_price).sum::<i64>() {
        return Err("the total is not the sum of the items".to_owned());
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = App::builder().store(MemoryStore::new()).decider::<Order>().build().await?;
    let hearts = Item { sku: "85123A".into(), quantity: 6, unit_price: 255 };

    let create = CreateOrder { order_id: "1".into(), items: vec![hearts], total: 1530 };
    say(&app.dispatch(create.clone()).await?);
    say(&app.dispatch(create).await?);

    // Under an id, a command has one outcome, however often it is sent.
    let confirm = CommandRequest::of(&ConfirmOrder { order_id: "1".into() })?.id("confirm-1".parse()?);
    say(&app.send(confirm.clone()).await?);
    say(&app.send(confirm).await?);

    say(&app.dispatch(CancelOrder { order_id: "1".into(), reason: "changed my mind".into() }).await?);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is what the example shows")]
fn say(outcome: &Outcome) {
    let again = if outcome.repeated { " (again)" } else { "" };
    match &outcome.decision {
        Decision::Accepted(accepted) => {
            for event in &accepted.events {
                let data = String::from_utf8_lossy(&event.data);
                println!("{}{again}: {} v{} {data}", event.event_type, event.stream, event.version);
            }
        }
        Decision::Rejected(rejection) => println!("{} rejected: {}", outcome.command, rejection.reason),
    }
}

#[cfg(test)]
mod tests {
    use trunkline::testing::given;

    use super::*;

    #[test]
    fn a_confirmed_order_says_so_when_it_is_cancelled() {
        given::<Order>([
            OrderCreated { order_id: "1".into(), items: vec![], total: 0 },
            OrderConfirmed { order_id: "1".into() },
        ])
        .when(CancelOrder { order_id: "1".into(), reason: "late".into() })
        .then([OrderCancelled {
            order_id: "1".into(),
            reason: "late".into(),
            was: Status::Confirmed,
        }]);
    }

    #[test]
    fn an_order_needs_items() {
        given::<Order>([])
            .when(CreateOrder { order_id: "1".into(), items: vec![], total: 0 })
            .then_rejected("an order needs at least one item");
    }
}
