//! Figures that are measured once, each with its unit, and how they are printed.

use std::io::Write;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;

use crate::args::Format;
use crate::failure::{Failure, Result};
use crate::machine::Machine;
use crate::report::number;
use crate::say::say;
use crate::statistics::float;

#[derive(Default)]
pub(super) struct Rows(Vec<(&'static str, &'static str, f64)>);

impl Rows {
    /// Adds a figure: what it is of, its unit, its value.
    pub(super) fn add(&mut self, figure: &'static str, unit: &'static str, value: f64) {
        say(&format!("{figure}: {} {unit}", number(value)));
        self.0.push((figure, unit, value));
    }

    /// Prints them all; `count` messages are what they are of.
    pub(super) fn print(&self, count: u64, format: Format, machine: &Machine) -> Result<()> {
        let text = match format {
            Format::Human => self.table(count, machine),
            Format::Json => self.json(),
        };
        writeln!(std::io::stdout().lock(), "{text}").map_err(Failure::io("print the report"))
    }

    fn json(&self) -> String {
        let values = self.0.iter().map(|(workload, unit, value)| {
            serde_json::json!({ "workload": workload, "engine": "trunkline", "value": value, "unit": unit })
        });
        serde_json::Value::Array(values.collect()).to_string()
    }

    fn table(&self, count: u64, machine: &Machine) -> String {
        let mut table = Table::new();
        table.load_preset(ASCII_MARKDOWN);
        table.set_header(["figure", "unit", "value"]);
        for (figure, unit, value) in &self.0 {
            table.add_row([(*figure).to_owned(), (*unit).to_owned(), number(*value)]);
        }
        let mut lines = machine.lines();
        lines.push(format!("messages: {}", number(float(count))));
        lines.push(String::new());
        lines.push(table.to_string());
        lines.join("\n")
    }
}
