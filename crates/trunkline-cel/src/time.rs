//! Moments in time, which are in UTC, and reading them from RFC 3339.

use crate::duration::bounded;
use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};
use std::fmt;

/// A moment. What expressions make lies in the years 1 to 9999, to the nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time {
    since_1970: SignedDuration,
}

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;

impl Time {
    /// The moment so long after the beginning of 1970, if expressions have it.
    pub(crate) fn since_1970(since_1970: SignedDuration) -> Option<Time> {
        let time = Time { since_1970 };
        (FIRST..=LAST).contains(&time.seconds()).then_some(time)
    }

    /// The whole seconds since 1970 that have passed, which before 1970 is the one before.
    pub(crate) fn seconds(self) -> i64 {
        self.since_1970.as_secs() - i64::from(self.since_1970.subsec_nanos() < 0)
    }

    pub(crate) fn checked_add(self, duration: SignedDuration) -> Option<Time> {
        Time::since_1970(self.since_1970.checked_add(duration)?)
    }

    /// How long it is after the other.
    pub(crate) fn since(self, other: Time) -> Option<SignedDuration> {
        bounded(self.since_1970.checked_sub(other.since_1970)?)
    }

    /// What calendar and clock show so far from UTC; none where that is after the year 9999.
    pub(crate) fn shown(self, offset: SignedDuration) -> Option<DateTime> {
        EPOCH.checked_add(self.since_1970.checked_add(offset)?).ok()
    }
}

impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Time {
        Time { since_1970: timestamp.as_duration() }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.shown(SignedDuration::ZERO).expect("every moment there is has a date");
        write!(f, "{shown}Z")
    }
}

/// Reads RFC 3339, with its offset from UTC: `2026-01-31T23:59:59Z`, `2026-01-31T23:59:59.5+01:00`.
///
/// Digits of a fraction beyond nanoseconds are cut off. A second 60 is refused: which of them there were is known only
/// for the past, and expressions count no leap seconds.
pub(crate) fn parse_timestamp(text: &str) -> Option<Time> {
    let bytes = text.as_bytes();
    let sign = |at: usize, wanted: u8| bytes.get(at)?.eq_ignore_ascii_case(&wanted).then_some(());
    let number = |at: usize, digits: usize| number(bytes.get(at..at + digits)?);
    let year = i16::try_from(number(0, 4)?).ok()?;
    sign(4, b'-')?;
    let month = number(5, 2)?;
    sign(7, b'-')?;
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(number(8, 2)?).ok()?).ok()?;
    sign(10, b'T')?;
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    sign(13, b':')?;
    sign(16, b':')?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (nanos, end) = match bytes.get(19)? {
        b'.' => fraction(bytes)?,
        _ => (0, 19),
    };
    let offset = match &text[end..] {
        "Z" | "z" => SignedDuration::ZERO,
        zone if zone.starts_with(['+', '-']) => parse_offset(zone)?,
        _ => return None,
    };
    let days = date.duration_since(EPOCH.date());
    let clock = SignedDuration::new(i64::from(hour * 3600 + minute * 60 + second), nanos);
    Time::since_1970(days + clock - offset)
}

/// The nanoseconds of a fraction behind the seconds, and where it ends.
fn fraction(bytes: &[u8]) -> Option<(i32, usize)> {
    let digits = bytes[20..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let kept = &bytes[20..20 + digits.min(9)];
    let nanos = number(kept)? * 10_i32.pow(9 - kept.len() as u32);
    Some((nanos, 20 + digits))
}

/// Reads how far a clock is from UTC, less than a day: `+01:00`, `-09:30`, `02:00`.
pub(crate) fn parse_offset(text: &str) -> Option<SignedDuration> {
    let (negative, clock) = match text.as_bytes() {
        [b'-', clock @ ..] => (true, clock),
        [b'+', clock @ ..] | clock => (false, clock),
    };
    let &[h1, h2, b':', m1, m2] = clock else { return None };
    let (hours, minutes) = (number(&[h1, h2])?, number(&[m1, m2])?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = SignedDuration::from_mins(i64::from(hours * 60 + minutes));
    Some(if negative { -offset } else { offset })
}

/// Up to nine digits.
fn number(digits: &[u8]) -> Option<i32> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    plain.then(|| digits.iter().fold(0, |number, digit| number * 10 + i32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        parse_timestamp(text).map(|time| time.to_string())
    }

    #[test]
    fn timestamps_are_rfc_3339_with_an_offset() {
        for (text, wanted) in [
            ("2026-01-31T23:59:59Z", "2026-01-31T23:59:59Z"),
            ("2026-01-31t23:59:59z", "2026-01-31T23:59:59Z"),
            ("2026-01-31T23:59:59.5+01:00", "2026-01-31T22:59:59.5Z"),
            ("2026-01-31T23:59:59-23:59", "2026-02-01T23:58:59Z"),
            ("2026-01-31T23:59:59.1234567899Z", "2026-01-31T23:59:59.123456789Z"),
            ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(wanted), "{text}");
        }
        for text in [
            "",
            "x",
            "2026-01-31",
            "2026-01-31T23:59:59",
            "2026-01-31 23:59:59Z",
            "20260131T235959Z",
            "2026-1-31T23:59:59Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T23:60:00Z",
            "2026-06-30T23:59:60Z",
            "2026-01-31T23:59:59.Z",
            "2026-01-31T23:59:59,5Z",
            "2026-01-31T23:59:59+24:00",
            "2026-01-31T23:59:59+01:60",
            "2026-01-31T23:59:59+0100",
            "2026-01-31T23:59:59+01",
            "2026-01-31T23:59:5901:00",
            "2026-01-31T23:59:59Z ",
            "2026-01-31T23:59:59Z[UTC]",
            "+2026-01-31T23:59:59Z",
            "2026-01-31T23:59:5é",
            "٢٠٢٦-01-31T23:59:59Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_years_are_1_to_9999_in_utc() {
        for text in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "9999-12-30T22:00:01Z"] {
            assert_eq!(read(text).as_deref(), Some(text));
        }
        assert_eq!(read("0000-12-31T23:30:00-00:30").as_deref(), Some("0001-01-01T00:00:00Z"));
        for text in ["0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_before_1970_are_those_that_began() {
        let seconds = |text: &str| parse_timestamp(text).unwrap().seconds();
        assert_eq!(seconds("1969-12-31T23:59:59.5Z"), -1);
        assert_eq!(seconds("1969-12-31T23:59:59Z"), -1);
        assert_eq!(seconds("1970-01-01T00:00:00.9Z"), 0);
    }
}
