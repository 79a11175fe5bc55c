//! What was measured.

use crate::engines::Name;
use crate::statistics::Summary;

/// One figure of one engine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measurement {
    /// The workload, and which of its figures, such as `read-stream-warm-p50`.
    pub(crate) workload: String,
    pub(crate) engine: Name,
    /// What each round gave.
    pub(crate) figures: Vec<f64>,
    pub(crate) summary: Summary,
    pub(crate) unit: Unit,
}

/// In what something is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    EventsPerSecond,
    MebibytesPerSecond,
    Microseconds,
    Milliseconds,
    Mebibytes,
    BytesPerEvent,
}

impl Unit {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::EventsPerSecond => "events/s",
            Self::MebibytesPerSecond => "MiB/s",
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
            Self::Mebibytes => "MiB",
            Self::BytesPerEvent => "bytes/event",
        }
    }

    /// Whether more of it is better.
    pub(crate) fn more_is_better(self) -> bool {
        matches!(self, Self::EventsPerSecond | Self::MebibytesPerSecond)
    }
}

/// All figures, in the order in which they were measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Results(pub(crate) Vec<Measurement>);

impl Results {
    pub(crate) fn add(&mut self, workload: &str, engine: Name, figures: &[f64], unit: Unit) {
        if figures.is_empty() {
            return;
        }
        let (workload, summary) = (workload.to_owned(), Summary::of(figures));
        self.0.push(Measurement { workload, engine, figures: figures.to_vec(), summary, unit });
    }

    /// The workloads, each once.
    pub(crate) fn workloads(&self) -> Vec<&str> {
        let mut workloads: Vec<&str> = Vec::new();
        for measurement in &self.0 {
            if !workloads.contains(&measurement.workload.as_str()) {
                workloads.push(&measurement.workload);
            }
        }
        workloads
    }

    pub(crate) fn get(&self, workload: &str, engine: Name) -> Option<&Measurement> {
        self.0.iter().find(|one| one.workload == workload && one.engine == engine)
    }

    /// How many times better the first engine is than the second, whichever way is better: the median over the
    /// rounds of what they gave in the same round, when the machine was as busy for one as for the other.
    pub(crate) fn ratio(&self, workload: &str, engine: Name, to: Name) -> Option<f64> {
        let (one, other) = (self.get(workload, engine)?, self.get(workload, to)?);
        let (better, worse) = if one.unit.more_is_better() { (one, other) } else { (other, one) };
        let rounds = better.figures.iter().zip(&worse.figures).filter(|(_, worse)| **worse > 0.0);
        let ratios: Vec<f64> = rounds.map(|(better, worse)| better / worse).collect();
        (!ratios.is_empty()).then(|| Summary::of(&ratios).median)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_above_one_where_the_first_is_better() {
        let mut results = Results::default();
        results.add("append", Name::Trunkline, &[200.0], Unit::EventsPerSecond);
        results.add("append", Name::Sqlite, &[50.0], Unit::EventsPerSecond);
        results.add("read", Name::Trunkline, &[5.0], Unit::Microseconds);
        results.add("read", Name::Sqlite, &[20.0], Unit::Microseconds);
        assert_eq!(results.ratio("append", Name::Trunkline, Name::Sqlite), Some(4.0));
        assert_eq!(results.ratio("read", Name::Trunkline, Name::Sqlite), Some(4.0));
        assert_eq!(results.ratio("read", Name::Trunkline, Name::Tephra), None);
        assert_eq!(results.workloads(), ["append", "read"]);
    }

    #[test]
    fn rounds_are_compared_with_each_other() {
        let mut results = Results::default();
        results.add("append", Name::Trunkline, &[20.0, 200.0, 100.0], Unit::EventsPerSecond);
        results.add("append", Name::Sqlite, &[10.0, 100.0, 10.0], Unit::EventsPerSecond);
        assert_eq!(results.ratio("append", Name::Trunkline, Name::Sqlite), Some(2.0));
    }
}
