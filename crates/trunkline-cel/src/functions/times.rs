//! Timestamps and durations. Parts of a timestamp are in UTC; CEL counts months, days of the month and of the year
//! from 0, except in `getDate`.

use super::Call;
use super::convert::shown;
use crate::evaluate::Outcome;
use crate::time::{parse_duration, parse_timestamp};
use crate::value::{Value, View};
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

pub(super) fn timestamp(call: &mut Call<'_, '_>) -> Outcome {
    match call.values[0].view() {
        View::Timestamp(time) => Ok(Value::from(time)),
        View::Int(seconds) => match Timestamp::from_second(seconds) {
            Ok(time) => Ok(Value::from(time)),
            Err(_) => Err(call.refused(0, format!("{} is beyond the times that can be told", call.name(0)))),
        },
        View::Text(text) => parse_timestamp(text).map(Value::from).ok_or_else(|| {
            let what = call.name(0);
            call.refused(
                0,
                format!("{what} is no timestamp such as `2026-01-31T23:59:59Z`: `{}`", shown(text)),
            )
        }),
        _ => Err(call.wrong(0, "text or seconds since 1970")),
    }
}

pub(super) fn duration(call: &mut Call<'_, '_>) -> Outcome {
    match call.values[0].view() {
        View::Duration(duration) => Ok(Value::from(duration)),
        View::Text(text) => parse_duration(text).map(Value::from).ok_or_else(|| {
            let what = call.name(0);
            call.refused(0, format!("{what} is no duration such as `1h30m` or `90s`: `{}`", shown(text)))
        }),
        _ => Err(call.wrong(0, "text")),
    }
}

/// The parts of a timestamp in UTC.
fn parts(call: &Call<'_, '_>) -> Outcome<DateTime> {
    match call.values[0].view() {
        View::Timestamp(time) => Ok(time.to_zoned(TimeZone::UTC).datetime()),
        _ => Err(call.wrong(0, "a timestamp")),
    }
}

fn part(call: &Call<'_, '_>, part: impl Fn(DateTime) -> i64) -> Outcome {
    Ok(Value::from(part(parts(call)?)))
}

/// A part of a timestamp, or the whole of a duration in that unit.
fn part_or_whole(
    call: &Call<'_, '_>,
    part: impl Fn(DateTime) -> i64,
    whole: impl Fn(SignedDuration) -> i64,
) -> Outcome {
    match call.values[0].view() {
        View::Duration(duration) => Ok(Value::from(whole(duration))),
        View::Timestamp(_) => Ok(Value::from(part(parts(call)?))),
        _ => Err(call.wrong(0, "a timestamp or a duration")),
    }
}

pub(super) fn get_full_year(call: &mut Call<'_, '_>) -> Outcome {
    part(call, |time| time.year().into())
}

pub(super) fn get_month(call: &mut Call<'_, '_>) -> Outcome {
    part(call, |time| i64::from(time.month()) - 1)
}

pub(super) fn get_date(call: &mut Call<'_, '_>) -> Outcome {
    part(call, |time| time.day().into())
}

pub(super) fn get_day_of_month(call: &mut Call<'_, '_>) -> Outcome {
    part(call, |time| i64::from(time.day()) - 1)
}

pub(super) fn get_day_of_week(call: &mut Call<'_, '_>) -> Outcome {
    part(call, |time| time.weekday().to_sunday_zero_offset().into())
}

pub(super) fn get_day_of_year(call: &mut Call<'_, '_>) -> Outcome {
    part(call, |time| i64::from(time.day_of_year()) - 1)
}

pub(super) fn get_hours(call: &mut Call<'_, '_>) -> Outcome {
    part_or_whole(call, |time| time.hour().into(), |duration| duration.as_hours())
}

pub(super) fn get_minutes(call: &mut Call<'_, '_>) -> Outcome {
    part_or_whole(call, |time| time.minute().into(), |duration| duration.as_mins())
}

pub(super) fn get_seconds(call: &mut Call<'_, '_>) -> Outcome {
    part_or_whole(call, |time| time.second().into(), |duration| duration.as_secs())
}

pub(super) fn get_milliseconds(call: &mut Call<'_, '_>) -> Outcome {
    part_or_whole(call, |time| time.millisecond().into(), |duration| duration.subsec_millis().into())
}
