//! Numbers and ranges, from one word each.

/// A number as far as it can be told from its word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Integer(i64),
    Float(f64),
    /// Two whole numbers, in whatever order.
    Range(i64, i64),
    /// Well written, but it does not fit 64 bits.
    TooLarge,
}

/// Reads a word as a number or a range; `None` when it is something else.
pub(super) fn number(word: &str) -> Option<Number> {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let negative = digits.len() < word.len();
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0b", 2), ("0B", 2), ("0o", 8), ("0O", 8)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            return (!digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix)))
                .then(|| integer(digits, radix, negative));
        }
    }
    let (mantissa, exponent) = digits.split_once(['e', 'E']).map_or((digits, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    let exponent_digits = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    let well_formed =
        is_plain(whole) && fraction.is_none_or(all_digits) && exponent_digits.is_none_or(all_digits);
    if !well_formed {
        return range(word);
    }
    if fraction.is_none() && exponent.is_none() {
        return Some(integer(whole, 10, negative));
    }
    let value: f64 = word.parse().ok()?;
    Some(if value.is_finite() { Number::Float(value) } else { Number::TooLarge })
}

/// Reads a word as a range of two whole numbers.
fn range(word: &str) -> Option<Number> {
    let (min, max) = word.split_once('-')?;
    if !is_plain(min) || !is_plain(max) {
        return None;
    }
    let ends = min.parse().ok().zip(max.parse().ok());
    Some(ends.map_or(Number::TooLarge, |(min, max)| Number::Range(min, max)))
}

fn integer(digits: &str, radix: u32, negative: bool) -> Number {
    // The sign goes into the parsing, since the smallest number has no positive twin.
    let signed = if negative { format!("-{digits}") } else { digits.to_owned() };
    i64::from_str_radix(&signed, radix).map_or(Number::TooLarge, Number::Integer)
}

/// Digits without a leading zero; a date's month is text, not a number.
fn is_plain(digits: &str) -> bool {
    all_digits(digits) && (digits.len() == 1 || !digits.starts_with('0'))
}

fn all_digits(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_text() {
        for (word, expected) in [
            ("0", Some(Number::Integer(0))),
            ("-17", Some(Number::Integer(-17))),
            ("3.25", Some(Number::Float(3.25))),
            ("1.5e6", Some(Number::Float(1.5e6))),
            ("1e-3", Some(Number::Float(0.001))),
            ("0xFF", Some(Number::Integer(255))),
            ("-0xff", Some(Number::Integer(-255))),
            ("0b1010", Some(Number::Integer(10))),
            ("0o755", Some(Number::Integer(493))),
            ("9223372036854775807", Some(Number::Integer(i64::MAX))),
            ("-9223372036854775808", Some(Number::Integer(i64::MIN))),
            ("9223372036854775808", Some(Number::TooLarge)),
            ("0xFFFFFFFFFFFFFFFF", Some(Number::TooLarge)),
            ("1e999", Some(Number::TooLarge)),
            ("007", None),
            ("00", None),
            ("0x", None),
            ("0x-1", None),
            ("0b2", None),
            ("1.", None),
            (".5", None),
            ("1.2.3", None),
            ("1e", None),
            ("+1", None),
            ("-", None),
            ("--1", None),
            ("1_000", None),
            ("", None),
        ] {
            assert_eq!(number(word), expected, "{word}");
        }
    }

    #[test]
    fn ranges_are_told_from_dates() {
        assert_eq!(number("8000-9000"), Some(Number::Range(8000, 9000)));
        assert_eq!(number("9-1"), Some(Number::Range(9, 1)));
        assert_eq!(number("1-99999999999999999999"), Some(Number::TooLarge));
        assert_eq!(number("2024-01"), None);
        assert_eq!(number("2024-01-15"), None);
        assert_eq!(number("-1-2"), None);
        assert_eq!(number("1-"), None);
    }
}
