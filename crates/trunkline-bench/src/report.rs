//! What was measured, for people and for programs.

pub(crate) mod json;
pub(crate) mod svg;
pub(crate) mod table;

/// A figure with as many digits as it deserves.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 99.95 => grouped(value.round() as i64),
        size if size >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A whole number, its thousands apart.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    pub(crate) fn numbers_have_three_digits_or_all_before_the_point() {
        let shown = [0.0, 0.123, 9.99, 9.999, 12.34, 99.96, 1234.5, 1_234_567.0, -1234.0].map(number);
        assert_eq!(shown, ["0.00", "0.12", "9.99", "10.0", "12.3", "100", "1,235", "1,234,567", "-1,234"]);
    }
}
