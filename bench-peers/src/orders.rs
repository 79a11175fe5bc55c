//! What is asked of both.

use crate::shape::{LINES_MEDIAN, Order};
use crate::typed::OrderCommand;

/// Commands a round.
pub(crate) const COMMANDS: usize = 2000;

/// A command, asked again and again of other orders.
pub(crate) struct Asked {
    pub(crate) name: &'static str,
    lines: usize,
    /// Whether the order is there already, and is confirmed.
    confirms: bool,
}

impl Asked {
    pub(crate) const ALL: [Self; 4] = [
        Self { name: "create-1", lines: 1, confirms: false },
        Self { name: "create-25", lines: LINES_MEDIAN, confirms: false },
        Self { name: "confirm-1", lines: 1, confirms: true },
        Self { name: "confirm-25", lines: LINES_MEDIAN, confirms: true },
    ];

    /// What comes first, unmeasured.
    pub(crate) fn before(&self) -> impl Iterator<Item = OrderCommand> {
        let count = if self.confirms { COMMANDS } else { 0 };
        (0..count).map(|number| OrderCommand::CreateOrder(Order::new(number, self.lines)))
    }

    /// What is measured; made before the clock is read.
    pub(crate) fn commands(&self) -> Vec<OrderCommand> {
        let orders = (0..COMMANDS).map(|number| Order::new(number, self.lines));
        let command = |order: Order| match self.confirms {
            true => OrderCommand::ConfirmOrder { order_id: order.id },
            false => OrderCommand::CreateOrder(order),
        };
        orders.map(command).collect()
    }
}
