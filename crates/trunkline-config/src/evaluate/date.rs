//! `@date`: a moment in UTC written with PHP's format letters.

use std::fmt::Write;

use jiff::civil::Date;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// The calendar repeats itself after 400 years, which are this many days, and whole weeks.
const DAYS_PER_400_YEARS: i64 = 146_097;

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Letters of PHP's formats for whole dates, spelt out.
const ISO_8601: &str = "Y-m-d\\TH:i:sP";
const RFC_2822: &str = "D, d M Y H:i:s O";

struct Moment {
    micros: i64,
    seconds: i64,
    second_of_day: i64,
    /// The day, in the 400 years that begin with 1970.
    date: Date,
    /// The years from there to the moment's own.
    years: i64,
}

/// Writes a moment; letters that mean nothing stand for themselves, and so does what follows a backslash.
pub(super) fn format(format: &str, unix_micros: i64) -> String {
    let moment = Moment::new(unix_micros);
    let mut out = String::with_capacity(format.len() * 2);
    moment.write(format, &mut out);
    out
}

impl Moment {
    /// Every number of microseconds is a moment, also where its year has more digits than jiff counts.
    fn new(unix_micros: i64) -> Self {
        let seconds = unix_micros.div_euclid(MICROS_PER_SECOND);
        let days = seconds.div_euclid(SECONDS_PER_DAY);
        let day = i32::try_from(days.rem_euclid(DAYS_PER_400_YEARS)).expect("so many days are few");
        Self {
            micros: unix_micros.rem_euclid(MICROS_PER_SECOND),
            seconds,
            second_of_day: seconds.rem_euclid(SECONDS_PER_DAY),
            date: jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(day),
            years: days.div_euclid(DAYS_PER_400_YEARS) * 400,
        }
    }

