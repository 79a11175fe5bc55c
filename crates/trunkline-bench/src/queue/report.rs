//! What was measured, as a table and as JSON.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};

use super::workload::{Figure, PAYLOAD_BYTES, Workload};
use crate::machine::Machine;
use crate::report::number;
use crate::statistics::Summary;

/// The figures of each round, by workload and engine.
#[derive(Debug, Default)]
pub(super) struct Figures(Vec<(Figure, &'static str, Vec<f64>)>);

impl Figures {
    pub(super) fn add(&mut self, workload: Workload, engine: &'static str, measured: &[f64]) {
        for (figure, value) in workload.figures().into_iter().zip(measured) {
            let same = |one: &&mut (Figure, &str, Vec<f64>)| one.0.name == figure.name && one.1 == engine;
            match self.0.iter_mut().find(same) {
                Some((.., values)) => values.push(*value),
                None => self.0.push((figure, engine, vec![*value])),
            }
        }
    }

    pub(super) fn json(&self) -> String {
        let values = self.0.iter().map(|(figure, engine, values)| {
            serde_json::json!({
                "workload": figure.name,
                "engine": engine,
                "value": Summary::of(values).median,
                "unit": figure.unit,
                "goal": figure.goal,
            })
        });
        serde_json::Value::Array(values.collect()).to_string()
    }

    pub(super) fn table(&self, machine: &Machine) -> String {
        let mut table = Table::new();
        table.load_preset(ASCII_MARKDOWN);
        table.set_header(["workload", "unit", "goal", "trunkline", "redis", "÷ redis"]);
        for workload in Workload::ALL {
            for figure in workload.figures() {
                let of =
                    |engine: &str| self.0.iter().find(|one| one.0.name == figure.name && one.1 == engine);
                let (ours, theirs) = (of("trunkline"), of("redis"));
                let goal = figure.goal.map_or_else(String::new, |goal| {
                    format!("{} {}", if figure.more_is_better { "≥" } else { "≤" }, number(goal))
                });
                let shown = |one: Option<&(Figure, &str, Vec<f64>)>| {
                    one.map_or_else(String::new, |(.., values)| {
                        let summary = Summary::of(values);
                        format!("{} ±{:.0}%", number(summary.median), summary.spread() * 100.0)
                    })
                };
                let ratio = ours.zip(theirs).map(|(ours, theirs)| {
                    let rounds = ours.2.iter().zip(&theirs.2);
                    let ratios: Vec<f64> = rounds
                        .map(
                            |(ours, theirs)| {
                                if figure.more_is_better { ours / theirs } else { theirs / ours }
                            },
                        )
                        .collect();
                    format!("{:.2}", Summary::of(&ratios).median)
                });
                table.add_row([
                    figure.name.to_owned(),
                    figure.unit.to_owned(),
                    goal,
                    shown(ours),
                    shown(theirs),
                    ratio.unwrap_or_default(),
                ]);
            }
        }
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let mut lines = machine.lines();
        lines.push(format!(
            "messages: {PAYLOAD_BYTES} bytes; durable when acknowledged; redis: streams with a consumer group, \
             appendfsync always, one connection for each publisher and consumer"
        ));
        lines.push(String::new());
        lines.push(table.to_string());
        lines.push("Medians over the rounds; ± is the distance of the farthest round.".to_owned());
        lines.join("\n")
    }
}
