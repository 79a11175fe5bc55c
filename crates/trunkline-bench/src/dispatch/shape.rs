//! Orders of the shape that a real shop's invoices have: as many bytes a line, prices and quantities as usual.
//!
//! The workspace of the peers reads this file too, so that both measure the same orders.

use serde::{Deserialize, Serialize};

/// The median of lines of a real order.
pub(crate) const LINES_MEDIAN: usize = 25;

/// An order as it is asked for, and as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    #[serde(rename = "order_id")]
    pub(crate) id: String,
    pub(crate) customer_id: Option<String>,
    pub(crate) country: String,
    pub(crate) currency: String,
    pub(crate) items: Vec<Item>,
    pub(crate) total: i64,
}

/// A line of an order; money is in pence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) sku: String,
    pub(crate) description: String,
    pub(crate) quantity: i64,
    pub(crate) unit_price: i64,
}

const DESCRIPTIONS: [&str; 7] = [
    "SET OF 6 SMALL WOODEN STARS",
    "BLUE ENAMEL JUG",
    "HANGING LANTERN WITH 3 GLASS PANES",
    "TEA TOWEL, GARDEN BIRDS",
    "PAPER CHAIN KIT, WINTER COLOURS",
    "DOOR MAT, STRIPED, 60 CM WIDE",
    "CERAMIC HERB PLANTER, GREEN",
];

impl Order {
    /// The order of this number, with so many lines.
    pub(crate) fn new(number: usize, lines: usize) -> Self {
        let items: Vec<Item> = (0..lines).map(|line| Item::new(number + line)).collect();
        let total = items.iter().map(|item| item.quantity * item.unit_price).sum();
        Self {
            id: format!("{}", 500_000 + number),
            customer_id: Some(format!("{}", 10_000 + number % 9000)),
            country: "United Kingdom".to_owned(),
            currency: "GBP".to_owned(),
            items,
            total,
        }
    }

    /// Why it is no order that a shop accepts: the rules of `examples/orders/orders.tsk`, in the same order.
    pub(crate) fn refusal(&self) -> Option<&'static str> {
        let sum = || self.items.iter().map(|item| item.quantity * item.unit_price).sum::<i64>();
        if self.items.is_empty() {
            Some("an order needs at least one item")
        } else if self.items.iter().any(|item| item.quantity < 1) {
            Some("quantities must be at least 1")
        } else if self.items.iter().any(|item| item.unit_price < 0) {
            Some("unit prices must not be negative")
        } else if self.total <= 0 {
            Some("the total must be positive")
        } else if self.total != sum() {
            Some("the total is not the sum of the items")
        } else {
            None
        }
    }
}

impl Item {
    fn new(number: usize) -> Self {
        let variant = if number.is_multiple_of(8) { "A" } else { "" };
        Self {
            sku: format!("{}{variant}", 20_000 + number % 5000),
            description: DESCRIPTIONS[number % DESCRIPTIONS.len()].to_owned(),
            quantity: 1 + i64::from((number % 12) as u32),
            unit_price: 85 + i64::from((number * 37 % 710) as u32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_the_size_of_a_real_one() {
        // The median of the real orders of 23 to 27 lines is 2,342 bytes. Of those of one line it is 200 with a
        // customer, as these have, and 167 without one.
        for (lines, bytes) in [(LINES_MEDIAN, 2342), (1, 200)] {
            let sizes = (0..7).map(|number| serde_json::to_vec(&Order::new(number, lines)).unwrap().len());
            let mean = sizes.sum::<usize>() / 7;
            assert!(mean.abs_diff(bytes) * 20 < bytes, "{mean} bytes for {lines} lines");
        }
    }

    #[test]
    fn orders_are_accepted_as_they_are() {
        assert!((0..100).all(|number| Order::new(number, 25).refusal().is_none()));
    }
}
