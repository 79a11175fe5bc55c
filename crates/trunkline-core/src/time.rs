//! Times: UTC, in microseconds.

use std::fmt;
use std::str::FromStr;

use jiff::fmt::StdFmtWrite;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC with microseconds, written as RFC 3339.
///
/// ```
/// use trunkline_core::Timestamp;
/// let time: Timestamp = "2010-12-01T09:26:00.5+01:00".parse()?;
/// assert_eq!(time.to_string(), "2010-12-01T08:26:00.500000Z");
/// # Ok::<(), trunkline_core::InvalidTimestamp>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// 0000-01-01T00:00:00Z.
const YEAR_0: i64 = -62_167_219_200_000_000;

/// 9999-12-30T00:00:00Z, the last whole day that every time zone has before the year 10000.
const YEAR_9999: i64 = 253_402_128_000_000_000;

/// A text that is not a moment in RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a time; write it as in 2010-12-01T08:26:00Z")]
pub struct InvalidTimestamp {
    text: String,
}

impl Timestamp {
    /// The moment this many microseconds after 1970-01-01T00:00:00Z.
    ///
    /// RFC 3339 has the years 0 to 9999; a moment outside is moved to the nearest one inside.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(YEAR_0, YEAR_9999))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A projection writes the time of every event: the printer is quicker than a format with a precision.
        static PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));
        let time = jiff::Timestamp::from_microsecond(self.0).map_err(|_| fmt::Error)?;
        PRINTER.print_timestamp(&time, StdFmtWrite(f)).map_err(|_| fmt::Error)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        text.parse::<jiff::Timestamp>()
            .map(|time| Self::from_micros(time.as_microsecond()))
            .map_err(|_| InvalidTimestamp { text: text.to_owned() })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_prints_and_reads_back() {
        for micros in [0, 1, -1, i64::MIN, i64::MAX, 1_291_192_000_123_456] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
        }
    }

    #[test]
    fn a_date_alone_is_not_a_time() {
        let error = "2010-12-01".parse::<Timestamp>().unwrap_err();
        assert!(error.to_string().contains("2010-12-01T08:26:00Z"), "{error}");
    }
}
