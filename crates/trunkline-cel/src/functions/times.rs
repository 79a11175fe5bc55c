//! Timestamps and durations. CEL counts months, days of the month and of the year from 0, except in `getDate`.

use super::Call;
use super::convert::shown;
use crate::duration::{Unread, parse_duration};
use crate::evaluate::Outcome;
use crate::time::{Time, parse_offset, parse_timestamp};
use crate::value::{Value, View};
use jiff::SignedDuration;
use jiff::civil::DateTime;

pub(super) fn timestamp(call: &mut Call<'_, '_>) -> Outcome {
    match call.values[0].view() {
        View::Timestamp(time) => Ok(Value::from(time)),
        View::Int(seconds) => match Time::since_1970(SignedDuration::from_secs(seconds)) {
            Some(time) => Ok(Value::from(time)),
            None => Err(call.refused(0, format!("{} is beyond the years 1 to 9999", call.name(0)))),
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
        View::Text(text) => parse_duration(text).map(Value::from).map_err(|unread| {
            let (what, shown) = (call.name(0), shown(text));
            let message = match unread {
                Unread::NoDuration => format!("{what} is no duration such as `1h30m` or `90s`: `{shown}`"),
                Unread::TooLong => format!("{what} is longer than 10,000 years: `{shown}`"),
            };
            call.refused(0, message)
        }),
        _ => Err(call.wrong(0, "text")),
    }
}

/// How far from UTC a text says that clocks are: `UTC`, or an offset.
///
/// Zones with a name are not known: their offsets change with the database of zones that a program has, and what is
/// evaluated again must give the same.
pub(crate) fn zone(text: &str) -> Result<SignedDuration, String> {
    let offset = if text == "UTC" { Some(SignedDuration::ZERO) } else { parse_offset(text) };
    offset.ok_or_else(|| {
        format!("no zone is called `{}` here: write `UTC` or an offset such as `+02:00`", shown(text))
    })
}

/// A part of a timestamp, in UTC or in the zone that is given.
fn part(call: &Call<'_, '_>, part: impl Fn(DateTime) -> i64) -> Outcome {
    let View::Timestamp(time) = call.values[0].view() else { return Err(call.wrong(0, "a timestamp")) };
    let offset = if call.values.len() > 1 {
        zone(call.text(1)?).map_err(|message| call.refused(1, message))?
    } else {
        SignedDuration::ZERO
    };
    match time.shown(offset) {
        Some(shown) => Ok(Value::from(part(shown))),
        None => Err(call.refused(0, format!("{} is after the year 9999 there", call.name(0)))),
    }
}

/// A part of a timestamp, or the whole of a duration in that unit.
fn part_or_whole(
    call: &Call<'_, '_>,
    of_time: impl Fn(DateTime) -> i64,
    whole: impl Fn(SignedDuration) -> i64,
) -> Outcome {
    match call.values[0].view() {
        View::Duration(duration) if call.values.len() == 1 => Ok(Value::from(whole(duration))),
        View::Duration(_) => Err(call.refused(1, format!("{} is a duration and in no zone", call.name(0)))),
        View::Timestamp(_) => part(call, of_time),
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
