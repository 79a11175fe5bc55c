//! What is done with whole texts.

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

pub(super) fn lower_ascii(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    call.made_text(text.to_ascii_lowercase())
}

pub(super) fn upper_ascii(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    call.made_text(text.to_ascii_uppercase())
}

pub(super) fn reverse(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    call.made_text(text.chars().rev().collect())
}

pub(super) fn trim(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    call.made_text(text.trim().to_owned())
}

pub(super) fn replace(call: &mut Call<'_, '_>) -> Outcome {
    let (text, part, by) = (call.text(0)?, call.text(1)?, call.text(2)?);
    call.charge(text.len())?;
    // Counted before it is made: a short replacement for nothing at all may fill the memory.
    let limit = limit(call, 3)?;
    let found = text.matches(part).take(limit).count();
    let bytes = (text.len() as u64).saturating_add((found as u64).saturating_mul(by.len() as u64));
    if bytes > VALUE_BYTES_MAX {
        return made(call.node, Err(TooLarge::Long));
    }
    call.made_text(text.replacen(part, by, limit))
}

/// How many times at most, in the argument that may be left out; a negative number sets no limit.
fn limit(call: &Call<'_, '_>, index: usize) -> Outcome<usize> {
    if call.values.len() <= index {
        return Ok(usize::MAX);
    }
    Ok(usize::try_from(call.int(index)?).unwrap_or(usize::MAX))
}

pub(super) fn split(call: &mut Call<'_, '_>) -> Outcome {
    let (text, separator) = (call.text(0)?, call.text(1)?);
    call.charge(text.len() * 4)?;
    let parts = match (limit(call, 2)?, separator) {
        (limit, "") => {
            let cut = text.char_indices().map(|(at, _)| at).skip(1).take(limit.saturating_sub(1));
            let ends = cut.chain([text.len()]).take(if text.is_empty() { 0 } else { limit });
            let mut from = 0;
            let part = |end| Value::from(&text[std::mem::replace(&mut from, end)..end]);
            ends.map(part).collect()
        }
        (limit, separator) => text.splitn(limit, separator).map(Value::from).collect(),
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
