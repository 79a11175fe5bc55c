//! Doubles as text, and rounding them as they are written.

/// The number in its shortest digits; a whole one without a point, a very large or small one with an exponent.
pub(crate) fn double_text(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-7..1e21).contains(&size) { format!("{number:e}") } else { format!("{number}") }
}

/// Digits after the point that [`round`] takes: a double has no more.
pub(crate) const ROUND_DIGITS_MAX: i64 = 15;

/// The number rounded to so many digits after the point, halves away from zero.
///
/// What is rounded is the number as it is written, its shortest digits: `1.005` has the nearest double
/// 1.00499999999999989…, and whoever reads 1.005 expects 1.01.
pub(crate) fn round(number: f64, digits: usize) -> f64 {
    let text = format!("{number}");
    let Some((_, fraction)) = text.split_once('.') else { return number };
    if fraction.len() <= digits {
        return number;
    }
    let cut = text.len() - fraction.len() + digits;
    let up = text.as_bytes()[cut] >= b'5';
    let mut kept: Vec<u8> = text.as_bytes()[..cut].to_vec();
    if up {
        let mut carried = false;
        for byte in kept.iter_mut().rev().filter(|byte| byte.is_ascii_digit()) {
            if *byte == b'9' {
                *byte = b'0';
                continue;
            }
            *byte += 1;
            carried = true;
            break;
        }
        if !carried {
            let first = usize::from(kept[0] == b'-');
            kept.insert(first, b'1');
        }
    }
    let rounded = String::from_utf8_lossy(&kept).parse::<f64>().unwrap_or(number);
    // No -0, which would be written `-0.0`.
    if rounded == 0.0 { 0.0 } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_as_they_are_written() {
        for (number, digits, wanted) in [
            (1.005, 2, 1.01),
            (2.5, 0, 3.0),
            (-2.5, 0, -3.0),
            (9.99, 1, 10.0),
            (-0.04, 1, 0.0),
            (0.1, 5, 0.1),
            (1e300, 2, 1e300),
            (99.95, 1, 100.0),
            (1.25, 1, 1.3),
        ] {
            assert_eq!(round(number, digits).to_bits(), f64::to_bits(wanted), "{number} to {digits}");
        }
    }

    #[test]
    fn doubles_are_written_short() {
        let texts = [1.0, 1.5, 1e21, 1e-9, -0.25].map(double_text);
        assert_eq!(texts, ["1", "1.5", "1e21", "1e-9", "-0.25"]);
    }
}
