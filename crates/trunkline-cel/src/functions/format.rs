//! Texts made from other values, by a pattern such as `'%s costs %.2f'`.

use super::Call;
use crate::error::{EvaluateErrorKind, Failure};
use crate::evaluate::{Outcome, failure, made};
use crate::limits::VALUE_BYTES_MAX;
use crate::number::double_text;
use crate::text::Text;
use crate::value::{TooLarge, Value, View};

/// Digits after the point. More are of no use, and would make a long text of a short expression.
const PRECISION_MAX: usize = 100;

/// Digits after the point where none are asked for.
const PRECISION: usize = 6;

/// A place in the pattern: `%.2f` has the precision 2 and the letter `f`.
struct Place {
    precision: Option<usize>,
    letter: char,
}

pub(super) fn format(call: &mut Call<'_, '_>) -> Outcome {
    let (mut rest, list) = (call.text(0)?, call.list(1)?);
    call.charge(rest.len())?;
    let mut out = String::with_capacity(rest.len());
    let mut items = list.iter().enumerate();
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let (place, after) = place(call, rest)?;
        rest = after;
        let Some((index, item)) = items.next() else {
            let message = format!("{} has no item {} for `%{}`", call.name(1), list.len(), place.letter);
            return Err(call.refused(1, message));
        };
        let before = out.len();
        put(call, &place, index, &item, &mut out)?;
        call.charge(out.len() - before)?;
        if out.len() as u64 > VALUE_BYTES_MAX {
            return made(call.node, Err(TooLarge::Long));
        }
    }
    out.push_str(rest);
    call.made_text(out)
}

/// The place that begins behind a `%`, and what follows it.
fn place<'t>(call: &Call<'_, '_>, text: &'t str) -> Outcome<(Place, &'t str)> {
    let (precision, after) = match text.strip_prefix('.') {
        None => (None, text),
        Some(digits) => {
            let end = digits.find(|char: char| !char.is_ascii_digit()).unwrap_or(digits.len());
            let precision = digits[..end].parse().ok().filter(|digits| *digits <= PRECISION_MAX);
            if precision.is_none() {
                let message =
                    format!("`%.{}` asks for no number of digits up to {PRECISION_MAX}", &digits[..end]);
                return Err(call.refused(0, message));
            }
            (precision, &digits[end..])
        }
    };
    match after.chars().next() {
        Some(letter @ ('f' | 'e')) => Ok((Place { precision, letter }, &after[1..])),
        Some(letter @ ('s' | 'd' | 'b' | 'o' | 'x' | 'X')) if precision.is_none() => {
            Ok((Place { precision, letter }, &after[1..]))
        }
        letter => {
            let written: String = text[..text.len() - after.len()].chars().chain(letter).collect();
            let message = format!(
                "`%{written}` is none of `%s`, `%d`, `%f`, `%e`, `%b`, `%o`, `%x`, `%X` and `%%`, which a percent sign begins"
            );
            Err(call.refused(0, message))
        }
    }
}

/// Writes one item in its place.
fn put(call: &mut Call<'_, '_>, place: &Place, index: usize, item: &Value, out: &mut String) -> Outcome<()> {
    let precision = place.precision.unwrap_or(PRECISION);
    let (written, wanted) = match (place.letter, item.view()) {
        ('s', _) => return put_text(call, index, item, out),
        ('d', View::Int(number)) => (Some(number.to_string()), ""),
        ('b', View::Int(number)) => (Some(signed(number, format!("{:b}", number.unsigned_abs()))), ""),
        ('b', View::Bool(value)) => (Some(u8::from(value).to_string()), ""),
        ('o', View::Int(number)) => (Some(signed(number, format!("{:o}", number.unsigned_abs()))), ""),
        ('x' | 'X', View::Int(number)) => (Some(signed(number, format!("{:x}", number.unsigned_abs()))), ""),
        ('x' | 'X', View::Text(text)) => (Some(hex(text.as_bytes())), ""),
        ('x' | 'X', View::Bytes(bytes)) => (Some(hex(bytes)), ""),
        ('f', View::Double(number)) => (Some(format!("{number:.precision$}")), ""),
        // With every digit, also of those that no double has.
        ('f', View::Int(number)) if precision == 0 => (Some(number.to_string()), ""),
        ('f', View::Int(number)) => (Some(format!("{number}.{}", "0".repeat(precision))), ""),
        ('e', View::Double(_) | View::Int(_)) => {
            (item.as_f64().map(|number| scientific(number, precision)), "")
        }
        ('d' | 'o', _) => (None, "an int"),
        ('b', _) => (None, "an int or a bool"),
        ('x' | 'X', _) => (None, "an int, text or bytes"),
        _ => (None, "a number"),
    };
    match written {
        Some(written) if place.letter == 'X' => out.push_str(&written.to_ascii_uppercase()),
        Some(written) => out.push_str(&written),
        None => return Err(mismatch(call, place.letter, wanted, index, item)),
    }
    Ok(())
}

/// Writes any value without quotes, lists and objects with all they hold.
fn put_text(call: &mut Call<'_, '_>, index: usize, item: &Value, out: &mut String) -> Outcome<()> {
    call.charge(0)?;
    match item.view() {
        View::Double(number) => out.push_str(&double_text(number)),
        View::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => out.push_str(text),
            Err(_) => return Err(mismatch(call, 's', "bytes in UTF-8", index, item)),
        },
        View::Unheld(..) => return Err(mismatch(call, 's', "a value of the language", index, item)),
        View::List(list) => {
            out.push('[');
            for (at, inner) in list.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                put_text(call, index, &inner, out)?;
            }
            out.push(']');
        }
        View::Object(object) => {
            let mut fields: Vec<(Text, Value)> = object.iter().collect();
            fields.sort_unstable_by(|left, right| left.0.cmp(&right.0));
            out.push('{');
            for (at, (name, inner)) in fields.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                out.push_str(&name.shown());
                out.push_str(": ");
                put_text(call, index, inner, out)?;
            }
            out.push('}');
        }
        _ => out.push_str(&item.to_text()),
    }
    if out.len() as u64 > VALUE_BYTES_MAX {
        return made(call.node, Err(TooLarge::Long)).map(drop);
    }
    Ok(())
}

#[cold]
fn mismatch(call: &Call<'_, '_>, letter: char, wanted: &str, index: usize, item: &Value) -> Failure {
    let message =
        format!("`%{letter}` takes {wanted}, and item {index} of {} is {}", call.name(1), item.type_name());
    let field = call.run.path(&call.arguments[1]).map(|path| format!("{path}[{index}]"));
    failure(EvaluateErrorKind::Type, call.node, field, message)
}

fn signed(number: i64, digits: String) -> String {
    if number < 0 { format!("-{digits}") } else { digits }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// `1.5e+03`: the exponent with its sign and two digits or more.
fn scientific(number: f64, precision: usize) -> String {
    let written = format!("{number:.precision$e}");
    let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// A text in quotes, with escapes for what cannot be seen, as an expression would have it.
pub(super) fn quote(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        let escape = match char {
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\u{c}' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\u{b}' => 'v',
            '\\' | '"' => char,
            _ => {
                out.push(char);
                continue;
            }
        };
        out.extend(['\\', escape]);
    }
    out.push('"');
    call.made_text(out)
}
