//! A bar chart: one group of bars a workload, each as long as it is near the best of its group.

use std::fmt::Write;

use super::number;
use crate::engines::Name;
use crate::machine::Machine;
use crate::results::{Measurement, Results};

const WIDTH: u32 = 760;
const MARGIN: u32 = 16;
/// Where bars begin, and how long the longest is; the rest is for its figure.
const BARS_X: u32 = 300;
const BAR_WIDTH: f64 = 300.0;
const BAR_HEIGHT: u32 = 12;
const BAR_STEP: u32 = 15;
const GROUP_GAP: u32 = 12;
const TOP: u32 = 78;

/// Colours that stand out from white and from black alike.
fn colour(name: Name) -> &'static str {
    match name {
        Name::Disk => "#8b949e",
        Name::Trunkline => "#e8590c",
        Name::Sqlite => "#3b82c4",
        Name::Tephra => "#2f9e6e",
    }
}

/// The chart as a document; its background is the page's, and its text follows the reader's colour scheme.
pub(crate) fn chart(results: &Results, engines: &[Name], machine: &Machine) -> String {
    let mut body = String::new();
    let mut y = TOP;
    for workload in results.workloads() {
        let group: Vec<&Measurement> =
            engines.iter().filter_map(|name| results.get(workload, *name)).collect();
        y = bars(&mut body, workload, &group, y) + GROUP_GAP;
    }
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _ = write!(
        text,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>Trunkline's event store beside its peers</title>
<style>text {{ fill: #24292f }} .dim {{ fill: #57606a }} @media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} .dim {{ fill: #9aa4af }} }}</style>
<text x="{MARGIN}" y="24" font-size="16" font-weight="600">Trunkline's event store beside its peers</text>
<text class="dim" x="{MARGIN}" y="42">{}</text>
"#,
        escaped(&format!(
            "{}, {} cores; a synced 4 KiB write takes {} µs; {}. Longer bars are better.",
            machine.cpu, machine.cores, machine.sync_us, machine.date
        )),
    );
    let mut x = MARGIN;
    for name in engines {
        let _ = writeln!(
            text,
            r#"<rect x="{x}" y="52" width="12" height="12" rx="2" fill="{}"/><text x="{}" y="62">{}</text>"#,
            colour(*name),
            x + 17,
            name.as_str()
        );
        x += 100;
    }
    text + &body + "</svg>\n"
}

/// Draws the bars of a workload from `y` on and returns where they end.
fn bars(body: &mut String, workload: &str, group: &[&Measurement], mut y: u32) -> u32 {
    let score = |one: &Measurement| {
        let median = one.summary.median.max(f64::MIN_POSITIVE);
        if one.unit.more_is_better() { median } else { median.recip() }
    };
    let best = group.iter().map(|one| score(one)).fold(0.0, f64::max);
    let _ = writeln!(
        body,
        r#"<text x="{}" y="{}" text-anchor="end">{}</text>"#,
        BARS_X - 8,
        y + BAR_HEIGHT - 2,
        escaped(workload)
    );
    for one in group {
        let width = (BAR_WIDTH * score(one) / best).max(1.0);
        let _ = writeln!(
            body,
            r#"<rect x="{BARS_X}" y="{y}" width="{width:.1}" height="{BAR_HEIGHT}" rx="2" fill="{}"/><text class="dim" x="{:.1}" y="{}" font-size="11">{} {}</text>"#,
            colour(one.engine),
            f64::from(BARS_X) + width + 6.0,
            y + BAR_HEIGHT - 2,
            number(one.summary.median),
            one.unit.as_str(),
        );
        y += BAR_STEP;
    }
    y
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Unit;

    fn machine() -> Machine {
        Machine {
            cpu: "A & B".to_owned(),
            cores: 2,
            memory_gib: 4,
            kernel: "6".to_owned(),
            filesystem: "ext4".to_owned(),
            sync_us: 100,
            date: "2026-01-01 00:00 UTC".to_owned(),
        }
    }

    #[test]
    fn the_best_has_the_longest_bar_whichever_way_is_better() {
        let mut results = Results::default();
        results.add("append", Name::Trunkline, &[200.0], Unit::EventsPerSecond);
        results.add("append", Name::Sqlite, &[50.0], Unit::EventsPerSecond);
        results.add("read", Name::Trunkline, &[5.0], Unit::Microseconds);
        results.add("read", Name::Sqlite, &[20.0], Unit::Microseconds);
        let chart = chart(&results, &[Name::Trunkline, Name::Sqlite], &machine());
        let widths: Vec<&str> = chart
            .lines()
            .filter(|line| line.contains("height=\"12\" rx=\"2\"") && line.contains("x=\"300\""))
            .filter_map(|line| line.split("width=\"").nth(1)?.split('"').next())
            .collect();
        assert_eq!(widths, ["300.0", "75.0", "300.0", "75.0"]);
    }

    #[test]
    fn texts_are_escaped_and_tags_are_closed() {
        let mut results = Results::default();
        results.add("a<b", Name::Disk, &[1.0], Unit::EventsPerSecond);
        let chart = chart(&results, &[Name::Disk], &machine());
        assert!(chart.contains("A &amp; B") && chart.contains("a&lt;b"));
        assert!(chart.starts_with("<svg ") && chart.ends_with("</svg>\n"));
        assert_eq!(chart.matches("<text").count(), chart.matches("</text>").count());
    }
}
