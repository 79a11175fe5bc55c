//! Times of a queue, and the clock that they are taken from.

use std::time::Duration;

use trunkline_core::Timestamp;
pub use trunkline_core::{Clock, ManualClock, SystemClock};

/// So much later, bounded.
pub(crate) fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = by.min(crate::limits::DELAY_MAX);
    let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(time.as_micros().saturating_add(by))
}

/// How long ago.
pub(crate) fn since(now: Timestamp, then: Timestamp) -> Duration {
    let micros = now.as_micros().saturating_sub(then.as_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
