//! JSON's numbers as numbers of a database: what would be changed on the way is refused.
//!
//! A number without a fraction and an exponent is an integer of 64 bits. Any other is the nearest double, and what that
//! keeps is the rule: of a whole number every digit, of another one its first 15, which every double has. A number that
//! is not zero never becomes zero.

use super::value::shortened;
use super::{BindError, SqlValue};

/// Significant digits that every double keeps, unless it is next to zero.
const DIGITS_KEPT: usize = f64::DIGITS as usize;

/// The value of a JSON number.
pub(super) fn of_json(json: &str) -> Result<SqlValue<'_>, BindError> {
    // Most are integers that fit, and that is quick to see.
    if let Ok(integer) = json.parse() {
        return Ok(SqlValue::Integer(integer));
    }
    if !json.contains(['.', 'e', 'E']) {
        return Err(BindError::IntegerTooLarge { text: shortened(json) });
    }
    match json.parse::<f64>() {
        Ok(double) if double.is_finite() => {
            // A sign, a point and as many digits as every double keeps.
            if json.len() > DIGITS_KEPT || !double.is_normal() {
                keeps(json, double)?;
            }
            // Minus zero is zero: a database keeps the sign in some columns and loses it in others.
            Ok(SqlValue::Real(double + 0.0))
        }
        _ => Err(BindError::NumberTooLarge { text: shortened(json) }),
    }
}

/// Whether the double that is nearest to a number keeps what it must of it.
fn keeps(json: &str, double: f64) -> Result<(), BindError> {
    let number = Decimal::of(json);
    if number.digits.is_empty() {
        return Ok(());
    }
    if !double.is_normal() {
        // Next to zero, doubles have ever fewer digits.
        if number.digits.len() <= DIGITS_KEPT && number == Decimal::of(&format!("{double:e}")) {
            return Ok(());
        }
        return Err(BindError::NumberTooSmall { text: shortened(json) });
    }
    let is_whole = number.exponent >= 0;
    if is_whole && number.digits.len() > DIGITS_KEPT && number != Decimal::of(&format!("{double:.0}")) {
        return Err(BindError::NumberTooLong { text: shortened(json) });
    }
    Ok(())
}

/// A number without its sign: its digits from the first to the last that is no zero, and the power of ten of the last.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    fn of(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        // Beyond 64 bits, any exponent is as good as the last one.
        let far = if exponent.starts_with('-') { i64::MIN } else { i64::MAX };
        let exponent: i64 = exponent.parse().unwrap_or(far);
        let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let mut digits: Vec<u8> =
            mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').collect();
        let kept = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
        let shift = i64::try_from(digits.len() - kept).unwrap_or(i64::MAX);
        let shift = shift.saturating_sub(i64::try_from(fraction).unwrap_or(i64::MAX));
        digits.truncate(kept);
        Self { digits, exponent: exponent.saturating_add(shift) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_a_double_holds_is_that_double() {
        for (json, double) in [
            ("1.0", 1.0),
            ("0.1", 0.1),
            ("0.10000000000000001", 0.1),
            ("1e300", 1e300),
            ("1e23", 1e23),
            ("1.50", 1.5),
            ("123456789012345.0", 123_456_789_012_345.0),
            ("9007199254740992.0", 9_007_199_254_740_992.0),
            ("9007199254740994e0", 9_007_199_254_740_994.0),
            ("9.007199254740994E15", 9_007_199_254_740_994.0),
            ("18446744073709551616.000", 18_446_744_073_709_551_616.0),
            ("-1e-300", -1e-300),
            ("5e-324", 5e-324),
            ("1.5e-310", 1.5e-310),
            ("2.2250738585072014e-308", f64::MIN_POSITIVE),
            ("0.0000000000000000000000000000000000000", 0.0),
            ("0e-99999999999999999999", 0.0),
        ] {
            assert_eq!(of_json(json), Ok(SqlValue::Real(double)), "{json}");
        }
    }

    #[test]
    fn a_fraction_keeps_its_first_fifteen_digits() {
        for (json, double) in [
            ("3.14159265358979323846264338327950288", std::f64::consts::PI),
            ("33.333333333333333333", 100.0 / 3.0),
        ] {
            assert_eq!(of_json(json), Ok(SqlValue::Real(double)), "{json}");
        }
    }

    #[test]
    fn no_zero_has_a_sign() {
        for json in ["-0.0", "-0e0", "-0.000", "0.0"] {
            let Ok(SqlValue::Real(zero)) = of_json(json) else { panic!("{json} is no double") };
            assert_eq!(zero.to_bits(), 0, "{json}");
        }
        assert_eq!(of_json("-0"), Ok(SqlValue::Integer(0)));
    }

    #[test]
    fn what_a_double_does_not_hold_is_refused() {
        for json in
            ["9007199254740993.0", "-9007199254740993e0", "9.007199254740993e15", "1234567890123456789.0"]
        {
            assert!(matches!(of_json(json), Err(BindError::NumberTooLong { .. })), "{json}");
        }
        for json in ["1e-400", "-1e-400", "1e-99999999999999999999", "2e-324", "1.23456789e-320"] {
            assert!(matches!(of_json(json), Err(BindError::NumberTooSmall { .. })), "{json}");
        }
        for json in ["1e400", "-1.8e308", "1e99999999999999999999"] {
            assert!(matches!(of_json(json), Err(BindError::NumberTooLarge { .. })), "{json}");
        }
        for json in ["9223372036854775808", "-9223372036854775809"] {
            assert!(matches!(of_json(json), Err(BindError::IntegerTooLarge { .. })), "{json}");
        }
    }
}
