//! The stream that an event goes to: its own, or what an expression says.

use bytes::Bytes;
use trunkline_cel::{Expression, Mistake, Scope, Value, Variables};
use trunkline_core::json::LineParts;
use trunkline_core::{NewEvent, RecordedEvent, StreamName, Tag, Timestamp};

/// What an expression over streams can read of an event. Places are others in the new store, and not shown.
const FIELDS: [&str; 7] = ["type", "data", "stream", "stream_id", "tags", "metadata", "occurred_at"];

/// An expression that gives the stream of an event: of a stored one in its present shape, or of one that comes in.
///
/// ```
/// use trunkline_ops::StreamRule;
/// StreamRule::compile("'purchase-' + event.stream_id")?;
/// let error = StreamRule::compile("event.steam").unwrap_err();
/// assert!(error.to_string().contains("did you mean `stream`?"), "{error}");
/// # Ok::<(), trunkline_ops::InvalidRule>(())
/// ```
#[derive(Clone, Debug)]
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

    /// The stream of an event.
    pub(crate) fn stream_of(&self, event: &SeenEvent<'_>) -> Result<StreamName, String> {
        let (seen, hidden) = self.seen(event);
        let value = self.0.evaluate(&Variables::new().with("event", seen));
        let value = value.map_err(|error| hidden.unwrap_or_else(|| error.to_string()))?;
        let name = value.as_str().ok_or_else(|| format!("it gives {}, not a text", value.type_name()))?;
        StreamName::new(name).map_err(|error| error.to_string())
    }

    /// `event`, with the fields that the expression may read, and why one is not among them: data that is no JSON is no
    /// matter until it is read. What an event doesn't say is no field of it.
    fn seen(&self, event: &SeenEvent<'_>) -> (Value, Option<String>) {
        let mut fields = Vec::with_capacity(FIELDS.len());
        let mut hidden = None;
        for field in FIELDS.into_iter().filter(|field| self.0.reads(&format!("event.{field}"))) {
            let value = match field {
                "type" => Ok(Value::from(event.event_type)),
                "data" => Value::from_json(event.data.clone()),
                "tags" => Ok(Value::list(event.tags.iter().map(|tag| Value::from(*tag)))),
                "metadata" => Value::from_json(event.metadata.clone()),
                "stream" | "stream_id" | "occurred_at" => {
                    let text = match field {
                        "stream" => event.stream.map(Value::from),
                        "stream_id" => event.stream_id.map(Value::from),
                        _ => event.occurred_at.map(|time| Value::from(time.to_string())),
                    };
                    let Some(text) = text else { continue };
                    Ok(text)
                }
                _ => unreachable!("every field is above"),
            };
            match value {
                Ok(value) => fields.push((field, value)),
                Err(error) => hidden = Some(format!("its {field} is not JSON: {error}")),
            }
        }
        (Value::object(fields), hidden)
    }
}

/// What a rule sees of an event, stored or on its way in.
#[derive(Debug)]
pub(crate) struct SeenEvent<'a> {
    pub(crate) event_type: &'a str,
    pub(crate) data: Bytes,
    /// What the event says of its stream, which for one on its way in need be no stream's name.
    pub(crate) stream: Option<&'a str>,
    pub(crate) stream_id: Option<&'a str>,
    pub(crate) tags: Vec<&'a str>,
    pub(crate) metadata: Bytes,
    pub(crate) occurred_at: Option<Timestamp>,
}

impl<'a> From<&'a RecordedEvent> for SeenEvent<'a> {
    fn from(event: &'a RecordedEvent) -> Self {
        Self {
            event_type: event.event_type(),
            data: event.data_bytes(),
            stream: Some(event.stream()),
            stream_id: Some(event.aggregate_id()),
            tags: event.tags().collect(),
            metadata: Bytes::copy_from_slice(event.metadata()),
            occurred_at: Some(event.occurred_at()),
        }
    }
}

impl<'a> From<&'a LineParts> for SeenEvent<'a> {
    fn from(parts: &'a LineParts) -> Self {
        let NewEvent { event_type, data, tags, metadata, occurred_at, .. } = &parts.event;
        let stream = parts.names.as_deref();
        let is_name = |name: &&str| StreamName::system(name).is_ok();
        Self {
            event_type: event_type.as_str(),
            data: data.clone(),
            stream,
            stream_id: stream.filter(is_name).and_then(|name| name.split_once('-')).map(|(_, id)| id),
            tags: tags.iter().map(Tag::as_str).collect(),
            metadata: Bytes::copy_from_slice(metadata.as_bytes()),
            occurred_at: *occurred_at,
        }
    }
}
