//! Durations as text, and text as durations.

use jiff::SignedDuration;

/// No duration is longer, in either direction: 10,000 years of 365.25 days, as CEL has it.
const LONGEST: SignedDuration = SignedDuration::from_secs(315_576_000_000);

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    NoDuration,
    TooLong,
}

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

/// The duration, unless it is longer than the longest one.
pub(crate) fn bounded(duration: SignedDuration) -> Option<SignedDuration> {
    (duration.abs() <= LONGEST).then_some(duration)
}

/// Reads `1h30m`, `90s`, `1.5h`, `-250ms`, `7d`: numbers with units, added up.
pub(crate) fn parse_duration(text: &str) -> Result<SignedDuration, Unread> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.is_empty() {
        return Err(Unread::NoDuration);
    }
    let mut nanos: i128 = 0;
    while !rest.is_empty() {
        if rest == "0" && nanos == 0 {
            break;
        }
        let number = rest.find(|char: char| !char.is_ascii_digit() && char != '.');
        let number = number.ok_or(Unread::NoDuration)?;
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
            _ => return Err(Unread::NoDuration),
        };
        let amount = parse_amount(&rest[..number], unit)?;
        nanos = nanos.checked_add(amount).ok_or(Unread::TooLong)?;
        rest = &rest[unit_end..];
    }
    let duration = SignedDuration::try_from_nanos_i128(if negative { -nanos } else { nanos });
    duration.and_then(bounded).ok_or(Unread::TooLong)
}

/// A decimal number of units, in nanoseconds, cut off below one.
fn parse_amount(number: &str, unit: i128) -> Result<i128, Unread> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() == 0 || fraction.contains('.') {
        return Err(Unread::NoDuration);
    }
    // As many digits as this are beyond every duration, and those further back below a nanosecond of any unit.
    let whole = whole.trim_start_matches('0');
    if whole.len() > 18 {
        return Err(Unread::TooLong);
    }
    let fraction = &fraction[..fraction.len().min(18)];
    let digits = |digits: &str| digits.parse::<i128>().unwrap_or(0);
    Ok(digits(whole) * unit + digits(fraction) * unit / 10_i128.pow(fraction.len() as u32))
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
            ("00000000000000000000001s", "1s"),
            ("0.0000000000000000000001d", "0s"),
            ("315576000000s", "315576000000s"),
        ] {
            assert_eq!(parse_duration(text).map(duration_text).as_deref(), Ok(wanted), "{text}");
        }
        for text in ["", "5", "s", "1x", "1h-2m", "1..5s", "-", ".s", "é"] {
            assert_eq!(parse_duration(text), Err(Unread::NoDuration), "{text}");
        }
    }

    #[test]
    fn no_duration_is_longer_than_ten_thousand_years() {
        for text in
            ["315576000000.000000001s", "-315576000001s", "99999999999999999999s", "999999999999999999d"]
        {
            assert_eq!(parse_duration(text), Err(Unread::TooLong), "{text}");
        }
    }
}
