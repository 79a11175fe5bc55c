//! What the file says of events: their present version, shape and tags.

use bytes::Bytes;
use trunkline_cel::{Expression, Value, Variables};
use trunkline_core::{NewEvent, StreamName, Tag, Timestamp};

use crate::Schema;
use trunkline_runtime::{EventRule, HandleError, Rejection};

/// What an event has to be by the file: its version, its shape, its tags.
#[derive(Debug)]
pub(crate) struct EventShapeRule {
    pub(crate) version: u32,
    pub(crate) schema: Option<Schema>,
    pub(crate) tags: Option<Expression>,
}

impl EventRule for EventShapeRule {
    fn complete(
        &self,
        stream: &StreamName,
        event: &mut NewEvent,
        occurred_at: Timestamp,
    ) -> Result<(), HandleError> {
        if event.schema_version != self.version && event.schema_version != 1 {
            return Err(HandleError::Failed(format!(
                "it makes {} in version {}, and the file declares version {}",
                event.event_type, event.schema_version, self.version
            )));
        }
        event.schema_version = self.version;
        if let Some(schema) = &self.schema {
            let refuse = |reason: String, field: &str| {
                let field =
                    if field.is_empty() { "event.data".to_owned() } else { format!("event.data.{field}") };
                Rejection::data(
                    format!("{} would not be of its shape: {reason}", event.event_type),
                    Some(field),
                )
            };
            let data = serde_json::from_slice(&event.data)
                .map_err(|error| refuse(format!("it is no JSON: {error}"), ""))?;
            schema.check(&data).map_err(|violation| refuse(violation.reason, &violation.field))?;
        }
        self.add_tags(stream, event, event.occurred_at.unwrap_or(occurred_at))
    }
}

impl EventShapeRule {
    fn add_tags(
        &self,
        stream: &StreamName,
        event: &mut NewEvent,
        occurred_at: Timestamp,
    ) -> Result<(), HandleError> {
        let Some(tags) = &self.tags else { return Ok(()) };
        let json = |bytes: Bytes| {
            let refused = |error: &dyn std::fmt::Display| Rejection::data(error.to_string(), None);
            Value::from_json(bytes).map_err(|error| refused(&error))
        };
        let seen = Value::object([
            ("type", Value::from(event.event_type.as_str())),
            ("data", Value::from_data(event.data.clone())),
            ("stream", Value::from(stream.as_str())),
            ("occurred_at", Value::from(occurred_at.to_string())),
            ("metadata", json(Bytes::copy_from_slice(event.metadata.as_bytes()))?),
        ]);
        let value = tags.evaluate(&Variables::new().with("event", seen)).map_err(|error| {
            Rejection::data(format!("the tags of {}: {error}", event.event_type), error.field)
        })?;
        let wrong = || HandleError::Failed(format!("`{}` gives no list of texts", tags.source()));
        for tag in value.items().ok_or_else(wrong)? {
            let tag = Tag::new(tag.as_str().ok_or_else(wrong)?)
                .map_err(|error| Rejection::data(error.to_string(), None))?;
            if !event.tags.contains(&tag) {
                event.tags.push(tag);
            }
        }
        Ok(())
    }
}
