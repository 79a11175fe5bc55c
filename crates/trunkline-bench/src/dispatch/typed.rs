//! The orders as a typed decider.
//!
//! The workspace of the peers reads this file too, so that both measure the same decisions.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use trunkline::{Command, Decider, Event};

use super::shape::Order;

/// What happens to an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
pub(crate) enum OrderEvent {
    OrderCreated(Order),
    OrderConfirmed { order_id: String },
}

/// What is asked of an order.
#[derive(Clone, Debug, Serialize, Deserialize, Command)]
pub(crate) enum OrderCommand {
    CreateOrder(Order),
    ConfirmOrder { order_id: String },
}

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Absent,
    Pending,
    Confirmed,
}

/// The decider.
#[derive(Debug)]
pub(crate) struct Orders;

impl Decider for Orders {
    const AGGREGATE: &'static str = "order";
    type State = Status;
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Rejection = &'static str;

    fn id(command: &OrderCommand) -> Cow<'_, str> {
        match command {
            OrderCommand::CreateOrder(Order { id, .. }) | OrderCommand::ConfirmOrder { order_id: id } => {
                id.into()
            }
        }
    }

    fn initial() -> Status {
        Status::Absent
    }

    fn decide(status: &Status, command: OrderCommand) -> Result<Vec<OrderEvent>, &'static str> {
        match (command, status) {
            (OrderCommand::CreateOrder(order), Status::Absent) => match order.refusal() {
                Some(reason) => Err(reason),
                None => Ok(vec![OrderEvent::OrderCreated(order)]),
            },
            (OrderCommand::CreateOrder(_), _) => Err("the order exists already"),
            (OrderCommand::ConfirmOrder { order_id }, Status::Pending) => {
                Ok(vec![OrderEvent::OrderConfirmed { order_id }])
            }
            (OrderCommand::ConfirmOrder { .. }, _) => Err("the order is not pending"),
        }
    }

    fn evolve(_: Status, event: &OrderEvent) -> Status {
        match event {
            OrderEvent::OrderCreated(_) => Status::Pending,
            OrderEvent::OrderConfirmed { .. } => Status::Confirmed,
        }
    }
}
