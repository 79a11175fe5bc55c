//! Times: UTC, in microseconds.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::fmt::StdFmtWrite;
use jiff::fmt::temporal::{DateTimeParser, DateTimePrinter};
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

/// 9999-12-31T23:59:59.999999Z, which others write for "for ever".
const YEAR_9999: i64 = 253_402_300_799_999_999;

/// 1970-01-01T00:00:00.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// A text that is not a moment in RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} {}", if *.is_leap {
    "is a leap second, which no time here has; write the second before it, or the one after"
} else {
    "is not a time; write it as in 2010-12-01T08:26:00Z"
})]
pub struct InvalidTimestamp {
    text: String,
    /// Whether its second is the 60th.
    is_leap: bool,
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
        let Ok(time) = jiff::Timestamp::from_microsecond(self.0) else {
            // The last day, which jiff leaves out since not every time zone has it before the year 10000.
            let time = EPOCH.saturating_add(SignedDuration::from_micros(self.0));
            PRINTER.print_datetime(&time, StdFmtWrite(&mut *f)).map_err(|_| fmt::Error)?;
            return f.write_str("Z");
        };
        PRINTER.print_timestamp(&time, StdFmtWrite(f)).map_err(|_| fmt::Error)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let time = match text.parse::<jiff::Timestamp>() {
            Ok(time) => Some(Self::from_micros(time.as_microsecond())),
            Err(_) => last_day(text),
        };
        // jiff makes the second before of it.
        let is_leap = time.is_some() && has_second_60(text);
        time.filter(|_| !is_leap).ok_or_else(|| InvalidTimestamp { text: text.to_owned(), is_leap })
    }
}

/// Whether the second of a time is the 60th, with colons in it or without.
fn has_second_60(text: &str) -> bool {
    let Some((_, time)) = text.split_once(['T', 't', ' ']) else { return false };
    let of_day = time.chars().take_while(|c| c.is_ascii_digit() || *c == ':').filter(|c| *c != ':');
    of_day.skip(4).take(2).eq("60".chars())
}

/// A moment of the days that jiff leaves out, since not every time zone has them before the year 10000.
fn last_day(text: &str) -> Option<Timestamp> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    let pieces = PARSER.parse_pieces(text).ok()?;
    let local = pieces.date().to_datetime(pieces.time()?);
    let since = local.duration_since(EPOCH).as_micros();
    let micros = since - i128::from(pieces.to_numeric_offset()?.seconds()) * 1_000_000;
    Some(Timestamp::from_micros(i64::try_from(micros).ok()?))
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
    fn the_last_day_of_all_is_a_time() {
        let last = "9999-12-31T23:59:59.999999Z";
        for (text, wanted) in [
            ("9999-12-30T21:59:59Z", "9999-12-30T21:59:59.000000Z"),
            ("9999-12-30T22:00:01Z", "9999-12-30T22:00:01.000000Z"),
            ("9999-12-31T00:00:00+14:00", "9999-12-30T10:00:00.000000Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000000Z"),
            ("9999-12-31t23:59:59z", "9999-12-31T23:59:59.000000Z"),
            ("9999-12-31T23:59:59+01:00", "9999-12-31T22:59:59.000000Z"),
            ("9999-12-31T23:59:59.9999999Z", last),
            // Later than what can be written.
            ("9999-12-31T23:59:59-05:00", last),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000000Z"),
            ("0000-01-01T00:00:00+01:00", "0000-01-01T00:00:00.000000Z"),
        ] {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(time.to_string(), wanted, "{text}");
            assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time, "{text}");
        }
        assert_eq!(Timestamp::from_micros(i64::MAX).to_string(), last);
    }

    #[test]
    fn a_leap_second_is_refused_and_not_made_the_one_before() {
        for text in [
            "2016-12-31T23:59:60Z",
            "2016-12-31 23:59:60.5+00:00",
            "20161231T235960Z",
            "2017-01-01t00:59:60+01:00",
        ] {
            let error = text.parse::<Timestamp>().unwrap_err().to_string();
            assert!(error.contains("is a leap second"), "{error}");
        }
        assert!("2016-12-31T23:59:59.60Z".parse::<Timestamp>().is_ok());
        assert!("2016-12-31T23:60:00Z".parse::<Timestamp>().unwrap_err().to_string().contains("not a time"));
    }

    #[test]
    fn a_date_or_a_time_without_its_offset_is_not_a_time() {
        let error = "2010-12-01".parse::<Timestamp>().unwrap_err();
        assert!(error.to_string().contains("2010-12-01T08:26:00Z"), "{error}");
        for text in ["", "9999-12-31", "9999-12-31T23:59:59", "9999-12-32T00:00:00Z", "10000-01-01T00:00:00Z"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
