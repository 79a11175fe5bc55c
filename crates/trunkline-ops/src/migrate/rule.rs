//! The stream that an event goes to: its own, or what an expression says.

use bytes::Bytes;
use trunkline_cel::{Expression, Mistake, Scope, Value, Variables};
use trunkline_core::{RecordedEvent, StreamName};

/// What an expression over streams can read of an event. Places are others in the new store, and not shown.
const FIELDS: [&str; 7] = ["type", "data", "stream", "stream_id", "tags", "metadata", "occurred_at"];

/// An expression that gives the stream of an event in its present shape.
///
/// ```
/// use trunkline_ops::migrate::StreamRule;
/// StreamRule::compile("'purchase-' + event.stream_id")?;
/// let error = StreamRule::compile("event.steam").unwrap_err();
/// assert!(error.to_string().contains("did you mean `stream`?"), "{error}");
/// # Ok::<(), trunkline_ops::migrate::InvalidRule>(())
/// ```
#[derive(Debug)]
pub struct StreamRule(Expression);

/// A text that is no rule for streams.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidRule {
    /// Every mistake that can be known before the rule is used.
    pub reason: String,
}

impl StreamRule {
    /// Compiles an expression over `event`.
    pub fn compile(text: &str) -> Result<Self, InvalidRule> {
        let scope = Scope::default().fields("event", FIELDS);
        let reason = |mistake: Mistake| match mistake.help {
            Some(help) => format!("{}; {help}", mistake.message),
            None => mistake.message,
        };
        Expression::compile(text, &scope).map(Self).map_err(|mistakes| {
            let reasons: Vec<String> = mistakes.into_iter().map(reason).collect();
            InvalidRule { reason: reasons.join("; ") }
        })
    }

    /// The stream of an event in its present shape.
    pub(super) fn stream_of(&self, event: &RecordedEvent) -> Result<StreamName, String> {
        let (seen, hidden) = self.seen(event);
        let value = self.0.evaluate(&Variables::new().with("event", seen));
        let value = value.map_err(|error| hidden.unwrap_or_else(|| error.to_string()))?;
        let name = value.as_str().ok_or_else(|| format!("it gives {}, not a text", value.type_name()))?;
        StreamName::new(name).map_err(|error| error.to_string())
    }

    /// `event`, with the fields that the expression may read, and why one is not among them: data that is no JSON is no
    /// matter until it is read.
    fn seen(&self, event: &RecordedEvent) -> (Value, Option<String>) {
        let mut fields = Vec::with_capacity(FIELDS.len());
        let mut hidden = None;
        for field in FIELDS.into_iter().filter(|field| self.0.reads(&format!("event.{field}"))) {
            let value = match field {
                "type" => Ok(Value::from(event.event_type())),
                "data" => Value::from_json(event.data_bytes()),
                "stream" => Ok(Value::from(event.stream())),
                "stream_id" => Ok(Value::from(event.aggregate_id())),
                "tags" => Ok(Value::list(event.tags().map(Value::from))),
                "metadata" => Value::from_json(Bytes::copy_from_slice(event.metadata())),
                _ => Ok(Value::from(event.occurred_at().to_string())),
            };
            match value {
                Ok(value) => fields.push((field, value)),
                Err(error) => hidden = Some(format!("its {field} is not JSON: {error}")),
            }
        }
        (Value::object(fields), hidden)
    }
}
