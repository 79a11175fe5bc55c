//! Expressions over an event that is on its way to today's shape.

use bytes::Bytes;
use trunkline_cel::{EvaluateError, Expression, Value, Variables};
use trunkline_core::upcast::Old;

/// A function that makes JSON.
pub(crate) fn compute(
    expression: &Expression,
) -> impl Fn(&Old<'_>) -> Result<String, String> + Send + Sync + 'static {
    let expression = expression.clone();
    move |old| {
        let made = expression.evaluate(&variables(&expression, old)?).map_err(message_of)?.to_json();
        String::from_utf8(made.into()).map_err(|error| error.to_string())
    }
}

/// A function that says something.
pub(crate) fn judge(
    expression: &Expression,
) -> impl Fn(&Old<'_>) -> Result<bool, String> + Send + Sync + 'static {
    let expression = expression.clone();
    move |old| expression.evaluate_bool(&variables(&expression, old)?).map_err(message_of)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn message_of(error: EvaluateError) -> String {
    error.to_string()
}

/// `event`, with the fields that the expression reads.
fn variables(expression: &Expression, old: &Old<'_>) -> Result<Variables, String> {
    let json = |bytes: &[u8]| {
        Value::from_json(Bytes::copy_from_slice(bytes))
            .map_err(|error| format!("its metadata is not JSON: {error}"))
    };
    let mut fields = Vec::with_capacity(2);
    if expression.reads("event.data") {
        fields.push(("data", Value::from_data(Bytes::copy_from_slice(old.data()))));
    }
    if expression.reads("event.metadata") {
        fields.push(("metadata", json(old.metadata())?));
    }
    if expression.reads("event.type") {
        fields.push(("type", Value::from(old.event_type())));
    }
    if expression.reads("event.stream") {
        fields.push(("stream", Value::from(old.stream())));
    }
    if expression.reads("event.occurred_at") {
        fields.push(("occurred_at", Value::from(old.occurred_at().to_string())));
    }
    Ok(Variables::new().with("event", Value::object(fields)))
}