    fn write(&self, format: &str, out: &mut String) {
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => out.extend(letters.next()),
                'c' => self.write(ISO_8601, out),
                'r' => self.write(RFC_2822, out),
                letter => match self.number(letter) {
                    Some((number, width)) => write!(out, "{number:0width$}").expect("a String takes all"),
                    None => self.word(letter, out),
                },
            }
        }
    }

    /// Letters that stand for a number, with the digits it has at least.
    fn number(&self, letter: char) -> Option<(i64, usize)> {
        let date = self.date;
        let year = self.years + i64::from(date.year());
        let hour = self.second_of_day / 3600;
        let hour_of_12 = (hour + 11) % 12 + 1;
        Some(match letter {
            'd' => (date.day().into(), 2),
            'j' => (date.day().into(), 1),
            'N' => (date.weekday().to_monday_one_offset().into(), 1),
            'w' => (date.weekday().to_sunday_zero_offset().into(), 1),
            // PHP counts from 0.
            'z' => (i64::from(date.day_of_year()) - 1, 1),
            'W' => (date.iso_week_date().week().into(), 2),
            'o' => (self.years + i64::from(date.iso_week_date().year()), 4),
            'm' => (date.month().into(), 2),
            'n' => (date.month().into(), 1),
            't' => (date.days_in_month().into(), 1),
            'L' => (date.in_leap_year().into(), 1),
            'Y' => (year, 4),
            'y' => (year.rem_euclid(100), 2),
            'g' => (hour_of_12, 1),
            'G' => (hour, 1),
            'h' => (hour_of_12, 2),
            'H' => (hour, 2),
            'i' => (self.second_of_day / 60 % 60, 2),
            's' => (self.second_of_day % 60, 2),
            'u' => (self.micros, 6),
            'v' => (self.micros / 1000, 3),
            'U' => (self.seconds, 1),
            'Z' | 'I' => (0, 1),
            // Swatch beats: thousandths of a day, an hour east of Greenwich.
            'B' => ((self.second_of_day + 3600).rem_euclid(SECONDS_PER_DAY) * 10 / 864, 3),
            _ => return None,
        })
    }

    #[expect(clippy::cast_sign_loss, reason = "a day of the week and a month are small and not negative")]
    fn word(&self, letter: char, out: &mut String) {
        let day = DAYS[self.date.weekday().to_sunday_zero_offset() as usize];
        let month = MONTHS[self.date.month() as usize - 1];
        let word = match letter {
            'D' => &day[..3],
            'l' => day,
            'M' => &month[..3],
            'F' => month,
            'S' => match self.date.day() {
                1 | 21 | 31 => "st",
                2 | 22 => "nd",
                3 | 23 => "rd",
                _ => "th",
            },
            'a' if self.second_of_day < SECONDS_PER_DAY / 2 => "am",
            'a' => "pm",
            'A' if self.second_of_day < SECONDS_PER_DAY / 2 => "AM",
            'A' => "PM",
            'e' | 'T' => "UTC",
            'P' => "+00:00",
            'p' => "Z",
            'O' => "+0000",
            other => {
                out.push(other);
                return;
            }
        };
        out.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-02-29 13:07:09.045678 UTC, a Thursday.
    const LEAP_DAY: i64 = 1_709_212_029_045_678;

    #[test]
    fn every_letter_is_phps() {
        for (letters, expected) in [
            ("Y-m-d H:i:s", "2024-02-29 13:07:09"),
            ("D l j jS N w z", "Thu Thursday 29 29th 4 4 59"),
            ("W o t L M F n y", "09 2024 29 1 Feb February 2 24"),
            ("a A g G h v u U", "pm PM 1 13 01 045 045678 1709212029"),
            ("e T P p O Z I B", "UTC UTC +00:00 Z +0000 0 0 588"),
            ("c", "2024-02-29T13:07:09+00:00"),
            ("r", "Thu, 29 Feb 2024 13:07:09 +0000"),
            (r"\Y\e\a\r: Y", "Year: 2024"),
            ("", ""),
        ] {
            assert_eq!(format(letters, LEAP_DAY), expected, "{letters}");
        }
    }

    #[test]
    fn weeks_belong_to_the_year_of_their_thursday() {
        for (day, expected) in
            [(18_630, "2020-53"), (18_631, "2021-01"), (20_087, "2025-01"), (20_818, "2026-53")]
        {
            assert_eq!(format("o-W", day * SECONDS_PER_DAY * MICROS_PER_SECOND), expected, "{day}");
        }
    }

    #[test]
    fn every_moment_has_a_date() {
        const ALL: &str = "D d-m-Y H:i:s.u z t L o-W y U";
        for (micros, expected) in [
            (0, "Thu 01-01-1970 00:00:00.000000 0 31 0 1970-01 70 0"),
            (-1, "Wed 31-12-1969 23:59:59.999999 364 31 0 1970-01 69 -1"),
            // Leap days, and a hundredth year without one.
            (951_782_400_000_000, "Tue 29-02-2000 00:00:00.000000 59 29 1 2000-09 00 951782400"),
            (-2_203_891_200_000_000, "Thu 01-03-1900 00:00:00.000000 59 31 0 1900-09 00 -2203891200"),
            // Either side of the year 0, and of what a timestamp of Trunkline and of jiff can be.
            (-62_167_219_200_000_000, "Sat 01-01-0000 00:00:00.000000 0 31 1 -001-52 00 -62167219200"),
            (-62_167_219_200_000_001, "Fri 31-12--001 23:59:59.999999 364 31 0 -001-52 99 -62167219201"),
            (253_402_300_799_999_999, "Fri 31-12-9999 23:59:59.999999 364 31 0 9999-52 99 253402300799"),
            (253_402_300_800_000_000, "Sat 01-01-10000 00:00:00.000000 0 31 1 9999-52 00 253402300800"),
            (i64::MAX, "Sun 10-01-294247 04:00:54.775807 9 31 0 294247-01 47 9223372036854"),
            (i64::MIN, "Sun 21-12--290308 19:59:05.224192 355 31 1 -290308-51 92 -9223372036855"),
        ] {
            assert_eq!(format(ALL, micros), expected, "{micros}");
        }
    }
}
