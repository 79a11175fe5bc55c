//! From one type to another.

use super::Call;
use crate::document::Unheld;
use crate::evaluate::Outcome;
use crate::number::{self, ROUND_DIGITS_MAX};
use crate::value::{Repr, Value, View};

pub(super) fn string(call: &mut Call<'_, '_>) -> Outcome {
    let value = &call.values[0];
    let text = match value.view() {
        View::Text(_) => return Ok(value.clone()),
        View::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => return Err(call.refused(0, format!("the bytes of {} are not UTF-8", call.name(0)))),
        },
        View::Null | View::List(_) | View::Object(_) | View::Unheld(Unheld::Text | Unheld::Deep, _) => {
            return Err(call.wrong(0, "a value that is one text"));
        }
        View::Int(number) => number.to_string(),
        _ => value.to_text(),
    };
    call.made_text(text)
}

pub(super) fn int(call: &mut Call<'_, '_>) -> Outcome {
    /// From here on, the nearest double of an integer beyond 64 bits may be the same.
    const EDGE: f64 = 9_223_372_036_854_775_808.0;
    let value = &call.values[0];
    match value.view() {
        View::Int(number) => Ok(Value::from(number)),
        View::Double(number) => {
            let whole = number.trunc();
            if whole.abs() < EDGE {
                return Ok(Value::from(whole as i64));
            }
            Err(call.refused(0, format!("{} does not fit 64 bits", call.name(0))))
        }
        View::Text(text) => {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            match text.parse::<i64>() {
                Ok(number) if plain => Ok(Value::from(number)),
                Err(_) if plain => Err(call.refused(0, format!("{} does not fit 64 bits", call.name(0)))),
                _ => Err(call.refused(0, format!("{} is no integer: `{}`", call.name(0), shown(text)))),
            }
        }
        View::Timestamp(time) => Ok(Value::from(time.seconds())),
        View::Duration(duration) => Ok(Value::from(duration.as_secs())),
        _ => Err(call.wrong(0, "a number, text, a timestamp or a duration")),
    }
}

pub(super) fn double(call: &mut Call<'_, '_>) -> Outcome {
    let value = &call.values[0];
    if let View::Text(text) = value.view() {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let number = text.parse::<f64>().ok().filter(|_| plain).and_then(Value::from_f64);
        return number
            .ok_or_else(|| call.refused(0, format!("{} is no number: `{}`", call.name(0), shown(text))));
    }
    let nearest = match value.view() {
        View::Unheld(Unheld::Integer, written) => {
            std::str::from_utf8(written).ok().and_then(|text| text.parse().ok())
        }
        _ => value.as_f64(),
    };
    match nearest.and_then(Value::from_f64) {
        Some(number) => Ok(number),
        None => Err(call.wrong(0, "a number or text")),
    }
}

pub(super) fn bool(call: &mut Call<'_, '_>) -> Outcome {
    match call.values[0].view() {
        View::Bool(value) => Ok(Value::from(value)),
        View::Text("true" | "True" | "TRUE" | "t" | "1") => Ok(Value::from(true)),
        View::Text("false" | "False" | "FALSE" | "f" | "0") => Ok(Value::from(false)),
        View::Text(text) => {
            Err(call.refused(0, format!("{} is neither `true` nor `false`: `{}`", call.name(0), shown(text))))
        }
        _ => Err(call.wrong(0, "true, false or text")),
    }
}

pub(super) fn bytes(call: &mut Call<'_, '_>) -> Outcome {
    match call.values[0].view() {
        View::Bytes(_) => Ok(call.values[0].clone()),
        View::Text(text) => {
            call.charge(text.len())?;
            Ok(Value(Repr::Bytes(text.as_bytes().into())))
        }
        _ => Err(call.wrong(0, "text")),
    }
}

/// The value itself: no types are checked beforehand here, which is what `dyn` turns off elsewhere.
#[expect(clippy::unnecessary_wraps, reason = "every function of the table has this form")]
pub(super) fn same(call: &mut Call<'_, '_>) -> Outcome {
    Ok(call.values[0].clone())
}

/// The name of a value's type, as CEL calls it.
pub(super) fn type_of(call: &mut Call<'_, '_>) -> Outcome {
    let name = match call.values[0].view() {
        View::Null => "null_type",
        View::Bool(_) => "bool",
        View::Int(_) => "int",
        View::Double(_) => "double",
        View::Text(_) => "string",
        View::Bytes(_) => "bytes",
        View::Timestamp(_) => "google.protobuf.Timestamp",
        View::Duration(_) => "google.protobuf.Duration",
        View::Type(_) => "type",
        View::List(_) => "list",
        View::Object(_) => "map",
        View::Unheld(..) => return Err(call.wrong(0, "a value of the language")),
    };
    Ok(Value(Repr::Type(name)))
}

pub(super) fn round(call: &mut Call<'_, '_>) -> Outcome {
    let digits = if call.values.len() > 1 { call.int(1)? } else { 0 };
    let Some(places) = usize::try_from(digits).ok().filter(|_| digits <= ROUND_DIGITS_MAX) else {
        return Err(call.refused(1, format!("`round` takes 0 to {ROUND_DIGITS_MAX} digits, not {digits}")));
    };
    match call.values[0].view() {
        View::Int(_) => Ok(call.values[0].clone()),
        View::Double(number) => Ok(Value(Repr::Double(number::round(number, places)))),
        _ => Err(call.wrong(0, "a number")),
    }
}

/// The beginning of a text, for a message.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    shown
}
