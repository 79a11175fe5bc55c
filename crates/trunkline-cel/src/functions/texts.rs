//! What is done with texts. Places in a text are counted in characters, never in bytes.

use super::Call;
use crate::evaluate::{Outcome, made};
use crate::limits::VALUE_BYTES_MAX;
use crate::value::{TooLarge, Value};

pub(super) fn contains(call: &mut Call<'_, '_>) -> Outcome {
    let (text, part) = (call.text(0)?, call.text(1)?);
    call.charge(text.len())?;
    Ok(Value::from(text.contains(part)))
}

pub(super) fn starts_with(call: &mut Call<'_, '_>) -> Outcome {
    Ok(Value::from(call.text(0)?.starts_with(call.text(1)?)))
}

pub(super) fn ends_with(call: &mut Call<'_, '_>) -> Outcome {
    Ok(Value::from(call.text(0)?.ends_with(call.text(1)?)))
}

pub(super) fn lower(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    call.made_text(text.to_lowercase())
}

pub(super) fn upper(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    call.made_text(text.to_uppercase())
}

pub(super) fn trim(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    call.made_text(text.trim().to_owned())
}

pub(super) fn replace(call: &mut Call<'_, '_>) -> Outcome {
    let (text, part, by) = (call.text(0)?, call.text(1)?, call.text(2)?);
    call.charge(text.len())?;
    // Counted before it is made: a short replacement for nothing at all may fill the memory.
    let found = text.matches(part).count();
    let bytes = (text.len() as u64).saturating_add((found as u64).saturating_mul(by.len() as u64));
    if bytes > VALUE_BYTES_MAX {
        return made(call.node, Err(TooLarge::Long));
    }
    call.made_text(text.replace(part, by))
}

pub(super) fn substring(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    call.charge(text.len())?;
    let length = text.chars().count();
    let place = |index: usize| -> Outcome<usize> {
        let at = call.int(index)?;
        usize::try_from(at).ok().filter(|at| *at <= length).ok_or_else(|| {
            let what = call.name(0);
            call.refused(index, format!("{what} has no place {at}: its length is {length}"))
        })
    };
    let from = place(1)?;
    let to = if call.values.len() > 2 { place(2)? } else { length };
    if from > to {
        return Err(call.refused(2, format!("`substring` from {from} cannot end at {to}")));
    }
    call.made_text(text.chars().skip(from).take(to - from).collect())
}

pub(super) fn split(call: &mut Call<'_, '_>) -> Outcome {
    let (text, separator) = (call.text(0)?, call.text(1)?);
    call.charge(text.len() * 4)?;
    let parts = if separator.is_empty() {
        text.chars().map(|char| Value::from(char.encode_utf8(&mut [0; 4]) as &str)).collect()
    } else {
        text.split(separator).map(Value::from).collect()
    };
    call.run.list(call.node, parts)
}

pub(super) fn join(call: &mut Call<'_, '_>) -> Outcome {
    let list = call.list(0)?;
    let separator = if call.values.len() > 1 { call.text(1)? } else { "" };
    let mut joined = String::new();
    for (index, item) in list.iter().enumerate() {
        let Some(text) = item.as_str() else {
            let what = call.name(0);
            let message = format!("`join` takes texts, and item {index} of {what} is {}", item.type_name());
            return Err(call.refused(0, message));
        };
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(text);
        call.charge(text.len() + separator.len())?;
        if joined.len() as u64 > VALUE_BYTES_MAX {
            return made(call.node, Err(TooLarge::Long));
        }
    }
    Ok(Value::from(joined))
}
