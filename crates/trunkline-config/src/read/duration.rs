//! Durations: a whole number and a unit.

use std::time::Duration;

use super::size::number_and_unit;

/// Units in milliseconds.
const UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// The longest duration, a thousand years of days: whatever is added to a time stays a time, so none is cut short.
pub(super) const LONGEST: Duration = Duration::from_secs(365_250 * 24 * 3600);

/// Reads `"30s"`, `"5m"`, `"2h"`, `"7d"` or `"250ms"`; digits alone are milliseconds. The longest is `365250d`, a
/// thousand years. The error says what is wrong.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("\"{text}\" is not a duration");
    let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let factor = match unit {
        "" => 1,
        unit => UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?.1,
    };
    let duration = number.checked_mul(factor).map(Duration::from_millis);
    let duration = duration.filter(|duration| *duration <= LONGEST);
    duration
        .ok_or_else(|| format!("\"{text}\" is too long a time: the longest is \"365250d\", a thousand years"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for (text, milliseconds) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("7d", 604_800_000),
            ("17", 17),
            ("1 s", 1000),
            ("365250d", 31_557_600_000_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in [
            "",
            "s",
            "5x",
            "1.5s",
            "-1s",
            "5 minutes",
            "1h30m",
            "5S",
            "365251d",
            "99999999999999999d",
            "99999999999999999999s",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
