//! Places in a text, which are counted in characters from 0, never in bytes.

use super::Call;
use crate::evaluate::Outcome;
use crate::value::Value;

/// The place that an argument names in the text that is the first one, as the bytes before it.
fn place(call: &Call<'_, '_>, index: usize) -> Outcome<usize> {
    let (text, at) = (call.text(0)?, call.int(index)?);
    let bytes = usize::try_from(at).ok().and_then(|at| {
        let ends = text.char_indices().map(|(byte, _)| byte).chain([text.len()]);
        ends.into_iter().nth(at)
    });
    bytes.ok_or_else(|| {
        let (what, length) = (call.name(0), text.chars().count());
        call.refused(index, format!("{what} has no place {at}: its length is {length}"))
    })
}

/// The place of a byte; -1 of none.
fn counted(text: &str, byte: Option<usize>) -> Value {
    let place = byte.map_or(-1, |byte| i64::try_from(text[..byte].chars().count()).unwrap_or(i64::MAX));
    Value::from(place)
}

pub(super) fn substring(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    call.charge(text.len())?;
    let from = place(call, 1)?;
    let to = if call.values.len() > 2 { place(call, 2)? } else { text.len() };
    if from > to {
        let (from, to) = (call.int(1)?, call.int(2)?);
        return Err(call.refused(2, format!("`substring` from {from} cannot end at {to}")));
    }
    call.made_text(text[from..to].to_owned())
}

/// The character at a place; nothing at the end.
pub(super) fn char_at(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    call.charge(text.len())?;
    let at = place(call, 1)?;
    call.made_text(text[at..].chars().take(1).collect())
}

pub(super) fn index_of(call: &mut Call<'_, '_>) -> Outcome {
    let (text, part) = (call.text(0)?, call.text(1)?);
    call.charge(text.len() * 2)?;
    let from = if call.values.len() > 2 { place(call, 2)? } else { 0 };
    Ok(counted(text, text[from..].find(part).map(|byte| from + byte)))
}

/// The last place at which a part begins, at or before the place that is given.
pub(super) fn last_index_of(call: &mut Call<'_, '_>) -> Outcome {
    let (text, part) = (call.text(0)?, call.text(1)?);
    call.charge(text.len() * 2)?;
    let mut end = text.len();
    if call.values.len() > 2 {
        end = end.min(place(call, 2)? + part.len());
        // A part ends between characters.
        while !text.is_char_boundary(end) {
            end -= 1;
        }
    }
    Ok(counted(text, text[..end].rfind(part)))
}
