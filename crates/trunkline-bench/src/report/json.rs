//! An array of `{workload, engine, value, unit}`; the value is the median over the rounds.

use serde::Serialize;

use crate::results::Results;

#[derive(Serialize)]
struct Row<'a> {
    workload: &'a str,
    engine: &'a str,
    value: f64,
    unit: &'a str,
}

pub(crate) fn report(results: &Results) -> String {
    let rows: Vec<Row<'_>> = results
        .0
        .iter()
        .map(|one| Row {
            workload: &one.workload,
            engine: one.engine.as_str(),
            value: one.summary.median,
            unit: one.unit.as_str(),
        })
        .collect();
    serde_json::to_string_pretty(&rows).expect("texts and numbers are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::Name;
    use crate::results::Unit;

    #[test]
    fn each_figure_is_an_object() {
        let mut results = Results::default();
        results.add("append-1x1", Name::Disk, &[2.0, 4.0], Unit::EventsPerSecond);
        let value: serde_json::Value = serde_json::from_str(&report(&results)).unwrap();
        assert_eq!(
            value,
            serde_json::json!([
                {"workload": "append-1x1", "engine": "disk", "value": 3.0, "unit": "events/s"}
            ])
        );
    }
}
