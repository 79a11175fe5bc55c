//! The system's clock, read in this one place; stores take their time from a function that a test can replace.

use std::time::{SystemTime, UNIX_EPOCH};

use trunkline_core::Timestamp;

/// The time of the system, in UTC.
#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is handed")]
pub fn system_clock() -> Timestamp {
    let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(error) => i64::try_from(error.duration().as_micros()).map_or(i64::MIN, |before| -before),
    };
    Timestamp::from_micros(micros)
}
