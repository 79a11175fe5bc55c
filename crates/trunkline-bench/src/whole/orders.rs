//! Orders of a shop, made up in the proportions of 1,275 real commands.
//!
//! Of 1,119 real orders 994 were accepted, with 15 lines in the middle and 25 on average; for every thousand of
//! those, 46 were over the limit of a payment and 7 out of stock, 126 others were refused, and there were 48
//! cancellations of known orders and 109 of unknown ones.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::json;
use trunkline_core::Timestamp;

use crate::dispatch::shape::{Item, Order};
use crate::failure::{Failure, Result};
use crate::random::Random;

/// A tenth of real orders have at most so many lines, a tenth up to the next, and so on.
const LINES: [u64; 11] = [1, 1, 1, 4, 7, 11, 15, 20, 29, 48, 568];

/// What a payment may be at most, in pence.
const LIMIT: i64 = 200_000;

/// A cancellation is of one of so many orders before it.
const CANCELLED_AMONG: u64 = 500;

/// 2010-12-01T08:26:00Z, when the real orders begin.
const BEGIN: i64 = 1_291_191_960_000_000;
const MINUTE: i64 = 60_000_000;

/// What becomes of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Confirmed,
    OverTheLimit,
    OutOfStock,
}

#[derive(Serialize)]
struct Line<T: Serialize> {
    command: &'static str,
    id: String,
    occurred_at: String,
    data: T,
}

/// Writes the commands of so many orders that will be accepted, and of what comes beside them.
pub(super) fn write(path: &Path, orders: u64) -> Result<()> {
    let failed = || Failure::io(format!("write {}", path.display()));
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).map_err(failed())?);
    let mut random = Random::new(2010);
    for number in 0..orders {
        for line in of_order(number, &mut random) {
            out.write_all(line.as_bytes()).map_err(failed())?;
        }
    }
    out.into_inner().map_err(|error| failed()(error.into_error())).map(drop)
}

/// The commands of one order, and of what comes beside it, each with its line's end.
fn of_order(number: u64, random: &mut Random) -> Vec<String> {
    let occurred_at = Timestamp::from_micros(BEGIN + number.cast_signed() * MINUTE).to_string();
    let fate = match random.below(1000) {
        0..46 => Fate::OverTheLimit,
        46..53 => Fate::OutOfStock,
        _ => Fate::Confirmed,
    };
    let mut lines = Vec::new();
    let mut add = |command, id: String, data: serde_json::Value| {
        let line = Line { command, id, occurred_at: occurred_at.clone(), data };
        lines.push(serde_json::to_string(&line).expect("texts and numbers are JSON") + "\n");
    };
    let made = order(number, fate, random);
    add("CreateOrder", format!("create-{}", made.id), json!(made));
    if random.below(1000) < 126 {
        // A credit note that was booked as an order.
        let mut refused = Order::new(number as usize, 1);
        refused.id = format!("A{}", refused.id);
        refused.items[0].quantity = -1;
        refused.total = -refused.items[0].unit_price;
        add("CreateOrder", format!("create-{}", refused.id), json!(refused));
    }
    let cancelled = match random.below(1000) {
        0..48 => Some(Order::new((number - random.below(CANCELLED_AMONG).min(number)) as usize, 0).id),
        48..157 => Some(format!("U{number}")),
        _ => None,
    };
    if let Some(id) = cancelled {
        let data = json!({ "order_id": id, "reason": format!("credit note C{number}") });
        add("CancelOrder", format!("cancel-C{number}"), data);
    }
    lines
}

fn order(number: u64, fate: Fate, random: &mut Random) -> Order {
    let tenth = random.below(10) as usize;
    let (from, to) = (LINES[tenth], LINES[tenth + 1]);
    // The longest are few: most of the last tenth are near its beginning.
    let within = random.below(1000);
    let within = if tenth == 9 { within.pow(5) / 1000_u64.pow(4) } else { within };
    let count = from + (to - from) * within / 1000;
    let mut order = Order::new(number as usize, count as usize);
    let sum = |items: &[Item]| items.iter().map(|item| item.quantity * item.unit_price).sum::<i64>();
    if sum(&order.items) > LIMIT {
        // Long orders are of small things.
        for item in &mut order.items {
            (item.quantity, item.unit_price) = (1, item.unit_price.min(300));
        }
    }
    match fate {
        Fate::Confirmed => {}
        Fate::OverTheLimit => order.items[0].unit_price = LIMIT + 1,
        Fate::OutOfStock => order.items[0].quantity = 1_001,
    }
    order.total = sum(&order.items);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_come_in_the_proportions_of_real_ones() {
        let mut random = Random::new(1);
        let (mut lines, mut bytes, mut refused, mut cancelled) = (0, 0, 0, 0);
        for number in 0..10_000 {
            for line in of_order(number, &mut random) {
                bytes += line.len();
                let line: serde_json::Value = serde_json::from_str(&line).unwrap();
                match line["data"]["total"].as_i64() {
                    None => cancelled += 1,
                    Some(..=0) => refused += 1,
                    Some(_) => lines += line["data"]["items"].as_array().unwrap().len(),
                }
            }
        }
        assert!((240_000..260_000).contains(&lines), "25 lines an order: {lines}");
        assert!((1_150..1_370).contains(&refused), "{refused}");
        assert!((1_450..1_690).contains(&cancelled), "{cancelled}");
        assert!((22_000_000..28_000_000).contains(&bytes), "{bytes}");
    }

    #[test]
    fn an_order_is_what_its_fate_makes_it() {
        let mut random = Random::new(1);
        for number in 0..2_000 {
            for fate in [Fate::Confirmed, Fate::OverTheLimit, Fate::OutOfStock] {
                let order = order(number, fate, &mut random);
                assert_eq!(order.refusal(), None);
                let found = if order.items.iter().any(|item| item.quantity > 1_000) {
                    Fate::OutOfStock
                } else if order.total > LIMIT {
                    Fate::OverTheLimit
                } else {
                    Fate::Confirmed
                };
                assert_eq!(found, fate, "{order:?}");
            }
        }
    }
}
