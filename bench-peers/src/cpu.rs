//! The processor's time, and what several rounds of it come to.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How long this process has computed.
pub(crate) fn computed() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec.cast_unsigned() as u32)
}

/// µs of one of so many, since then.
pub(crate) fn each(since: Duration, count: usize) -> f64 {
    (computed() - since).as_secs_f64() * 1e6 / count as f64
}

/// The median, and how far the farthest round is from it.
pub(crate) fn median_and_spread(mut rounds: Vec<f64>) -> String {
    rounds.sort_by(f64::total_cmp);
    let median = rounds[rounds.len() / 2];
    let spread = (rounds[rounds.len() - 1] - median).max(median - rounds[0]) / median;
    format!("{median:.2} ±{:.0}%", spread * 100.0)
}
