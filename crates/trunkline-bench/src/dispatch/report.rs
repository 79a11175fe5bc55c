//! What commands cost, for people and for programs.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use super::cost::Cost;
use super::log::{Speed, TASKS};
use crate::machine::Machine;
use crate::report::number;
use crate::statistics::Summary;

pub(super) fn human(costs: &[Cost], speeds: &[Speed], machine: &Machine) -> String {
    let mut lines = machine.lines();
    lines.push(String::new());
    lines.push(table_of_costs(costs).to_string());
    lines.push(
        "µs of the processor's time a command over the memory store; `beyond` is the dispatch less the bare append \
         of the same event, round by round. Medians over the rounds, with the lowest and the highest of `beyond`."
            .to_owned(),
    );
    lines.push(String::new());
    lines.push(table_of_speeds(speeds).to_string());
    lines.push(format!(
        "{TASKS} tasks over the log store, each command and each append durable when it is answered; `CPU` is the \
         process's whole time a command, in µs."
    ));
    lines.join("\n")
}

fn table_of_costs(costs: &[Cost]) -> Table {
    let header = ["case", "dispatch", "append", "beyond", "lowest", "highest", "at most"];
    let rows = costs.iter().map(|cost| {
        let at_most = match cost.case.at_most {
            Some(bar) if cost.beyond.median > bar => format!("{} (missed)", number(bar)),
            Some(bar) => number(bar),
            None => String::new(),
        };
        let figures = [cost.dispatch.median, cost.append.median, cost.beyond.median];
        let spread = [cost.beyond.low, cost.beyond.high];
        let figures = figures.into_iter().chain(spread).map(number);
        [cost.case.name.to_owned()].into_iter().chain(figures).chain([at_most]).collect()
    });
    table(&header, rows)
}

fn table_of_speeds(speeds: &[Speed]) -> Table {
    let header = ["case", "commands/s", "appends/s", "commands ÷ appends", "CPU"];
    let rows = speeds.iter().map(|speed| {
        let figure =
            |summary: &Summary| format!("{} ±{:.0}%", number(summary.median), summary.spread() * 100.0);
        vec![
            speed.name.to_owned(),
            figure(&speed.dispatches),
            figure(&speed.appends),
            number(speed.ratio.median),
            number(speed.cpu.median),
        ]
    });
    table(&header, rows)
}

fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN);
    table.set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A figure as the store's benchmark writes it; the value is the median.
#[derive(Debug, PartialEq, Serialize)]
struct Row {
    workload: String,
    engine: &'static str,
    value: f64,
    unit: &'static str,
}

pub(super) fn json(costs: &[Cost], speeds: &[Speed]) -> String {
    let of_cost = |cost: &Cost| {
        let row = |figure: &str, summary: &Summary| Row {
            workload: format!("dispatch-{}-{figure}", cost.case.name),
            engine: "trunkline",
            value: summary.median,
            unit: "µs",
        };
        [row("whole", &cost.dispatch), row("append", &cost.append), row("beyond", &cost.beyond)]
    };
    let of_speed = |speed: &Speed| {
        let row = |figure: &str, summary: &Summary, unit| Row {
            workload: format!("dispatch-log-{}-{figure}", speed.name),
            engine: "trunkline",
            value: summary.median,
            unit,
        };
        [
            row("commands", &speed.dispatches, "commands/s"),
            row("appends", &speed.appends, "appends/s"),
            row("cpu", &speed.cpu, "µs"),
        ]
    };
    let rows: Vec<Row> = costs.iter().flat_map(of_cost).chain(speeds.iter().flat_map(of_speed)).collect();
    serde_json::to_string_pretty(&rows).expect("texts and numbers are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::cases::Case;

    fn cost(beyond: f64) -> Cost {
        let of = |figure| Summary::of(&[figure]);
        let case = Case::named("typed-create-1");
        Cost { case, dispatch: of(beyond + 2.0), append: of(2.0), beyond: of(beyond) }
    }

    #[test]
    fn a_bar_that_is_missed_is_said() {
        let text = table_of_costs(&[cost(4.0), cost(6.0)]).to_string();
        let missed: Vec<bool> = text.lines().skip(2).map(|line| line.contains("missed")).collect();
        assert_eq!(missed, [false, true]);
    }

    #[test]
    fn each_figure_is_an_object() {
        let rows: serde_json::Value = serde_json::from_str(&json(&[cost(4.0)], &[])).unwrap();
        let expected = serde_json::json!(
            {"workload": "dispatch-typed-create-1-beyond", "engine": "trunkline", "value": 4.0, "unit": "µs"}
        );
        assert_eq!(rows[2], expected);
    }
}
