//! Times: UTC, in microseconds.

use std::fmt;
use std::str::FromStr;

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
    /// Written digit by digit: a projection writes the time of every event.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1_000_000);
        let micros = self.0.rem_euclid(1_000_000);
        let (year, month, day) = date(seconds.div_euclid(86_400));
        let second = seconds.rem_euclid(86_400);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        for (at, digits, number) in [
            (0, 4, year),
            (5, 2, month),
            (8, 2, day),
            (11, 2, second / 3600),
            (14, 2, second / 60 % 60),
            (17, 2, second % 60),
            (20, 6, micros),
        ] {
            let mut rest = number;
            for place in (at..at + digits).rev() {
                text[place] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// The date of a day counted from 1970-01-01, in the Gregorian calendar: years are taken to begin in March, so that
/// the leap day is the last one, and 400 years have 146,097 days.
fn date(days: i64) -> (i64, i64, i64) {
    let from_march_0 = days + 719_468;
    let (era, day) = (from_march_0.div_euclid(146_097), from_march_0.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
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
    fn a_moment_is_written_as_every_calendar_has_it() {
        // Each day from the year 0 to 9999, at a time of the day that differs.
        let days = (YEAR_0 / 86_400_000_000)..=(YEAR_9999 / 86_400_000_000);
        for day in days.step_by(13) {
            let micros = day * 86_400_000_000
                + (day * 7_919).rem_euclid(86_400) * 1_000_000
                + day.rem_euclid(1_000_000);
            let written = Timestamp::from_micros(micros);
            let wanted = jiff::Timestamp::from_microsecond(written.as_micros()).unwrap();
            assert_eq!(written.to_string(), format!("{wanted:.6}"));
        }
    }

    #[test]
    fn a_date_alone_is_not_a_time() {
        let error = "2010-12-01".parse::<Timestamp>().unwrap_err();
        assert!(error.to_string().contains("2010-12-01T08:26:00Z"), "{error}");
    }
}
