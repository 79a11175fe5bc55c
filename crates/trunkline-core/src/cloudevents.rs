//! Events in the `CloudEvents` 1.0 JSON format.
//!
//! `subject` is the stream, `type` the event type, `time` when it happened, `id` with `source` the event id
//! (see [`EventId::from_cloudevent`](crate::EventId::from_cloudevent)).
//! `source` and every other attribute, extensions included, is kept in the metadata under its own name.

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::json::{Fields, LineError, LineEvent, reserved, wrong};
use crate::{EventId, EventType, Metadata, NewEvent, StreamName};

/// The version of the specification that is read.
const SPEC_VERSION: &str = "1.0";

/// The attributes that have a place of their own in an event, and so need none in the metadata.
const PLACED: &[&str] = &["specversion", "id", "type", "subject", "time", "data", "data_base64"];

pub(crate) fn from_fields(fields: &Fields<'_>) -> Result<LineEvent, LineError> {
    let spec: String = fields.required("specversion")?;
    if spec != SPEC_VERSION {
        let reason = format!("{spec:?} is not supported, only {SPEC_VERSION:?} is");
        return Err(wrong("specversion", &reason));
    }
    let id = filled(fields, "id")?;
    let source = filled(fields, "source")?;
    let event_type = filled(fields, "type")?;
    let subject = filled(fields, "subject")?;
    let event = NewEvent {
        occurred_at: fields.optional("time")?,
        metadata: metadata(fields)?,
        event_id: EventId::from_cloudevent(&source, &id),
        ..NewEvent::new(EventType::new(&event_type).map_err(|error| wrong("type", &error))?, fields.data()?)
    };
    let stream = StreamName::new(&subject).map_err(|error| wrong("subject", &error))?;
    Ok(LineEvent { stream, event, version: None, position: None })
}

/// An attribute that says something: of events whose id or source is empty, all but the first would be taken for repeats.
fn filled(fields: &Fields<'_>, field: &'static str) -> Result<String, LineError> {
    let text: String = fields.required(field)?;
    if text.is_empty() {
        return Err(wrong(field, &"it is empty; CloudEvents demand a text that is not"));
    }
    Ok(text)
}

/// The attributes without a place of their own. The content type of JSON says nothing and is left out.
fn metadata(fields: &Fields<'_>) -> Result<Metadata, LineError> {
    let kept = fields.iter().filter(|(name, value)| {
        !PLACED.contains(name)
            && value.get() != "null"
            && !(*name == "datacontenttype" && value.get() == r#""application/json""#)
    });
    if let Some((name, _)) = fields.iter().find(|(name, _)| name.starts_with('$')) {
        return Err(reserved(name));
    }
    let object: std::collections::BTreeMap<&str, &RawValue> = kept.collect();
    let json = serde_json::to_vec(&object).expect("texts always serialize");
    Metadata::parse(Bytes::from(json)).map_err(|error| wrong("metadata", &error))
}

#[cfg(test)]
mod tests {
    use crate::json::{LineError, from_line};

    #[test]
    fn attributes_without_a_place_are_kept_in_the_metadata() {
        let line = r#"{"specversion":"1.0","id":"7","source":"/shop","type":"T","subject":"a-1",
            "time":"2010-12-01T08:26:00Z","datacontenttype":"application/json","traceparent":"00-1","data":{"x":1}}"#;
        let read = from_line(line).unwrap();
        assert_eq!(read.event.metadata.as_bytes(), br#"{"source":"/shop","traceparent":"00-1"}"#);
        assert_eq!(read.event.data, &br#"{"x":1}"#[..]);
        assert_eq!(read.event.occurred_at.unwrap().to_string(), "2010-12-01T08:26:00.000000Z");
    }

    #[test]
    fn attributes_that_must_say_something_are_not_empty() {
        let line = r#"{"specversion":"1.0","id":"7","source":"/shop","type":"T","subject":"a-1","data":1}"#;
        assert!(from_line(line).is_ok());
        for field in ["id", "source", "type", "subject"] {
            let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
            fields.insert(field.to_owned(), "".into());
            let error = from_line(&serde_json::to_string(&fields).unwrap()).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{field:?}: it is empty")), "{error}");
        }
    }

    #[test]
    fn a_missing_subject_and_another_version_are_refused() {
        let error = from_line(r#"{"specversion":"1.0","id":"7","source":"/","type":"T"}"#).unwrap_err();
        assert!(matches!(error, LineError::Missing { field: "subject" }), "{error:?}");
        let error = from_line(r#"{"specversion":"0.3","id":"7"}"#).unwrap_err();
        assert!(error.to_string().contains("only \"1.0\" is"), "{error}");
    }
}
