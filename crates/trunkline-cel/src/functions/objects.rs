//! Objects made from others: what does not change is shared, not copied.

use super::Call;
use crate::evaluate::{Outcome, made, text_of};
use crate::text::Text;
use crate::value::{ObjectView, Value};

/// The fields of an object, sorted by name.
fn fields(call: &mut Call<'_, '_>, object: ObjectView<'_>) -> Outcome<Vec<(Text, Value)>> {
    call.charge(object.len() * 4)?;
    let mut fields: Vec<(Text, Value)> = Vec::with_capacity(object.len() + 1);
    fields.extend(object.iter());
    if matches!(object, ObjectView::Json(..)) {
        fields.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    }
    Ok(fields)
}

pub(super) fn merge(call: &mut Call<'_, '_>) -> Outcome {
    let (left, right) = (call.object(0)?, call.object(1)?);
    let mut merged = fields(call, left)?;
    merged.extend(fields(call, right)?);
    let value = Value::checked_object(merged);
    made(call.node, value)
}

pub(super) fn put(call: &mut Call<'_, '_>) -> Outcome {
    let object = call.object(0)?;
    let Some(name) = text_of(&call.values[1]) else { return Err(call.wrong(1, "text as the name")) };
    let value = call.values[2].clone();
    let mut fields = fields(call, object)?;
    match fields.binary_search_by(|(known, _)| known.cmp(&name)) {
        Ok(index) => fields[index].1 = value,
        Err(index) => fields.insert(index, (name, value)),
    }
    let value = Value::sorted_object(fields);
    made(call.node, value)
}

pub(super) fn drop(call: &mut Call<'_, '_>) -> Outcome {
    let object = call.object(0)?;
    let name = call.text(1)?;
    let mut fields = fields(call, object)?;
    fields.retain(|(known, _)| known.as_bytes() != name.as_bytes());
    let value = Value::sorted_object(fields);
    made(call.node, value)
}
