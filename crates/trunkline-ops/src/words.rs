//! Counts, sizes and spans of time in words, for reports and errors.

use std::time::Duration;

/// A number with its noun.
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A number of bytes in its largest unit.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let mut size = bytes as f64 / 1024.0;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    while size >= 1024.0
        && let Some(next) = units.next()
    {
        size /= 1024.0;
        unit = next;
    }
    format!("{size:.2} {unit}")
}

/// A span of time in one unit, rounded: from one and a half of the unit on, so that one of a large unit, which would say
/// very little, is so many of the next smaller one.
pub fn span(time: Duration) -> String {
    const UNITS: [(u64, &str); 6] = [
        (31_536_000, "year"),
        (604_800, "week"),
        (86_400, "day"),
        (3_600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let smaller = UNITS.into_iter().skip(1).map(|(seconds, _)| seconds);
    for ((seconds, noun), next) in UNITS.into_iter().zip(smaller) {
        let (unit, next) = (Duration::from_secs(seconds), Duration::from_secs(next));
        if time.saturating_add(next / 2) >= unit + unit / 2 {
            let count = (time.as_secs_f64() / unit.as_secs_f64()).round();
            // A count of two is the least: below it, the smaller unit says more.
            return format!("{:.0} {noun}s", count.max(2.0));
        }
    }
    let half = Duration::from_millis(500);
    counted(time.saturating_add(half).as_secs(), "second")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_two_digits_of_its_largest_unit() {
        for (bytes, said) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (1_500_000, "1.43 MiB"),
            (1 << 40, "1.00 TiB"),
            (u64::MAX, "16.00 EiB"),
        ] {
            assert_eq!(size(bytes), said);
        }
    }

    #[test]
    fn a_span_is_rounded_in_a_unit_that_says_enough() {
        for (seconds, said) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (89, "89 seconds"),
            (90, "2 minutes"),
            (3_600, "60 minutes"),
            (5_400, "2 hours"),
            (86_400, "24 hours"),
            (200_000, "2 days"),
            (40_000_000, "66 weeks"),
            (100_000_000, "3 years"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), said, "{seconds}");
        }
        assert_eq!(span(Duration::from_millis(1_499)), "1 second");
        assert_eq!(span(Duration::from_millis(1_500)), "2 seconds");
    }
}
