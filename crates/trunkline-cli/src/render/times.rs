//! Times and spans of time as text.

use std::time::Duration;

use jiff::tz::TimeZone;
use trunkline_core::Timestamp;

use super::screen;

/// A time to the second, as all times are shown to people: in UTC, or where the user wants it in the machine's zone.
pub(crate) fn time(time: Timestamp) -> String {
    let zone = screen().local.then(TimeZone::system);
    zone.and_then(|zone| time_in(&zone, time)).unwrap_or_else(|| {
        let text = time.to_string();
        text.split('.').next().map_or_else(|| text.clone(), |seconds| format!("{seconds}Z"))
    })
}

/// The same in a zone, with how far that is from UTC; none of the last day of all, which not every zone has.
fn time_in(zone: &TimeZone, time: Timestamp) -> Option<String> {
    let micros = time.as_micros().div_euclid(1_000_000) * 1_000_000;
    let time = jiff::Timestamp::from_microsecond(micros).ok()?.to_zoned(zone.clone());
    Some(time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

/// A time span in its largest unit.
pub(crate) fn age(age: Duration) -> String {
    match age.as_secs() {
        0 => format!("{} ms", age.as_millis()),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_to_the_second_with_its_zone() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(time(at("2010-12-01T08:26:00.999999Z")), "2010-12-01T08:26:00Z");
        let zone = TimeZone::fixed(jiff::tz::offset(-3));
        for (utc, wanted) in [
            ("2010-12-01T02:26:00.5Z", Some("2010-11-30T23:26:00-03:00")),
            ("1969-12-31T23:59:59.5Z", Some("1969-12-31T20:59:59-03:00")),
            ("9999-12-31T23:59:59Z", None),
        ] {
            assert_eq!(time_in(&zone, at(utc)).as_deref(), wanted, "{utc}");
        }
    }
}
