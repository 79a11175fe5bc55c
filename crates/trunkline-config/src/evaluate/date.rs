//! `@date`: a moment in UTC written with PHP's format letters.
//!
//! The calendar arithmetic counts days from 0000-03-01, so that a leap day is the last of its year.

use std::fmt::Write;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
const DAYS_PER_ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;

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
    year: i64,
    /// From 1.
    month: i64,
    /// From 1.
    day: i64,
    /// From 0.
    day_of_year: i64,
    /// From 0, Sunday.
    weekday: i64,
}

/// Writes a moment; letters that mean nothing stand for themselves, and so does what follows a backslash.
pub(super) fn format(format: &str, unix_micros: i64) -> String {
    let moment = Moment::new(unix_micros);
    let mut out = String::with_capacity(format.len() * 2);
    moment.write(format, &mut out);
    out
}

impl Moment {
    fn new(unix_micros: i64) -> Self {
        let seconds = unix_micros.div_euclid(MICROS_PER_SECOND);
        let days = seconds.div_euclid(SECONDS_PER_DAY);
        let (year, month, day) = civil(days);
        Self {
            micros: unix_micros.rem_euclid(MICROS_PER_SECOND),
            seconds,
            second_of_day: seconds.rem_euclid(SECONDS_PER_DAY),
            year,
            month,
            day,
            day_of_year: days - days_from_civil(year, 1, 1),
            weekday: (days + 4).rem_euclid(7),
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
        let hour = self.second_of_day / 3600;
        let hour_of_12 = (hour + 11) % 12 + 1;
        Some(match letter {
            'd' => (self.day, 2),
            'j' => (self.day, 1),
            'N' => ((self.weekday + 6) % 7 + 1, 1),
            'w' => (self.weekday, 1),
            'z' => (self.day_of_year, 1),
            'W' => (self.iso_week().1, 2),
            'o' => (self.iso_week().0, 4),
            'm' => (self.month, 2),
            'n' => (self.month, 1),
            't' => (days_in_month(self.year, self.month), 1),
            'L' => (i64::from(is_leap(self.year)), 1),
            'Y' => (self.year, 4),
            'y' => (self.year.rem_euclid(100), 2),
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
        let day = DAYS[self.weekday as usize];
        let month = MONTHS[self.month as usize - 1];
        let word = match letter {
            'D' => &day[..3],
            'l' => day,
            'M' => &month[..3],
            'F' => month,
            'S' => match self.day {
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

    /// Year and week by ISO 8601: a week belongs to the year of its Thursday.
    fn iso_week(&self) -> (i64, i64) {
        let thursday = self.day_of_year - (self.weekday + 6) % 7 + 3;
        let days = |year| 365 + i64::from(is_leap(year));
        if thursday < 0 {
            (self.year - 1, (thursday + days(self.year - 1)) / 7 + 1)
        } else if thursday >= days(self.year) {
            (self.year + 1, 1)
        } else {
            (self.year, thursday / 7 + 1)
        }
    }
}

fn civil(days_since_1970: i64) -> (i64, i64, i64) {
    let days = days_since_1970 + DAYS_TO_1970;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days_from_civil(next_year, next_month, 1) - days_from_civil(year, month, 1)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
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
        let at = |year, month, day| days_from_civil(year, month, day) * SECONDS_PER_DAY * MICROS_PER_SECOND;
        assert_eq!(format("o-W", at(2021, 1, 3)), "2020-53");
        assert_eq!(format("o-W", at(2021, 1, 4)), "2021-01");
        assert_eq!(format("o-W", at(2024, 12, 30)), "2025-01");
        assert_eq!(format("o-W", at(2026, 12, 31)), "2026-53");
    }

    #[test]
    fn the_calendar_runs_both_ways() {
        for days in (-800_000..800_000).step_by(37) {
            let (year, month, day) = civil(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
        assert_eq!(format("Y-m-d H:i:s", -1), "1969-12-31 23:59:59");
    }
}
