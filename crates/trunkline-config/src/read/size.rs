//! Sizes: a whole number and a unit of bytes.

use std::fmt;

const UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1000),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

impl Size {
    /// So many times 1,048,576 bytes.
    pub const fn mebibytes(count: u64) -> Self {
        Self(count << 20)
    }

    /// The bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, factor) in UNITS.iter().rev().take(4).filter(|_| self.0 > 0) {
            if self.0.is_multiple_of(*factor) {
                return write!(formatter, "{} {unit}", self.0 / factor);
            }
        }
        write!(formatter, "{} B", self.0)
    }
}

/// Reads `"64 MiB"`, `"10kB"`, `"1 GiB"`; digits alone are bytes. The error says what is wrong.
pub fn parse_size(text: &str) -> Result<Size, String> {
    let wrong = || format!("\"{text}\" is not a size");
    let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let factor = match unit {
        "" => 1,
        unit => UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?.1,
    };
    number.checked_mul(factor).map(Size).ok_or_else(|| format!("\"{text}\" is too large"))
}

/// Splits digits from the unit behind them.
pub(super) fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_number_and_a_unit() {
        for (text, bytes) in [
            ("64 MiB", 64 << 20),
            ("64MiB", 64 << 20),
            ("10kB", 10_000),
            ("1 GiB", 1 << 30),
            ("7 B", 7),
            ("12", 12),
        ] {
            assert_eq!(parse_size(text), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "MiB", "64 MEB", "1.5 MiB", "-1", "99999999999 TiB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_print_in_their_largest_whole_unit() {
        for text in ["64 MiB", "1 GiB", "1000 B", "0 B", "3 KiB"] {
            assert_eq!(parse_size(text).unwrap().to_string(), text);
        }
    }
}
