//! Durations as text, and text as durations and timestamps.

use jiff::{SignedDuration, Timestamp};

/// The duration's seconds with an `s`: `90s`, `-0.5s`.
pub(crate) fn duration_text(duration: SignedDuration) -> String {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    if nanos == 0 {
        return format!("{seconds}s");
    }
    let sign = if duration.is_negative() { "-" } else { "" };
    let fraction = format!("{:09}", nanos.unsigned_abs());
    format!("{sign}{}.{}s", seconds.unsigned_abs(), fraction.trim_end_matches('0'))
}

/// Reads `1h30m`, `90s`, `1.5h`, `-250ms`, `7d`: numbers with units, added up.
pub(crate) fn parse_duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.is_empty() {
        return None;
    }
    let mut nanos: i128 = 0;
    while !rest.is_empty() {
        if rest == "0" && nanos == 0 {
            break;
        }
        let number = rest.find(|char: char| !char.is_ascii_digit() && char != '.')?;
        let unit_end =
            rest[number..].find(|char: char| char.is_ascii_digit()).map_or(rest.len(), |at| number + at);
        let unit: i128 = match &rest[number..unit_end] {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            _ => return None,
        };
        nanos = nanos.checked_add(parse_amount(&rest[..number], unit)?)?;
        rest = &rest[unit_end..];
    }
    SignedDuration::try_from_nanos_i128(if negative { -nanos } else { nanos })
}

/// A decimal number of units, in nanoseconds, cut off below one.
fn parse_amount(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    // More digits than this are below a nanosecond of any unit, or beyond every duration.
    if whole.len() + fraction.len() == 0 || whole.len() > 18 || fraction.len() > 18 || fraction.contains('.')
    {
        return None;
    }
    let mut nanos = if whole.is_empty() { 0 } else { whole.parse::<i128>().ok()? }.checked_mul(unit)?;
    if !fraction.is_empty() {
        nanos += fraction.parse::<i128>().ok()? * unit / 10_i128.pow(fraction.len() as u32);
    }
    Some(nanos)
}

/// Reads RFC 3339, with its offset from UTC: `2026-01-31T23:59:59Z`, `2026-01-31T23:59:59.5+01:00`.
pub(crate) fn parse_timestamp(text: &str) -> Option<Timestamp> {
    // jiff takes further forms, which other readers of the same text would refuse.
    let bytes = text.as_bytes();
    let ends_well = text.ends_with(['Z', 'z']) || bytes.len() > 6 && bytes[bytes.len() - 3] == b':';
    let plain = bytes.len() >= 20 && bytes[4] == b'-' && bytes[10].eq_ignore_ascii_case(&b'T');
    if !plain || !ends_well || text.contains(['[', ',']) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, wanted) in [
            ("1h30m", "5400s"),
            ("-250ms", "-0.25s"),
            ("1.5h", "5400s"),
            ("7d", "604800s"),
            ("0", "0s"),
            ("1ns", "0.000000001s"),
            ("+2m3.5s", "123.5s"),
            ("10us5µs", "0.000015s"),
        ] {
            assert_eq!(parse_duration(text).map(duration_text).as_deref(), Some(wanted), "{text}");
        }
        for text in ["", "5", "s", "1x", "1h-2m", "1..5s", "-", ".s", "99999999999999999999s", "é"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn timestamps_are_rfc_3339_with_an_offset() {
        for (text, wanted) in [
            ("2026-01-31T23:59:59Z", "2026-01-31T23:59:59Z"),
            ("2026-01-31T23:59:59.5+01:00", "2026-01-31T22:59:59.5Z"),
        ] {
            assert_eq!(parse_timestamp(text).map(|time| time.to_string()).as_deref(), Some(wanted), "{text}");
        }
        for text in ["", "2026-01-31", "2026-01-31T23:59:59", "2026-01-31 23:59:59Z", "20260131T235959Z", "x"]
        {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }
}
