//! A table for people: each engine's figure, and how Trunkline compares.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};

use super::number;
use crate::engines::Name;
use crate::events::{DATA_BYTES, METADATA_BYTES};
use crate::machine::Machine;
use crate::results::{Measurement, Results};

/// Spreads below this part of the median aren't worth a reader's time.
const SPREAD_SHOWN: f64 = 0.01;

pub(crate) fn report(results: &Results, engines: &[Name], machine: &Machine) -> String {
    let mut lines = machine.lines();
    lines.push(format!(
        "events: {DATA_BYTES} bytes of data, {METADATA_BYTES} of metadata, one tag; every append is durable when it \
         is acknowledged, and conditional on its stream's version"
    ));
    lines.extend(engines.iter().map(|name| format!("{}: {}", name.as_str(), name.configuration())));
    lines.push(String::new());
    lines.push(table(results, engines).to_string());
    lines.push(
        "Medians over the rounds; ± is the distance of the farthest round. A column `÷ x` says how many times better \
         trunkline is than x (the median of the rounds' ratios): above 1 it is ahead."
            .to_owned(),
    );
    lines.join("\n")
}

fn table(results: &Results, engines: &[Name]) -> Table {
    let compared: Vec<Name> = engines.iter().copied().filter(|name| *name != Name::Trunkline).collect();
    let compared = if engines.contains(&Name::Trunkline) { compared } else { Vec::new() };
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN);
    let mut header = vec!["workload".to_owned(), "unit".to_owned()];
    header.extend(engines.iter().map(|name| name.as_str().to_owned()));
    header.extend(compared.iter().map(|name| format!("÷ {}", name.as_str())));
    table.set_header(header);
    for workload in results.workloads() {
        let of_engine = |name: &Name| results.get(workload, *name);
        let unit = engines.iter().find_map(of_engine).map_or("", |one| one.unit.as_str());
        let mut row = vec![workload.to_owned(), unit.to_owned()];
        row.extend(engines.iter().map(|name| of_engine(name).map_or_else(String::new, figure)));
        row.extend(compared.iter().map(|name| {
            let ratio = results.ratio(workload, Name::Trunkline, *name);
            ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"))
        }));
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn figure(one: &Measurement) -> String {
    let (value, spread) = (number(one.summary.median), one.summary.spread());
    if spread < SPREAD_SHOWN { value } else { format!("{value} ±{:.0}%", spread * 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Unit;

    #[test]
    fn a_row_has_every_engines_figure_and_trunklines_ratios() {
        let mut results = Results::default();
        let unit = Unit::EventsPerSecond;
        results.add("append-1x1", Name::Disk, &[10_000.0], unit);
        results.add("append-1x1", Name::Trunkline, &[8000.0, 7600.0, 8100.0], unit);
        results.add("replay", Name::Trunkline, &[2e7], unit);
        results.add("replay", Name::Sqlite, &[2e6], unit);
        let table = table(&results, &[Name::Disk, Name::Trunkline, Name::Sqlite]).to_string();
        let cells = |line: &str| {
            let cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
            cells.collect::<Vec<String>>()
        };
        let rows: Vec<Vec<String>> = table.lines().map(cells).collect();
        assert_eq!(rows[0], ["workload", "unit", "disk", "trunkline", "sqlite", "÷ disk", "÷ sqlite"]);
        assert_eq!(rows[2], ["append-1x1", "events/s", "10,000", "8,000 ±5%", "", "0.80", ""]);
        assert_eq!(rows[3], ["replay", "events/s", "", "20,000,000", "2,000,000", "", "10.00"]);
    }

    #[test]
    fn without_trunkline_nothing_is_compared() {
        let mut results = Results::default();
        results.add("replay", Name::Sqlite, &[2e6], Unit::EventsPerSecond);
        assert!(!table(&results, &[Name::Sqlite]).to_string().contains('÷'));
    }
}
