//! What whole orders take, for people and for programs.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use super::play::{PARTS, Played};
use crate::machine::Machine;
use crate::report::number;
use crate::statistics::float;

/// Whole orders a second, at least.
const ORDERS_GOAL: f64 = 1_500.0;

/// How long real commands may take, at most.
const SECONDS_GOAL: f64 = 5.0;

const MEBIBYTE: f64 = 1_048_576.0;

/// A figure as the store's benchmark writes it, with what it is to be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Row {
    workload: String,
    engine: &'static str,
    value: f64,
    unit: &'static str,
    goal: Option<f64>,
    #[serde(skip)]
    more_is_better: bool,
}

/// The figures of a run, of made-up orders or of a file's commands.
pub(super) fn rows(played: &Played, of_file: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |workload: &str, value, unit, goal| {
        let row = Row {
            workload: format!("loop-{workload}"),
            engine: "trunkline",
            value,
            unit,
            goal,
            more_is_better: unit == "orders/s",
        };
        rows.push(row);
    };
    add("orders", played.orders_per_second(), "orders/s", (!of_file).then_some(ORDERS_GOAL));
    add("seconds", played.seconds, "s", of_file.then_some(SECONDS_GOAL));
    let orders = float(played.orders.max(1));
    add("cpu", played.cpu_seconds * 1e3 / orders, "ms/order", None);
    add("events", float(played.events) / orders, "events/order", None);
    add("memory-before", float(played.memory.before) / MEBIBYTE, "MiB", None);
    for (part, peak) in (1..).zip(played.memory.peaks) {
        add(&format!("memory-{part}-of-{PARTS}"), float(peak) / MEBIBYTE, "MiB", None);
    }
    rows
}

pub(super) fn json(rows: &[Row]) -> String {
    serde_json::to_string_pretty(rows).expect("texts and numbers are JSON")
}

pub(super) fn human(rows: &[Row], played: &Played, machine: &Machine) -> String {
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN);
    table.set_header(["figure", "unit", "goal", "value"]);
    for row in rows {
        let goal = row.goal.map_or_else(String::new, |goal| {
            let missed = if row.more_is_better { row.value < goal } else { row.value > goal };
            let sign = if row.more_is_better { "≥" } else { "≤" };
            format!("{sign} {}{}", number(goal), if missed { " (missed)" } else { "" })
        });
        table.add_row([row.workload.clone(), row.unit.to_owned(), goal, number(row.value)]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut lines = machine.lines();
    let (commands, orders) = (number(float(played.commands)), number(float(played.orders)));
    lines.push(format!("commands: {commands}; orders that ended, confirmed or cancelled: {orders}"));
    lines.push(String::new());
    lines.push(table.to_string());
    lines.push(
        "Memory is anonymous memory of the process: the most while each part of the commands was sent, the last until \
         everything was at rest. Every law of the example holds."
            .to_owned(),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whole::play::Memory;

    fn played(seconds: f64) -> Played {
        let memory = Memory { before: 1 << 20, peaks: [2 << 20; PARTS] };
        Played { commands: 1_275, orders: 994, seconds, cpu_seconds: 1.0, events: 15_000, memory }
    }

    #[test]
    fn a_goal_that_is_missed_is_said() {
        let machine = Machine {
            cpu: String::new(),
            cores: 2,
            memory_gib: 1,
            kernel: String::new(),
            filesystem: String::new(),
            sync_us: 1,
            date: String::new(),
        };
        let missed = |seconds, of_file| {
            let played = played(seconds);
            human(&rows(&played, of_file), &played, &machine).contains("missed")
        };
        assert_eq!([missed(0.5, false), missed(1.0, false)], [false, true]);
        assert_eq!([missed(4.9, true), missed(5.1, true)], [false, true]);
    }

    #[test]
    fn each_figure_is_an_object() {
        let found: serde_json::Value = serde_json::from_str(&json(&rows(&played(0.5), false))).unwrap();
        let expected = serde_json::json!(
            {"workload": "loop-orders", "engine": "trunkline", "value": 1988.0, "unit": "orders/s", "goal": 1500.0}
        );
        assert_eq!(found[0], expected);
    }
}
