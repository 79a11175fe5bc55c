//! Prints how long the expressions of an order take, in microseconds: `cargo run --release -p trunkline-cel --example
//! measure`.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people")]

use std::hint::black_box;
use std::time::Instant;
use trunkline_cel::{Expression, Scope, Value, Variables};

const ROUNDS: usize = 7;

/// The least of several rounds, each long enough for the clock.
fn time<T>(name: &str, mut work: impl FnMut() -> T) {
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed().as_millis() < 20 {
        black_box(work());
        count += 1;
    }
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..count {
            black_box(work());
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e6 / f64::from(count));
    }
    println!("{best:>9.3} µs  {name}");
}

fn order(items: usize) -> String {
    let items: Vec<String> = (0..items)
        .map(|item| {
            format!(
                r#"{{"sku":"85123A-{item}","description":"WHITE HANGING HEART T-LIGHT HOLDER","quantity":{},"unit_price":{}}}"#,
                item % 7 + 1,
                255 + item
            )
        })
        .collect();
    let total: usize = (0..items.len()).map(|item| (item % 7 + 1) * (255 + item)).sum();
    format!(
        r#"{{"order_id":"536365","customer_id":"17850","country":"United Kingdom","items":[{}],"total":{total}}}"#,
        items.join(",")
    )
}

fn main() {
    let scope = Scope::new(["command", "state", "version", "meta", "event"]);
    let compile = |source: &str| Expression::compile(source, &scope).unwrap();
    let rules = [
        "size(default(command.items, [])) > 0",
        "command.items.all(i, i.quantity >= 1)",
        "command.items.all(i, i.unit_price >= 0)",
        "command.total > 0",
        "command.total == sum(command.items.map(i, i.quantity * i.unit_price))",
    ]
    .map(compile);
    let stream = compile("'order-' + command.order_id");
    let guard = compile("state.status == 'pending'");
    let merge = compile("merge(event.data, {'status': 'pending'})");
    let put = compile("put(state, 'status', 'confirmed')");

    time("compile `state.status == 'pending'`", || compile("state.status == 'pending'"));
    let small = Value::from_json(r#"{"order_id":"536365","status":"pending","total":250}"#).unwrap();
    let variables = Variables::new().with("state", small);
    time("state.status == 'pending'", || guard.evaluate(&variables).unwrap());

    for items in [1, 25] {
        let text = bytes::Bytes::from(order(items));
        println!("an order of {items} items, {} bytes", text.len());
        time("from_json", || Value::from_json(text.clone()).unwrap());
        let command = Value::from_json(text.clone()).unwrap();
        let variables = Variables::new().with("command", command.clone());
        for rule in &rules {
            time(rule.source(), || assert!(rule.evaluate_bool(&variables).unwrap()));
        }
        time("from_json, the five rules and the stream", || {
            let command = Value::from_json(text.clone()).unwrap();
            let variables = Variables::new().with("command", command);
            for rule in &rules {
                assert!(rule.evaluate_bool(&variables).unwrap());
            }
            stream.evaluate(&variables).unwrap()
        });
        let event = Value::object([("data", command.clone()), ("type", Value::from("OrderCreated"))]);
        let variables = Variables::new().with("event", event);
        time(merge.source(), || merge.evaluate(&variables).unwrap());
        let state = merge.evaluate(&variables).unwrap();
        time("to_json of that", || state.to_json());
        let variables = Variables::new().with("state", state);
        time(put.source(), || put.evaluate(&variables).unwrap());
    }
}
