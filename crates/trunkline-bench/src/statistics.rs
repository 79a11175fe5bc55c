//! Medians and percentiles of a few figures.

/// A count as a figure to calculate with.
#[expect(clippy::cast_precision_loss, reason = "what is counted here is far below 2⁵³")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// What several rounds gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Summary {
    /// Of at least one figure.
    pub(crate) fn of(figures: &[f64]) -> Self {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        } else {
            sorted[middle]
        };
        Self { median, low, high }
    }

    /// The larger of the two distances from the median, as a part of it.
    pub(crate) fn spread(&self) -> f64 {
        if self.median == 0.0 {
            return 0.0;
        }
        (self.high - self.median).max(self.median - self.low) / self.median
    }
}

/// The smallest figure that `percent` of all figures don't exceed; `figures` is sorted by this.
pub(crate) fn percentile(figures: &mut [f64], percent: usize) -> f64 {
    figures.sort_by(f64::total_cmp);
    let rank = (figures.len() * percent).div_ceil(100).max(1);
    figures[rank - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        assert_eq!(Summary::of(&[3.0, 1.0, 2.0]), Summary { median: 2.0, low: 1.0, high: 3.0 });
        assert_eq!(Summary::of(&[4.0, 1.0]), Summary { median: 2.5, low: 1.0, high: 4.0 });
    }

    #[test]
    fn the_spread_is_the_larger_distance_from_the_median() {
        assert!((Summary::of(&[8.0, 10.0, 11.0]).spread() - 0.2).abs() < 1e-9);
        assert!((Summary::of(&[10.0]).spread()).abs() < 1e-9);
        assert!((Summary::of(&[0.0]).spread()).abs() < 1e-9);
    }

    #[test]
    fn a_percentile_is_one_of_the_figures() {
        let mut figures: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let shown = [50, 99, 100].map(|percent| percentile(&mut figures, percent).to_string());
        assert_eq!(shown, ["50", "99", "100"]);
        assert_eq!(percentile(&mut [7.0], 50).to_string(), "7");
        assert_eq!(percentile(&mut [2.0, 1.0], 1).to_string(), "1");
    }
}
